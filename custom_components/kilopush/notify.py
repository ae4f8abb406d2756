"""The entities that messages go to: one for each person, and one for everyone."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, override

from homeassistant.components.notify import NotifyEntity
from homeassistant.components.notify.const import NotifyEntityFeature

from .entity import ChannelEntity, RecipientEntity, async_send, distinct_names
from .legacy import async_get_service
from .outbox.model import Request
from .services import to_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
    from homeassistant.util.json import JsonObjectType

    from .channel import Channel, KilopushConfigEntry
    from .outbox.model import Result
    from .settings import Recipient

# `async_get_service` is what Home Assistant looks for here when the option asks for legacy actions.
__all__ = ["PARALLEL_UPDATES", "async_get_service", "async_setup_entry"]

# No limit: an alarm must not wait behind a slow message. The outbox keeps the order.
PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: KilopushConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add an entity for everyone, and one for each person."""
    channel = entry.runtime_data
    async_add_entities([EveryoneNotify(channel)])
    for recipient in channel.recipients.values():
        async_add_entities([RecipientNotify(channel, recipient)], config_subentry_id=recipient.id)


class _Notify(NotifyEntity):
    """Sends to its recipients, from both actions in the same way."""

    channel: Channel
    _recipient_ids: Sequence[str]
    _attr_supported_features = NotifyEntityFeature.TITLE

    @abstractmethod
    def _report(self, results: dict[str, Result]) -> JsonObjectType:
        """Return what a message came to, for the answer of an action."""

    @override
    async def async_send_message(self, message: str, title: str | None = None) -> None:
        """Send what `notify.send_message` can say."""
        await self._async_send(Request(message=message, title=title or ""))

    async def async_publish(self, **fields: Any) -> JsonObjectType:
        """Send what `kilopush.send_message` can say; return what it came to."""
        results = await self._async_send(to_request(self.hass, fields))
        self._async_record_notification()
        return self._report(results) | self._budget()

    async def _async_send(self, request: Request) -> dict[str, Result]:
        return await async_send(self.channel, self._recipient_ids, request)

    def _budget(self) -> JsonObjectType:
        overview = self.channel.overview
        return {
            "left": overview.left,
            "critical_left": overview.critical_left,
            "pending": overview.pending,
        }


class RecipientNotify(RecipientEntity, _Notify):
    """Sends to one person."""

    _attr_name = None

    def __init__(self, channel: Channel, recipient: Recipient) -> None:
        super().__init__(channel, recipient, "notify")
        self._recipient_ids = [recipient.id]

    @override
    def _report(self, results: dict[str, Result]) -> JsonObjectType:
        return _described(results[self.recipient.id])


class EveryoneNotify(ChannelEntity, _Notify):
    """Sends to all people of a channel: what a group helper cannot do with url and priority."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel, "everyone")
        self._recipient_ids = list(channel.recipients)

    @override
    def _report(self, results: dict[str, Result]) -> JsonObjectType:
        names = distinct_names(self.channel.recipients.values())
        return {"recipients": {names[id_]: _described(result) for id_, result in results.items()}}


def _described(result: Result) -> JsonObjectType:
    return {"status": result.outcome.value, "reason": result.reason, "parts": result.parts}
