"""A local KILO.Push: the same address, checks and replies, without phones and without a quota.

Used by the tests over real HTTP, by the demo, and by people who try their rules. It reads the API
document by itself and imports nothing of the bridge, so that a mistake in one of the two shows.
"""

from kilopush_bridge.emulator.faults import Fault, FaultKind
from kilopush_bridge.emulator.server import Emulator
from kilopush_bridge.emulator.service import Record
from kilopush_bridge.emulator.threaded import RunningEmulator, running_emulator
from kilopush_bridge.emulator.world import World

__all__ = [
    "Emulator",
    "Fault",
    "FaultKind",
    "Record",
    "RunningEmulator",
    "World",
    "running_emulator",
]
