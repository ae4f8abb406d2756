"""`python -m timeline.picture` in tests/: the pictures in time of docs/rules.md.

The rules are those of the page, below the headline of each word. The messages are given here; what
the phone shows comes from a run of the engine, the store and the scheduler on a simulated clock.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import NamedTuple

from timeline.house import run, seconds

from kilopush_bridge.times import DAY_S, HOUR_S, MINUTE_S

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = DOCS / "rules"

WIDTH, LEFT, EDGE = 860, 84, 10
BAND, ROW, LINE, GAP = 20, 20, 16, 8  # heights
CHAR, BUBBLE_CHARS = 6.8, 42  # width of a letter, letters in a line of the phone
TICK_MIN = 64
TICKS_S = (5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600)
STYLE = """
.page { fill: #ffffff } .band { fill: #e4e8ec } .off { fill: #b9bfc6 } .word { fill: #cfe3d4 }
text { fill: #24292f } .tick { fill: #57606a; font-size: 11px } .done { fill: #8250df }
.bubble { fill: #ddf0ff; stroke: #54aeff } line { stroke: #8c959f } .name { fill: #57606a }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117 } .band { fill: #2a313a } .off { fill: #59616b } .word { fill: #23492f }
text { fill: #e6edf3 } .tick { fill: #9aa4af } .done { fill: #d2a8ff }
.bubble { fill: #0c2d4d; stroke: #316dca } line { stroke: #6e7681 } .name { fill: #9aa4af }
}
"""


class Step(NamedTuple):
    """Something that happens. `label` is how the picture writes it; a command has none."""

    when: str
    what: str
    label: str = ""


class Span(NamedTuple):
    """A stretch of time that a word is about."""

    begin: str
    end: str
    label: str


@dataclass(frozen=True)
class Scene:
    """What a picture shows: the rules below a headline of the page, and what happens to them."""

    headline: str
    steps: tuple[Step, ...]
    spans: tuple[Span, ...] = ()


class Flag(NamedTuple):
    """A text that belongs to a moment."""

    x: float
    lines: list[str]
    style: str

    @property
    def width(self) -> float:
        return max(map(width_of, self.lines)) + 12


def _open(when: str, device: str = "bathroom") -> Step:
    return Step(when, f'zigbee2mqtt/{device} {{"contact": false}}', f"{device}: contact false")


def _closed(when: str, device: str = "bathroom") -> Step:
    return Step(when, f'zigbee2mqtt/{device} {{"contact": true}}', f"{device}: contact true")


def _battery(when: str, device: str = "bathroom") -> Step:
    return Step(when, f'zigbee2mqtt/{device} {{"battery": 97}}', f"{device}: battery 97")


def _leak(when: str, *, is_wet: bool = True) -> Step:
    word = "true" if is_wet else "false"
    return Step(when, f'zigbee2mqtt/cellar {{"water_leak": {word}}}', f"water_leak {word}")


def _radio(when: str, event: str = "Water Leak") -> Step:
    payload = f'{{"model": "Govee-Water", "id": 56948, "event": "{event}"}}'
    return Step(when, f"rtl_433/attic/events {payload}", event)


def _reading(when: str) -> Step:
    return Step(when, 'zigbee2mqtt/freezer {"temperature": -18.5}', "-18.5 °C")


def _boiler(when: str, celsius: int) -> Step:
    payload = f'{{"DS18B20-2": {{"Temperature": {celsius}}}}}'
    return Step(when, f"tele/boiler/SENSOR {payload}", f"{celsius} °C")


def _seen(when: str, camera: str, what: str = "person") -> Step:
    payload = (
        '{"before": {"severity": "detection"}, "after": {"severity": "alert", '
        f'"camera": "{camera}", "data": {{"objects": ["{what}"]}}}}}}'
    )
    return Step(when, f"frigate/reviews {payload}", f"{camera}: {what}")


def _is(when: str, device: str, state: str) -> Step:
    topic = "bridge/state" if device == "zigbee2mqtt" else f"{device}/availability"
    return Step(when, f'zigbee2mqtt/{topic} {{"state": "{state}"}}', f"{device}: {state}")


SCENES = {
    "for": Scene(
        "`for`: only what lasts",
        (
            _open("0"),
            _closed("5m"),
            _open("12m"),
            _battery("20m"),
            _closed("42m"),
            Step("50m", "end"),
        ),
        (Span("0", "5m", ""), Span("12m", "27m", "for: 15m")),
    ),
    "clear_after": Scene(
        "`clear_after`: an event that is over some time later",
        (
            _radio("0"),
            _radio("10m"),
            _radio("14m", "Button Press"),
            _radio("20m"),
            Step("65m", "end"),
        ),
        (Span("20m", "50m", "clear_after: 30m"),),
    ),
    "stale": Scene(
        "`stale`: what has fallen silent",
        (
            _reading("0"),
            _reading("30m"),
            _reading("1h"),
            _reading("5h30m"),
            Step("7h", "end"),
        ),
        (Span("1h", "4h", "stale: 3h"),),
    ),
    "repeat": Scene(
        "`repeat`: until somebody cares",
        (
            _leak("0"),
            Step("75m", "ack water leak"),
            _leak("3h30m", is_wet=False),
            Step("4h", "end"),
        ),
        (Span("0", "10m", ""), Span("10m", "40m", "30m"), Span("40m", "75m", "2h ...")),
    ),
    "cooldown": Scene(
        "`cooldown`: not again so soon",
        (
            _seen("0", "yard"),
            _seen("2m", "yard"),
            _seen("3m30s", "door"),
            _seen("7m", "yard"),
            _seen("9m", "yard"),
            Step("14m", "end"),
        ),
        (Span("0", "5m", "cooldown: 5m (yard)"), Span("7m", "12m", "cooldown: 5m (yard)")),
    ),
    "cooldown-state": Scene(
        "`cooldown` of a state",
        (
            _boiler("0", 56),
            _boiler("10m", 49),
            _boiler("20m", 57),
            _boiler("30m", 49),
            _boiler("45m", 58),
            _boiler("90m", 48),
            Step("105m", "end"),
        ),
        (Span("0", "1h", "cooldown: 1h"),),
    ),
    "limit": Scene(
        "`limit`: so many, the rest in the digest",
        (
            _seen("0", "yard"),
            _seen("6m", "door"),
            _seen("12m", "yard"),
            _seen("18m", "yard"),
            _seen("24m", "door"),
            _seen("65m", "yard"),
            Step("80m", "end"),
        ),
        (Span("0", "1h", "the first of 3 per hour"),),
    ),
    "group": Scene(
        "`group`: one message for what comes together",
        (
            _seen("0", "street", "car"),
            _seen("6", "yard"),
            _seen("13", "door"),
            _seen("50", "yard"),
            Step("90", "end"),
        ),
        (Span("0", "20", "group: 20s"), Span("50", "70", "group: 20s")),
    ),
    "unless": Scene(
        "`unless`: the cause silences its symptoms",
        (
            _is("0", "lamp", "offline"),
            _is("1m", "zigbee2mqtt", "offline"),
            _is("1m10s", "plug", "offline"),
            _is("1m10s", "sensor", "offline"),
            _is("20m", "zigbee2mqtt", "online"),
            _is("20m30s", "plug", "online"),
            _is("20m30s", "sensor", "online"),
            _is("32m", "lamp", "online"),
            Step("36m", "end"),
        ),
        (Span("2m", "20m", "zigbee2mqtt is down"), Span("20m", "25m", "for: 5m")),
    ),
    "snooze": Scene(
        "Snooze: quiet for a while",
        (
            Step("0", "snooze window open 2h"),
            _open("20m", "bathroom"),
            _open("40m", "bedroom"),
            _closed("1h", "bathroom"),
            _closed("2h40m", "bedroom"),
            Step("3h", "end"),
        ),
        (Span("0", "2h", "snoozed"),),
    ),
    "restart": Scene(
        "`for`: only what lasts",
        (
            _open("0", "bathroom"),
            _open("1m", "bedroom"),
            Step("8m", "restart"),
            Step("21m", "online"),
            _closed("21m", "bedroom"),
            _closed("30m", "bathroom"),
            Step("38m", "end"),
        ),
    ),
}


def rules_of(page: str, headline: str) -> str:
    """Return what stands under `alerts:` in the first example below a headline."""
    _, found, rest = page.partition(f" {headline}\n")
    match = re.search(r"^```yaml\nalerts:\n(.*?)^```$", rest, re.DOTALL | re.MULTILINE)
    if not (found and match):
        raise LookupError(f"no example below {headline}")
    return textwrap.dedent(match[1])


def draw(scene: Scene, page: str) -> str:
    """Return the picture of a scene as SVG."""
    shown = run(
        rules_of(page, scene.headline), "\n".join(f"{s.when} {s.what}" for s in scene.steps)
    )
    end_s = seconds(scene.steps[-1].when)
    heard = [step for step in scene.steps if step.what not in ("end", "restart", "online")]
    above = [(seconds(one.when), *_label(one)) for one in heard]
    # a line is its time, and what the phone shows
    below = [(at_s, _bubble(line.partition(" ")[2]), "") for at_s, line in shown]
    per_s = min(
        (WIDTH - EDGE - LEFT) / end_s,
        *(
            (WIDTH - EDGE - LEFT - Flag(0, lines, "").width) / at_s
            for at_s, lines, _ in (*above, *below)
            if at_s
        ),
    )
    flags = [
        [Flag(LEFT + at_s * per_s, lines, style) for at_s, lines, style in side]
        for side in (above, below)
    ]
    rows_above, rows_below = _rows(flags[0]), _rows(flags[1])
    top = 12 + ROW * len(rows_above)
    parts = [
        _text(LEFT - 12, top - 10, "messages", "name", "end"),
        _text(LEFT - 12, top + BAND + 23, "the phone", "name", "end"),
        *_band(scene, per_s, end_s, top),
        *_messages(rows_above, top),
    ]
    bubbles, height = _phone(rows_below, top + BAND)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" font-family="sans-serif" font-size="12">\n<style>{STYLE}</style>\n'
        f'<rect class="page" width="{WIDTH}" height="{height}"/>\n'
        + "\n".join([*parts, *bubbles])
        + "\n</svg>\n"
    )


def width_of(text: str) -> float:
    """Return about how wide a text is drawn."""
    return sum(2 * CHAR if unicodedata.east_asian_width(one) == "W" else CHAR for one in text)


def _label(step: Step) -> tuple[list[str], str]:
    return ([step.label], "") if step.label else ([step.what], "done")


def _bubble(text: str) -> list[str]:
    return [line for one in text.split(" | ") for line in textwrap.wrap(one, BUBBLE_CHARS)]


def _rows(flags: list[Flag]) -> list[list[Flag]]:
    """Put flags into rows, the last one nearest to the band, so that no pole crosses a text."""
    rows: list[list[Flag]] = []
    for flag in sorted(flags, key=lambda one: one.x, reverse=True):
        for number, row in enumerate(rows):
            # the poles of the rows behind pass here, too
            next_x = min(other.x for behind in rows[number:] for other in behind)
            if flag.x + flag.width + GAP <= next_x:
                row.append(flag)
                break
        else:
            rows.append([flag])
    return rows


def _band(scene: Scene, per_s: float, end_s: float, top: int) -> list[str]:
    parts = [_rect("band", LEFT, top, end_s * per_s, BAND)]
    spans = [(one.begin, one.end, one.label, "word") for one in scene.spans]
    off = [step for step in scene.steps if step.what in ("restart", "online")]
    spans += [
        (one.when, other.when, "the bridge is off", "off")
        for one, other in zip(off[::2], off[1::2], strict=True)
    ]
    for begin, end, label, style in spans:
        x, width = LEFT + seconds(begin) * per_s, (seconds(end) - seconds(begin)) * per_s
        parts.append(_rect(style, x, top, width, BAND))
        if label and width_of(label) <= width:
            parts.append(_text(x + width / 2, top + 14, label, anchor="middle"))
    return parts + _ticks(per_s, end_s, top, [(s[0], s[1]) for s in spans if s[2]])


def _ticks(per_s: float, end_s: float, top: int, taken: list[tuple[str, str]]) -> list[str]:
    step_s = next(one for one in TICKS_S if one * per_s >= TICK_MIN)
    parts = []
    for number in range(int(end_s // step_s) + 1):
        at_s = number * step_s
        x = LEFT + at_s * per_s
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{top + 4}"/>')
        label = _moment(at_s)
        is_free = all(
            x + width_of(label) + 6 <= LEFT + seconds(begin) * per_s
            or x >= LEFT + seconds(end) * per_s - 1
            for begin, end in taken
        )
        if is_free and x + width_of(label) + 4 <= LEFT + end_s * per_s:
            parts.append(_text(x + 3, top + 15, label, "tick"))
    return parts


def _moment(at_s: int) -> str:
    units = ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min"), (1, "s"))
    words = []
    for size, unit in units:
        count, at_s = divmod(at_s, size)
        if count:
            words.append(f"{count} {unit}")
    return " ".join(words) or "0"


def _messages(rows: list[list[Flag]], top: int) -> list[str]:
    parts = []
    for number, row in enumerate(rows):
        y = top - GAP - ROW * number
        for flag in row:
            parts.append(_pole(flag.x, y - 12, top))
            parts.append(_text(flag.x + 5, y - 2, flag.lines[0], flag.style))
    return parts


def _phone(rows: list[list[Flag]], top: int) -> tuple[list[str], int]:
    poles, bubbles = [], []
    y = top + GAP
    for row in rows:
        for flag in row:
            height = LINE * len(flag.lines) + 6
            poles.append(_pole(flag.x, top, y + 1))
            bubbles.append(
                f'<rect class="bubble" x="{flag.x:.1f}" y="{y}" width="{flag.width:.1f}" '
                f'height="{height}" rx="6"/>'
            )
            bubbles += [
                _text(flag.x + 6, y + 15 + LINE * at, line) for at, line in enumerate(flag.lines)
            ]
        y += LINE * max(len(flag.lines) for flag in row) + 6 + GAP
    return poles + bubbles, max(y, top + 30)


def _pole(x: float, begin: float, end: float) -> str:
    return f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{begin}" y2="{end}"/>'


def _rect(style: str, x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect class="{style}" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{height}" rx="3"/>'
    )


def _text(x: float, y: float, text: str, style: str = "", anchor: str = "start") -> str:
    look = f' class="{style}"' if style else ""
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}"{look}>{escape(text)}</text>'


def main() -> None:
    """Draw all of them."""
    page = (DOCS / "rules.md").read_text(encoding="utf-8")
    PICTURES.mkdir(exist_ok=True)
    for name, scene in SCENES.items():
        (PICTURES / f"{name}.svg").write_text(draw(scene, page), encoding="utf-8")


if __name__ == "__main__":
    main()
