"""Through the daemon: alarms are published to ``kilopush/send/NAME``, with an id.

The daemon answers on ``kilopush/accepted/ID`` once the alarm is on its disk: then it sees to the
delivery. Without an answer in time the board posts directly. An id says the same alarm again after
a reboot, too, so the daemon sends it once.

umqtt.simple and umqtt.robust wait for the broker inside their own calls, for as long as it takes;
this module cannot change that. mqtt_as does not.
"""

import json

from micropython import const

from . import record as records
from .message import Moment, whole

_ANSWER_S = const(5)
_AWAY_S = const(60)  # how long nothing is published after the daemon did not answer
_PRIORITIES = ("critical", "high", "normal", "low")
_ROOM_UNITS = const(900)  # the daemon adds its own marks


class Via:
    """The way to the daemon.

    Args:
        client: connected, of umqtt.simple, umqtt.robust or mqtt_as.
        name: of the board: the ``<sender>`` of its topic. The broker may limit who uses it.
        to: a name of the daemon's configuration; None for its default.
        prefix: the daemon's ``topic_prefix``.
    """

    def __init__(self, client, name="", to=None, prefix="kilopush"):
        self._client = client
        self._name = name or "board"
        self._to = to
        self._prefix = prefix
        self._waiting = []  # (id, record, until when in seconds since boot)
        self._accepted = []
        self._away_until_s = 0
        self._next_callback = None
        self._task = None
        self._is_blocking = hasattr(client, "set_callback")  # umqtt; mqtt_as has none
        if self._is_blocking:
            self._next_callback = getattr(client, "cb", None)
            client.set_callback(self._on_message)

    def step(self, queue, ledger, up_s):
        """Hand over what the daemon may send, take its answers; return whether any was decided."""
        self._listen()
        is_changed = False
        for waiting in list(self._waiting):
            is_changed = self._answer(queue, up_s, *waiting) or is_changed
        for record in queue.records:
            if not (records.is_tried(record) or records.is_picked(record)):
                is_sent = self._send(record, ledger, up_s)
                records.pick(record, is_sent)
                if not is_sent:
                    records.set_tried(record)
                    is_changed = True
        return is_changed

    def is_waiting(self):
        """Return whether an answer is due."""
        return bool(self._waiting)

    def heard(self, topic, _payload=None):
        """Take an MQTT message; those that are no answer are ignored."""
        topic = topic if isinstance(topic, str) else bytes(topic).decode()
        name = topic[topic.rfind("/") + 1 :]
        if name in [one[0] for one in self._waiting]:
            self._accepted.append(name)

    def _answer(self, queue, up_s, name, record, until_s):
        """Take the answer to one alarm; return whether it is decided."""
        is_accepted = name in self._accepted
        if not is_accepted and up_s < until_s:
            return False
        self._waiting.remove((name, record, until_s))
        records.pick(record, False)
        if is_accepted:
            self._accepted.remove(name)
            queue.settle(record, queue.everybody)
        else:  # the daemon may have it all the same, with the answer lost
            self._away_until_s = up_s + _AWAY_S
            records.ask(record, queue.everybody)
            records.set_tried(record)
        return True

    def _send(self, record, ledger, up_s):
        """Publish an alarm; return False if that is no use now."""
        if up_s < self._away_until_s:
            return False
        name = "{}-{:08x}".format(self._name, records.identity(record))
        answer = "{}/accepted/{}".format(self._prefix, name).encode()
        topic = "{}/send/{}".format(self._prefix, self._name).encode()
        payload = json.dumps(self._request(record, name, ledger)).encode()
        try:
            if self._is_blocking:
                self._client.subscribe(answer)
                self._client.publish(topic, payload)
            else:
                self._start(self._ask(answer, topic, payload))
        except (OSError, IndexError, AttributeError):  # what umqtt raises without a connection
            self._away_until_s = up_s + _AWAY_S
            return False
        self._waiting.append((name, record, up_s + _ANSWER_S))
        return True

    def _on_message(self, topic, payload, *more):
        self.heard(topic)
        if self._next_callback is not None:
            self._next_callback(topic, payload, *more)

    def _listen(self):
        if self._is_blocking and self._waiting:
            try:
                self._client.check_msg()
            except (OSError, IndexError, AttributeError):
                pass  # its time runs out

    def _request(self, record, name, ledger):
        request = {
            "message": whole(record, 0, "", Moment(ledger.now_s, ledger.is_sure), _ROOM_UNITS),
            "priority": _PRIORITIES[records.priority(record)],
            "key": records.key(record).decode(),
            "id": name,
        }
        if records.is_silent(record):
            request["silent"] = True
        if records.url(record):
            request["url"] = records.url(record)
        if self._to:
            request["to"] = self._to
        return request

    async def _ask(self, answer, topic, payload):
        """As ``send``, for mqtt_as: it waits for the network without holding up others."""
        await self._client.subscribe(answer, 0)
        await self._client.publish(topic, payload)

    def _start(self, coroutine):
        import asyncio

        self._task = asyncio.create_task(coroutine)
