"""`kilopush-bridge status`."""

from __future__ import annotations

import time
from typing import Any

from kilopush_bridge.cli.common import ConfigOption, JsonOption, load, print_json
from kilopush_bridge.model import HoldKind
from kilopush_bridge.outbox.report import summary
from kilopush_bridge.outbox.store import Lock, open_for_reading
from kilopush_bridge.times import duration_text
from kilopush_bridge.words import HOLDS


def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show what was sent, what waits, what fires and what holds it up."""
    loaded = load(config)
    now_s = time.time()
    connection = open_for_reading(loaded.state)
    report = summary(connection, loaded.channels, now_s)
    connection.close()
    report["running"] = _is_running(Lock(loaded.state))
    if as_json:
        print_json(report)
    else:
        _print(report, now_s)


def _is_running(lock: Lock) -> bool:
    is_free = lock.acquire()
    lock.release()
    return not is_free


def _print(report: dict[str, Any], now_s: float) -> None:
    print("The bridge is running." if report["running"] else "The bridge is not running.")
    for name, channel in report["channels"].items():
        print(f"Channel {name}: {channel['spent']} of its quota spent in 24 h")
    alerts = report["alerts"]
    print(
        "Deliveries: "
        + ", ".join(
            f"{alerts[word]} {word}"
            for word in ("accepted", "sent", "pending", "dead", "withdrawn")
        )
    )
    for hold in report["holds"]:
        print(_held(hold, now_s))
    for one in report["firing"]:
        print(f"Firing: {one['rule']} ({one['key']}) for {duration_text(now_s - one['since'])}")
    if not report["firing"]:
        print("Nothing is firing.")


def _held(hold: dict[str, Any], now_s: float) -> str:
    whom = f"{hold['person']} on {hold['channel']}" if hold["person"] else hold["channel"]
    wait_s = hold["next"] - now_s
    next_text = f"tries again in {duration_text(wait_s)}" if wait_s > 0 else "tries with the next"
    return f"Held: {whom}: {HOLDS[HoldKind(hold['kind'])]} ({hold['detail']}); {next_text}"
