"""KiloPush: what a program on a board uses. The work is done in ``engine``, step by step."""

import time

from micropython import const

from . import arguments
from .core import protocol
from .core.budget import Limits
from .engine import Channel, Engine
from .ledger import Ledger
from .plan import Person, Timing
from .queue import Queue
from .record import HIGH, NORMAL
from .state import STATE_MAX_BYTES

_NOTICE_MS = const(100)  # how long the alarm of an interrupt may wait for ``run``
_FIRED_MASK = const(0x3FFFFFFF)


class Source:
    """An alarm that is ready before it is needed: ``fire`` may be called in an interrupt."""

    def __init__(self, text, priority, url, silent, key):
        self.alarm = (text, priority, url, silent, key)
        self.fired = 0
        self.taken = 0
        # The bound method is made here, because making it takes memory.
        self.fire = self._fire

    def _fire(self, _pin=None):
        """Count one alarm. Takes no memory, so a hard interrupt may do it."""
        self.fired = (self.fired + 1) & _FIRED_MASK


class KiloPush:
    """Posts alarms to KILO.Push from a board, within its share of the channel's quota.

    Nothing here waits for the network, and nothing raises because of it. Call ``tick`` in your
    loop, or let ``run`` be a task.

    Args:
        to: user token of the recipient, or a tuple of up to 8. Each of them costs a message.
        token: channel token.
        secret: secret key of the channel.
        api: address of the send API; ``http://`` only with ``insecure=True``.
        daily_limit: how many of the channel's messages are this board's share, in any 25 hours;
            None for a verified channel. Source of 300: KILO.Push API document, "Limits".
        reserve: how many of these are kept for `CRITICAL`; None: a tenth, 30 of 300.
        window: seconds without a new alarm after which `NORMAL` and `LOW` ones are sent together.
        max_wait: seconds after which they are sent in any case.
        queue: how many alarms may wait; those of the same key share a place.
        queue_bytes: how many bytes these may take, at least 256.
        ca: root certificates as DER: bytes, or the path of a file, or several of these.
        insecure: True does not check who answers. Whoever that is then has the secret.
        store: path of two small files, or an object of ``store``, ``rtc`` or ``nvs``, or None.
        timeout: seconds for one whole exchange.
        wdt: a watchdog, or anything with ``feed``; fed between the steps of an exchange.
        online: a function that says whether the network is up. Without it, DNS may block.
        ballast: True keeps the memory that TLS needs in one piece (Pico W).
        name: of the board, at most 32 characters; its messages begin with it.
        set_rtc: whether a clock that was never set may be set, from NTP or the server.
        via: an MQTT client, or an object of ``mqtt``: alarms go to the daemon first.
        transport: "requests" to send with that library.

    Raises:
        ValueError: an argument is wrong. The text says which, and never shows a secret.
    """

    def __init__(
        self,
        to,
        token,
        secret,
        api=protocol.API_URL,
        daily_limit=300,
        reserve=None,
        window=60,
        max_wait=600,
        queue=24,
        queue_bytes=2048,
        ca=(),
        insecure=False,
        store="/kp",
        timeout=12,
        wdt=None,
        online=None,
        ballast=False,
        name="",
        set_rtc=True,
        via=None,
        transport=None,
    ):
        recipients = arguments.recipients_of(to)
        if reserve is None:
            reserve = (daily_limit or 0) // 10
        arguments.check(recipients, token, secret, name)
        arguments.check_numbers(daily_limit, reserve, window, max_wait, queue, queue_bytes, timeout)
        self._via = arguments.open_via(via, name)
        self._feed = arguments.feed_of(wdt)
        self._sources = []
        self._ticks_ms = time.ticks_ms()
        people = [Person(one, number) for number, one in enumerate(recipients)]
        store = arguments.open_store(store)
        if store is not None and store.capacity_bytes is not None:
            queue_bytes = min(queue_bytes, store.capacity_bytes - STATE_MAX_BYTES)
        way = arguments.open_transport(transport, api, ca, insecure, timeout, ballast, self._feed)
        self._engine = Engine(
            Channel(token, secret, name, people),
            Queue(queue, queue_bytes, len(people)),
            Ledger(Limits(daily_limit, reserve, 0, 0)),
            way,
            store,
            Timing(window, max_wait),
            arguments.open_clock(way, insecure, set_rtc),
            online,
            self._via,
        )

    def alarm(self, text, priority=NORMAL, url=None, silent=None, key=None, ttl=None):
        """Take an alarm; return False if there was no room and it was only counted.

        Never blocks and never raises. A `CRITICAL` or `HIGH` one is safe from a power cut after the
        next ``tick``, others within ten seconds.

        Args:
            text: what is told. What does not fit into a message is cut.
            priority: `CRITICAL`, `HIGH`, `NORMAL` or `LOW`. The first two are sent at once. What is
                none of them is `HIGH`.
            url: a link; one that KILO.Push would refuse becomes part of the text.
            silent: whether the phone stays quiet; `LOW` does by default.
            key: alarms of the same key are told as one while they wait; default: the text.
            ttl: seconds after which nobody wants to hear of it any more.
        """
        return self._engine.add(text, priority, url, silent, key, ttl)

    def source(self, text, priority=HIGH, url=None, silent=None, key=None):
        """Return a ``Source`` for an interrupt: ``pin.irq(door.fire, Pin.IRQ_RISING)``."""
        one = Source(text, priority, url, silent, key)
        self._sources.append(one)
        return one

    def tick(self):
        """Do one bounded step; return in how many milliseconds to call again, 20 to 1000.

        Later is allowed, but at least every 6 days: then the counter of milliseconds wraps.
        """
        now_ms = time.ticks_ms()
        passed_ms = time.ticks_diff(now_ms, self._ticks_ms)
        self._ticks_ms = now_ms
        self._engine.pass_ms(passed_ms)
        self._take_fired()
        return self._engine.step()

    async def run(self):
        """Tick for ever: ``asyncio.create_task(kp.run())``."""
        import asyncio

        while True:
            await asyncio.sleep_ms(min(self.tick(), _NOTICE_MS))

    def flush(self, timeout=15):
        """Send what waits, for at most so many seconds; for the moment before a deep sleep.

        Returns True when everybody has everything or the rest is safe in the store.
        """
        started_ms, engine = time.ticks_ms(), self._engine
        engine.flush(True)
        while True:
            wait_ms = self.tick()
            self._feed()
            left_ms = 1000 * timeout - time.ticks_diff(time.ticks_ms(), started_ms)
            if not self.pending or left_ms <= 1000 * engine.wait_s():
                break
            time.sleep_ms(max(1, min(wait_ms, left_ms)))
        engine.flush(False)
        engine.stop()
        self._take_fired()
        return engine.keeper.is_safe(engine.up_s) or not self.pending

    def heard(self, topic, payload):
        """Pass on an MQTT message that your own callback got; without ``via`` it is ignored."""
        if self._via is not None:
            self._via.heard(topic, payload)

    @property
    def left(self):
        """How many messages of the share are left, criticals included; None: no limit."""
        return self._engine.ledger.left()

    @property
    def pending(self):
        """How many alarms not everybody has got yet; those of one key that wait count each."""
        return self._engine.queue.pending()

    @property
    def dropped(self):
        """How many alarms were given up since boot: no room, refused, too old."""
        return self._engine.queue.dropped

    @property
    def state(self):
        """What the module is doing or waiting for, in a few words."""
        engine = self._engine
        if engine.doing:
            return engine.doing
        if engine.keeper.error:
            return engine.keeper.error
        if not engine.queue.records:
            return "idle"
        if engine.is_offline:
            return "offline"
        held = engine.held()
        if held:
            return "{}: {}".format(held, engine.last.detail) if engine.last else held
        return "no room in the budget: " + engine.why if engine.why else "collecting"

    @property
    def last(self):
        """The last verdict: ``outcome``, ``status``, ``detail``. None before the first one."""
        return self._engine.last

    @property
    def on_result(self):
        """Called with (status, number of alarms) after each attempt; status 0: no reply."""
        return self._engine.on_result

    @on_result.setter
    def on_result(self, function):
        self._engine.on_result = function

    def _take_fired(self):
        """Make alarms of what interrupts have counted."""
        for one in self._sources:
            number = (one.fired - one.taken) & _FIRED_MASK
            if number:
                # Only this side writes ``taken`` and only the interrupt ``fired``: none gets lost.
                one.taken = (one.taken + number) & _FIRED_MASK
                text, priority, url, silent, key = one.alarm
                self._engine.add(text, priority, url, silent, key, None, number)
