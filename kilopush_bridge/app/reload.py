"""Another configuration for a bridge that runs: what is different, and what cannot be.

Pure: `App.change_to` does it, `Reloader` says when.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from kilopush_bridge.app.own_topics import COMMANDS
from kilopush_bridge.config import Broker
from kilopush_bridge.rules import Retained, fires_alike, is_same
from kilopush_bridge.topics import overlaps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kilopush_bridge.config import Config
    from kilopush_bridge.rules import Rule

log = logging.getLogger(__name__)

NAMES_SHOWN = 10

_URL_PARTS = ("scheme", "host", "port", "path")


@dataclass(frozen=True, slots=True)
class Change:
    """From one configuration to the next. `config` is what is used: some of it needs a restart."""

    config: Config
    replay: frozenset[str]  # filters whose retained messages may say something new
    parts: tuple[str, ...]
    needs_restart: tuple[str, ...]

    def say(self) -> None:
        """Log what is different."""
        log.info("configuration reloaded: %s", "; ".join(self.parts) or "nothing has changed")
        if self.needs_restart:
            log.warning(
                "these take a restart, and stay as they were: %s", ", ".join(self.needs_restart)
            )


def compare(before: Config, after: Config) -> Change:
    """Return what is different in `after`."""
    old, new = _by_name(before.rules), _by_name(after.rules)
    changed = [name for name in old.keys() & new.keys() if not is_same(old[name], new[name])]
    lists = {
        "new rules": new.keys() - old.keys(),
        "changed rules": changed,
        "rules that are gone": old.keys() - new.keys(),
        "other sections": {
            section
            for section, said in _sections(before).items()
            if said != _sections(after)[section]
        },
    }
    return Change(
        config=replace(after, broker=before.broker, state=before.state),
        replay=frozenset(_replays(old, new)),
        parts=tuple(f"{what}: {_listed(names)}" for what, names in lists.items() if names),
        needs_restart=tuple(_fixed(before, after)),
    )


def filters_of(config: Config) -> list[str]:
    """Return every topic filter that a configuration asks for, the bridge's own commands too."""
    prefix = config.broker.topic_prefix
    own = [f"{prefix}/{word}/#" for word in COMMANDS]
    return [*(one.text for rule in config.rules for one in rule.filters), *own]


def credentials_of(config: Config) -> dict[str, tuple[str, str]]:
    """Return the token and secret of each channel."""
    return {name: (one.token, one.secret) for name, one in config.channels.items()}


def _replays(old: dict[str, Rule], new: dict[str, Rule]) -> set[str]:
    """Return the filters of rules that are to look at retained messages for the first time.

    Not those at which another rule would take a replay for news.
    """
    fresh = [
        rule
        for name, rule in new.items()
        if rule.takes_replays and not (name in old and fires_alike(old[name], rule))
    ]
    names = {rule.name for rule in fresh}
    firing = [
        one.text
        for rule in new.values()
        if rule.retained is Retained.FIRE and rule.name not in names
        for one in rule.filters
    ]
    texts = {one.text for rule in fresh for one in rule.filters}
    return {one for one in texts if not any(overlaps(one, other) for other in firing)}


def _sections(config: Config) -> dict[str, object]:
    """Return what each section says, apart from the rules and what takes a restart."""
    channels = config.channels.items()
    return {
        "channels": [(name, one.token, one.secret, one.critical_channel) for name, one in channels],
        "budget": [(name, vars(one.limits)) for name, one in channels],
        "people": (config.people, config.groups),
        "defaults": (config.default_to, config.default_channel),
        "quiet": config.quiet,
        "digest": config.digest_at,
        "senders": config.grants,
        "timezone": config.zone,
        "api_url": config.api_url,
        "log": (config.log_level, config.log_format),
    }


def _fixed(before: Config, after: Config) -> list[str]:
    """Return the words that have changed and take a restart."""
    words = [
        "mqtt.url" if field.name in _URL_PARTS else f"mqtt.{field.name}"
        for field in fields(Broker)
        if getattr(before.broker, field.name) != getattr(after.broker, field.name)
    ]
    if before.state != after.state:
        words.append("state")
    return list(dict.fromkeys(words))


def _by_name(rules: Iterable[Rule]) -> dict[str, Rule]:
    return {rule.name: rule for rule in rules}


def _listed(names: Iterable[str]) -> str:
    found = sorted(names)
    more = len(found) - NAMES_SHOWN
    return ", ".join(found[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
