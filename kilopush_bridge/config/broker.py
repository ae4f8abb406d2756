"""From `mqtt:` to a `Broker`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kilopush_bridge.config.addresses import Address, is_loopback, parse_address
from kilopush_bridge.config.config import Broker
from kilopush_bridge.config.problems import did_you_mean

if TYPE_CHECKING:
    from kilopush_bridge.config.problems import Problems
    from kilopush_bridge.config.schema import MqttSection

PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443, "embedded": 1883}
WEBSOCKET_PATH = "/mqtt"  # what mosquitto, EMQX and HiveMQ use
WEBSOCKETS = ("ws", "wss")

_URL = ("mqtt", "url")
_EXAMPLE = "for example mqtt://localhost:1883"
_SCHEMES = " ".join(f"{scheme}://" for scheme in PORTS)


def build_broker(section: MqttSection, problems: Problems) -> Broker:
    """Return how to reach the broker, noting what cannot be right."""
    address = parse_address(section.url)
    if address is None:
        problems.add(_URL, "`url` is no address", _EXAMPLE)
        problems.ignore(_URL)
        address = Address("mqtt", "localhost", None, "", has_credentials=False, has_more=False)
    broker = _broker(section, address)
    _check_address(address, problems)
    _check_embedded(broker, problems)
    _check_login(section, problems)
    _check_files(section, broker, problems)
    _check_prefix(section.topic_prefix, problems)
    return broker


def _broker(section: MqttSection, address: Address) -> Broker:
    path = address.path if address.path.strip("/") else WEBSOCKET_PATH
    return Broker(
        scheme=address.scheme,
        host=address.host,
        port=address.port or PORTS.get(address.scheme, 0),
        path=path if address.scheme in WEBSOCKETS else "",
        username=section.username,
        password=section.password,
        ca_file=section.ca_file,
        cert_file=section.cert_file,
        key_file=section.key_file,
        client_id=section.client_id,
        topic_prefix=section.topic_prefix,
    )


def _check_address(address: Address, problems: Problems) -> None:
    if address.scheme not in PORTS:
        hint = did_you_mean(address.scheme, PORTS)
        problems.add(_URL, f"`url` must start with one of {_SCHEMES}", hint)
    elif (address.path.strip("/") and address.scheme not in WEBSOCKETS) or address.has_more:
        problems.add(_URL, "`url` has a part too many", "only ws:// and wss:// have a path")
    if not address.host:
        problems.add(_URL, "`url` names no host", _EXAMPLE)
    if address.port == 0:
        problems.add(_URL, "`url` has port 0", _EXAMPLE)
    if address.has_credentials:
        hint = "use the words `username` and `password`: addresses are logged"
        problems.add(_URL, "`url` must not hold a user name or password", hint)


def _check_embedded(broker: Broker, problems: Problems) -> None:
    is_open = not (broker.username and broker.password)
    if broker.scheme == "embedded" and is_open and not is_loopback(broker.host):
        what = "an embedded broker beyond 127.0.0.1 needs `username` and `password`"
        problems.add(_URL, what, "else anybody in the network could read and send")


def _check_login(section: MqttSection, problems: Problems) -> None:
    is_alone = section.username is None and not problems.is_rejected(("mqtt", "username"))
    if section.password is not None and is_alone:
        hint = "MQTT 3.1.1 does not allow that"  # [MQTT-3.1.2-22]
        problems.add(("mqtt", "password"), "`password` without `username`", hint)


def _check_files(section: MqttSection, broker: Broker, problems: Problems) -> None:
    files = {word: getattr(section, word) for word in ("ca_file", "cert_file", "key_file")}
    for word, name in files.items():
        path = ("mqtt", word)
        if name is not None and not broker.is_tls and not problems.is_rejected(_URL):
            problems.add(path, f"`{word}` needs an mqtts:// or wss:// address")
        elif name is not None and not Path(name).is_file():
            problems.add(path, f"there is no file {problems.shown(path, name)}")
    is_alone = section.cert_file is None and not problems.is_rejected(("mqtt", "cert_file"))
    if section.key_file is not None and is_alone:
        problems.add(("mqtt", "key_file"), "`key_file` without `cert_file`")


def _check_prefix(prefix: str, problems: Problems) -> None:
    if {"+", "#"} & set(prefix) or prefix.startswith("$") or prefix.strip("/") != prefix:
        what = "`topic_prefix` is a topic without wildcards, without `/` at its ends"
        problems.add(("mqtt", "topic_prefix"), what)
