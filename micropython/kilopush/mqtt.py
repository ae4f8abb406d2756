"""Through the daemon: alarms are published to ``kilopush/send/NAME``, with an id.

The daemon answers on ``kilopush/accepted/ID`` once the alarm is on its disk: then it sees to the
delivery. Without an answer in time the board posts by itself. The id of an alarm is the same after
a reboot, so that the daemon sends it once.

mqtt_as never holds anything up. umqtt.simple and umqtt.robust wait for the broker inside their own
calls: here for two seconds at most, but without a limit over TLS, whose sockets have no time-outs.
"""

import json
from binascii import crc32

from micropython import const

from . import record as records
from .message import Moment, whole

_ANSWER_S = const(5)
_AWAY_S = const(60)  # how long the daemon is not asked after it did not answer
_BROKER_S = const(2)  # a broker that does not answer within this is gone
_PRIORITIES = ("critical", "high", "normal", "low")
_ROOM_UNITS = const(900)  # the daemon adds its own marks


class _Question:
    """One alarm that the daemon was asked to send."""

    def __init__(self, record, until_s):
        self.record = record
        self.until_s = until_s  # since boot
        self.is_out = False  # the daemon may have it
        self.is_lost = False  # no answer will come
        self.task = None


class Via:
    """The way to the daemon.

    Of umqtt it takes the callback, and passes on what it does not need itself. To mqtt_as, pass
    what it receives with ``KiloPush.heard``. Keeping the client connected is up to the program.

    Args:
        client: of umqtt.simple, umqtt.robust or mqtt_as.
        name: of the board: the ``<sender>`` of its topic. The broker may limit who uses it.
        to: a name of the daemon's configuration; None for its default.
        prefix: the daemon's ``topic_prefix``.

    Raises:
        ValueError: no topic can have that name.
    """

    def __init__(self, client, name="", to=None, prefix="kilopush"):
        self._begin = name + ": " if name else ""
        name = name or "board"
        if "+" in name or "#" in name:
            raise ValueError("name={}: + and # cannot be part of an MQTT topic".format(name))
        self._client = client
        self._to = to
        self._topic = "{}/send/{}".format(prefix, name).encode()
        self._answers = "{}/accepted/".format(prefix).encode()
        # Of other boards' ids ours differ by the name, and so nobody is told of a wrong answer.
        self._id = "{:08x}-".format(crc32(self._topic))
        self._questions = []
        self._heard = []  # ids that were accepted since the last step
        self._away_until_s = 0
        self._is_blocking = hasattr(client, "set_callback")  # umqtt; mqtt_as has none
        self._callback = self._on_message  # made once, to know it again
        self._users_callback = None

    def step(self, queue, ledger, up_s):
        """Hand over what the daemon may send, take its answers; return whether any was decided."""
        is_changed = False
        if self._questions:
            is_changed = self._decide(queue, up_s)
        for record in queue.records:
            if not (records.is_tried(record) or records.is_picked(record)):
                is_changed = self._ask(record, queue, ledger, up_s) or is_changed
        return is_changed

    def is_waiting(self):
        """Return whether an answer is due."""
        return bool(self._questions)

    def heard(self, topic, _payload=None):
        """Take an MQTT message; return whether it was an answer to this board."""
        topic = topic.encode() if isinstance(topic, str) else bytes(topic)
        if not topic.startswith(self._answers + self._id.encode()):
            return False
        if self._questions:
            self._heard.append(topic[len(self._answers) :].decode())
        return True

    def _ask(self, record, queue, ledger, up_s):
        """Hand over an alarm; return whether that failed."""
        one = _Question(record, up_s + _ANSWER_S)
        # A reboot may have cut off the answer to it.
        one.is_out = not records.has_age(record, is_time_sure=False)
        records.pick(record, True)
        if up_s >= self._away_until_s and self._is_done(self._hand_over, one, ledger):
            self._questions.append(one)
            return False
        self._give_back(one, queue, up_s)
        return True

    def _hand_over(self, one, ledger):
        payload = json.dumps(self._request(one.record, ledger)).encode()
        if self._is_blocking:
            self._publish(one, payload)
        else:
            import asyncio

            one.task = asyncio.create_task(self._publish_soon(one, payload))

    def _decide(self, queue, up_s):
        """Look for answers; return whether any alarm was decided."""
        if self._is_blocking and not self._is_done(self._client.check_msg):
            for one in self._questions:
                one.is_lost = True
        is_changed = False
        for one in list(self._questions):
            if self._is_decided(one, queue, up_s):
                self._questions.remove(one)
                is_changed = True
                if one.task:
                    one.task.cancel()  # it may still wait for a connection
        self._heard.clear()
        return is_changed

    def _is_decided(self, one, queue, up_s):
        if self._id_of(one.record) in self._heard:
            records.pick(one.record, False)
            queue.settle(one.record, queue.everybody)
            return True
        if one.is_lost or up_s >= one.until_s:
            self._give_back(one, queue, up_s)
            return True
        return False

    def _give_back(self, one, queue, up_s):
        """Leave an alarm to the board itself."""
        if up_s >= self._away_until_s:
            self._away_until_s = up_s + _AWAY_S
        records.pick(one.record, False)
        records.set_tried(one.record)
        if one.is_out:
            records.ask(one.record, queue.everybody)

    def _id_of(self, record):
        return self._id + "{:08x}".format(records.identity(record))

    def _request(self, record, ledger):
        moment = Moment(ledger.now_s, ledger.is_sure)
        request = {
            "message": whole(record, 0, self._begin, moment, _ROOM_UNITS),
            "priority": _PRIORITIES[records.priority(record)],
            "id": self._id_of(record),
            "silent": records.is_silent(record),
        }
        if records.given_key(record):
            request["key"] = records.given_key(record)
        if records.url(record):
            request["url"] = records.url(record)
        if self._to:
            request["to"] = self._to
        return request

    def _is_done(self, function, *arguments):
        """Call it; return whether it worked: if not, the connection is of no use."""
        self._client.reconnect = _refuse  # umqtt.robust would try for ever, and nothing else
        try:
            function(*arguments)
        except Exception:  # noqa: BLE001 - OSError, MQTTException, IndexError, MemoryError...
            return False
        finally:
            del self._client.reconnect
        return True

    # --- mqtt_as ---

    async def _publish_soon(self, one, payload):
        client = self._client
        try:
            one.is_lost = not client.isconnected()  # it would wait until it is
            if not one.is_lost:
                await client.subscribe(self._answers + b"+", 0)
                one.is_out = True
                await client.publish(self._topic, payload)
        except Exception:  # noqa: BLE001 - it is somebody else's code
            one.is_lost = True

    # --- umqtt ---

    def _publish(self, one, payload):
        client = self._client
        self._take_callback()
        if hasattr(client.sock, "settimeout"):
            client.sock.settimeout(_BROKER_S)  # umqtt takes it back with the first byte of a reply
        try:
            client.subscribe(self._answers + b"+")
            client.publish(self._topic, payload)
        except OSError:
            client.sock.close()  # a late reply would be taken for that to something else
            raise
        one.is_out = True

    def _take_callback(self):
        """Be called, and remember whom to call in turn; the program may have changed that."""
        current = getattr(self._client, "cb", None)
        if current is not self._callback:
            self._users_callback = current
            self._client.set_callback(self._callback)

    def _on_message(self, topic, payload, *more):
        if not self.heard(topic) and self._users_callback is not None:
            self._users_callback(topic, payload, *more)


def _refuse(*_):
    raise OSError(-1)
