"""The lines under Settings, System, Repairs, System information."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.components.system_health import (
    SystemHealthRegistration,
    async_check_can_reach_url,
)
from homeassistant.core import callback
from yarl import URL

from .const import DOMAIN
from .push import api_url

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from .channel import KilopushConfigEntry


@callback
def async_register(hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Offer the lines."""
    register.async_register_info(_async_info)


async def _async_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return one line for the server, and the figures of all channels in their order."""
    entries: list[KilopushConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    overviews = [entry.runtime_data.overview for entry in entries]
    return {
        # Its host only: the address of messages takes nothing but messages.
        "can_reach_server": async_check_can_reach_url(hass, str(URL(api_url()).origin())),
        "channels": len(overviews),
        "left": ", ".join(_left(overview.left) for overview in overviews),
        "pending": ", ".join(str(overview.pending) for overview in overviews),
    }


def _left(left: int | None) -> str:
    return "unlimited" if left is None else str(left)
