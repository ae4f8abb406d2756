"""The words of one POST: what was decided, and what has to be said about it now.

Pure. The marks (a repeat, an age, an end) are added when the message leaves, because only then
are they known; they survive cutting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kilopush_bridge.core.protocol import MESSAGE_MAX_UNITS
from kilopush_bridge.core.text import cut, units
from kilopush_bridge.model import Batch
from kilopush_bridge.times import MINUTE_S, duration_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kilopush_bridge.model import Delivery

AGE_SHOWN_AFTER_S = MINUTE_S  # a younger message is news
TEXT_KEPT_UNITS = 200  # a link may not push the text below this


def compose(deliveries: Sequence[Delivery], now_s: float) -> Batch:
    """Return the batch of as many `deliveries` as fit one message, at least the first.

    Those that do not fit are not in the batch: they go next time.
    """
    if len(deliveries) == 1:
        return _single(deliveries[0], now_s)
    taken: list[Delivery] = []
    lines: list[str] = []
    for delivery in deliveries:
        line = _line(delivery, now_s)
        if lines and units("\n".join([*lines, line])) > MESSAGE_MAX_UNITS:
            break
        taken.append(delivery)
        lines.append(line)
    if len(taken) == 1:
        return _single(taken[0], now_s)
    silent = all(delivery.silent for delivery in taken)
    return Batch(tuple(taken), "\n".join(lines), None, silent)


def _single(delivery: Delivery, now_s: float) -> Batch:
    url = (
        delivery.url
        if delivery.url and units(delivery.url) <= MESSAGE_MAX_UNITS - TEXT_KEPT_UNITS
        else None
    )
    marks = "".join(f" ({mark})" for mark in marks_of(delivery, now_s))
    room = MESSAGE_MAX_UNITS - units(url or "") - units(marks)
    return Batch((delivery,), cut(delivery.text, room) + marks, url, delivery.silent)


def _line(delivery: Delivery, now_s: float) -> str:
    marks = "".join(f" ({mark})" for mark in marks_of(delivery, now_s))
    link = f" {delivery.url}" if delivery.url else ""
    room = MESSAGE_MAX_UNITS - units(marks) - units(link)
    text = " ".join(delivery.text.split())  # one line each
    return cut(text, max(TEXT_KEPT_UNITS, room)) + link + marks


def marks_of(delivery: Delivery, now_s: float) -> list[str]:
    """Return what has to be said beside the text: found at start, over, its age, a repeat."""
    marks = []
    if delivery.found_at_start:
        marks.append("found at start")
    age_s = now_s - delivery.created_at_s
    if age_s >= AGE_SHOWN_AFTER_S:
        marks.append(f"{duration_text(age_s)} ago")
    if delivery.over_after_s is not None:
        marks.append(f"over after {duration_text(delivery.over_after_s)}")
    if delivery.is_repeat:
        marks.append("may be a repeat")
    return marks
