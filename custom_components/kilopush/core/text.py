# Generated from kilopush_bridge/core/text.py by tools/copy_core.py: do not edit.
"""Text as the phone will show it: its length, a clean cut, and lines that are safe to log.

Lengths are UTF-16 units: "é" is 1, "🔥" is 2. Nothing here asks ``str`` about characters beyond
ASCII, because MicroPython answers differently.
"""

from .sequences import is_boundary

ELLIPSIS = "…"

_BREAKS = (
    "\t\n\x0b\x0c\r \x85\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a"
    "\u2028\u2029\u205f\u3000"
)
_SPACES = _BREAKS + "\xa0\u2007\u202f"
_WEAK_ENDS = _SPACES + ",;:.-\u2013\u2014" + ELLIPSIS  # look like a mistake before "…"

_BIDI_CONTROLS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_LETTERS_AND_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

# Tokens have 40 letters and digits in a row, secrets 64. A shorter limit also catches a cut-off
# one; the longest runs in real error texts ("SSLCertVerificationError") stay below it.
_SECRET_RUN_CHARS = 32
_HIDDEN = "[hidden]"

_LINE_SCAN_CHARS = 2000  # bounds the work; nobody shows a line as long as this


def units(text: str) -> int:
    """Return the length of ``text`` in UTF-16 units."""
    return len(text) + sum(1 for char in text if char > "\uffff")


def cut(text: str, max_units: int) -> str:
    """Return ``text`` itself if it fits, else its beginning with "…", at most ``max_units`` long.

    The cut falls between words if one ends in the last third, else between two characters, and
    never inside a sequence that people see as one (accents, flags, families, skin tones). The work
    depends on ``max_units``, not on the length of the text.
    """
    if _fitting_chars(text, max_units) == len(text):
        return text
    if max_units < 1:
        return ""
    end = _fitting_chars(text, max_units - 1)
    head = text[: end + 1]  # one character more: it tells what the cut would separate
    return head[: _clean_end(head, _word_end(head, end))] + ELLIPSIS


def well_formed(text: str) -> str:
    r"""Return ``text`` without surrogates: pairs are joined, a lone half becomes U+FFFD.

    Python keeps a lone half when JSON spells one (``"\ud83d"``), and then cannot encode the text;
    MicroPython keeps even pairs apart.
    """
    if not any("\ud800" <= char <= "\udfff" for char in text):
        return text
    chars: list[str] = []
    high = 0
    for char in text:
        code = ord(char)
        if high and 0xDC00 <= code <= 0xDFFF:
            chars[-1] = chr(0x10000 + ((high - 0xD800) << 10) + code - 0xDC00)
        else:
            chars.append("\ufffd" if 0xD800 <= code <= 0xDFFF else char)
        high = code if 0xD800 <= code <= 0xDBFF else 0
    return "".join(chars)


def safe_line(text: str, max_units: int) -> str:
    """Return ``text`` as one line that may be logged: no controls, nothing like a token or secret.

    For words of others: replies, errors of libraries. Long runs of letters and digits are hidden,
    blanks are folded, and the line is cut to ``max_units``.
    """
    line = well_formed(text[:_LINE_SCAN_CHARS])
    line = "".join(" " if is_space(char) or is_control(char) else char for char in line)
    return cut(_hide_secrets(" ".join(line.split())), max_units)


def is_space(char: str) -> bool:
    """Return whether one character is white space of any script, no-break spaces included."""
    return char in _SPACES


def is_control(char: str) -> bool:
    """Return whether one character can upset a terminal: C0, DEL, C1, and changes of direction."""
    return char < " " or "\x7f" <= char <= "\x9f" or char in _BIDI_CONTROLS


def is_letters_and_digits(text: str) -> bool:
    """Return whether ``text`` holds nothing but ASCII letters and digits."""
    return not text.strip(_LETTERS_AND_DIGITS)


def _fitting_chars(text: str, max_units: int) -> int:
    """Return how many characters from the start take at most ``max_units``."""
    if 2 * len(text) <= max_units:  # no character takes more than two
        return len(text)
    used = 0
    for index, char in enumerate(text):
        used += 2 if char > "\uffff" else 1
        if used > max_units:
            return index
    return len(text)


def _word_end(head: str, end: int) -> int:
    """Return the last place up to ``end`` where a word stops, or ``end`` if that is far back."""
    for index in range(end, end - end // 3 - 1, -1):
        if head[index] in _BREAKS:
            return index
    return end


def _clean_end(head: str, end: int) -> int:
    """Return the nearest place up to ``end`` that splits no sequence and follows no weak end."""
    while end > 0 and (head[end - 1] in _WEAK_ENDS or not is_boundary(head, end)):
        end -= 1
    return end


def _hide_secrets(line: str) -> str:
    parts: list[str] = []
    start = 0
    for index, char in enumerate(line + " "):
        if char in _LETTERS_AND_DIGITS:
            continue
        run = line[start:index]
        parts.append(_HIDDEN if len(run) >= _SECRET_RUN_CHARS else run)
        parts.append(line[index : index + 1])
        start = index + 1
    return "".join(parts)
