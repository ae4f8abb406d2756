"""What an interpreter lacks of a board: added only where it is missing, or where a suite asks.

``install`` is for CPython and runs before anything else there. The machine and its clock are
installed by the suites that need them, before they import what uses them.
"""

import sys
import time

IS_MICROPYTHON = sys.implementation.name == "micropython"


class Module:
    """Something to put into ``sys.modules``: its attributes are what can be imported from it."""

    def __init__(self, **names):
        for name, value in names.items():
            setattr(self, name, value)


def put(name, module):
    """Let ``import name`` give ``module`` from now on, and return it."""
    sys.modules[name] = module
    return module


# --- What CPython lacks ---------------------------------------------------------------------------


def same(thing):
    return thing


def nothing(*args):
    return None


def call(function, argument):
    function(argument)


def install():
    """Give CPython the parts of MicroPython that board code uses. Elsewhere nothing happens."""
    if IS_MICROPYTHON:
        return
    import asyncio

    put(
        "micropython",
        Module(
            const=same,
            native=same,
            viper=same,
            heap_lock=nothing,
            heap_unlock=nothing,
            alloc_emergency_exception_buf=nothing,
            schedule=call,
        ),
    )
    ticks = Ticks()
    time.ticks_ms = lambda: int(time.monotonic() * 1000) & (PERIOD_MS - 1)
    time.ticks_add = ticks.ticks_add
    time.ticks_diff = ticks.ticks_diff
    time.sleep_ms = lambda ms: time.sleep(ms / 1000)
    asyncio.sleep_ms = lambda ms: asyncio.sleep(ms / 1000)


# --- A clock that is set --------------------------------------------------------------------------

# Source: MICROPY_PY_TIME_TICKS_PERIOD of 32-bit ports: small ints have 31 bits, one is the sign.
PERIOD_MS = 2**30
_HALF_MS = PERIOD_MS // 2


class Ticks:
    """A clock of milliseconds that stands still until it is moved, and wraps as on boards.

    Start it near ``PERIOD_MS`` and it wraps soon: real ones do so after 12.4 days.
    """

    def __init__(self, now_ms=0):
        self.now_ms = now_ms  # never wraps

    def ticks_ms(self):
        return self.now_ms & (PERIOD_MS - 1)

    def ticks_add(self, ticks_ms, delta_ms):
        if not -_HALF_MS < delta_ms < _HALF_MS:
            raise OverflowError("ticks interval overflow")
        return (ticks_ms + delta_ms) & (PERIOD_MS - 1)

    def ticks_diff(self, end_ms, start_ms):
        return ((end_ms - start_ms + _HALF_MS) & (PERIOD_MS - 1)) - _HALF_MS

    def sleep_ms(self, ms):
        self.now_ms += ms

    def install(self):
        """Let modules that are imported from now on find this clock in ``time``."""
        return put("time", Time(self))


class Time:
    """The module ``time`` with the ticks of a clock that is set; the rest is the real one's."""

    def __init__(self, ticks):
        self.ticks_ms = ticks.ticks_ms
        self.ticks_add = ticks.ticks_add
        self.ticks_diff = ticks.ticks_diff
        self.sleep_ms = ticks.sleep_ms

    def __getattr__(self, name):
        return getattr(time, name)


# --- The machine ----------------------------------------------------------------------------------

# Source: MicroPython's documentation of esp32: what RTC.memory holds.
RTC_MEMORY_BYTES = 2048


class DeepSleep(BaseException):
    """The board is asleep: nothing after ``deepsleep`` runs, and ``except Exception`` neither."""

    def __init__(self, ms=None):
        super().__init__(ms)
        self.ms = ms


