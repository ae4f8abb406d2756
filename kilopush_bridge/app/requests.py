"""What other programs ask for over `kilopush/send/<sender>`.

Text, or JSON `{message, to, priority, url, silent, key, channel, id}`. The text is never a
template, and `to` takes names of the configuration only: a topic that anybody in the house can
write to must not become a way to reach anybody in the world.

Nor may it become a way to use up what is kept for alarms: how urgent and how often, a grant of the
configuration says (`senders:`), and without one what everybody may.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from kilopush_bridge.config import Grant, expand_names
from kilopush_bridge.core.protocol import is_link
from kilopush_bridge.core.text import well_formed
from kilopush_bridge.model import Kind, Message, Priority
from kilopush_bridge.times import HOUR_S

if TYPE_CHECKING:
    from kilopush_bridge.config import Config
    from kilopush_bridge.model import Received

SENDERS_MAX = 1_000  # without a grant, that are remembered; anybody can make up a name
REQUEST_MAX_BYTES = 16_384
TEXT_MAX_CHARS = 4_000  # cut to what a message holds when it leaves
KEY_MAX_CHARS = 200
ID_MAX_CHARS = 64
ID_CHARS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
FIELDS = ("message", "to", "priority", "url", "silent", "key", "channel", "id")


class RequestError(ValueError):
    """A request that is refused, with the reason for its log line."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, before anybody has looked whether it may be."""

    text: str
    to: tuple[str, ...] = ()
    priority: Priority | None = None
    url: str | None = None
    silent: bool = False
    key: str = ""
    channel: str | None = None
    id: str | None = None


def parse_request(payload: bytes) -> Request:
    """Return what a payload asks for.

    Raises:
        RequestError: it is malformed.
    """
    if len(payload) > REQUEST_MAX_BYTES:
        raise RequestError(f"it has {len(payload)} bytes; the most is {REQUEST_MAX_BYTES}")
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError as error:
        raise RequestError("it is not UTF-8") from error
    if not text.startswith("{"):
        return Request(_text(text))
    try:
        fields = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RequestError("it starts like JSON and is none") from error
    return _from_fields(fields)


def _from_fields(fields: dict[str, Any]) -> Request:
    unknown = sorted(set(fields) - set(FIELDS))
    if unknown:
        raise RequestError(f"`{unknown[0][:40]}` is no field; there are: {', '.join(FIELDS)}")
    names = fields.get("to", [])
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RequestError("`to` must be a name or a list of names")
    return Request(
        text=_text(fields.get("message")),
        to=tuple(names),
        priority=_priority(fields.get("priority")),
        url=_url(fields.get("url")),
        silent=_flag(fields.get("silent", False)),
        key=str(_string(fields, "key") or "")[:KEY_MAX_CHARS],
        channel=_string(fields, "channel"),
        id=_id(fields.get("id")),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise RequestError("`message` must be a text that is not empty")
    return well_formed(value.strip()[:TEXT_MAX_CHARS])


def _string(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise RequestError(f"`{name}` must be a text")
    return value


def _priority(value: Any) -> Priority | None:
    if value is None:
        return None
    try:
        return Priority.from_word(value)
    except (KeyError, AttributeError) as error:
        words = ", ".join(priority.word for priority in Priority)
        raise RequestError(f"`priority` must be one of {words}") from error


def _url(value: Any) -> str | None:
    if value in (None, ""):
        return None
    if not isinstance(value, str) or not is_link(value):
        raise RequestError("`url` must be an http:// or https:// address")
    return value


def _flag(value: Any) -> bool:
    if value in (True, False):
        return bool(value)
    if value in ("0", "1"):
        return bool(value == "1")
    raise RequestError("`silent` must be true or false")


def _id(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and 0 < len(value) <= ID_MAX_CHARS and set(value) <= ID_CHARS:
        return value
    raise RequestError(f"`id` must be 1 to {ID_MAX_CHARS} letters, digits, `_`, `.`, `-`")


class Senders:
    """Who may ask for what: as often and as urgently as a sender's grant says.

    Criticals are counted by themselves, so that a sender's ordinary requests never use up the room
    of its alarm. Who has a grant is heard, however many names others make up.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._times: dict[tuple[str, bool], deque[float]] = {}  # by sender, and whether critical

    def use(self, config: Config) -> None:
        """Go on with another configuration; what was asked for within the hour still counts."""
        self._config = config

    def message(self, sender: str, received: Received, now_s: float) -> Message:
        """Return the message that a request becomes; a priority that is too high is lowered.

        Raises:
            RequestError: it is malformed, retained, names nobody, or one too many.
        """
        if received.retain:
            raise RequestError(
                "it is retained: it would be sent again at every start; publish without retain"
            )
        request = parse_request(received.payload)
        if sender not in self._config.grants:
            self._make_room_for(sender, now_s)
        may = self._config.grants.get(sender, Grant())
        message = request_message(request, self._config, "send", sender, now_s, may.priority)
        self._count(message, may.per_hour, now_s)
        return message

    def _count(self, message: Message, per_hour: int, now_s: float) -> None:
        times = self._times.setdefault((message.name, message.is_critical), deque())
        # later ones were counted by a clock that has been set back since
        while times and not now_s - HOUR_S < times[0] <= now_s:
            times.popleft()
        if len(times) >= per_hour:
            kind = "critical ones " if message.is_critical else ""
            raise RequestError(f"more than {per_hour} {kind}in an hour")
        times.append(now_s)

    def _make_room_for(self, sender: str, now_s: float) -> None:
        """Forget who has been silent for an hour, if there are too many; without a grant only.

        Raises:
            RequestError: all of them have been heard within the hour.
        """
        if (sender, False) in self._times or len(self._times) < SENDERS_MAX:
            return
        self._times = {
            who: times for who, times in self._times.items() if now_s - HOUR_S < times[-1] <= now_s
        }
        if len(self._times) >= SENDERS_MAX:
            raise RequestError(f"more than {SENDERS_MAX} senders in an hour")


def request_message(
    request: Request, config: Config, origin: str, name: str, now_s: float, highest: Priority
) -> Message:
    """Return the message that a request becomes under a configuration.

    A request without a `key` gets its own text for one. Of criticals with the same key only the
    first few are sent as such (a flapping sensor must not use up what is kept for alarms), and with
    one key for all of them, smoke would count as the repetition of a leak.

    Raises:
        RequestError: it names a person or channel that does not exist, or nobody.
    """
    unknown = [one for one in request.to if one not in config.groups]
    if unknown:
        raise RequestError(f"there is no person or group `{unknown[0][:40]}`")
    if request.channel is not None and request.channel not in config.channels:
        raise RequestError(f"there is no channel `{request.channel[:40]}`")
    to = expand_names(request.to, config.groups) or config.default_to
    if not to:
        raise RequestError("it names nobody, and there is no `defaults: {to: ...}`")
    priority = max(highest, request.priority if request.priority is not None else Priority.NORMAL)
    return Message(
        kind=Kind.REQUEST,
        origin=origin,
        name=name,
        key=request.key or request.text[:KEY_MAX_CHARS],
        text=request.text,
        to=to,
        channel=request.channel or config.default_channel,
        priority=priority,
        at_s=now_s,
        since_s=now_s,
        url=request.url,
        silent=request.silent or priority is Priority.LOW,
        request_id=request.id,
    )
