"""KILO.Push for Home Assistant: the alarm always gets through, nothing else is silently lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from homeassistant.const import EVENT_CORE_CONFIG_UPDATE, Platform
from homeassistant.core import callback
from homeassistant.helpers import config_validation as cv
from homeassistant.util.hass_dict import HassKey

from .channel import Channel
from .const import DOMAIN
from .issues import async_forget, async_watch
from .legacy import async_load_legacy
from .services import async_setup_services
from .storage import Storage

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.typing import ConfigType

    from .channel import KilopushConfigEntry

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

_PLATFORMS: Final = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.NOTIFY,
    Platform.SENSOR,
]
_YAML: Final[HassKey[ConfigType]] = HassKey(DOMAIN)  # what discovery wants to be given


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the actions: they are there, and say what is missing, before any channel is."""
    hass.data[_YAML] = config
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: KilopushConfigEntry) -> bool:
    """Set up a channel. The network is not needed."""
    channel = entry.runtime_data = Channel(hass, entry)
    entry.async_on_unload(channel.async_stop)  # also if the setup fails
    await channel.async_start()
    await hass.config_entries.async_forward_entry_setups(entry, _PLATFORMS)
    async_watch(hass, entry)
    await async_load_legacy(hass, entry, hass.data[_YAML])
    entry.async_on_unload(entry.add_update_listener(_async_reload))
    entry.async_on_unload(
        hass.bus.async_listen(
            EVENT_CORE_CONFIG_UPDATE, callback(lambda _event: channel.async_set_policy())
        )
    )
    return True


async def async_unload_entry(hass: HomeAssistant, entry: KilopushConfigEntry) -> bool:
    """Stop, once what is on its way has landed.

    The entities stay until then: Home Assistant drops what is sent to an entity that is gone.
    """
    channel = entry.runtime_data
    await channel.async_land()
    is_unloaded = False
    try:
        is_unloaded = await hass.config_entries.async_unload_platforms(entry, _PLATFORMS)
    finally:
        if not is_unloaded:
            channel.async_go_on()
    if is_unloaded:
        await channel.async_close()
    return is_unloaded


async def async_remove_entry(hass: HomeAssistant, entry: KilopushConfigEntry) -> None:
    """Delete what the channel has stored, and its repairs."""
    async_forget(hass, entry)
    await Storage(hass, entry.entry_id, dict).async_remove()


async def _async_reload(hass: HomeAssistant, entry: KilopushConfigEntry) -> None:
    hass.config_entries.async_schedule_reload(entry.entry_id)