class Pin:
    """A pin whose level the test sets with ``value(0 or 1)``; edges call the handler of ``irq``."""

    IN = 0
    OUT = 1
    PULL_UP = 1
    PULL_DOWN = 2
    IRQ_FALLING = 1
    IRQ_RISING = 2

    def __init__(self, number, mode=IN, pull=None, value=0):
        self.number = number
        self.level = value
        self.handler = None
        self.trigger = 0

    def irq(self, handler=None, trigger=IRQ_FALLING | IRQ_RISING, hard=False):
        self.handler = handler
        self.trigger = trigger

    def value(self, level=None):
        if level is None:
            return self.level
        edge = (level > self.level) * self.IRQ_RISING + (level < self.level) * self.IRQ_FALLING
        self.level = level
        if self.handler and edge & self.trigger:
            self.handler(self)
        return None


class RTC:
    """Memory and clock that survive ``deepsleep`` and a reset: every instance is the same chip."""

    content = b""
    time = (2000, 1, 1, 5, 0, 0, 0, 0)  # an ESP32 that was just powered up

    def memory(self, content=None):
        if content is None:
            return RTC.content
        if len(content) > RTC_MEMORY_BYTES:
            raise ValueError("buffer too long")
        RTC.content = bytes(content)
        return None

    def datetime(self, time_tuple=None):
        if time_tuple is None:
            return RTC.time
        RTC.time = tuple(time_tuple)
        return None


class WDT:
    """A watchdog that only counts how often it is fed."""

    def __init__(self, id=0, timeout=5000):  # noqa: A002 - the board's own name
        self.timeout_ms = timeout
        self.feeds = 0

    def feed(self):
        self.feeds += 1


class NVS:
    """ESP32's storage by name; what was not committed is lost when the test says ``power_cut``."""

    flash = {}  # noqa: RUF012 - one chip for all instances
    pending = {}  # noqa: RUF012

    def __init__(self, namespace):
        self.namespace = namespace

    def set_blob(self, key, content):
        NVS.pending[self.namespace, key] = bytes(content)

    def get_blob(self, key, buffer):
        content = self._find(key)
        if len(content) > len(buffer):
            raise OSError(-0x110C, "ESP_ERR_NVS_INVALID_LENGTH")
        buffer[: len(content)] = content
        return len(content)

    def set_i32(self, key, number):
        NVS.pending[self.namespace, key] = number

    def get_i32(self, key):
        return self._find(key)

    def erase_key(self, key):
        self._find(key)
        NVS.pending[self.namespace, key] = None

    def commit(self):
        NVS.flash.update(NVS.pending)
        NVS.pending.clear()

    def _find(self, key):
        found = NVS.pending.get((self.namespace, key), NVS.flash.get((self.namespace, key)))
        if found is None:
            raise OSError(-0x1102, "ESP_ERR_NVS_NOT_FOUND")
        return found

    @staticmethod
    def power_cut():
        NVS.pending.clear()


class WLAN:
    """A radio that is connected when the test sets ``connected``."""

    IF_STA = 0

    def __init__(self, interface=IF_STA):
        self.connected = True

    def active(self, is_active=None):
        return True

    def isconnected(self):
        return self.connected


def deepsleep(ms=None):
    raise DeepSleep(ms)


def install_machine(reset_cause=1):
    """Put ``machine``, ``esp32`` and ``network`` of a board that was just powered up in place.

    Return ``machine``; set its ``cause`` to what ``reset_cause()`` shall say from then on.
    """
    RTC.content = b""
    RTC.time = (2000, 1, 1, 5, 0, 0, 0, 0)
    NVS.flash.clear()
    NVS.pending.clear()
    machine = Module(
        Pin=Pin,
        RTC=RTC,
        WDT=WDT,
        PWRON_RESET=1,
        HARD_RESET=2,
        WDT_RESET=3,
        DEEPSLEEP_RESET=4,
        SOFT_RESET=5,
        deepsleep=deepsleep,
        cause=reset_cause,
    )
    machine.reset_cause = lambda: machine.cause
    put("esp32", Module(NVS=NVS))
    put("network", Module(WLAN=WLAN, STA_IF=WLAN.IF_STA))
    return put("machine", machine)
