# Generated from kilopush_bridge/core/digest.py by tools/copy_core.py: do not edit.
"""One push message that stands for many alerts: grouped, as detailed as fits, its numbers exact.

    23 alerts, 13:02 to 17:45
    Kitchen window open ×3 (13:05 to 14:00)
    Cellar window open (13:10)
    Washing machine ×12 (13:02 to 17:45)
    +7 more in 3 rules

A line stands for the number that it ends in ("×3", perhaps with a time), without one for a single
alert; the last line counts what is not shown. Together they always make the exact number of alerts.
"""

from .protocol import MESSAGE_MAX_UNITS
from .text import ELLIPSIS, cut, is_control, is_space, units, well_formed

_HEADING_MAX_UNITS = 100
_NAME_MAX_UNITS = 40
_TEXT_MAX_UNITS = 60
_LONG_TEXT_MAX_UNITS = 200

# What is longer is cut before anything looks at it. Enough for a text that fills a whole message.
_SCAN_MAX_UNITS = 2 * MESSAGE_MAX_UNITS


def pack(
    heading: str,
    groups: list[tuple[str, int, str, list[tuple[str, int, str]]]],
    more: tuple[int, int] = (0, 0),
    max_units: int = MESSAGE_MAX_UNITS,
    noun: str = "rule",
) -> str:
    """Return the text of a digest, at most ``max_units`` long.

    First as many groups as possible get a line, then these get their times, then their parts one
    after the other in turns, then longer texts. What comes first in ``groups`` wins.

    Args:
        heading: the first line, "" for none. Without room for it and the total, the total is all.
        groups: the most important first, ``(name, count, span, parts)``: the name of a rule, how
            many alerts it has (at least 1), when they were ("13:05 to 17:45", or ""), and its parts
            ``(text, count, span)``, one per key, the most important first. Their counts may add
            up to less than that of the group, never to more.
        more: alerts and rules that ``groups`` does not hold.
        max_units: the limit in UTF-16 units. If it is too small for any number, "…" or "" is left.
        noun: what a group is, in the last line.

    Names and texts may hold anything; the spans are used as they are.
    """
    return "\n".join([line for line, _ in lines(heading, groups, more, max_units, noun)])


def lines(
    heading: str,
    groups: list[tuple[str, int, str, list[tuple[str, int, str]]]],
    more: tuple[int, int],
    max_units: int,
    noun: str = "rule",
) -> list[tuple[str, int]]:
    """Return the lines of ``pack``, each with the number of alerts that it stands for."""
    top = cut(_fold(heading), min(_HEADING_MAX_UNITS, max_units))
    room = _Room(max_units + 1 - _cost(top))  # the last of the lines has no line break
    every = [_Group(*group) for group in groups]
    chosen = _choose(every, more, room, noun)
    if chosen is None:
        alerts = more[0] + sum([group.count for group in every])
        return [_bare_total(alerts, more[1] + len(every), max_units, noun)]
    shown, rest = chosen
    _add_detail(shown, room)
    return _collect(top, shown, rest, noun)


class _Room:
    """How many units are left."""

    def __init__(self, left: int) -> None:
        self.left = left

    def swap(self, old: str, new: str) -> bool:
        """Make room for ``new`` in the place of ``old``; return False if there is too little."""
        needed = _cost(new) - _cost(old)
        if needed > self.left:
            return False
        self.left -= needed
        return True


class _Part:
    """One key of a rule and the line that shows it."""

    def __init__(self, text: str, count: int, span: str) -> None:
        self.text = text
        self.count = count
        self.span = span
        self.line = _line(cut(text, _TEXT_MAX_UNITS), count, span)

    def widen(self, max_units: int, room: _Room) -> None:
        """Show as much of the text as there is room for, at most ``max_units``."""
        around = units(_line("", self.count, self.span))
        text = cut(self.text, min(max_units, units(self.line) - around + room.left))
        line = _line(text, self.count, self.span)
        if room.swap(self.line, line):
            self.line = line


