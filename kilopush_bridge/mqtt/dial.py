"""What dialling the broker needs, and what its failures mean to the owner."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kilopush_bridge.config import Broker

CONNECT_TIMEOUT_S = 10.0


def tls_context(broker: Broker) -> ssl.SSLContext:
    """Return a context that verifies the broker, and shows our certificate if there is one."""
    context = ssl.create_default_context(cafile=broker.ca_file)
    if broker.cert_file is not None:
        context.load_cert_chain(broker.cert_file, broker.key_file)
    return context


def is_untrusted(error: BaseException) -> bool:
    """Return whether a connection failed because we do not trust the broker's certificate."""
    return isinstance(error, ssl.SSLCertVerificationError)


def dial_problem(error: BaseException) -> str:  # noqa: PLR0911  (one per kind of failure)
    """Return what a failed connection means to the owner."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the broker's certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or str(error)).replace("_", " ").lower()
        if "certificate" in reason:
            return f"the broker refused the client certificate: {reason}"
        if "handshake failure" in reason:
            return f"no TLS connection: {reason} (a broker that wants a client certificate says so)"
        return f"no TLS connection: {reason}"
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_TIMEOUT_S:.0f} s"
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return str(error)
