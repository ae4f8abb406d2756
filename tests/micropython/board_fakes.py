"""What the examples use of a board beside shims.py: levels, radio, sensor, and an end.

A ``story`` is a generator that moves the board: it goes on each time the watchdog is fed. When it
is over, the example is.
"""

import asyncio
import sys
import time

import shims
import vfs
from flash import Flash

SPEED = 10  # a second of the board takes 100 ms


class TheEnd(BaseException):
    """The story is over: what no ``except Exception`` in an example catches."""


class FastTime(shims.Time):
    """The module ``time`` of a board whose clock runs SPEED times as fast."""

    def __init__(self):
        ticks = shims.Ticks()
        super().__init__(ticks)
        self.ticks_ms = lambda: time.ticks_ms() * SPEED % shims.PERIOD_MS
        self.sleep_ms = lambda ms: time.sleep_ms(ms // SPEED)
        self.sleep = lambda seconds: time.sleep(seconds / SPEED)


class Pin(shims.Pin):
    """A pin whose level is the board's, so that it is still there after a deep sleep."""

    levels = {}  # noqa: RUF012 - one board
    pins = {}  # noqa: RUF012

    def __init__(self, number, mode=shims.Pin.IN, pull=None):
        level = Pin.levels.get(number, int(pull == shims.Pin.PULL_UP))
        super().__init__(number, mode, pull, level)
        Pin.pins[number] = self


class WLAN(shims.WLAN):
    """A radio that takes a second to connect, if there is a network."""

    is_there = True
    asked_ms = None
    connects = 0

    def connect(self, name, password):
        WLAN.connects += 1
        WLAN.asked_ms = time.ticks_ms()

    def disconnect(self):
        WLAN.asked_ms = None

    def isconnected(self):
        if WLAN.asked_ms is None or not WLAN.is_there:
            return False
        return SPEED * time.ticks_diff(time.ticks_ms(), WLAN.asked_ms) > 1000


class WDT(shims.WDT):
    """A watchdog that goes on with the story when it is fed, and knows the longest wait."""

    story = iter(())
    longest_ms = 0
    fed_ms = None

    def feed(self):
        now_ms = time.ticks_ms()
        if WDT.fed_ms is not None:
            WDT.longest_ms = max(WDT.longest_ms, SPEED * time.ticks_diff(now_ms, WDT.fed_ms))
        WDT.fed_ms = now_ms
        for _ in WDT.story:
            return
        raise TheEnd


class DS18X20:
    """A sensor that shows what the story says; None: a loose wire."""

    celsius = 20.0

    def __init__(self, bus):
        self.bus = bus

    def scan(self):
        return [] if DS18X20.celsius is None else [b"\x28wwwwwww"]

    def convert_temp(self):
        if DS18X20.celsius is None:
            raise OSError("no sensor")

    def read_temp(self, rom):
        return DS18X20.celsius


def install():
    """Put all of it in place; return ``machine``, whose ``cause`` and ``woken_by`` can be set."""
    machine = shims.install_machine()
    machine.Pin, machine.WDT = Pin, WDT
    machine.EXT0_WAKE, machine.EXT1_WAKE, machine.TIMER_WAKE = 2, 3, 4
    machine.woken_by = 0
    machine.wake_reason = lambda: machine.woken_by
    machine.wakes = []  # what shall wake it from the next sleep: (pin, level)
    shims.put("network", shims.Module(WLAN=WLAN, STA_IF=WLAN.IF_STA))
    shims.put("onewire", shims.Module(OneWire=shims.same))
    shims.put("ds18x20", shims.Module(DS18X20=DS18X20))
    esp32 = shims.put("esp32", shims.Module(NVS=shims.NVS, WAKEUP_ALL_LOW=0, WAKEUP_ANY_HIGH=1))
    esp32.wake_on_ext0 = lambda pin, level: machine.wakes.append((pin.number, level))
    esp32.wake_on_ext1 = lambda pins, level: machine.wakes.append((pins[0].number, level))
    shims.put("time", FastTime())
    sleep, sleep_ms = asyncio.sleep, asyncio.sleep_ms
    asyncio.sleep = lambda seconds: sleep(seconds / SPEED)
    asyncio.sleep_ms = lambda ms: sleep_ms(ms // SPEED)
    return machine


def mount_flash():
    """Give the board littlefs at "/"; the computer's files are below /pc, and still imported."""
    vfs.mount(vfs.VfsPosix("/"), "/pc")
    vfs.umount("/")
    Flash("esp32", times=4).mount("/")
    sys.path[:] = ["/pc" + path if path.startswith("/") else path for path in sys.path]


def install_secrets(arguments):
    """Let ``import secrets`` give the example's, with tokens, and with these arguments."""
    secrets = shims.put("secrets", __import__("secrets_example"))
    del secrets.KILOPUSH["ca"]
    secrets.KILOPUSH.update({"to": "u_" + "1" * 40, "token": "c_" + "2" * 40, "secret": "3" * 64})
    secrets.KILOPUSH.update(arguments)
