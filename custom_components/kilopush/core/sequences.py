# Generated from kilopush_bridge/core/sequences.py by tools/copy_core.py: do not edit.
"""Where text may be cut: between what people see as characters, never inside one.

A useful part of the grapheme clusters of Unicode Standard Annex 29: accents, the signs of living
scripts, and every kind of emoji sequence. Where this module differs from the annex it joins more:
a cut then comes one character early, which nobody notices.
"""

_ZERO_WIDTH_JOINER = "\u200d"

# Where ranges of characters begin and end, in turns: the end is the first one that is outside. As
# text, because on a board a tuple of numbers takes three times the room.
# Source: Unicode Character Database 15, general categories Mn, Mc and Me of scripts in daily use.
# A few punctuation marks lie inside the ranges; leaving them in keeps the table short.
_ATTACHED_EDGES = (
    "\u0300\u0370"  # accents
    "\u0483\u048a"  # Cyrillic
    "\u0591\u05c8"  # Hebrew points
    "\u0610\u061b"  # Arabic
    "\u064b\u0660"
    "\u0670\u0671"
    "\u06d6\u06ee"
    "\u0711\u0712"  # Syriac
    "\u0730\u074b"
    "\u07a6\u07b1"  # Thaana
    "\u07eb\u07f4"  # N'Ko
    "\u0898\u08a0"  # Arabic, extended
    "\u08ca\u0900"
    "\u09fe\u09ff"  # Bengali; most of the Indic signs are in _is_indic_sign
    "\u0a70\u0a76"  # Gurmukhi
    "\u0afa\u0b00"  # Gujarati
    "\u0c04\u0c05"  # Telugu
    "\u0cf3\u0cf4"  # Kannada
    "\u0d81\u0d84"  # Sinhala
    "\u0dca\u0de0"
    "\u0df2\u0df4"
    "\u0e31\u0e32"  # Thai
    "\u0e33\u0e3b"
    "\u0e47\u0e4f"
    "\u0eb1\u0eb2"  # Lao
    "\u0eb3\u0ebd"
    "\u0ec8\u0ecf"
    "\u0f71\u0f88"  # Tibetan
    "\u0f8d\u0fbd"
    "\u102b\u103f"  # Myanmar
    "\u1056\u105a"
    "\u1160\u1200"  # Hangul vowels and finals, when a syllable is spelled in parts
    "\u135d\u1360"  # Ethiopic
    "\u17b4\u17d4"  # Khmer
    "\u180b\u1810"  # Mongolian
    "\u1ab0\u1b00"  # accents, extended
    "\u1dc0\u1e00"  # accents, supplement
    "\u200c\u200e"  # zero-width non-joiner and joiner
    "\u20d0\u2100"  # marks for symbols, the keycap among them
    "\u302a\u3030"  # ideographic tones
    "\u3099\u309b"  # kana voicing
    "\ua8e0\ua8f2"  # Devanagari, extended
    "\udc00\ue000"  # second half of a surrogate pair
    "\ufb1e\ufb1f"  # Hebrew
    "\ufe00\ufe10"  # variation selectors
    "\ufe20\ufe30"  # half marks
    "\uff9e\uffa0"  # half-width kana voicing
    "\U0001f3fb\U0001f400"  # skin tones
    "\U000e0020\U000e0080"  # tags: the flags of Scotland, Wales, England
    "\U000e0100\U000e01f0"  # variation selectors, supplement
)

# The same for the offset of an Indic character in its block.
_INDIC_SIGN_EDGES = "\x00\x04\x3a\x3d\x3e\x50\x51\x58\x62\x64"


def is_boundary(text: str, index: int) -> bool:
    """Return whether ``text`` may be cut before the character at ``index``.

    The two ends of the text are boundaries.
    """
    if index <= 0 or index >= len(text):
        return True
    before = text[index - 1]
    after = text[index]
    return not (
        _is_attached(after)
        or before == _ZERO_WIDTH_JOINER
        or before + after == "\r\n"
        or _is_conjunct(before, after)
        or (_is_regional(after) and _count_regional(text, index) % 2 == 1)
    )


def _is_within(char: str, edges: str) -> bool:
    """Return whether an odd number of the sorted edges is at or before the character."""
    low, high = 0, len(edges)
    while low < high:
        middle = (low + high) // 2
        if edges[middle] <= char:
            low = middle + 1
        else:
            high = middle
    return low % 2 == 1


def _is_attached(char: str) -> bool:
    """Return whether the character belongs to the one before it, whatever that is."""
    if char < _ATTACHED_EDGES[0]:
        return False
    is_indic_sign = _is_indic(char) and _is_within(chr(ord(char) & 0x7F), _INDIC_SIGN_EDGES)
    return is_indic_sign or _is_within(char, _ATTACHED_EDGES)


def _is_indic(char: str) -> bool:
    # Devanagari to Malayalam: nine blocks of 128 characters, all laid out like ISCII, so that one
    # offset means the same sign in each of them.
    return "\u0900" <= char < "\u0d80"


def _is_conjunct(before: str, after: str) -> bool:
    """Return whether a virama binds the letter that follows it, of the same script."""
    code = ord(before)
    is_virama = (_is_indic(before) and code & 0x7F == 0x4D) or before in "\u1039\u17d2"
    return is_virama and code >> 7 == ord(after) >> 7


def _is_regional(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _count_regional(text: str, end: int) -> int:
    """Return how many regional indicators end at ``end``: two of them make one flag."""
    start = end
    while start > 0 and _is_regional(text[start - 1]):
        start -= 1
    return end - start
