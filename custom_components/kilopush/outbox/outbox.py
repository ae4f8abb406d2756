"""The outbox of one channel: the only place where anything waits.

A machine without I/O: ``add`` takes what is asked for, ``plan`` says what to POST, ``begin`` and
``finish`` are called around each POST. Whoever drives it stores ``state`` in between.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2s
from typing import TYPE_CHECKING, Any

from ..core import budget as core
from ..core import protocol
from ..core.text import cut
from .compose import RequestError, cleaned, mended, texts_of, words_of, words_of_digest
from .decide import QUOTA_CRITICAL, Situation, decide, is_waiting
from .digest import TOO_LATE, Digest
from .ledger import DIGEST, Budget
from .model import Delivery, Event, EventType, Moment, Overview, Priority, Trouble, event_of
from .react import react, react_to_digest
from .state import State, put_back

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ..core.protocol import Verdict
    from .compose import Words
    from .decide import Launch, Plan
    from .model import Policy, Request

DAY_S = 24 * 60 * 60
_COLLECT_S = 10 * 60  # from the first message of a digest until it goes
_PENDING_MAX = 500  # what is more goes into digests, which only count what they cannot hold
_CRITICALS_MAX = 1000
_KEY_MAX_CHARS = 200
_NAME_MAX_UNITS = 100


class Outbox:
    """What waits for the people of one channel. ``state`` is all that has to be stored."""

    def __init__(self, policy: Policy, state: State | None = None) -> None:
        self.policy = policy
        self.state = state or State()

    # --- in ------------------------------------------------------------------------------------

    def add(
        self,
        request: Request,
        people: Mapping[str, bool],
        moment: Moment,
        by_bridge: Collection[str] = (),
    ) -> list[Delivery]:
        """Take a request for some people, with whether each wants it silent by default.

        The bridge is asked first for those in ``by_bridge``.

        Raises:
            RequestError: it can never be sent, or there is no room for one more critical.
        """
        request = cleaned(request)
        if request.priority is Priority.CRITICAL:
            request = mended(request)
        texts = texts_of(request)
        self._check_room(request, len(texts) * len(people))
        key = _short(request.key or f"{request.title}\n{request.message}")
        made = []
        for person, is_silent in people.items():
            own_key = f"{person}\n{key}"
            priority = self._priority(request.priority, own_key, moment.now_s)
            made += [
                self._deliver(request, priority, own_key, text, person, is_silent, moment.now_s)
                for text in texts
            ]
        for delivery in made:
            delivery.is_bridged = delivery.person in by_bridge
            self.state.pending[delivery.id] = delivery
        return made

    def _check_room(self, request: Request, number: int) -> None:
        if request.priority is not Priority.CRITICAL:
            return
        count = number + sum(one.is_critical for one in self.state.pending.values())
        if count > _CRITICALS_MAX:
            raise RequestError("outbox_full", count=str(count))

    def _priority(self, wanted: Priority, key: str, now_s: float) -> Priority:
        """Return what an alarm is: `high` if it repeats what its person was told, or is being told.

        What still waits is no repetition.
        """
        if wanted is not Priority.CRITICAL:
            return wanted
        is_being_told = any(
            one.is_posted and one.is_critical and one.key == key
            for one in self.state.pending.values()
        )
        is_new = self.state.ledger.may_be_critical(key, now_s) and not is_being_told
        return wanted if is_new else Priority.HIGH

    def _deliver(
        self,
        request: Request,
        priority: Priority,
        key: str,
        text: str,
        person: str,
        is_silent: bool,
        now_s: float,
    ) -> Delivery:
        self.state.next_id += 1
        lives_s = request.time_to_live_s
        if lives_s is None and request.priority is not Priority.CRITICAL:
            lives_s = DAY_S
        silent = (
            is_silent and priority > Priority.HIGH if request.silent is None else request.silent
        )
        return Delivery(
            id=self.state.next_id - 1,
            person=person,
            name=cut(request.title, _NAME_MAX_UNITS),
            text=text,
            url=request.url,
            silent=silent or priority is Priority.LOW,
            priority=priority,
            key=key,
            created_at_s=now_s,
            expires_at_s=None if lives_s is None else now_s + lives_s,
            due_at_s=now_s,
        )

    # --- out -----------------------------------------------------------------------------------

    def plan(self, moment: Moment) -> tuple[Plan, list[Event]]:
        """Return what to do now, and what has become of messages that go into a digest."""
        state = self.state
        state.ledger.forget(moment)
        situation = Situation(
            state.pending.values(), state.digests, state.posted_digests, state.holds.values()
        )
        plan = decide(situation, self._budget(moment), moment.now_s)
        waiting = [one for one in state.pending.values() if not (one.is_posted or one.is_bridged)]
        surplus = [one for one in waiting[_PENDING_MAX:] if not one.is_critical]
        launched = {one.id for launch in plan.launches for one in launch.deliveries}
        settled = {one.id for one in (*plan.deferred, *plan.expired)} | launched
        events = [self._defer(one, moment) for one in plan.deferred]
        events += [self._defer(one, moment) for one in surplus if one.id not in settled]
        events += [self._defer(one, moment, TOO_LATE) for one in plan.expired]
        return plan, events

    def _defer(self, delivery: Delivery, moment: Moment, mark: str = "") -> Event:
        """Move a message into the digest of its person."""
        del self.state.pending[delivery.id]
        due_at_s = self._digest_due_s(delivery.priority, moment)
        digest = self.state.digests.setdefault(delivery.person, Digest(due_at_s))
        digest.due_at_s = min(digest.due_at_s, due_at_s)
        digest.add(delivery, mark)
        return event_of(EventType.TOO_LATE if mark else EventType.DEFERRED, delivery, mark)

    def _digest_due_s(self, priority: Priority, moment: Moment) -> float:
        if priority is Priority.DIGEST and self.policy.digest_at:
            return self._next_time_s(moment.now_s)
        return moment.now_s + max(_COLLECT_S, self._gap_s(moment))

    def _gap_s(self, moment: Moment) -> float:
        """Return how long the last digest keeps the next one back, so that all are spread."""
        last_s = self.state.ledger.last_digest_at_s(moment.counted_s)
        if last_s is None or self.policy.limits.per_day is None:
            return 0.0
        gap_s = core.digest_gap_s(self.policy.limits, self.policy.people)
        return min(gap_s, gap_s - (moment.counted_s - last_s))

    def _next_time_s(self, now_s: float) -> float:
        zone = self.policy.zone
        today = datetime.fromtimestamp(now_s, zone).date()
        moments = (
            datetime.combine(today + timedelta(days=days), at, zone).timestamp()
            for days in (0, 1, 2)
            for at in self.policy.digest_at
        )
        return min(moment for moment in moments if moment > now_s)

    def _budget(self, moment: Moment) -> Budget:
        return Budget(self.state.ledger, self.policy.limits, moment)

    def begin(self, launch: Launch, moment: Moment) -> tuple[Launch, int, Words]:
        """Note a POST that is about to leave.

        Return what it carries (those that do not fit go next time), its entry in the ledger, and
        its words.
        """
        if launch.kind == DIGEST:
            digest = self.state.digests.pop(launch.person)
            self.state.posted_digests[launch.person] = digest
            words, name = words_of_digest(digest, moment.now_s, self.policy.zone), ""
        else:
            words, count = words_of(launch.deliveries, moment.now_s)
            launch = replace(launch, deliveries=launch.deliveries[:count])
            name = launch.deliveries[0].name
            for delivery in launch.deliveries:
                delivery.is_posted = True
        return launch, self.state.ledger.begin(launch.kind, name), words

    def finish(
        self, launch: Launch, entry_id: int, verdict: Verdict, moment: Moment
    ) -> list[Event]:
        """Take what became of a POST; return what that means for its messages."""
        self.state.ledger.end(entry_id, verdict.outcome, moment)
        if verdict.outcome == protocol.QUOTA and not self.policy.is_share:
            self.state.ledger.learn(self.policy.limits, moment.counted_s)
        if launch.kind == DIGEST:
            next_s = self._digest_due_s(Priority.NORMAL, moment)
            return react_to_digest(self.state, launch.person, verdict, moment.now_s, next_s)
        return react(self.state, launch, verdict, moment.now_s)

    def settle_bridged(
        self, delivery_id: int, *, is_accepted: bool, is_asked: bool = True
    ) -> Event | None:
        """Take the bridge's answer, or that there was none: then the message goes directly."""
        delivery = self.state.pending.get(delivery_id)
        if delivery is None or not delivery.is_bridged:
            return None
        delivery.is_bridged = False
        if not is_accepted:
            delivery.is_unanswered = delivery.is_unanswered or is_asked
            return None
        del self.state.pending[delivery_id]
        return event_of(EventType.BRIDGE, delivery)

    def withdraw(self, launch: Launch, entry_id: int) -> None:
        """Take back ``begin``: the POST does not leave."""
        self.state.ledger.drop(entry_id)
        for delivery in launch.deliveries:
            delivery.is_posted = False
        if launch.kind == DIGEST:
            put_back(self.state, launch.person, self.state.posted_digests.pop(launch.person))

    def shift(self, by_s: float) -> None:
        """Let everything that waits keep its age: the clock was wrong by so much."""
        for one in self.state.pending.values():
            one.created_at_s += by_s
            one.due_at_s += by_s
            one.expires_at_s = None if one.expires_at_s is None else one.expires_at_s + by_s
        for digest in self.state.digests.values():
            digest.shift(by_s)
        self.state.holds = {
            key: replace(hold, since_s=hold.since_s + by_s, next_at_s=hold.next_at_s + by_s)
            for key, hold in self.state.holds.items()
        }

    def forget_people(self, known: Sequence[str]) -> int:
        """Drop what waits for people who are gone; return how many messages that were."""
        state = self.state
        gone = [one.id for one in state.pending.values() if one.person not in known]
        for delivery_id in gone:
            del state.pending[delivery_id]
        count = len(gone) + sum(
            digest.count for person, digest in state.digests.items() if person not in known
        )
        state.digests = {who: one for who, one in state.digests.items() if who in known}
        state.holds = {
            key: hold for key, hold in state.holds.items() if hold.person in ("", *known)
        }
        state.opted_out = [person for person in state.opted_out if person in known]
        state.withdrawn += count
        return count

    def release(self) -> None:
        """Let what was refused be tried once: somebody may have put it right."""
        refused = (protocol.FORBIDDEN, protocol.BLOCKED, protocol.QUOTA, QUOTA_CRITICAL)
        self.state.holds = {
            key: hold for key, hold in self.state.holds.items() if hold.kind not in refused
        }

    # --- for people ----------------------------------------------------------------------------

    def overview(self, moment: Moment, midnight_s: float) -> Overview:
        """Return what people see; ``midnight_s`` is when today began."""
        state = self.state
        left, critical_left = self._budget(moment).left()
        paused_s = [
            hold.next_at_s
            for hold in state.holds.values()
            if hold.kind != protocol.UNSENT and is_waiting(hold, moment.now_s)
        ]
        digests = (*state.digests.values(), *state.posted_digests.values())
        return Overview(
            sent_today=state.ledger.sent_since(midnight_s),
            left=left,
            critical_left=critical_left,
            pending=len(state.pending),
            in_digest=sum(digest.count for digest in digests),
            dead=state.dead,
            withdrawn=state.withdrawn,
            last_error=state.last_error,
            last_error_detail=state.last_error_detail,
            last_error_at_s=state.last_error_at_s,
            paused_until_s=max(paused_s, default=None),
            troubles=tuple(self._troubles()),
        )

    def counts(self, moment: Moment) -> dict[str, Any]:
        """Return numbers and holds for diagnostics: no text, no name."""
        state = self.state
        usage = state.ledger.usage(moment.counted_s)
        return {
            "usage": {"other": usage.other, "critical": usage.critical, "digest": usage.digest},
            "others_seen": state.ledger.lesson(moment.counted_s),
            "is_time_known": moment.is_certain,
            "pending": len(state.pending),
            "holds": [
                {
                    "recipient": hold.person,
                    "kind": hold.kind,
                    "tries": hold.tries,
                    "next_in_s": round(hold.next_at_s - moment.now_s),
                    "detail": hold.detail,
                }
                for hold in state.holds.values()
            ],
            "dead": state.dead,
            "withdrawn": state.withdrawn,
        }

    def _troubles(self) -> list[tuple[Trouble, str]]:
        troubles = [(Trouble.OPTED_OUT, person) for person in self.state.opted_out]
        for hold in self.state.holds.values():
            kind = self._trouble_of(hold.kind, hold.person, hold.since_s)
            if kind is not None and (kind, hold.person) not in troubles:
                troubles.append((kind, "" if kind is Trouble.SECRET else hold.person))
        return sorted(set(troubles))

    def _trouble_of(self, kind: str, person: str, since_s: float) -> Trouble | None:
        if kind == protocol.FORBIDDEN:
            # The API says the same of a wrong secret and of an unknown recipient. With the same
            # secret, others have been reached since: then it is this recipient.
            others = (s for who, s in self.state.worked_at_s.items() if who != person)
            return Trouble.RECIPIENT if max(others, default=0.0) > since_s else Trouble.SECRET
        if kind == protocol.BLOCKED:
            return Trouble.BLOCKED
        if kind == protocol.UNSENT:
            return Trouble.UNREACHABLE
        return None if kind == protocol.UNCLEAR else Trouble.QUOTA


def _short(key: str) -> str:
    """Return a key of a bounded length; cutting alone would make two alarms one."""
    if len(key) <= _KEY_MAX_CHARS:
        return key
    return f"{key[:_KEY_MAX_CHARS]}#{blake2s(key.encode(), digest_size=8).hexdigest()}"
