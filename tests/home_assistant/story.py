"""An outbox on a simulated clock, with a KILO.Push that answers as a test wants it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from custom_components.kilopush.core.budget import Limits
from custom_components.kilopush.core.protocol import (
    QUOTA,
    SENT,
    UNSENT,
    Verdict,
    is_spent,
)
from custom_components.kilopush.outbox.model import (
    Event,
    EventType,
    Moment,
    Policy,
    Priority,
    Request,
)
from custom_components.kilopush.outbox.outbox import Outbox
from custom_components.kilopush.outbox.state import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE_S = 60.0
HOUR_S = 3600.0
DAY_S = 86400.0
BEGIN_S = 1_780_000_000.0


@dataclass
class Post:
    """What the API was sent."""

    at_s: float
    person: str
    text: str
    url: str | None
    silent: bool
    kind: str
    outcome: str


@dataclass
class Story:
    """A house and its phones. ``answer`` says what the API makes of a POST; default: sent."""

    people: tuple[str, ...] = ("me",)
    limits: Limits = field(default_factory=Limits)
    answer: Callable[[Post], str] = lambda _: SENT
    now_s: float = BEGIN_S
    is_certain: bool = True
    posts: list[Post] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    server_limit: int | None = None  # refuses what is more in any 24 hours

    def __post_init__(self) -> None:
        self.outbox = Outbox(Policy(self.limits, len(self.people)))

    @property
    def moment(self) -> Moment:
        return Moment(self.now_s, self.now_s, self.is_certain)

    def send(
        self, message: str, priority: Priority = Priority.NORMAL, *people: str, **more: object
    ) -> None:
        request = Request(message=message, priority=priority, **more)
        to = dict.fromkeys(people or self.people, False)
        self.outbox.add(request, to, self.moment)
        self.step()

    def step(self, *, is_killed: bool = False) -> float | None:
        """Do what is to be done now; return when there is more. ``is_killed``: after a POST."""
        while True:
            plan, events = self.outbox.plan(self.moment)
            self.events += events
            flights = [self.outbox.begin(launch, self.moment) for launch in plan.launches]
            for launch, entry_id, words in flights:
                verdict = self._post(launch, words)
                if is_killed:
                    self.restart()
                    return None
                self.events += self.outbox.finish(launch, entry_id, verdict, self.moment)
            if not flights:
                return plan.wake_at_s

    def _post(self, launch, words) -> Verdict:
        post = Post(
            self.now_s, launch.person, words.text, words.url, words.silent, launch.kind, SENT
        )
        post.outcome = self.answer(post)
        if post.outcome == SENT and self.server_limit is not None:
            recent = [one for one in self.posts if one.at_s > self.now_s - DAY_S]
            spent = sum(is_spent(one.outcome) for one in recent)
            post.outcome = QUOTA if spent >= self.server_limit else SENT
        self.posts.append(post)
        status = {SENT: 200, QUOTA: 4029}.get(post.outcome, 4000)
        return Verdict(post.outcome, None if post.outcome == UNSENT else status, "as told")

    def wait(self, seconds: float) -> None:
        """Let time pass, and whatever is due happen in it."""
        end_s = self.now_s + seconds
        while (wake_s := self.step()) is not None and wake_s <= end_s:
            self.now_s = max(wake_s, self.now_s + 0.001)
        self.now_s = end_s
        self.step()

    def restart(self) -> None:
        """Go on from what is on the disk."""
        stored = json.loads(json.dumps(to_json(self.outbox.state)))
        self.outbox = Outbox(Policy(self.limits, len(self.people)), from_json(stored))

    def texts(self, person: str = "me") -> list[str]:
        return [one.text for one in self.posts if one.person == person and one.outcome == SENT]

    def kinds(self) -> list[EventType]:
        return [event.type for event in self.events]

    @property
    def waiting(self) -> int:
        overview = self.outbox.overview(self.moment, 0.0)
        return overview.pending + overview.in_digest
