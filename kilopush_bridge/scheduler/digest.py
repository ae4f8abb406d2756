"""The text of a digest, read from the outbox: by rule, then by key, the total always exact."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kilopush_bridge.core.digest import pack
from kilopush_bridge.outbox.digests import read_deliveries, read_groups
from kilopush_bridge.scheduler.compose import compose_single, marks_of
from kilopush_bridge.times import moment_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from kilopush_bridge.model import Batch, Delivery
    from kilopush_bridge.outbox.digests import Group, Part
    from kilopush_bridge.scheduler.policy import Policy

GROUPS_SHOWN_MAX = 80  # a line takes more than 12 characters
PARTS_SHOWN_MAX = 20  # of each rule


def write_digest(
    connection: sqlite3.Connection, batch: Batch, policy: Policy, now_s: float
) -> Batch:
    """Return the batch of a digest with its text. Reads only."""
    digests = batch.deliveries
    groups = read_groups(connection, [one.id for one in digests], PARTS_SHOWN_MAX)
    # The urgent first, then the rare: what happened once says more than what happened a thousand
    # times, and the last lines are those that may not fit.
    groups.sort(key=lambda group: (group.priority, group.number, group.first_s))
    shown = groups[:GROUPS_SHOWN_MAX]
    last = read_deliveries(connection, [part.last_id for group in shown for part in group.parts])
    silent = all(group.silent for group in groups) or policy.is_silent(batch.priority, now_s)
    if len(groups) == 1 and groups[0].number == 1 and last:
        (only,) = last.values()
        is_repeat = only.is_repeat or any(digest.is_repeat for digest in digests)
        one = compose_single(replace(only, is_repeat=is_repeat), now_s)
        return replace(batch, text=one.text, url=one.url, silent=silent)
    if any(one.tries for one in digests):  # refused: perhaps for the words of others in it
        return replace(batch, text=_bare(groups, digests, now_s, policy), silent=silent)
    listed = [_listed(group, last, now_s, policy) for group in shown]
    unlisted = groups[GROUPS_SHOWN_MAX:]
    more = (sum(group.number for group in unlisted), len(unlisted))
    return replace(
        batch, text=pack(_heading(groups, digests, now_s, policy), listed, more), silent=silent
    )


def _bare(
    groups: Sequence[Group], digests: Sequence[Delivery], now_s: float, policy: Policy
) -> str:
    rules = f"{len(groups)} {'rule' if len(groups) == 1 else 'rules'}"
    return (
        f"{_heading(groups, digests, now_s, policy)}\nKILO.Push refuses the details of {rules}: "
        "see `kilopush-bridge queue list --state digested`"
    )


def _heading(
    groups: Sequence[Group], digests: Sequence[Delivery], now_s: float, policy: Policy
) -> str:
    total = sum(group.number for group in groups)
    first_s = min((group.first_s for group in groups), default=now_s)
    last_s = max((group.last_s for group in groups), default=now_s)
    repeat = ", may be a repeat" if any(one.is_repeat for one in digests) else ""
    return f"{total} alerts, {_span(first_s, last_s, now_s, policy)}{repeat}"


def _listed(
    group: Group, last: Mapping[int, Delivery], now_s: float, policy: Policy
) -> tuple[str, int, str, list[tuple[str, int, str]]]:
    parts = sorted(group.parts, key=lambda part: part.first_s)
    return (
        group.name,
        group.number,
        _span(group.first_s, group.last_s, now_s, policy),
        [_part(part, last[part.last_id], now_s, policy) for part in parts],
    )


def _part(part: Part, last: Delivery, now_s: float, policy: Policy) -> tuple[str, int, str]:
    # Its age is said by the span beside it.
    marks = marks_of(replace(last, created_at_s=now_s), now_s) if part.number == 1 else []
    text = last.text + "".join(f" ({mark})" for mark in marks)
    return text, part.number, _span(part.first_s, part.last_s, now_s, policy)


def _span(first_s: float, last_s: float, now_s: float, policy: Policy) -> str:
    first = moment_text(first_s, now_s, policy.zone)
    last = moment_text(last_s, now_s, policy.zone)
    return first if first == last else f"{first} to {last}"
