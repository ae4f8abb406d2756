"""Load a configuration file: every problem at once, or a `Config`."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from kilopush_bridge.config.advice import warn_of_later_words, warn_of_rules
from kilopush_bridge.config.broker import build_broker
from kilopush_bridge.config.channels import build_channels, check_channel
from kilopush_bridge.config.clock import build_quiet, digest_times
from kilopush_bridge.config.config import Config
from kilopush_bridge.config.costs import warn_of_costs
from kilopush_bridge.config.grants import build_grants
from kilopush_bridge.config.people import build_people, resolve_names
from kilopush_bridge.config.quota import check_quota
from kilopush_bridge.config.rules import RuleBuilder, Surroundings
from kilopush_bridge.config.settings import api_address, state_path, time_zone
from kilopush_bridge.config.shape import parse_shape
from kilopush_bridge.config.timing import check_causes
from kilopush_bridge.config.tree import read_source
from kilopush_bridge.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kilopush_bridge.config.config import Channel
    from kilopush_bridge.config.people import Groups
    from kilopush_bridge.config.problems import Problems
    from kilopush_bridge.config.schema import FileSection
    from kilopush_bridge.rules import Rule


def load_config(path: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """Return what a file says.

    Raises:
        ConfigError: with every problem of the file.
    """
    source, problems = read_source(path, environment)
    sections = parse_shape(source.data, problems)
    config = _build(sections, path, environment, problems)
    check_quota(config, problems)
    warn_of_costs(config, problems)
    if problems.found:
        raise ConfigError(problems.found)
    return replace(config, warnings=tuple(sorted(problems.warnings)))


def _build(
    sections: FileSection, path: Path, environment: Mapping[str, str], problems: Problems
) -> Config:
    people, groups = build_people(sections.people, problems)
    channels = build_channels(sections.channels, sections.budget, problems)
    surroundings = _surroundings(sections, channels, groups, problems)
    broker = build_broker(sections.mqtt, problems)
    rules = _rules(sections, surroundings, problems)
    check_causes(rules, sections.alerts, problems)
    warn_of_later_words(sections, problems)
    warn_of_rules(rules, broker.topic_prefix, problems)
    return Config(
        file=str(path),
        broker=broker,
        channels=channels,
        people=people,
        groups=groups,
        default_to=surroundings.default_to,
        default_channel=surroundings.default_channel,
        rules=rules,
        state=state_path(sections.state, path, environment, problems),
        api_url=api_address(sections.api_url, environment, problems),
        log_level=sections.log.level,
        log_format=sections.log.format,
        zone=time_zone(sections.timezone, problems),
        quiet=build_quiet(sections.quiet, problems),
        digest_at=digest_times(sections.digest, problems),
        grants=build_grants(sections.senders, problems),
    )


def _surroundings(
    sections: FileSection, channels: Mapping[str, Channel], groups: Groups, problems: Problems
) -> Surroundings:
    defaults = sections.defaults
    to = resolve_names(defaults.to or (), ("defaults", "to"), groups, problems)
    if defaults.to and not to:
        problems.ignore(("defaults", "to"))  # noted once, not again for every rule
    if defaults.channel is not None:
        check_channel(defaults.channel, ("defaults", "channel"), channels, problems)
    first_channel = next(iter(channels), "")
    return Surroundings(channels, groups, defaults.channel or first_channel, defaults.priority, to)


def _rules(
    sections: FileSection, surroundings: Surroundings, problems: Problems
) -> tuple[Rule, ...]:
    builder = RuleBuilder(surroundings, problems)
    built = [builder.build(name, section) for name, section in sections.alerts.items()]
    return tuple(rule for rule in built if rule is not None)
