"""Devices and listeners at the broker, and other senders at the API."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from typing import TYPE_CHECKING, Any, Self

import paho.mqtt.client as paho

from harness.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable


def _connect(port: int, **credentials: str) -> paho.Client:
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    if credentials:
        client.username_pw_set(credentials["username"], credentials["password"])
    client.connect("127.0.0.1", port)
    client.loop_start()
    wait_until(client.is_connected, what="a test client connecting")
    return client


def publish_many(
    port: int,
    messages: Iterable[tuple[str, str | bytes]],
    *,
    qos: int = 1,
    retain: bool = False,
    every_s: float = 0.0,
    **credentials: str,
) -> None:
    """Publish, one message every `every_s`, and wait until the broker has everything."""
    client = _connect(port, **credentials)
    infos = []
    try:
        for topic, payload in messages:
            infos.append(client.publish(topic, payload, qos=qos, retain=retain))
            time.sleep(every_s)
        for info in infos:
            info.wait_for_publish(10)
            assert info.is_published()
    finally:
        client.disconnect()
        client.loop_stop()


def publish(
    port: int,
    topic: str,
    payload: str | bytes,
    *,
    qos: int = 1,
    retain: bool = False,
    **credentials: str,
) -> None:
    publish_many(port, [(topic, payload)], qos=qos, retain=retain, **credentials)


def post(url: str, *, token: str, secret: str, to: str, times: int = 1) -> None:
    """Send past the bridge: what other programs on the same channel do."""
    fields = {"token": token, "secret": secret, "to": to, "message": "from somewhere else"}
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(fields).encode(), headers)
    for _ in range(times):
        urllib.request.urlopen(request).close()


class Listener:
    """What the broker sends to somebody who subscribes."""

    def __init__(self, port: int, *filters: str) -> None:
        self.messages: list[tuple[str, str, bool]] = []
        self._lock = threading.Lock()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_connect = lambda client, *_: client.subscribe([(one, 1) for one in filters])
        self._client.loop_start()
        assert subscribed.wait(10)

    def _on_message(self, _client: Any, _userdata: Any, message: paho.MQTTMessage) -> None:
        with self._lock:
            self.messages.append((message.topic, message.payload.decode(), message.retain))

    def last(self, topic: str) -> str | None:
        with self._lock:
            return next(
                (payload for name, payload, _ in reversed(self.messages) if name == topic), None
            )

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
