"""Where text may be cut: between what people see as characters, never inside one.

A useful part of the grapheme clusters of Unicode Standard Annex 29: accents, the signs of living
scripts, and every kind of emoji sequence. Where this module differs from the annex it joins more:
a cut then comes one character early, which nobody notices.
"""

_CR = 0x0D
_LF = 0x0A
_ZERO_WIDTH_JOINER = 0x200D

# Source: Unicode Character Database 15, general categories Mn, Mc and Me of scripts in daily use.
# A few punctuation marks lie inside the ranges; leaving them in keeps the table short.
_ATTACHED_RANGES = (
    (0x0300, 0x036F),  # accents
    (0x0483, 0x0489),  # Cyrillic
    (0x0591, 0x05C7),  # Hebrew points
    (0x0610, 0x061A),  # Arabic
    (0x064B, 0x065F),
    (0x0670, 0x0670),
    (0x06D6, 0x06ED),
    (0x0711, 0x0711),  # Syriac
    (0x0730, 0x074A),
    (0x07A6, 0x07B0),  # Thaana
    (0x07EB, 0x07F3),  # N'Ko
    (0x0898, 0x089F),  # Arabic, extended
    (0x08CA, 0x08FF),
    (0x09FE, 0x09FE),  # Bengali; most of the Indic signs are in _is_indic_sign
    (0x0A70, 0x0A75),  # Gurmukhi
    (0x0AFA, 0x0AFF),  # Gujarati
    (0x0C04, 0x0C04),  # Telugu
    (0x0CF3, 0x0CF3),  # Kannada
    (0x0D81, 0x0D83),  # Sinhala
    (0x0DCA, 0x0DDF),
    (0x0DF2, 0x0DF3),
    (0x0E31, 0x0E31),  # Thai
    (0x0E33, 0x0E3A),
    (0x0E47, 0x0E4E),
    (0x0EB1, 0x0EB1),  # Lao
    (0x0EB3, 0x0EBC),
    (0x0EC8, 0x0ECE),
    (0x0F71, 0x0F87),  # Tibetan
    (0x0F8D, 0x0FBC),
    (0x102B, 0x103E),  # Myanmar
    (0x1056, 0x1059),
    (0x1160, 0x11FF),  # Hangul vowels and finals, when a syllable is spelled in parts
    (0x135D, 0x135F),  # Ethiopic
    (0x17B4, 0x17D3),  # Khmer
    (0x180B, 0x180F),  # Mongolian
    (0x1AB0, 0x1AFF),  # accents, extended
    (0x1DC0, 0x1DFF),  # accents, supplement
    (0x200C, 0x200D),  # zero-width non-joiner and joiner
    (0x20D0, 0x20FF),  # marks for symbols, the keycap among them
    (0x302A, 0x302F),  # ideographic tones
    (0x3099, 0x309A),  # kana voicing
    (0xA8E0, 0xA8F1),  # Devanagari, extended
    (0xDC00, 0xDFFF),  # second half of a surrogate pair
    (0xFB1E, 0xFB1E),  # Hebrew
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFE20, 0xFE2F),  # half marks
    (0xFF9E, 0xFF9F),  # half-width kana voicing
    (0x1F3FB, 0x1F3FF),  # skin tones
    (0xE0020, 0xE007F),  # tags: the flags of Scotland, Wales, England
    (0xE0100, 0xE01EF),  # variation selectors, supplement
)


def is_boundary(text: str, index: int) -> bool:
    """Return whether ``text`` may be cut before the character at ``index``.

    The two ends of the text are boundaries.
    """
    if index <= 0 or index >= len(text):
        return True
    before = ord(text[index - 1])
    after = ord(text[index])
    return not (
        _is_attached(after)
        or before == _ZERO_WIDTH_JOINER
        or (before == _CR and after == _LF)
        or _is_conjunct(before, after)
        or (_is_regional(after) and _count_regional(text, index) % 2 == 1)
    )


def _is_attached(code: int) -> bool:
    """Return whether the character belongs to the one before it, whatever that is."""
    if code < _ATTACHED_RANGES[0][0]:
        return False
    return _is_indic_sign(code) or any(first <= code <= last for first, last in _ATTACHED_RANGES)


def _is_indic(code: int) -> bool:
    # Devanagari to Malayalam: nine blocks of 128 characters, all laid out like ISCII, so that one
    # offset means the same sign in each of them.
    return 0x0900 <= code < 0x0D80


def _is_indic_sign(code: int) -> bool:
    offset = code & 0x7F
    return _is_indic(code) and (
        offset <= 0x03
        or 0x3A <= offset <= 0x3C
        or 0x3E <= offset <= 0x4F
        or 0x51 <= offset <= 0x57
        or 0x62 <= offset <= 0x63
    )


def _is_conjunct(before: int, after: int) -> bool:
    """Return whether a virama binds the letter that follows it, of the same script."""
    is_virama = (_is_indic(before) and before & 0x7F == 0x4D) or before in (0x1039, 0x17D2)
    return is_virama and before >> 7 == after >> 7


def _is_regional(code: int) -> bool:
    return 0x1F1E6 <= code <= 0x1F1FF


def _count_regional(text: str, end: int) -> int:
    """Return how many regional indicators end at ``end``: two of them make one flag."""
    start = end
    while start > 0 and _is_regional(ord(text[start - 1])):
        start -= 1
    return end - start
