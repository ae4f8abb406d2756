# Generated from kilopush_bridge/core/protocol.py by tools/copy_core.py: do not edit.
"""The send API of KILO.Push without I/O: what may be sent, its bytes, and what a reply means.

Sources of the figures: the public API document of KILO.Push, "Send API". What that document leaves
open (the day's boundary, whether refused messages count, how 1000 characters are counted) is read
in the strictest way.
"""

import json

from .text import is_control, is_letters_and_digits, is_space, safe_line, units, well_formed

# Source: KILO.Push API document, "Request".
API_URL = "https://push.kilo.chat/v1/messages/send"

# Source: KILO.Push API document, "Limits": "Notification text and links: no more than 1000
# characters". Strictest reading: text and url together, in UTF-16 units.
MESSAGE_MAX_UNITS = 1000

# Source: KILO.Push API document, "Terms": "u_" or "c_" and 40 letters and digits; a secret has 64.
TOKEN_CHARS = 42
SECRET_CHARS = 64

# What one attempt came to.
SENT = "sent"
QUOTA = "quota"  # the channel's messages of the day are used up
OPTED_OUT = "opted_out"  # this person blacklisted the channel
BLOCKED = "blocked"  # the user or the channel is blocked
FORBIDDEN = "forbidden"  # token, secret, rights or the address are wrong: the whole channel
REJECTED = "rejected"  # this message is refused
UNCLEAR = "unclear"  # it may or may not have been sent
UNSENT = "unsent"  # never fully written, so certainly not sent

# Source of 40xx: KILO.Push API document, "Replies". The API itself says 200, 400 or 500; every
# other HTTP status comes from something in front of it. A gateway's 408 does not tell whether the
# API had read the request already. A wrong address, a proxy or a firewall (401 to 407, 410, 451)
# refuses everything: nothing is wrong with the one message, so none may be given up for it.
DAY_IS_USED_UP = 4029
_OUTCOMES = {
    4003: FORBIDDEN,
    4023: BLOCKED,
    4024: OPTED_OUT,
    DAY_IS_USED_UP: QUOTA,
    429: QUOTA,
    408: UNCLEAR,
    401: FORBIDDEN,
    403: FORBIDDEN,
    404: FORBIDDEN,
    405: FORBIDDEN,
    407: FORBIDDEN,
    410: FORBIDDEN,
    451: FORBIDDEN,
}

_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"

_DETAIL_MAX_UNITS = 200
_REPLY_MAX_BYTES = 16384  # the API answers in about 100 bytes; what is longer is not its answer
_UTF8_MARK = b"\xef\xbb\xbf"


class ProtocolError(ValueError):
    """This message can never be accepted. The text says why and holds nothing of its values."""


class Verdict:
    """What one attempt means.

    ``outcome`` is one of the constants of this module. ``status`` is the API's own status, else
    that of HTTP, None without a reply. ``detail`` is a line for people, at most 200 units, safe to
    log and never empty. ``at_s`` is the Unix time that the reply names in its ``Date`` header, None
    without one; it does not make two verdicts different.
    """

    def __init__(
        self, outcome: str, status: int | None, detail: str, at_s: int | None = None
    ) -> None:
        self.outcome = outcome
        self.status = status
        self.detail = safe_line(detail, _DETAIL_MAX_UNITS) or "no details"
        self.at_s = at_s

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Verdict) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Verdict({self.outcome!r}, {self.status!r}, {self.detail!r})"

    def _key(self) -> tuple[str, int | None, str]:
        return (self.outcome, self.status, self.detail)


def is_user_token(text: str) -> bool:
    """Return whether ``text`` has the shape of a recipient: "u_" and 40 letters and digits."""
    return _is_token(text, "u_")


def is_channel_token(text: str) -> bool:
    """Return whether ``text`` has the shape of a sender: "c_" and 40 letters and digits."""
    return _is_token(text, "c_")


def is_secret(text: str) -> bool:
    """Return whether ``text`` has the shape of a channel's secret key: 64 letters and digits."""
    return len(text) == SECRET_CHARS and is_letters_and_digits(text)


def is_link(url: str) -> bool:
    """Return whether ``url`` is a link that the API takes.

    It starts with http:// or https:// in lower case, has a host, and holds no blank or control.
    """
    scheme, mark, rest = url.partition("://")
    if not mark or scheme not in ("http", "https"):
        return False
    if any(is_space(char) or is_control(char) for char in rest):
        return False
    authority = rest.partition("/")[0].partition("?")[0].partition("#")[0]
    host = authority.split("@")[-1]
    return host != "" and host[0] != ":"


def encode(
    to: str, token: str, secret: str, message: str, url: str | None = None, silent: bool = False
) -> bytes:
    """Return the JSON body of one request: ``message`` for one person.

    Surrogates in ``message`` and ``url`` are repaired first, see ``text.well_formed``.

    Raises:
        ProtocolError: the API can never accept this.
    """
    message = well_formed(message)
    link = None if url is None else well_formed(url)
    problem = _address_problem(to, token, secret) or _message_problem(message, link)
    if problem:
        raise ProtocolError(problem)
    body = {"to": to, "token": token, "secret": secret, "message": message}
    body["silent"] = "1" if silent else "0"  # every value of the API is a string
    if link is not None:
        body["url"] = link
    return json.dumps(body).encode()