class _Group:
    """One rule: the parts shown so far, and a line for the alerts that these do not hold.

    While no part is shown, that line is the rule's own. It is "" when every alert has its line.
    """

    def __init__(self, name: str, count: int, span: str, parts: list[tuple[str, int, str]]) -> None:
        self.name = cut(_fold(name) or "?", _NAME_MAX_UNITS)
        self.count = count
        self.span = span
        self.parts = parts
        self.shown: list[_Part] = []
        self.rest = count
        self.rest_line = _line(self.name, count, "")

    def show_span(self, room: _Room) -> None:
        line = _line(self.name, self.count, self.span)
        if room.swap(self.rest_line, line):
            self.rest_line = line

    def show_part(self, room: _Room) -> bool:
        """Show the next part; return False if there is none, or no room for it."""
        if len(self.shown) == len(self.parts):
            return False
        text, count, span = self.parts[len(self.shown)]
        part = _Part(_fold(text) or self.name, count, span)
        rest_line = _rest_line(self.name, self.rest - count)
        if not room.swap(self.rest_line, f"{part.line}\n{rest_line}" if rest_line else part.line):
            return False
        self.shown.append(part)
        self.rest -= count
        self.rest_line = rest_line
        return True


def _choose(
    groups: list[_Group], more: tuple[int, int], room: _Room, noun: str
) -> tuple[list[_Group], tuple[int, int]] | None:
    """Take room for as many groups as possible and the last line.

    Return these groups and what the last line has to count, None if not even that one fits.
    """
    shown = list(groups)
    alerts, rules = more
    used = sum([_cost(group.rest_line) for group in shown])
    while used + _cost(_last_line(alerts, rules, noun)) > room.left:
        if not shown:
            return None
        hidden = shown.pop()
        used -= _cost(hidden.rest_line)
        alerts += hidden.count
        rules += 1
    room.left -= used + _cost(_last_line(alerts, rules, noun))
    return shown, (alerts, rules)


def _add_detail(groups: list[_Group], room: _Room) -> None:
    """Use the room that is left, one step for every group before the next step for any."""
    for group in groups:
        group.show_span(room)
    growing = groups
    while growing:
        growing = [group for group in growing if group.show_part(room)]
    for max_units in (_LONG_TEXT_MAX_UNITS, _SCAN_MAX_UNITS):
        for group in groups:
            for part in group.shown:
                part.widen(max_units, room)


def _collect(
    top: str, groups: list[_Group], more: tuple[int, int], noun: str
) -> list[tuple[str, int]]:
    result = [(top, 0)]
    for group in groups:
        result += [(part.line, part.count) for part in group.shown]
        result.append((group.rest_line, group.rest))
    result.append((_last_line(*more, noun), more[0]))
    return [(line, count) for line, count in result if line]


def _bare_total(alerts: int, rules: int, max_units: int, noun: str) -> tuple[str, int]:
    """Return as much of the last line as fits, without a cut: half a number is a wrong one."""
    for line in (_last_line(alerts, rules, noun), f"+{alerts} more", f"+{alerts}", ELLIPSIS):
        if units(line) <= max_units:
            return line, alerts
    return "", alerts


def _line(text: str, count: int, span: str) -> str:
    number = f" ×{count}" if count > 1 or _reads_as_number(text) else ""
    return text + number + (f" ({span})" if span else "")


def _rest_line(name: str, count: int) -> str:
    if count == 1:
        return name + ", one more"
    return _line(name + ", more", count, "") if count else ""


def _last_line(alerts: int, rules: int, noun: str) -> str:
    plural = "" if rules == 1 else "s"
    return f"+{alerts} more in {rules} {noun}{plural}" if alerts else ""


def _reads_as_number(text: str) -> bool:
    """Return whether people could take words of others, "Door ×5" or "+5 more in", for our number.

    A time in parentheses may follow, as it does in our own lines.
    """
    before_span = text[: text.rfind(" (")] if text.endswith(")") else text
    word = before_span[before_span.rfind(" ") + 1 :]
    is_count = word[:1] == "×" and len(word) > 1 and not word[1:].strip("0123456789")
    return is_count or (text.startswith("+") and " more in " in text)


def _fold(text: str) -> str:
    """Return ``text`` as one line without controls, with single blanks."""
    text = well_formed(cut(text, _SCAN_MAX_UNITS))
    text = "".join([" " if is_space(char) or is_control(char) else char for char in text])
    return " ".join(text.split())  # only ASCII blanks are left, so this splits alike everywhere


def _cost(text: str) -> int:
    """Return the units that lines take, their line breaks included."""
    return units(text) + 1 if text else 0
