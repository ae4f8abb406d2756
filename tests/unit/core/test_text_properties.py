"""What holds for every text and every limit, checked against an oracle of its own."""

import time
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from kilopush_bridge.core.sequences import is_boundary
from kilopush_bridge.core.text import cut, safe_line, units, well_formed

ZWJ = "\u200d"
FAMILY = "👨\u200d👩\u200d👧\u200d👦"
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
SEQUENCES = [
    *[
        "e\u0301",
        "o\u0302\u0323",
        "ש\u05c1\u05b8",
        "ب\u0651\u064e",
        "क\u094dष\u093f",
        "ท\u0e35\u0e48",
    ],
    *[
        "❤\ufe0f",
        "👍🏽",
        FAMILY,
        "🏳\ufe0f\u200d🌈",
        "🇩🇪",
        "🇫🇷🇮🇹",
        "1\ufe0f\u20e3",
        SCOTLAND,
        "\r\n",
    ],
]
# Blocks whose marks never part from their letter: the ones that people's phones show.
MARKED_BLOCKS = [
    *[range(0x0300, 0x0370), range(0x0483, 0x048A), range(0x0590, 0x0750), range(0x0900, 0x0F00)],
    *[range(0x1AB0, 0x1B00), range(0x1DC0, 0x1E00), range(0x20D0, 0x2100), range(0xFE00, 0xFE30)],
]

limits = st.integers(min_value=-2, max_value=60)
texts = st.lists(
    st.sampled_from([*SEQUENCES, " ", ", ", "\n", "word", "🔥", "日本"]) | st.text(max_size=6),
    max_size=20,
).map("".join)


def utf16_units(text):
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def splits_a_sequence(text, index):
    """The oracle: slow, from Unicode's own data, and in other words than the code."""
    left, right = text[:index], text[index:]
    if not left or not right:
        return False
    flags = len(left) - len(left.rstrip("".join(map(chr, range(0x1F1E6, 0x1F200)))))
    return (
        (
            unicodedata.category(right[0])[0] == "M"
            and any(ord(right[0]) in b for b in MARKED_BLOCKS)
        )
        or right[0] == ZWJ
        or (left[-1] == ZWJ and unicodedata.category(right[0]) == "So")
        or 0x1F3FB <= ord(right[0]) <= 0x1F3FF
        or 0xE0020 <= ord(right[0]) <= 0xE007F
        or (left[-1] == "\r" and right[0] == "\n")
        or (flags % 2 == 1 and 0x1F1E6 <= ord(right[0]) <= 0x1F1FF)
    )


@given(st.text(st.characters(exclude_categories=())))
def test_units_are_those_of_utf16(text):
    assert units(text) == utf16_units(text)


@given(texts, limits)
def test_a_cut_fits(text, limit):
    assert utf16_units(cut(text, limit)) <= max(limit, 0)


@given(texts, limits)
def test_what_fits_is_left_alone(text, limit):
    if utf16_units(text) <= limit:
        assert cut(text, limit) == text


@given(texts, limits)
def test_a_cut_text_is_a_beginning_and_an_ellipsis(text, limit):
    result = cut(text, limit)
    if result not in (text, ""):
        assert result[-1] == "…"
        assert text.startswith(result[:-1])


@given(texts, limits)
def test_a_cut_never_splits_what_people_see_as_one(text, limit):
    result = cut(text, limit)
    if result not in (text, ""):
        assert not splits_a_sequence(text, len(result) - 1)


@given(texts, limits)
def test_no_blank_and_no_comma_stands_before_the_ellipsis(text, limit):
    result = cut(text, limit)
    if result != text:
        assert not result[:-1].endswith((" ", "\n", ",", "\u00a0", "\u3000"))


@given(texts, limits)
def test_cutting_twice_changes_nothing(text, limit):
    once = cut(text, limit)
    assert cut(once, limit) == once


@given(
    st.lists(st.sampled_from(["a", "b ", "日", "é"]), min_size=61).map("".join),
    st.integers(min_value=1, max_value=60),
)
def test_a_cut_keeps_at_least_two_thirds(text, limit):
    assert len(cut(text, limit)) >= limit * 2 // 3


def test_every_mark_of_the_promised_blocks_stays_with_its_letter():
    marks = [chr(code) for block in MARKED_BLOCKS for code in block]
    marks = [mark for mark in marks if unicodedata.category(mark)[0] == "M"]
    assert [mark for mark in marks if is_boundary("a" + mark, 1)] == []


def test_cutting_a_huge_text_costs_no_more_than_a_small_one():
    start = time.perf_counter()
    for char in ("x", "🔥", "🇩", "\u0301", ZWJ, " "):
        cut(char * 300_000, 1000)
    assert time.perf_counter() - start < 1


def test_the_two_halves_of_a_pair_become_one_character():
    assert well_formed("\ud83d\ude00") == "😀"


@given(st.text(st.sampled_from("a😀\ud83d\ude00\udbff\udfff")))
def test_a_well_formed_text_reads_as_utf16_would(text):
    as_utf16 = text.encode("utf-16-le", "surrogatepass")
    assert well_formed(text) == as_utf16.decode("utf-16-le", "replace")


@given(st.text(st.characters(exclude_categories=())), limits)
def test_a_safe_line_is_one_printable_line(text, limit):
    line = safe_line(text, limit)
    assert utf16_units(line) <= max(limit, 0)
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in line)
    assert safe_line(line, limit) == line
