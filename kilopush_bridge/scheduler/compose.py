"""The words of one POST: what was decided, and what has to be said about it now.

Pure. The marks (a repeat, an age, an end) are added when the message leaves, because only then
are they known; they survive cutting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kilopush_bridge.core.protocol import MESSAGE_MAX_UNITS
from kilopush_bridge.core.text import cut, units
from kilopush_bridge.model import Batch, Delivery
from kilopush_bridge.times import MINUTE_S, duration_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kilopush_bridge.model import Message

AGE_SHOWN_AFTER_S = MINUTE_S  # a younger message is news
TEXT_KEPT_UNITS = 200  # a link may not push the text below this


def compose(deliveries: Sequence[Delivery], now_s: float) -> Batch:
    """Return the batch of as many `deliveries` as fit one message, at least the first.

    Those that do not fit are not in the batch: they go next time.
    """
    if deliveries[0].is_digest:  # its text is read from the outbox: see `digest`
        return Batch(tuple(deliveries), "", None, silent=False)
    if len(deliveries) == 1:
        return compose_single(deliveries[0], now_s)
    taken: list[Delivery] = []
    lines: list[str] = []
    for delivery in deliveries:
        line = _line(delivery, now_s)
        if lines and units("\n".join([*lines, line])) > MESSAGE_MAX_UNITS:
            break
        taken.append(delivery)
        lines.append(line)
    if len(taken) == 1:
        return compose_single(taken[0], now_s)
    silent = all(delivery.silent for delivery in taken)
    return Batch(tuple(taken), "\n".join(lines), None, silent)


def compose_message(
    message: Message, person: str, now_s: float, *, is_repeat: bool = False
) -> Batch:
    """Return the batch of a message that is in no outbox."""
    delivery = Delivery(
        id=0,
        alert_id=0,
        person=person,
        channel=message.channel,
        kind=message.kind,
        priority=message.priority,
        name=message.name,
        text=message.text or "",
        url=message.url,
        silent=message.silent,
        created_at_s=message.at_s,
        found_at_start=message.found_at_start,
        is_repeat=is_repeat,
    )
    return compose_single(delivery, now_s)


def compose_single(delivery: Delivery, now_s: float) -> Batch:
    """Return the batch of one delivery, with its link."""
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
