"""From an alert to the message that people read. Never loses the alert: see `render`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kilopush_bridge.core.protocol import is_link
from kilopush_bridge.expressions import UNKNOWN, RenderFailure, Scope
from kilopush_bridge.expressions.values import truth
from kilopush_bridge.model import Kind, Message, Priority
from kilopush_bridge.payload import payload_text

if TYPE_CHECKING:
    from kilopush_bridge.model import Alert
    from kilopush_bridge.rules.rule import Rule

log = logging.getLogger(__name__)

FALLBACK_PAYLOAD_CHARS = 200


class Renderer:
    """Render alerts, and remember which rules have failed so that each is logged once."""

    def __init__(self) -> None:
        self.failures = 0
        self.reasons: dict[str, dict[str, str]] = {}  # the last one by rule and word

    def render(self, alert: Alert) -> Message:
        """Return the message of an alert. Never raises.

        A template that fails gives the rule's name, the topic and the start of the payload
        instead. A `url` that fails or is no link is left out: a text without a link beats none.
        """
        rule = alert.rule
        scope = Scope(alert.names["value"], alert.names)
        is_later = alert.kind in (Kind.RECOVERY, Kind.REMINDER)
        text = self._text(alert, scope)
        if alert.kind is Kind.REMINDER or alert.is_late:
            text = f"{text} (for {alert.names['lasted']})"
        return Message(
            kind=alert.kind,
            origin="rule",
            name=rule.name,
            key=alert.key,
            text=text,
            to=rule.to,
            channel=rule.channel,
            priority=_after_alarm(rule.priority) if is_later else rule.priority,
            at_s=alert.at_s,
            since_s=alert.since_s,
            topic=alert.topic,
            url=None if text is None else self._url(rule, scope),
            silent=rule.priority is Priority.LOW or self._asks_for_silence(rule, scope),
            found_at_start=alert.found_at_start,
            is_surplus=alert.is_surplus,
            group=alert.group,
            withdrawn=alert.withdrawn,
        )

    def _text(self, alert: Alert, scope: Scope) -> str | None:
        """Return the text; None for a recovery that the rule has no words for."""
        is_recovery = alert.kind is Kind.RECOVERY
        template = alert.rule.recovered if is_recovery else alert.rule.message
        if template is None:
            return None
        text = template.render(scope)
        if isinstance(text, str) and text:
            return text
        reason = text.reason if isinstance(text, RenderFailure) else "the text is empty"
        self._report(alert.rule, "recovered" if is_recovery else "message", reason)
        return _fallback_text(alert)

    def _url(self, rule: Rule, scope: Scope) -> str | None:
        if rule.url is None:
            return None
        url = rule.url.render(scope)
        if isinstance(url, str) and is_link(url):
            return url
        reason = url.reason if isinstance(url, RenderFailure) else "it is no http(s) link"
        self._report(rule, "url", reason)
        return None

    def _asks_for_silence(self, rule: Rule, scope: Scope) -> bool:
        if isinstance(rule.silent, bool):
            return rule.silent
        text = rule.silent.render(scope)
        if isinstance(text, RenderFailure):
            self._report(rule, "silent", text.reason)
            return False
        is_silent = truth(text)
        if is_silent is UNKNOWN and text:
            self._report(rule, "silent", "it gives neither true nor false")
        return is_silent is True

    def _report(self, rule: Rule, word: str, reason: str) -> None:
        self.failures += 1
        if rule.name not in self.reasons:
            log.warning(
                "rule `%s`: `%s` could not be rendered (%s); "
                "the alert is sent all the same, further failures are only counted",
                rule.name,
                word,
                reason,
            )
        self.reasons.setdefault(rule.name, {})[word] = reason


def _fallback_text(alert: Alert) -> str:
    """Return what is sent instead of a text: what is known without a template."""
    over = "over: " if alert.kind is Kind.RECOVERY else ""
    payload = payload_text(alert.payload, FALLBACK_PAYLOAD_CHARS)
    return f"{over}{alert.rule.name}: {alert.topic} {payload}".rstrip()


def _after_alarm(priority: Priority) -> Priority:
    """Return the priority of what follows an alarm: only the alarm itself is critical."""
    return max(priority, Priority.HIGH)
