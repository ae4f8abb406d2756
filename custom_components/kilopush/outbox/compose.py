"""The words of a message: checked and cut when it is taken, marked when it leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..core.protocol import MESSAGE_MAX_UNITS, is_link
from ..core.text import cut, is_space, units, well_formed
from ..shared.times import MINUTE_S, duration_text
from .digest import digest_text, only_part
from .model import TooLong

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from .digest import Digest
    from .model import Delivery, Request

_AGE_SHOWN_AFTER_S = MINUTE_S  # a younger message is news
_MARKS_MAX_UNITS = 60  # "(23 h 59 min ago) (may be a repeat)" and the number of a part
_PARTS_MAX = 10
_URL_MAX_UNITS = MESSAGE_MAX_UNITS - 200  # a link may not push the text out of a message


class RequestError(ValueError):
    """Nobody could send this. ``key`` is that of a translation, with its ``placeholders``."""

    def __init__(self, key: str, **placeholders: str) -> None:
        super().__init__(key)
        self.key = key
        self.placeholders = placeholders


@dataclass(frozen=True, slots=True)
class Words:
    """What one POST says."""

    text: str
    url: str | None
    silent: bool


def texts_of(request: Request) -> list[str]:
    """Return the text of each message that a request becomes: more than one if it is split.

    Raises:
        RequestError: it is empty, or too long and must not be cut, or its link is none.
    """
    message, title = request.message, request.title
    text = f"{title}\n\n{message}" if title and message else title or message
    if all(is_space(char) for char in text):
        raise RequestError("message_empty")
    if not _is_good_link(request.url):
        raise RequestError("url_invalid")
    room = MESSAGE_MAX_UNITS - units(request.url or "")
    if units(text) <= room or request.too_long is TooLong.CUT:
        return [cut(text, room)]
    if request.too_long is TooLong.SPLIT:
        return _split(title, message, room - _MARKS_MAX_UNITS)
    raise RequestError("message_too_long", length=str(units(text)), limit=str(room))


def cleaned(request: Request) -> Request:
    """Return a request whose texts can be stored and sent, whatever a template has made."""
    return replace(
        request,
        message=well_formed(request.message.strip()),
        title=well_formed(request.title.strip()),
        url=None if request.url is None else well_formed(request.url),
        key=well_formed(request.key),
    )


def mended(request: Request) -> Request:
    """Return a request without what could keep it back: no mistake beside it stops an alarm."""
    return replace(
        request,
        url=request.url if _is_good_link(request.url) else None,
        too_long=TooLong.CUT if request.too_long is TooLong.ERROR else request.too_long,
    )


def _is_good_link(url: str | None) -> bool:
    return url is None or (is_link(url) and units(url) <= _URL_MAX_UNITS)


def _split(title: str, message: str, room: int) -> list[str]:
    """Return parts that are told apart by "(1/3)"; what is left of a very long text is cut."""
    head = f"{cut(title, room // 4)}\n\n" if title and message else ""
    message = message or title
    parts: list[str] = []
    while message:
        is_last = len(parts) == _PARTS_MAX - 1
        piece = _piece(message, room - units(head), is_last=is_last)
        parts.append(head + piece)
        message = "" if is_last else message[len(piece) :].lstrip()
    return [f"{text} ({number}/{len(parts)})" for number, text in enumerate(parts, 1)]


def _piece(text: str, room: int, *, is_last: bool) -> str:
    """Return the beginning of a text: up to a word's end, and at least half as long as may be."""
    piece = cut(text, room)
    if piece == text or is_last:
        return piece
    piece = piece[:-1]  # without the ellipsis: the text goes on from here
    return piece if units(piece) >= room // 2 else text[: room // 2]


def words_of(deliveries: Sequence[Delivery], now_s: float) -> tuple[Words, int]:
    """Return what one POST for as many deliveries as fit says, and how many these are."""
    if len(deliveries) == 1:
        return _single(deliveries[0], now_s), 1
    lines: list[str] = []
    for delivery in deliveries:
        line = _line(delivery, now_s)
        if lines and units("\n".join([*lines, line])) > MESSAGE_MAX_UNITS:
            break
        lines.append(line)
    if len(lines) == 1:
        return _single(deliveries[0], now_s), 1
    silent = all(one.silent for one in deliveries[: len(lines)])
    return Words("\n".join(lines), None, silent), len(lines)


def words_of_digest(digest: Digest, now_s: float, zone: tzinfo | None) -> Words:
    """Return what a digest says; the one message that it may hold comes as it is."""
    only = only_part(digest)
    if only is None:
        return Words(digest_text(digest, now_s, zone), None, digest.is_silent)
    _, part = only
    repeat = " (may be a repeat)" if digest.is_repeat else ""
    mark = _age(now_s - part.first_s) + repeat
    room = MESSAGE_MAX_UNITS - units(part.url or "") - units(mark)
    return Words(cut(part.text, room) + mark, part.url, digest.is_silent)


def _single(delivery: Delivery, now_s: float) -> Words:
    marks = _marks(delivery, now_s)
    room = MESSAGE_MAX_UNITS - units(delivery.url or "") - units(marks)
    return Words(cut(delivery.text, room) + marks, delivery.url, delivery.silent)


def _line(delivery: Delivery, now_s: float) -> str:
    end = (f" {delivery.url}" if delivery.url else "") + _marks(delivery, now_s)
    return cut(" ".join(delivery.text.split()), MESSAGE_MAX_UNITS - units(end)) + end


def _marks(delivery: Delivery, now_s: float) -> str:
    may_be_known = delivery.is_repeat or delivery.is_unanswered
    repeat = " (may be a repeat)" if may_be_known else ""
    return _age(now_s - delivery.created_at_s) + repeat


def _age(age_s: float) -> str:
    return f" ({duration_text(age_s)} ago)" if age_s >= _AGE_SHOWN_AFTER_S else ""
