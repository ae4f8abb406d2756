"""What holds for every digest: its numbers are exact, it fits, and it breaks no character."""

import re
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from unit.core.test_text_properties import SEQUENCES, splits_a_sequence, utf16_units

from kilopush_bridge.core import digest
from kilopush_bridge.core.digest import lines, pack

HEADING = "Alerts of the day"
ROOMY = len(f"{HEADING}\n+1000000 more in 1000 rules")  # from here on a heading stays

# A line's number is at its end; a time in parentheses may follow.
NUMBER = re.compile(r"(?:^| )×([0-9]+)(?: \([^()]*\))?$")
LAST_LINE = re.compile(r"\+([0-9]+) more in [0-9]+ rules?")

tricky = ["×5", " ×5", "×", "(13:05)", " (13:05)", "+5 more in 2 rules", ", one more", "1 rule"]
words = st.lists(
    st.sampled_from([*SEQUENCES, *tricky, " ", "\n", "word", "🔥", "日本", "\ud83d", "\udd25"])
    | st.text(st.characters(exclude_categories=()), max_size=6),
    max_size=20,
).map("".join)
names = (
    st.sampled_from(["Door open", "Leak", "", "Pump ×2", "Wasserstandsüberwachung🔥" * 3]) | words
)
# Few names and keys, so that alerts meet in groups: (name, key, text, minute of the day).
alerts = st.tuples(
    st.integers(0, 12), st.integers(0, 5), words | st.just("x" * 300), st.integers(0, 1439)
)
limits = st.integers(min_value=0, max_value=1200)


