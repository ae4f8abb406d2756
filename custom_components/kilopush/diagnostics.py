"""What may be shown to a stranger who helps: counts and settings, no texts, names or tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from homeassistant.components.diagnostics import async_redact_data

from .const import CONF_BRIDGE_NAME, CONF_SECRET, CONF_TOKEN, CONF_TOPIC_PREFIX, CONF_USER_TOKEN

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from .channel import KilopushConfigEntry

# A bridge's name of a person and its topics are names that somebody chose.
_REDACTED: Final = {CONF_TOKEN, CONF_SECRET, CONF_USER_TOKEN, CONF_BRIDGE_NAME, CONF_TOPIC_PREFIX}


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: KilopushConfigEntry
) -> dict[str, Any]:
    """Return the settings of a channel and its state."""
    recipients = {id_: dict(subentry.data) for id_, subentry in entry.subentries.items()}
    return {
        "data": async_redact_data(dict(entry.data), _REDACTED),
        "options": async_redact_data(dict(entry.options), _REDACTED),
        "recipients": async_redact_data(recipients, _REDACTED),
        "channel": entry.runtime_data.diagnostics(),
    }
