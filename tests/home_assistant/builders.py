"""Channels and people for the tests. No token in here opens anything."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import ConfigSubentryData
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.kilopush.const import (
    CONF_BRIDGE_NAME,
    CONF_SECRET,
    CONF_SILENT,
    CONF_TOKEN,
    CONF_USER_TOKEN,
    DOMAIN,
    SUBENTRY_RECIPIENT,
)

if TYPE_CHECKING:
    from homeassistant.config_entries import ConfigSubentry


def user_token(name: str) -> str:
    """Return the user token of a person."""
    return "u_" + sha256(name.encode()).hexdigest()[:40]


TITLE = "Home"
TOKEN = "c_" + 40 * "a"
SECRET = 64 * "5"
ANNA = user_token("Anna")
BEN = user_token("Ben")


def person(name: str, *, silent: bool = False, bridge_name: str = "") -> ConfigSubentryData:
    """Return a recipient for `channel_entry`."""
    data = {CONF_USER_TOKEN: user_token(name), CONF_SILENT: silent}
    if bridge_name:
        data[CONF_BRIDGE_NAME] = bridge_name
    return ConfigSubentryData(
        data=data,
        subentry_type=SUBENTRY_RECIPIENT,
        title=name,
        unique_id=_unique_id(user_token(name)),
    )


def channel_entry(*people: str | ConfigSubentryData, **options: Any) -> MockConfigEntry:
    """Return the entry of a channel named "Home" with these people, for example "Anna"."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=TITLE,
        unique_id=_unique_id(TOKEN),
        data={CONF_TOKEN: TOKEN, CONF_SECRET: SECRET},
        options=options,
        subentries_data=[person(one) if isinstance(one, str) else one for one in people],
    )


def subentry_of(entry: MockConfigEntry, name: str) -> ConfigSubentry:
    """Return a person of an entry."""
    return next(one for one in entry.subentries.values() if one.title == name)


def _unique_id(token: str) -> str:
    # Not the function of the integration: entries of today have to be found again tomorrow.
    return sha256(token.encode()).hexdigest()[:16]
