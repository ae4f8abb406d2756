"""From what was typed to an answer, or to what is wrong with it. No text repeats a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from kilopush_bridge.config.broker import build_broker
from kilopush_bridge.config.problems import NAME_MAX_CHARS, Problems, did_you_mean
from kilopush_bridge.config.schema import MqttSection
from kilopush_bridge.config.source import Source
from kilopush_bridge.core.budget import DIGESTS
from kilopush_bridge.core.protocol import is_channel_token, is_secret, is_user_token
from kilopush_bridge.setup.answers import EVERYONE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kilopush_bridge.config import Broker

SECRET_CHARS = 64
TOKEN_CHARS = 42
EMBEDDED_URL = "embedded://127.0.0.1:1883"
TLS_PORT = ":8883"
# Each digest costs one message per person, and no more are kept for digests.
PEOPLE_MAX = DIGESTS


class AnswerError(ValueError):
    """An answer that cannot be right, with the reason as its text."""


class Login(NamedTuple):
    """An address without the user name and password that were part of it."""

    url: str
    username: str | None = None
    password: str | None = None


def split_login(text: str) -> Login:
    """Return the full address that `text` means: `mosquitto`, `10.0.0.2:8883`, `embedded`, a URL.

    A user name and password inside are taken out of it.
    """
    text = text.strip()
    if text == "embedded":
        return Login(EMBEDDED_URL)
    if "://" not in text:
        text = ("mqtts://" if text.endswith(TLS_PORT) else "mqtt://") + text
    scheme, _, rest = text.partition("://")
    login, separator, place = rest.rpartition("@")
    if not separator:
        return Login(text)
    # not by urlsplit: passwords may hold `/`, `#` or `[` as they are
    username, _, password = login.partition(":")
    return Login(f"{scheme}://{place}", unquote(username) or None, unquote(password) or None)


def broker_at(
    url: str,
    username: str | None = None,
    password: str | None = None,
    ca_file: str | None = None,
) -> Broker:
    """Return how to reach a broker.

    Raises:
        AnswerError: the configuration could not say that.
    """
    problems = Problems(Source(""))
    section = MqttSection(url=url, username=username, password=password, ca_file=ca_file)
    broker = build_broker(section, problems)
    if problems.found:
        first = problems.found[0]
        what = first.what.replace("`url`", "the address")
        raise AnswerError(f"{what}; {first.hint}" if first.hint else what)
    return broker


def channel_token(text: str) -> str:
    """Return a channel token.

    Raises:
        AnswerError: it is none.
    """
    text = _pasted(text)
    if is_channel_token(text):
        return text
    if is_user_token(text):
        raise AnswerError("this is a user token; the channel's token begins with c_")
    raise AnswerError(
        f"this is no channel token, which is c_ and 40 letters and digits{_length(text)}"
    )


def secret_key(text: str) -> str:
    """Return a channel secret key.

    Raises:
        AnswerError: it is none.
    """
    text = _pasted(text)
    if is_secret(text):
        return text
    if is_channel_token(text) or is_user_token(text):
        raise AnswerError("this is a token; the secret key is the longer one")
    what = f"this is no channel secret key, which is {SECRET_CHARS} letters and digits"
    raise AnswerError(what + _length(text))


def user_token(text: str, people: Mapping[str, str]) -> str:
    """Return the user token of somebody who is not among `people` yet.

    Raises:
        AnswerError: it is none, or somebody else's.
    """
    text = _pasted(text)
    owner = next((name for name, token in people.items() if token == text), None)
    if owner is not None:
        raise AnswerError(f"this is the token of {owner} already")
    if is_user_token(text):
        return text
    if is_channel_token(text):
        raise AnswerError("this is a channel token; a person's token begins with u_")
    raise AnswerError(
        f"this is no user token, which is u_ and 40 letters and digits{_length(text)}"
    )


def person_name(text: str, people: Collection[str]) -> str:
    """Return the name of somebody who is not among `people` yet.

    Raises:
        AnswerError: it is no name, or taken.
    """
    name = text.strip()
    if is_user_token(name) or is_channel_token(name) or is_secret(name):
        raise AnswerError("this is a token: first comes a name of your choice, then the token")
    if not name or not name.isprintable() or "," in name or len(name) > NAME_MAX_CHARS:
        what = f"a name has 1 to {NAME_MAX_CHARS} printable characters and no comma"
        raise AnswerError(what)
    if name == EVERYONE:
        raise AnswerError(f"`{EVERYONE}` is the group of all people")
    if name in people:
        raise AnswerError(f"there is a `{name}` already")
    if len(people) == PEOPLE_MAX:
        what = f"{PEOPLE_MAX} people are enough to begin with"
        raise AnswerError(f"{what}; for more, the file needs a higher `digests` under `budget`")
    return name


def default_to(text: str, people: Collection[str]) -> tuple[str, ...]:
    """Return names of `people`, or that of the group of all of them.

    Raises:
        AnswerError: somebody else is named, or nobody.
    """
    known = [*people, EVERYONE] if len(people) > 1 else [*people]
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise AnswerError(f"name one or more of: {', '.join(known)}")
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are: {', '.join(known)}"
            raise AnswerError(f"there is no `{name}`; {hint}")
    return names


def _pasted(text: str) -> str:
    """Return what was meant: blanks and quotes around it come with copying."""
    return text.strip().strip("'\"`").strip()


def _length(text: str) -> str:
    """Return how long a hidden answer is: who types it blindly has no other way to see it."""
    return f" (this has {len(text)} characters)" if text else ""
