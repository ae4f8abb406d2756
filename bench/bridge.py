"""The configuration of kilopush-bridge for a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.names import END_TEXT, END_TOPIC

if TYPE_CHECKING:
    from bench.workloads import Rule, Workload

HEAD = f"""
mqtt: {{url: "mqtt://127.0.0.1:PORT"}}
state: state.db
channels: {{home: {{token: c_{"a" * 40}, secret: {"0" * 64}}}}}
people: {{me: u_{"1" * 40}}}
defaults: {{to: me}}
budget: {{per_day: PER_DAY}}
alerts:
  end:
    topic: {END_TOPIC}
    event: value == 'now'
    priority: critical
    message: {END_TEXT}
"""


def configuration(workload: Workload, port: int) -> str:
    """Return config.yaml; everything that it does not name has its default."""
    head = HEAD.replace("PORT", str(port)).replace("PER_DAY", str(workload.per_day))
    rules = [_rule(at, rule) for at, rule in enumerate(workload.rules)]
    return "".join([head, *rules])


def _rule(at: int, rule: Rule) -> str:
    lines = [f"topic: {rule.topic}", *rule.words, f'message: "{rule.message}"']
    return f"  rule {at}:\n" + "".join(f"    {line}\n" for line in lines)
