"""What the emulator remembers: its world, what came in, what counts as sent, which faults wait.

No sockets and no clock: times are arguments.
"""

from collections import deque
from dataclasses import dataclass, field

from kilopush_bridge.emulator.faults import Fault, FaultQueue
from kilopush_bridge.emulator.policy import DAY_S, Fields, Status, is_counted, judge, read_fields
from kilopush_bridge.emulator.world import World

# A forgotten emulator must not eat the machine's memory.
REQUESTS_KEPT = 10_000
# A calendar day has up to 25 hours, where clocks change.
_REMEMBERED_S = 2 * DAY_S


@dataclass(frozen=True, slots=True)
class Record:
    """One request to the send address.

    Attributes:
        at_s: when its body had been read, Unix time.
        status: the API status of the reply (200, 4029, ...), or the kind of the fault if the
            sender got no proper reply.
        accepted: whether the message reached the phone, even if the sender could not know it.
        fault: the kind of the fault, if there was one.
        fields: keys and values as sent; empty if unreadable. Not in the `repr`: they are secret.
    """

    at_s: float
    status: int | str
    accepted: bool
    fault: str | None = None
    fields: Fields = field(default_factory=dict, repr=False)


class Service:
    """The emulated KILO.Push without its network side."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults = FaultQueue()
        self.records: deque[Record] = deque(maxlen=REQUESTS_KEPT)
        self.total = 0
        self.accepted = 0
        self._sent_at_s: dict[str, deque[float]] = {}

    def receive(
        self, content_type: str, body: bytes, now_s: float, fault: Fault | None = None
    ) -> Record:
        """Judge a request, book it on its channel, and return the record of it."""
        fields = read_fields(content_type, body)
        channel = str((fields or {}).get("token"))
        status = judge(self.world, fields, self._sent_at_s.get(channel, ()), now_s)
        is_taken = fault is None or fault.accepts
        if is_taken and is_counted(self.world, status):
            self._book(channel, now_s)
        return self._keep(
            Record(
                at_s=now_s,
                status=fault.kind if fault and fault.kind != "slow" else int(status),
                accepted=is_taken and status is Status.SENT,
                fault=fault.kind if fault else None,
                fields=fields or {},
            )
        )

    def _book(self, channel: str, now_s: float) -> None:
        sent_at_s = self._sent_at_s.setdefault(channel, deque())
        sent_at_s.append(now_s)
        while sent_at_s[0] < now_s - _REMEMBERED_S:
            sent_at_s.popleft()

    def _keep(self, record: Record) -> Record:
        self.records.append(record)
        self.total += 1
        self.accepted += record.accepted
        return record
