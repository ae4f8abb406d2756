"""A button for each person that sends a test message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, override

from homeassistant.components.button import ButtonEntity
from homeassistant.const import EntityCategory
from homeassistant.util import dt as dt_util

from .entity import RecipientEntity, async_send
from .outbox.model import Request

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .channel import Channel, KilopushConfigEntry
    from .settings import Recipient

# No limit, as for messages: a slow test of one person must not hold up another's.
PARALLEL_UPDATES = 0

_TEXT: Final = "Test message from Home Assistant"


async def async_setup_entry(
    hass: HomeAssistant,
    entry: KilopushConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a test button for each person."""
    channel = entry.runtime_data
    for recipient in channel.recipients.values():
        async_add_entities([TestButton(channel, recipient)], config_subentry_id=recipient.id)


class TestButton(RecipientEntity, ButtonEntity):
    """Sends one message; it counts like every other. An error says why it did not arrive."""

    _attr_entity_category = EntityCategory.DIAGNOSTIC

    def __init__(self, channel: Channel, recipient: Recipient) -> None:
        super().__init__(channel, recipient, "test")

    @override
    async def async_press(self) -> None:
        # The time tells one test from the next on a phone.
        text = f"{_TEXT}, {dt_util.now():%H:%M:%S}"
        await async_send(self.channel, [self.recipient.id], Request(message=text))
