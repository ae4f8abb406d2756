"""Whether a channel needs somebody's attention."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, override

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import callback
from homeassistant.helpers.event import async_call_later

from .entity import StatusEntity
from .outbox.model import EventType

if TYPE_CHECKING:
    from datetime import datetime

    from homeassistant.core import CALLBACK_TYPE, HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

    from .channel import Channel, KilopushConfigEntry
    from .outbox.model import Event

# The channel tells of its changes: nothing is fetched, so there is nothing to limit.
PARALLEL_UPDATES = 0

_LATELY: Final = timedelta(days=1)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: KilopushConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the problem sensor of the channel."""
    async_add_entities([ProblemSensor(entry.runtime_data)])


class ProblemSensor(StatusEntity, BinarySensorEntity):
    """On while something keeps messages back, or some were refused for good lately."""

    _attr_device_class = BinarySensorDeviceClass.PROBLEM
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel, "problem")
        self._dead_until: CALLBACK_TYPE | None = None

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.channel.async_listen_events(self._async_happened))
        self.async_on_remove(self._forget_dead)

    @property
    @override
    def is_on(self) -> bool:
        return bool(self.channel.overview.troubles) or self._dead_until is not None

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """What the troubles are, whose they are, and how many messages were given up."""
        overview = self.channel.overview
        return {
            "troubles": [
                {"trouble": trouble.value, "recipient": self._name(recipient_id)}
                for trouble, recipient_id in overview.troubles
            ],
            "dead": overview.dead,
            "withdrawn": overview.withdrawn,
        }

    @callback
    def _async_happened(self, event: Event) -> None:
        if event.type is not EventType.DEAD:
            return
        self._forget_dead()
        self._dead_until = async_call_later(self.hass, _LATELY, self._async_is_long_ago)
        self.async_write_ha_state()

    @callback
    def _async_is_long_ago(self, _now: datetime) -> None:
        self._dead_until = None
        self.async_write_ha_state()

    @callback
    def _forget_dead(self) -> None:
        if self._dead_until is not None:
            self._dead_until()
            self._dead_until = None

    def _name(self, recipient_id: str) -> str | None:
        recipient = self.channel.recipients.get(recipient_id)
        return recipient.name if recipient else None
