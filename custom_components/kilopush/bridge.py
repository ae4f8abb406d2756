"""The way through the bridge: messages are handed over by MQTT, and it sees to the delivery.

The bridge says that it is there (retained ``PREFIX/status``), takes ``PREFIX/send/homeassistant``,
and answers ``PREFIX/accepted/ID`` once a message is on its disk.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_when_setup

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeassistant.components.mqtt.models import ReceiveMessage
    from homeassistant.core import HomeAssistant

    from .outbox.model import Delivery

_LOGGER = logging.getLogger(__name__)

ANSWER_S = 5.0  # then it is not there, whatever its status says
_AWAY_S = 60.0  # how long it is not asked after it did not answer
_SENDER = "homeassistant"


class Bridge:
    """The bridge, if there is one."""

    def __init__(self, hass: HomeAssistant, prefix: str) -> None:
        """Set whom to ask. Nothing is subscribed yet."""
        self._hass = hass
        self._prefix = prefix
        self._is_online = False
        self._away_until_s = 0.0
        self._answers: dict[str, asyncio.Future[None]] = {}
        self._unsubscribe: list[Callable[[], None]] = []
        self._is_stopped = False

    @property
    def is_there(self) -> bool:
        """Whether it is worth asking."""
        return self._is_online and self._hass.loop.time() >= self._away_until_s

    @callback
    def async_start(self) -> None:
        """Listen as soon as Home Assistant's MQTT integration is there, if it ever is."""
        async_when_setup(self._hass, "mqtt", self._async_subscribe)

    async def _async_subscribe(self, hass: HomeAssistant, _component: str) -> None:
        # Not at the top: without MQTT in Home Assistant its library is not installed.
        from homeassistant.components import mqtt  # noqa: PLC0415

        if not await mqtt.async_wait_for_mqtt_client(hass) or self._is_stopped:
            return
        for topic, heard in (("status", self._on_status), ("accepted/+", self._on_accepted)):
            self._unsubscribe.append(
                await mqtt.async_subscribe(hass, f"{self._prefix}/{topic}", heard, qos=1)
            )

    @callback
    def async_stop(self) -> None:
        """Listen no longer."""
        self._is_stopped = True
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe.clear()

    @callback
    def _on_status(self, message: ReceiveMessage) -> None:
        self._is_online = message.payload == "online"
        self._away_until_s = 0.0

    @callback
    def _on_accepted(self, message: ReceiveMessage) -> None:
        answer = self._answers.get(message.topic.rpartition("/")[2])
        if answer is not None and not answer.done():
            answer.set_result(None)

    async def async_hand_over(self, delivery: Delivery, to: str) -> tuple[bool, bool]:
        """Ask the bridge to send a message to the person whom it knows as ``to``.

        Return whether it has it, and whether it may have it.
        """
        # The same after a restart, so that the bridge sends it once; and never used again.
        request_id = f"ha-{delivery.request_id}"
        answer = self._hass.loop.create_future()
        self._answers[request_id] = answer
        is_asked = False
        try:
            async with asyncio.timeout(ANSWER_S):
                is_asked = await self._async_publish(_payload(delivery, to, request_id))
                if is_asked:
                    await answer
                    return True, True
        except TimeoutError:
            _LOGGER.warning(
                "The bridge has not accepted a message within %.0f s; it goes directly. If the "
                "bridge runs, its log says whether it knows the recipient's name there",
                ANSWER_S,
            )
            is_asked = True  # a publish that hangs may have left
        finally:
            del self._answers[request_id]
        self._away_until_s = self._hass.loop.time() + _AWAY_S
        return False, is_asked

    async def _async_publish(self, payload: dict[str, Any]) -> bool:
        try:
            from homeassistant.components import mqtt  # noqa: PLC0415

            if not mqtt.is_connected(self._hass):
                return False
            topic = f"{self._prefix}/send/{_SENDER}"
            await mqtt.async_publish(self._hass, topic, json.dumps(payload), qos=1)
        except HomeAssistantError, KeyError, ImportError:  # MQTT has been removed since
            return False
        return True


def _payload(delivery: Delivery, to: str, request_id: str) -> dict[str, Any]:
    payload = {
        "message": delivery.text,
        "to": to,
        "priority": delivery.priority.word,
        "silent": delivery.silent,
        "key": delivery.key,
        "id": request_id,
    }
    return payload if delivery.url is None else payload | {"url": delivery.url}
