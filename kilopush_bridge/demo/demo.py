"""Everything in one terminal: broker, devices, bridge, KILO.Push and phone.

Nothing leaves the machine: the broker and the API are inside this process, the state is in a
folder that goes away at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from kilopush_bridge.app import App
from kilopush_bridge.config import Broker, load_config
from kilopush_bridge.demo.devices import day
from kilopush_bridge.demo.screen import Screen
from kilopush_bridge.emulator import Emulator
from kilopush_bridge.mqtt.embedded import EmbeddedBroker

if TYPE_CHECKING:
    from kilopush_bridge.config import Config

PAUSE_S = 0.7  # between two messages of the devices: slow enough to read along
DEMO_VALUES = {
    "KILO_TOKEN": "c_" + "d" * 40,
    "KILO_SECRET": "d" * 64,
    "KILO_ME": "u_" + "1" * 40,
    "KILO_ANNA": "u_" + "2" * 40,
}


def example_config() -> Path:
    """Return the example configuration: in the wheel it lies here, in a checkout at the top."""
    packaged = Path(__file__).with_name("config.example.yaml")
    return packaged if packaged.exists() else Path(__file__).parents[2] / "config.example.yaml"


async def run_demo(config_file: Path | None, seconds: float | None) -> None:
    """Run until cancelled, or for so many seconds; print a summary at the end.

    Raises:
        ConfigError: the configuration cannot be used.
        UsageError: the broker inside cannot start.
    """
    file = config_file or example_config()
    config = load_config(file, {**DEMO_VALUES, **os.environ})
    screen = Screen({token: name for name, token in config.people.items()})
    with tempfile.TemporaryDirectory(prefix="kilopush-demo-") as folder:
        async with Emulator(on_request=screen.received) as emulator:
            config = _inside(config, Path(folder), emulator.url)
            screen.say(f"Broker {config.broker.url}, KILO.Push {emulator.url}.")
            screen.say(f"Rules from {file.name}. Ctrl-C ends it.\n")
            embedded = EmbeddedBroker(config.broker)
            await embedded.start()
            try:
                await _play(config, screen, seconds)
            finally:
                await embedded.stop()
                screen.summary()


def _inside(config: Config, folder: Path, api_url: str) -> Config:
    """Return the rules and people of `config`, cut off from its broker, its state and the API."""
    broker = Broker("embedded", "127.0.0.1", _free_port(), topic_prefix=config.broker.topic_prefix)
    return replace(config, broker=broker, state=folder / "state.db", api_url=api_url)


async def _play(config: Config, screen: Screen, seconds: float | None) -> None:
    logger = logging.getLogger("kilopush_bridge")
    logger.addHandler(screen)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    tasks = [
        asyncio.create_task(App(config).run(), name="bridge"),
        asyncio.create_task(_devices(config, screen), name="devices"),
        asyncio.create_task(screen.until_gone(), name="reader"),
    ]
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    if task.done():
                        task.result()  # a part that failed says why
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        logger.removeHandler(screen)


async def _devices(config: Config, screen: Screen) -> None:
    """Publish like a house does, only slower."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="demo-devices")
    await asyncio.to_thread(client.connect, config.broker.host, config.broker.port)
    client.loop_start()
    try:
        await asyncio.sleep(1)  # the bridge subscribes
        for one in day():
            screen.published(one)
            client.publish(one.topic, one.payload, qos=1)
            await asyncio.sleep(PAUSE_S)
    finally:
        client.disconnect()
        client.loop_stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
