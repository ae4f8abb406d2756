"""One entity for each person that tells what became of messages, for automations."""

from __future__ import annotations

from typing import TYPE_CHECKING, override

from homeassistant.components.event import EventEntity
from homeassistant.const import EntityCategory
from homeassistant.core import callback

from .entity import RecipientEntity
from .outbox.model import EventType

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .channel import Channel, KilopushConfigEntry
    from .outbox.model import Event
    from .settings import Recipient

# Nothing is fetched and no action is offered, so there is nothing to limit.
PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: KilopushConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the deliveries of each person."""
    channel = entry.runtime_data
    for recipient in channel.recipients.values():
        async_add_entities([DeliveryEvent(channel, recipient)], config_subentry_id=recipient.id)


class DeliveryEvent(RecipientEntity, EventEntity):
    """What became of the last message to this person."""

    _attr_entity_category = EntityCategory.DIAGNOSTIC

    def __init__(self, channel: Channel, recipient: Recipient) -> None:
        super().__init__(channel, recipient, "delivery")
        self._attr_event_types = [event_type.value for event_type in EventType]

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.channel.async_listen_events(self._async_happened))

    @callback
    def _async_happened(self, event: Event) -> None:
        if event.recipient_id != self.recipient.id:
            return
        self._trigger_event(
            event.type.value,
            {"title": event.title, "priority": event.priority, "reason": event.reason},
        )
        self.async_write_ha_state()
