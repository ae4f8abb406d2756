"""A short look at brokers: which answer, do they let us in, and who talks there?

Unlike the connection of a running bridge it leaves nothing behind: no session, no will, nothing
published. Each broker gets a thread that ends with the program, because looking up a name can
take longer than anybody waits, and cannot be stopped.
"""

from __future__ import annotations

import queue
import secrets
import threading
import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from kilopush_bridge.mqtt.connection import (
    BAD_USER_NAME_OR_PASSWORD,
    NOT_AUTHORIZED,
    REFUSALS,
    UNSUPPORTED_PROTOCOL,
)
from kilopush_bridge.mqtt.dial import dial_problem, is_untrusted, tls_context
from kilopush_bridge.mqtt.policy import Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kilopush_bridge.config import Broker

KEEPALIVE_S = 30
STEP_S = 0.05
HEARD_MAX = 2000  # messages; who talks is known long before

Heard = tuple[str, bytes]  # topic and payload


class Answer(Enum):
    """How a broker took us."""

    WELCOME = "welcome"
    LOGIN = "login"  # it refused who we are, or that we did not say it
    UNTRUSTED = "untrusted"  # its certificate
    REFUSED = "refused"  # for another reason
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at one broker found; `why` is for people."""

    broker: Broker
    answer: Answer
    why: str = ""
    heard: tuple[Heard, ...] = ()


def look_at(
    broker: Broker, timeout_s: float, filters: Sequence[str] = (), listen_s: float = 0.0
) -> Look:
    """Connect to a broker and listen to `filters` for a while."""
    return look_at_all([broker], timeout_s, filters, listen_s)[0]


def look_at_all(
    brokers: Sequence[Broker],
    timeout_s: float,
    filters: Sequence[str] = (),
    listen_s: float = 0.0,
) -> list[Look]:
    """Return what each broker said, in their order, after `timeout_s` and `listen_s` at most."""
    ends_at_s = time.monotonic() + timeout_s
    answers: queue.SimpleQueue[tuple[int, Look]] = queue.SimpleQueue()

    def run(number: int, broker: Broker) -> None:
        answers.put((number, _look(broker, ends_at_s, filters, listen_s)))

    for number, broker in enumerate(brokers):
        threading.Thread(target=run, args=(number, broker), daemon=True).start()
    found: dict[int, Look] = {}
    while len(found) < len(brokers):
        left_s = ends_at_s + listen_s + STEP_S - time.monotonic()
        try:
            number, look = answers.get(timeout=max(0.0, left_s))
        except queue.Empty:
            break
        found[number] = look
    silence = f"no answer within {timeout_s:.0f} s"
    return [
        found.get(number, Look(broker, Answer.NONE, silence))
        for number, broker in enumerate(brokers)
    ]


def _look(broker: Broker, ends_at_s: float, filters: Sequence[str], listen_s: float) -> Look:
    """Speak MQTT 5, and MQTT 3.1.1 to a broker that hangs up on it. Never raises."""
    look, is_wrong_protocol = _visit(_Visit(broker, Protocol.MQTT_5, ends_at_s), filters, listen_s)
    if is_wrong_protocol and time.monotonic() < ends_at_s:
        old = _Visit(broker, Protocol.MQTT_3_1_1, ends_at_s)
        look, _ = _visit(old, filters, listen_s)
    return look


def _visit(visit: _Visit, filters: Sequence[str], listen_s: float) -> tuple[Look, bool]:
    """Return what a visit found, and whether another protocol may find more."""
    try:
        return visit.look(filters, listen_s), visit.is_wrong_protocol
    except TimeoutError:
        return Look(visit.broker, Answer.NONE, "no answer"), False
    except (OSError, ValueError) as error:  # ssl's errors are OSErrors
        answer = Answer.UNTRUSTED if is_untrusted(error) else Answer.NONE
        return Look(visit.broker, answer, dial_problem(error)), False
    finally:
        visit.leave()


class _Visit:
    """One connection, from CONNECT to DISCONNECT, in this thread."""

    def __init__(self, broker: Broker, protocol: Protocol, ends_at_s: float) -> None:
        self.broker = broker
        self._ends_at_s = ends_at_s
        self._heard: list[Heard] = []
        self._reason: int | None = None
        self._reason_text = ""
        is_old = protocol is Protocol.MQTT_3_1_1
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"kilopush-init-{secrets.token_hex(4)}",
            clean_session=True if is_old else None,
            protocol=paho.MQTTv311 if is_old else paho.MQTTv5,
            transport="websockets" if broker.path else "tcp",
            reconnect_on_failure=False,
        )
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message

    @property
    def is_wrong_protocol(self) -> bool:
        """Whether the broker did not answer CONNECT, or said that it is too new."""
        return self._reason in (None, UNSUPPORTED_PROTOCOL)

    def look(self, filters: Sequence[str], listen_s: float) -> Look:
        self._connect()
        while self._reason is None and self._is_on(self._ends_at_s):
            pass
        if self._reason is None:
            return Look(self.broker, Answer.NONE, "it does not answer as an MQTT broker does")
        if self._reason:
            return Look(self.broker, self._refusal(), self._reason_text)
        if filters:
            self._client.subscribe([(one, 0) for one in filters])
            ends_at_s = time.monotonic() + listen_s
            while len(self._heard) < HEARD_MAX and self._is_on(ends_at_s):
                pass
        return Look(self.broker, Answer.WELCOME, "", tuple(self._heard))

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop(STEP_S)

    def _connect(self) -> None:
        broker = self.broker
        self._client.connect_timeout = max(STEP_S, self._ends_at_s - time.monotonic())
        if broker.username is not None:
            self._client.username_pw_set(broker.username, broker.password)
        if broker.path:
            self._client.ws_set_options(path=broker.path)
        if broker.is_tls:
            self._client.tls_set_context(tls_context(broker))
        self._client.connect(broker.host, broker.port, KEEPALIVE_S)

    def _is_on(self, ends_at_s: float) -> bool:
        """Do what the connection asks for; return whether to go on."""
        is_fine = self._client.loop(STEP_S) == MQTTErrorCode.MQTT_ERR_SUCCESS
        return is_fine and time.monotonic() < ends_at_s

    def _refusal(self) -> Answer:
        is_login = self._reason in (BAD_USER_NAME_OR_PASSWORD, NOT_AUTHORIZED)
        return Answer.LOGIN if is_login else Answer.REFUSED

    def _on_connect(
        self, _client: Any, _userdata: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        self._reason = reason.value
        told = f"the broker refused the connection: {reason}"
        self._reason_text = REFUSALS.get(reason.value, told)

    def _on_message(self, _client: Any, _userdata: Any, message: paho.MQTTMessage) -> None:
        try:
            self._heard.append((message.topic, bytes(message.payload)))
        except UnicodeDecodeError:  # a topic that no filter of ours can mean
            return
