"""Alarms from a board to KILO.Push: ``KiloPush`` and the four priorities."""

from .client import KiloPush
from .record import CRITICAL, HIGH, LOW, NORMAL
from .version import VERSION

__all__ = ("CRITICAL", "HIGH", "LOW", "NORMAL", "KiloPush")
__version__ = VERSION