def clock(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


def span(items):
    first, last = min(item[3] for item in items), max(item[3] for item in items)
    return clock(first) if first == last else f"{clock(first)} to {clock(last)}"


def by(items, index):
    """Return the items that agree in one field, the largest lot first."""
    found = {}
    for item in items:
        found.setdefault(item[index], []).append(item)
    return sorted(found.values(), key=len, reverse=True)


@st.composite
def digests(draw):
    """Return (groups, more, number of alerts), as a caller makes them who reads only some keys."""
    items = draw(st.lists(alerts, max_size=40))
    rules, keys = draw(st.integers(0, 13)), draw(st.integers(0, 6))
    grouped = by(items, 0)
    groups = [
        (draw(names), len(lot), span(lot), [(k[-1][2], len(k), span(k)) for k in by(lot, 1)[:keys]])
        for lot in grouped[:rules]
    ]
    more = (sum(map(len, grouped[rules:])), len(grouped[rules:]))
    return groups, more, len(items)


def read(text):
    """Add up the numbers of a digest without a heading, as its reader would."""
    *rows, last = text.split("\n")
    left_out = LAST_LINE.fullmatch(last)
    rows += [] if left_out else [last]
    numbers = [NUMBER.search(row) for row in rows if row]
    shown = sum(int(number[1]) if number else 1 for number in numbers)
    return shown + (int(left_out[1]) if left_out else 0)


def shown_groups(groups, more, limit, heading=HEADING):
    """Return how many groups a digest shows, from what its last line leaves out."""
    last = LAST_LINE.fullmatch(pack(heading, groups, more, limit).split("\n")[-1])
    hidden = int(last[0].split()[-2]) - more[1] if last else 0
    return len(groups) - hidden


@given(digests(), st.integers(len("+1000 more in 1000 rules"), 1200))
@example(([("Door ×5", 1, "", [])], (0, 0), 1), 1000)
@example(([("+5 more in 2 rules", 1, "", [])], (0, 0), 1), 1000)
@example(([("Door", 2, "", [("Door ×5 (13:05)", 1, "")])], (0, 0), 2), 1000)
def test_the_numbers_that_a_reader_sees_add_up_to_the_alerts(case, limit):
    groups, more, total = case
    assert read(pack("", groups, more, limit)) == total


@given(digests(), st.integers(ROOMY, 1200))
def test_a_heading_is_a_line_of_its_own_and_changes_no_number(case, limit):
    groups, more, total = case
    first, _, rest = pack(HEADING, groups, more, limit).partition("\n")
    assert first == HEADING
    assert read(rest) == total


@given(words, digests(), limits)
def test_the_lines_account_for_every_alert_in_any_room(heading, case, limit):
    groups, more, total = case
    rows = lines(heading, groups, more, limit)
    assert sum(count for _, count in rows) == total
    assert "\n".join(line for line, _ in rows) == pack(heading, groups, more, limit)


@given(words, digests(), st.integers(-5, 60) | limits)
def test_a_digest_fits(heading, case, limit):
    groups, more, _ = case
    text = pack(heading, groups, more, limit)
    assert len(text) <= utf16_units(text) <= limit or text == ""


@given(words, digests(), limits)
def test_a_digest_can_be_sent_and_every_line_of_it_is_one(heading, case, limit):
    groups, more, _ = case
    for line, _ in lines(heading, groups, more, limit):
        assert line.encode() == line.encode("utf-8", "replace")
        assert "\n" not in line
        assert line == " ".join(line.split())


@given(st.lists(st.sampled_from([*SEQUENCES, "word", "日本", " "])).map("".join), limits)
def test_no_cut_splits_what_people_see_as_one(text, limit):
    folded = " ".join(text.split())
    groups = [(text, 2, "13:05", []), ("Rule", 1, "13:05", [(text, 1, "13:05")])]
    for line in pack(text, groups, (0, 0), limit).split("\n"):
        head, cut_off, _ = line.partition("…")
        if cut_off and head:
            assert folded.startswith(head)
            assert not splits_a_sequence(folded, len(head))


@given(digests(), st.integers(ROOMY, 1200), st.integers(0, 200))
def test_more_room_never_shows_fewer_rules(case, limit, extra):
    groups, more, _ = case
    groups = [("Rule", *group[1:]) for group in groups]
    assert shown_groups(groups, more, limit) <= shown_groups(groups, more, limit + extra)


@given(digests(), st.integers(ROOMY, 1200))
def test_the_rules_shown_are_the_first_ones(case, limit):
    groups, more, _ = case
    groups = [(f"Rule {i}.", count, at, []) for i, (_, count, at, _) in enumerate(groups)]
    text = pack(HEADING, groups, more, limit)
    seen = [f"Rule {i}." in text for i in range(len(groups))]
    assert seen == sorted(seen, reverse=True)


@given(words, digests(), limits)
def test_the_same_alerts_make_the_same_digest_and_the_caller_keeps_his_lists(heading, case, limit):
    groups, more, _ = case
    before = repr(groups)
    as_lists = [[*group[:3], [list(part) for part in group[3]]] for group in groups]
    assert pack(heading, groups, more, limit) == pack(heading, as_lists, list(more), limit)
    assert repr(groups) == before


@given(st.lists(st.sampled_from([*SEQUENCES, "word"]).map(str.strip), min_size=1, max_size=60))
def test_a_single_alert_shows_its_whole_text(pieces):
    text = " ".join(filter(None, pieces)) or "word"
    assert pack("", [("Rule", 1, "13:05", [(text, 1, "13:05")])]) == f"{text} (13:05)"


@pytest.mark.parametrize("text", ["Door open", "x" * 5000, " " * 5000, "×5 " * 2000])
def test_the_work_is_bounded_by_the_room_and_not_by_the_alerts(monkeypatch, text):
    calls = Counter()

    def counted(name):
        plain = getattr(digest, name)
        return lambda *args: calls.update([name]) or plain(*args)

    for name in ("units", "cut"):
        monkeypatch.setattr(digest, name, counted(name))
    parts = [(text, 3, "13:05")] * 50
    pack("30000 alerts", [(f"Rule {i}", 150, "13:05 to 17:45", parts) for i in range(200)])
    assert calls["units"] < 4000
    assert calls["cut"] < 2000