def classify(http_status: int, body: bytes, date: str = "") -> Verdict:
    """Return what a reply means. Never raises, whatever the body and its ``Date`` header hold.

    A well-formed status of the API wins over that of HTTP, with one exception: a message counts
    as sent only if both say so. A contradiction is UNCLEAR.
    """
    api_status, detail = _read_reply(body)
    status = http_status if api_status is None else api_status
    if api_status == 200 and 200 <= http_status < 300:
        return Verdict(SENT, status, "sent", parse_date(date))  # nobody needs its words
    return Verdict(_outcome(status), status, detail, parse_date(date))


def parse_date(date: str) -> int | None:
    """Return the Unix time of a ``Date`` header ("Sun, 06 Nov 1994 08:49:37 GMT"), else None.

    Source: RFC 9110, section 5.6.7: this is the only form that may be sent.
    """
    parts = date.replace(":", " ").split()
    if len(parts) != 8 or len(parts[2]) != 3 or parts[7] != "GMT":
        return None
    month, rest = divmod(_MONTHS.find(parts[2]), 3)
    if rest:  # a place between two months, or -1: not found
        return None
    digits = parts[1:2] + parts[3:7]
    if not all(0 < len(text) <= 4 and _are_digits(text) for text in digits):
        return None
    day, year, hours, minutes, seconds = [int(text) for text in digits]
    return _days(year, month + 1, day) * 86400 + hours * 3600 + minutes * 60 + seconds


def unsent(detail: str) -> Verdict:
    """Return the verdict on a request that was never fully written (DNS, refused, TLS)."""
    return Verdict(UNSENT, None, detail)


def lost(detail: str) -> Verdict:
    """Return the verdict on a fully written request without a reply: it may have been sent."""
    return Verdict(UNCLEAR, None, detail)


def is_spent(outcome: str) -> bool:
    """Return whether an attempt with this outcome counts against the quota.

    Refused messages count too, except those refused for the quota itself. The API document does
    not say; counting one too few can cost an alarm its place, one too many only delays an ordinary
    message.
    """
    return outcome not in (QUOTA, UNSENT)


def _is_token(text: str, prefix: str) -> bool:
    return (
        len(text) == TOKEN_CHARS
        and text.startswith(prefix)
        and is_letters_and_digits(text[len(prefix) :])
    )


def _address_problem(to: str, token: str, secret: str) -> str | None:
    if not is_user_token(to):
        return 'the recipient is not a user token ("u_" and 40 letters and digits)'
    if not is_channel_token(token):
        return 'the sender is not a channel token ("c_" and 40 letters and digits)'
    if not is_secret(secret):
        return "the secret is not 64 letters and digits"
    return None


def _message_problem(message: str, url: str | None) -> str | None:
    if all(is_space(char) for char in message):
        return "the message is empty"
    if url is not None and not is_link(url):
        return "the url is not a link (http:// or https://, a host, no blanks)"
    length = units(message) + units(url or "")
    if length > MESSAGE_MAX_UNITS:
        return f"text and url have {length} characters, the limit is {MESSAGE_MAX_UNITS}"
    return None


def _outcome(status: int) -> str:
    is_refusal = 400 <= status < 500 or 4000 <= status < 5000
    return _OUTCOMES.get(status, REJECTED if is_refusal else UNCLEAR)


def _read_reply(body: bytes) -> tuple[int | None, str]:
    """Return the API's status, None if it is not well-formed, and the reply's words."""
    text = _decode(body)
    response = _parse_response(text)
    message = response.get("message")
    words = message if isinstance(message, str) and message else text
    return _parse_status(response.get("status")), words


def _decode(body: bytes) -> str:
    start = bytes(body[:_REPLY_MAX_BYTES])
    if start.startswith(_UTF8_MARK):
        start = start[len(_UTF8_MARK) :]
    try:
        return start.decode()
    except ValueError:
        return "".join(chr(byte) if byte < 0x80 else "?" for byte in start)


def _parse_response(text: str) -> dict[str, object]:
    try:
        reply = json.loads(text)
    except (ValueError, RuntimeError):  # RuntimeError: brackets nested too deep
        return {}
    response = reply.get("response") if isinstance(reply, dict) else None
    return response if isinstance(response, dict) else {}


def _are_digits(text: str) -> bool:
    return not text.strip("0123456789")


def _days(year: int, month: int, day: int) -> int:
    """Return the days from 1970-01-01 to a date of the Gregorian calendar.

    The year is taken to begin in March, so that the leap day is its last one.
    """
    if month <= 2:
        year, month = year - 1, month + 12
    leap_days = year // 4 - year // 100 + year // 400
    return 365 * year + leap_days + (153 * (month - 3) + 2) // 5 + day - 719469


def _parse_status(value: object) -> int | None:
    if isinstance(value, str) and 0 < len(value) <= 4 and _are_digits(value):
        value = int(value)
    # ``type``, because True is an int to isinstance.
    return value if type(value) is int and 100 <= value <= 9999 else None
