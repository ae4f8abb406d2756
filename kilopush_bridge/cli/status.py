"""`kilopush-bridge status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kilopush_bridge.cli.common import (
    ConfigOption,
    JsonOption,
    load,
    print_json,
    state_now_s,
    when_text,
)
from kilopush_bridge.model import HoldKind
from kilopush_bridge.outbox.lock import Lock
from kilopush_bridge.outbox.store import open_for_reading
from kilopush_bridge.scheduler.overview import overview
from kilopush_bridge.scheduler.policy import policy_of
from kilopush_bridge.scheduler.situation import Moment
from kilopush_bridge.times import duration_text, moment_text
from kilopush_bridge.words import HOLDS

if TYPE_CHECKING:
    from datetime import tzinfo

BAR_CHARS = 40
COLUMNS = ("channel", "spent", "left", "for criticals", "digests", "next digest")


def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show each channel's budget, what was sent, what waits, what fires and what holds it up."""
    loaded = load(config)
    connection = open_for_reading(loaded.state)
    now_s = state_now_s(connection)
    report = overview(connection, policy_of(loaded), Moment(now_s, now_s))
    connection.close()
    report["running"] = _is_running(Lock(loaded.state))
    if as_json:
        print_json(report)
    else:
        _print(report, now_s, loaded.zone)


def _is_running(lock: Lock) -> bool:
    is_free = lock.acquire()
    lock.release()
    return not is_free


def _print(report: dict[str, Any], now_s: float, zone: tzinfo | None) -> None:
    print("The bridge is running." if report["running"] else "The bridge is not running.")
    print()
    _print_channels(report["channels"], now_s, zone)
    print()
    alerts = report["alerts"]
    print("Alerts: " + ", ".join(f"{number} {word}" for word, number in alerts.items()))
    for hold in report["holds"]:
        print(_held(hold, now_s))
    _print_rules(report, now_s, zone)


def _print_rules(report: dict[str, Any], now_s: float, zone: tzinfo | None) -> None:
    for one in report["firing"]:
        print(_firing(one, now_s, zone))
    if not report["firing"]:
        print("Nothing is firing.")
    for one in report["snoozed"]:
        print(f"Snoozed: {one['rule']} until {moment_text(one['until'], now_s, zone)}")
    if timers := report["timers"]:
        print("Timers: " + ", ".join(f"{number} {word}" for word, number in timers.items()))


def _firing(one: dict[str, Any], now_s: float, zone: tzinfo | None) -> str:
    text = f"{one['rule']} ({one['key']}) for {duration_text(now_s - one['since'])}"
    if one["muted"] is not None:
        until = f" until {moment_text(one['until'], now_s, zone)}" if one["until"] else ""
        return f"Muted: {text}, {one['muted']}{until}"
    return f"Firing: {text}{', acknowledged' if one['acknowledged'] else ''}"


def _print_channels(channels: dict[str, dict[str, Any]], now_s: float, zone: tzinfo | None) -> None:
    rows = [COLUMNS, *(_row(name, one, now_s, zone) for name, one in channels.items())]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    bars = ["", *(_bar(one) for one in channels.values())]
    for row, bar in zip(rows, bars, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join([*cells, bar]).rstrip())
    for name, one in channels.items():
        if one["others_seen"]:
            print(
                f"Others have sent at least {one['others_seen']} a day on {name}: that is kept free"
            )
    if any(bars):
        print("█ spent  ▒ kept for criticals, digests and other senders  · left")


def _row(name: str, channel: dict[str, Any], now_s: float, zone: tzinfo | None) -> tuple[str, ...]:
    per_day, next_digest_s = channel["per_day"], channel["next_digest"]
    spent = f"{channel['spent']} of {per_day}" if per_day else f"{channel['spent']}, no limit"
    left = [
        "-" if channel[word] is None else str(channel[word])
        for word in ("left", "critical_left", "digests_left")
    ]
    soon = "-" if next_digest_s is None else when_text(next_digest_s, now_s, zone)
    return (name, spent, *left, soon)


def _bar(channel: dict[str, Any]) -> str:
    """Return spent, kept and left as parts of one line; nothing without a limit."""
    per_day: int | None = channel["per_day"]
    if per_day is None:
        return ""
    spent: int = min(
        BAR_CHARS, -(-BAR_CHARS * channel["spent"] // per_day)
    )  # a little shows as one
    left: int = min(BAR_CHARS - spent, BAR_CHARS * channel["left"] // per_day)
    return "█" * spent + "·" * left + "▒" * (BAR_CHARS - spent - left)


def _held(hold: dict[str, Any], now_s: float) -> str:
    whom = f"{hold['person']} on {hold['channel']}" if hold["person"] else hold["channel"]
    wait_s = hold["next"] - now_s
    next_text = f"tries again in {duration_text(wait_s)}" if wait_s > 0 else "tries with the next"
    return f"Held: {whom}: {HOLDS[HoldKind(hold['kind'])]} ({hold['detail']}); {next_text}"
