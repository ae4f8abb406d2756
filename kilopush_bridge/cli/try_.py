"""`kilopush-bridge try TOPIC PAYLOAD`: what a message would do, and why."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from kilopush_bridge.cli.common import ConfigOption, JsonOption, load, print_json
from kilopush_bridge.core.protocol import MESSAGE_MAX_UNITS
from kilopush_bridge.core.text import units
from kilopush_bridge.expressions import UNKNOWN, Scope
from kilopush_bridge.model import Delivery, Message, Received
from kilopush_bridge.payload import read_payload
from kilopush_bridge.rules import Engine, Rule
from kilopush_bridge.scheduler.compose import compose
from kilopush_bridge.templates import Renderer


def try_(
    topic: Annotated[str, typer.Argument(help="Topic name.")],
    payload: Annotated[str, typer.Argument(help="Payload, as text.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which rules a message reaches, why they fire or not, and what would be sent."""
    loaded = load(config)
    now_s = time.time()
    engine = Engine(loaded.rules, {}, loaded.zone)
    alerts = {
        alert.rule.name: alert for alert in engine.handle(Received(topic, payload.encode()), now_s)
    }
    renderer = Renderer()
    results = []
    for rule in loaded.rules:
        message = renderer.render(alerts[rule.name]) if rule.name in alerts else None
        results.append(_result(rule, topic, payload, message, now_s))
    if as_json:
        print_json(results)
    else:
        _print(results, topic)


def _result(
    rule: Rule, topic: str, payload: str, message: Message | None, now_s: float
) -> dict[str, Any]:
    if rule.filter_for(topic) is None:
        return {"rule": rule.name, "matches": False, "why": "its topic filters do not match"}
    if message is None:
        return {
            "rule": rule.name,
            "matches": True,
            "fires": False,
            "why": _why_not(rule, topic, payload),
        }
    sent = compose([_delivery(message)], now_s)
    return {
        "rule": rule.name,
        "matches": True,
        "fires": True,
        "priority": message.priority.word,
        "to": list(message.to),
        "key": message.key,
        "text": sent.text,
        "url": sent.url,
        "silent": sent.silent,
        "units": units(sent.text) + units(sent.url or ""),
        "is_cut": (message.text or "") != sent.text,
    }


def _why_not(rule: Rule, topic: str, payload: str) -> str:
    """Return why a rule that gets the message does not fire."""
    topic_filter = rule.filter_for(topic)
    names = {**(topic_filter.bind(topic) if topic_filter else {}), "topic": topic}
    scope = Scope(read_payload(payload.encode()), names)
    word = "event" if rule.is_event else "when"
    if rule.condition.holds(scope) is not UNKNOWN:
        return f"`{word}: {rule.condition.source}` is false"
    missing = rule.condition.missing(scope)
    reason = (
        f": {', '.join(f'`{one}`' for one in missing)} is missing, null or unknown"
        if missing
        else ""
    )
    return f"`{word}: {rule.condition.source}` is unknown{reason}"


def _delivery(message: Message) -> Delivery:
    return Delivery(
        id=0,
        alert_id=0,
        person="",
        channel=message.channel,
        kind=message.kind,
        priority=message.priority,
        name=message.name,
        text=message.text or "",
        url=message.url,
        silent=message.silent,
        created_at_s=message.at_s,
    )


def _print(results: list[dict[str, Any]], topic: str) -> None:
    reached = [one for one in results if one["matches"]]
    for one in reached:
        if not one["fires"]:
            print(f"{one['rule']}: does not fire: {one['why']}")
            continue
        print(
            f"{one['rule']}: fires, {one['priority']}, to {', '.join(one['to'])}, key {one['key']}"
        )
        print(f"    {one['text']}")
        if one["url"]:
            print(f"    {one['url']}")
        cut = ", cut" if one["is_cut"] else ""
        silent = ", silent" if one["silent"] else ""
        print(f"    {one['units']} of {MESSAGE_MAX_UNITS} units{cut}{silent}")
    others = len(results) - len(reached)
    print(
        f"{others} other rules do not listen to `{topic}`"
        if others != 1
        else f"1 other rule does not listen to `{topic}`"
    )
