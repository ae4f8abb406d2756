"""From `channels:` to the senders that rules may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kilopush_bridge.config.config import Channel
from kilopush_bridge.config.expand import braces_hint
from kilopush_bridge.config.quota import limits_of
from kilopush_bridge.core.protocol import is_channel_token, is_secret, is_user_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kilopush_bridge.config.problems import Problems
    from kilopush_bridge.config.schema import BudgetSection, ChannelSection
    from kilopush_bridge.config.source import KeyPath


def build_channels(
    sections: Mapping[str, ChannelSection], budget: BudgetSection, problems: Problems
) -> dict[str, Channel]:
    """Return the channels by name, noting what cannot be right about each."""
    if not sections:
        problems.missing(("channels",), "say what sends: a name, and its `token` and `secret`")
    channels = {}
    for name, section in sections.items():
        _check_credentials(section, name, problems)
        channels[name] = Channel(
            section.token or "",
            section.secret or "",
            limits_of(budget, section.budget),
            section.critical_channel,
        )
    _check_critical_channels(channels, problems)
    return channels


def _check_credentials(section: ChannelSection, name: str, problems: Problems) -> None:
    token, secret = section.token or "", section.secret or ""
    token_at: KeyPath = ("channels", name, "token")
    secret_at: KeyPath = ("channels", name, "secret")
    if not token:
        problems.missing(token_at)
    elif not is_channel_token(token):
        what = "this is a user token" if is_user_token(token) else "this is no channel token"
        hint = braces_hint(token) or "a channel token is `c_` and 40 letters and digits"
        problems.add(token_at, what, hint)
    if not secret:
        problems.missing(secret_at)
    elif not is_secret(secret):
        hint = braces_hint(secret) or "it is 64 letters and digits"
        problems.add(secret_at, "this is no channel secret key", hint)


def _check_critical_channels(channels: Mapping[str, Channel], problems: Problems) -> None:
    for name, channel in channels.items():
        other = channel.critical_channel
        if other is None:
            continue
        path: KeyPath = ("channels", name, "critical_channel")
        check_channel(other, path, channels, problems)
        if other == name:
            problems.add(path, "this is the channel itself", "name another, or leave the word out")
        elif other in channels and channels[other].critical_channel not in (None, other):
            what = f"the channel {problems.shown(path, other)} has a `critical_channel` of its own"
            problems.add(path, what, "one step is all there is: an alarm must not go in circles")


def check_channel(
    name: str, at: KeyPath, channels: Mapping[str, Channel], problems: Problems
) -> None:
    """Note a name that no channel has."""
    if name not in channels and not problems.is_rejected(("channels", name)):
        problems.unknown_name(at, "channel", name, channels)
