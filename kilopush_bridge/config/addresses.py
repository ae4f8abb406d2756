"""Web and broker addresses, taken apart without surprises."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of `scheme://host:port/path`; what it does not name is empty or None."""

    scheme: str
    host: str
    port: int | None
    path: str
    has_credentials: bool
    has_more: bool  # a query or a fragment


def parse_address(text: str) -> Address | None:
    """Return the parts of an address, None if it is none."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:  # `http://[`, a port that is no number up to 65535
        return None
    if "://" not in text or any(char.isspace() for char in text):
        return None
    return Address(
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=port,
        path=parts.path,
        has_credentials=parts.username is not None or parts.password is not None,
        has_more=bool(parts.query or parts.fragment),
    )


def is_loopback(host: str) -> bool:
    """Return whether `host` can only be this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
