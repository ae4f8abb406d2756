"""`kilopush-bridge try TOPIC PAYLOAD`: what a message would do, and why."""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import Annotated, Any

import typer

from kilopush_bridge.cli.common import ConfigOption, JsonOption, load, print_json
from kilopush_bridge.cli.what_if import Outcome, notes, outcome, present
from kilopush_bridge.core.protocol import MESSAGE_MAX_UNITS
from kilopush_bridge.core.text import units
from kilopush_bridge.errors import UsageError
from kilopush_bridge.expressions import UNKNOWN, Scope
from kilopush_bridge.model import Received
from kilopush_bridge.payload import read_payload
from kilopush_bridge.rules import Rule
from kilopush_bridge.scheduler.compose import compose_message
from kilopush_bridge.templates import Renderer
from kilopush_bridge.times import duration_text


def try_(
    topic: Annotated[str, typer.Argument(help="Topic name.")],
    payload: Annotated[str, typer.Argument(help="Payload; - reads standard input.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which rules a message reaches, why they fire or not, and what would be sent."""
    if {"+", "#"} & set(topic):
        raise UsageError(f"`{topic}`: a topic name has no wildcards")
    loaded = load(config)
    content = _content(payload)
    if content.lstrip().startswith((b"{", b"[")) and isinstance(read_payload(content), str):
        print("the payload is no JSON: taken as text", file=sys.stderr)
    now_s = time.time()
    logging.getLogger("kilopush_bridge.templates").disabled = True  # said here instead
    received, at = Received(topic, content), present(loaded.state)
    results = []
    for rule in loaded.rules:
        found = outcome(rule, received, now_s, loaded.zone)
        said = list(notes(rule, found, at, now_s, loaded.zone))
        results.append(_result(rule, topic, content, found, said))
    if as_json:
        print_json(results)
    else:
        _print(results, topic)


def _content(payload: str) -> bytes:
    """Return the bytes that an argument stands for, without the line break that `echo` adds."""
    if payload == "-":
        return sys.stdin.buffer.read().removesuffix(b"\n")
    return os.fsencode(payload)


def _result(
    rule: Rule, topic: str, payload: bytes, found: Outcome, said: list[str]
) -> dict[str, Any]:
    alert = found.alarm
    if rule.filter_for(topic) is None:
        return {"rule": rule.name, "matches": False, "why": "its topic filters do not match"}
    if alert is None:
        return {
            "rule": rule.name,
            "matches": True,
            "fires": False,
            "why": _why_not(rule, topic, payload),
        }
    renderer = Renderer()
    message = renderer.render(alert)
    sent = compose_message(message, message.to[0], alert.at_s)
    return {
        "rule": rule.name,
        "matches": True,
        "fires": True,
        "after_s": found.after_s,
        "notes": said,
        "priority": message.priority.word,
        "to": list(message.to),
        "key": message.key,
        "text": sent.text,
        "url": sent.url,
        "silent": sent.silent,
        "units": units(sent.text) + units(sent.url or ""),
        "is_cut": (message.text or "") != sent.text,
        "failures": renderer.reasons.get(rule.name, {}),
    }


def _why_not(rule: Rule, topic: str, payload: bytes) -> str:
    """Return why a rule that gets the message does not fire."""
    topic_filter = rule.filter_for(topic)
    names = {**(topic_filter.bind(topic) if topic_filter else {}), "topic": topic}
    scope = Scope(read_payload(payload), names)
    word = "event" if rule.is_event else "when"
    if rule.condition.holds(scope) is not UNKNOWN:
        return f"`{word}: {rule.condition.source}` is false"
    missing = rule.condition.missing(scope)
    verb = "is" if len(missing) == 1 else "are"
    quoted = ", ".join(f"`{one}`" for one in missing)
    reason = f": {quoted} {verb} missing, null or unknown" if missing else ""
    return f"`{word}: {rule.condition.source}` is unknown{reason}"


def _print(results: list[dict[str, Any]], topic: str) -> None:
    reached = [one for one in results if one["matches"]]
    for one in reached:
        if not one["fires"]:
            print(f"{one['rule']}: does not fire: {one['why']}")
            continue
        later = f" after {duration_text(one['after_s'])}" if one["after_s"] else ""
        whom = f"{one['priority']}, to {', '.join(one['to'])}, key {one['key']}"
        print(f"{one['rule']}: fires{later}, {whom}")
        for word, reason in one["failures"].items():
            instead = "this is sent instead" if word == "message" else "it is left out"
            print(f"    the {word} could not be rendered: {reason}; {instead}")
        print(f"    {one['text']}")
        if one["url"]:
            print(f"    {one['url']}")
        cut = ", cut" if one["is_cut"] else ""
        silent = ", silent" if one["silent"] else ""
        print(f"    {one['units']} of {MESSAGE_MAX_UNITS} units{cut}{silent}")
        for note in one["notes"]:
            print(f"    {note}")
    others = len(results) - len(reached)
    print(
        f"{others} other rules do not listen to `{topic}`"
        if others != 1
        else f"1 other rule does not listen to `{topic}`"
    )
