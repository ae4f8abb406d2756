"""What one message would do to one rule, now and later: time is played, nothing is stored."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kilopush_bridge.cli.common import state_now_s
from kilopush_bridge.errors import StorageError
from kilopush_bridge.model import Alert, Kind
from kilopush_bridge.outbox.keys import firing_keys, snoozed_rules
from kilopush_bridge.outbox.store import open_for_reading
from kilopush_bridge.rules import Engine
from kilopush_bridge.templates import Renderer
from kilopush_bridge.times import duration_text, moment_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import tzinfo
    from pathlib import Path

    from kilopush_bridge.model import Received
    from kilopush_bridge.rules import Rule
    from kilopush_bridge.rules.engine import Result


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is told, after how long if nothing changes, and the first reminder of it."""

    alarm: Alert | None
    after_s: float = 0.0
    reminder: Alert | None = None


@dataclass(frozen=True, slots=True)
class Present:
    """What the state of a bridge says that matters to an alarm; without a state, nothing."""

    firing: Collection[str] = ()
    snoozed: Mapping[str, float] | None = None


def outcome(rule: Rule, received: Received, now_s: float, zone: tzinfo | None) -> Outcome:
    """Return what a rule makes of a message if it is the first one."""
    engine = Engine([rule], {}, zone)
    alarm, after_s = _first_alert(engine.handle(received, now_s)), 0.0
    if alarm is None:
        after_s = rule.stale_s or rule.for_s
        alarm = _first_alert(engine.tick(now_s + after_s)) if after_s else None
    if alarm is None or not rule.repeat_s:
        return Outcome(alarm, after_s)
    reminder = _first_alert(engine.tick(now_s + after_s + rule.repeat_s[0]))
    is_late = reminder is not None and reminder.kind is not Kind.REMINDER
    return Outcome(alarm, after_s, None if is_late else reminder)


def present(state: Path) -> Present:
    """Return what fires and what is snoozed in the state of a bridge, if there is one."""
    try:
        connection = open_for_reading(state)
    except StorageError:
        return Present()
    with closing(connection):
        snoozed = snoozed_rules(connection, state_now_s(connection))
        firing = {one["rule"] for one in firing_keys(connection)}
        return Present(firing, {one["rule"]: one["until"] for one in snoozed})


def notes(
    rule: Rule, found: Outcome, at: Present, now_s: float, zone: tzinfo | None
) -> Iterator[str]:
    """Yield what else decides whether, and when, somebody hears of it."""
    if rule.stale_s is not None:
        yield f"heard: would be told after {duration_text(rule.stale_s)} of silence"
    elif rule.for_s:
        yield f"holds: would be told after {duration_text(rule.for_s)} if it still holds"
    yield from _mutes(rule, at, now_s, zone)
    if rule.group_s:
        yield f"would be grouped for {duration_text(rule.group_s)} with what comes after it"
    if rule.limit is not None:
        per = duration_text(rule.limit.per_s)
        yield f"at most {rule.limit.count} in {per}: what is more goes into the digest"
    if rule.cooldown_s:
        yield f"then not again for {duration_text(rule.cooldown_s)}, for the same key"
    if rule.repeat_s:
        yield _reminders(rule, found.reminder)
    if rule.clear_after_s is not None:
        yield f"counts as over {duration_text(rule.clear_after_s)} after the last one"


def _mutes(rule: Rule, at: Present, now_s: float, zone: tzinfo | None) -> Iterator[str]:
    for cause in rule.unless:
        if cause in at.firing:
            yield f"muted by `{cause}`, which fires now"
        else:
            yield f"not muted: `{cause}` does not fire"
    until_s = (at.snoozed or {}).get(rule.name)
    if until_s is not None:
        yield f"muted: snoozed until {moment_text(until_s, now_s, zone)}"


def _reminders(rule: Rule, first: Alert | None) -> str:
    if first is None:
        return "no reminder: it is over before the first `repeat`"
    *before, last = map(duration_text, rule.repeat_s)
    times = [f"after {', '.join(before)}, then"] if before else []
    text = Renderer().render(first).text
    return " ".join(["reminders", *times, f"every {last} until acknowledged or over:", f"{text}"])


def _first_alert(results: Sequence[Result]) -> Alert | None:
    return next((one for one in results if isinstance(one, Alert)), None)
