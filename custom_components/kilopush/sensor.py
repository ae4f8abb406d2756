"""What a channel has sent, what it may still send, and what waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory
from homeassistant.util import dt as dt_util

from .core import protocol
from .entity import StatusEntity

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
    from homeassistant.helpers.typing import StateType

    from .channel import Channel, KilopushConfigEntry
    from .outbox.model import Overview

# The channel tells of its changes: nothing is fetched, so there is nothing to limit.
PARALLEL_UPDATES = 0

_ERRORS: Final = [
    protocol.QUOTA,
    protocol.OPTED_OUT,
    protocol.BLOCKED,
    protocol.FORBIDDEN,
    protocol.REJECTED,
    protocol.UNCLEAR,
    protocol.UNSENT,
]


@dataclass(frozen=True, kw_only=True)
class Description(SensorEntityDescription):
    """A sensor, and where its value and its attributes are in the overview."""

    value: Callable[[Overview], StateType]
    attributes: Callable[[Overview], dict[str, Any]] = lambda _: {}


def _last_error_attributes(overview: Overview) -> dict[str, Any]:
    at_s = overview.last_error_at_s
    return {
        "detail": overview.last_error_detail,
        "time": None if at_s is None else dt_util.utc_from_timestamp(at_s),
    }


_SENSORS: Final = (
    Description(
        key="left",
        entity_category=EntityCategory.DIAGNOSTIC,
        state_class=SensorStateClass.MEASUREMENT,
        value=lambda overview: overview.left,
        attributes=lambda overview: {"critical_left": overview.critical_left},
    ),
    Description(
        key="pending",
        entity_category=EntityCategory.DIAGNOSTIC,
        state_class=SensorStateClass.MEASUREMENT,
        value=lambda overview: overview.pending,
        attributes=lambda overview: {"in_digest": overview.in_digest},
    ),
    # The problem sensor and the repairs say what is wrong now: this is for a closer look.
    Description(
        key="last_error",
        device_class=SensorDeviceClass.ENUM,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        options=_ERRORS,
        value=lambda overview: overview.last_error,
        attributes=_last_error_attributes,
    ),
)

_SENT_TODAY: Final = Description(
    key="sent_today",
    entity_category=EntityCategory.DIAGNOSTIC,
    state_class=SensorStateClass.TOTAL,
    value=lambda overview: overview.sent_today,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: KilopushConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of the channel."""
    channel = entry.runtime_data
    async_add_entities(
        [SentTodaySensor(channel), *(OverviewSensor(channel, sensor) for sensor in _SENSORS)]
    )


class OverviewSensor(StatusEntity, SensorEntity):
    """One figure of the overview.

    "left" of a verified channel, which has no limit, is unknown: no number is true, and a sensor
    must not become unavailable.
    """

    entity_description: Description

    def __init__(self, channel: Channel, description: Description) -> None:
        super().__init__(channel, description.key)
        self.entity_description = description

    @property
    @override
    def native_value(self) -> StateType:
        return self.entity_description.value(self.channel.overview)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any]:
        """What belongs to the figure."""
        return self.entity_description.attributes(self.channel.overview)


class SentTodaySensor(OverviewSensor):
    """How many messages left since midnight: a total that starts again each day.

    The channel counts anew when a day begins, and says so.
    """

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel, _SENT_TODAY)

    @property
    @override
    def last_reset(self) -> datetime:
        return dt_util.start_of_local_day()
