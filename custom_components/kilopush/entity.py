"""What all entities share: their device, their ids, and how a failed message becomes an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, override

from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.util import slugify

from .const import DOMAIN
from .outbox.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from homeassistant.core import HomeAssistant

    from .channel import Channel, KilopushConfigEntry
    from .outbox.model import Request, Result
    from .settings import Recipient


# What is an error for whoever sends, by the key of its text; the first that fits is told.
_ERRORS: Final = {
    "failed": frozenset({Outcome.WITHDRAWN, Outcome.DEAD}),
    "kept": frozenset({Outcome.REFUSED}),
}


class ChannelEntity(Entity):
    """An entity of the channel itself.

    No entity is ever unavailable: Home Assistant drops an action on an unavailable entity without
    an error, and a message must fail loudly. Trouble is what the problem sensor is for.
    """

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, channel: Channel, key: str) -> None:
        self.channel = channel
        self._attr_translation_key = key
        self._attr_unique_id = f"{channel.entry.entry_id}_{key}"
        self._attr_device_info = _channel_device(channel.entry)


class StatusEntity(ChannelEntity):
    """An entity that shows the channel's overview, and is told when it changes."""

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.channel.async_listen(self._async_changed))

    @callback
    def _async_changed(self) -> None:
        self.async_write_ha_state()


class RecipientEntity(Entity):
    """An entity of one person. Never unavailable either, see `ChannelEntity`."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, channel: Channel, recipient: Recipient, key: str) -> None:
        self.channel = channel
        self.recipient = recipient
        self._id = f"{channel.entry.entry_id}_{recipient.id}"
        self._attr_translation_key = key
        self._attr_unique_id = f"{self._id}_{key}"

    @property
    @override
    def device_info(self) -> DeviceInfo:
        """The person's device, behind that of the channel."""
        return DeviceInfo(
            entry_type=DeviceEntryType.SERVICE,
            identifiers={(DOMAIN, self._id)},
            manufacturer="KILO.Push",
            model="Recipient",
            name=self.recipient.name,
            via_device_id=_channel_device_id(self.hass, self.channel.entry),
        )


async def async_send(
    channel: Channel, recipient_ids: Sequence[str], request: Request
) -> dict[str, Result]:
    """Return what a request came to for each recipient: sent, or on its way.

    Raises:
        HomeAssistantError: somebody does not get it, or not before somebody has acted. All others
            have got it nevertheless.
    """
    results = await channel.async_send(recipient_ids, request)
    for key, outcomes in _ERRORS.items():
        ids = [id_ for id_, result in results.items() if result.outcome in outcomes]
        if ids:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key=key,
                translation_placeholders={
                    "name": ", ".join(channel.recipients[id_].name for id_ in ids),
                    "reason": "; ".join(dict.fromkeys(results[id_].reason for id_ in ids)),
                },
            )
    return results


def distinct_names(recipients: Iterable[Recipient]) -> dict[str, str]:
    """Return the name of each recipient by its id; people of the same name get a number.

    Names are the same if they make the same part of an action's name.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for recipient in recipients:
        name, number = recipient.name, 1
        while slugify(name) in taken:
            number += 1
            name = f"{recipient.name} {number}"
        taken.add(slugify(name))
        names[recipient.id] = name
    return names


def _channel_device(entry: KilopushConfigEntry) -> DeviceInfo:
    return DeviceInfo(
        entry_type=DeviceEntryType.SERVICE,
        identifiers={(DOMAIN, entry.entry_id)},
        manufacturer="KILO.Push",
        model="Channel",
        name=entry.title,
    )


def _channel_device_id(hass: HomeAssistant, entry: KilopushConfigEntry) -> str:
    # Platforms are set up side by side: a person's device may be asked for before the channel's.
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, **_channel_device(entry)
    )
    return device.id
