"""All that a restart must not lose, and how it is kept: as plain JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from dataclasses import fields as fields_of
from typing import Any

from .digest import Digest, Group, Part
from .ledger import Entry, Ledger
from .model import Delivery, Hold, Priority


@dataclass(slots=True)
class State:
    """What one channel has to remember."""

    pending: dict[int, Delivery] = field(default_factory=dict)
    digests: dict[str, Digest] = field(default_factory=dict)  # by person
    posted_digests: dict[str, Digest] = field(default_factory=dict)  # on their way
    holds: dict[tuple[str, str], Hold] = field(default_factory=dict)  # by person and kind
    opted_out: list[str] = field(default_factory=list)  # people, until a message arrives again
    ledger: Ledger = field(default_factory=Ledger)
    next_id: int = 1
    dead: int = 0
    withdrawn: int = 0
    last_error: str | None = None
    last_error_detail: str = ""
    last_error_at_s: float | None = None
    worked_at_s: dict[str, float] = field(default_factory=dict)  # the last success, by person


def to_json(state: State) -> dict[str, Any]:
    """Return a copy of a state that can be stored."""
    result = asdict(state)
    result["pending"] = [asdict(one) for one in state.pending.values()]
    result["holds"] = [asdict(one) for one in state.holds.values()]
    return result


def from_json(data: dict[str, Any]) -> State:
    """Return the state that ``to_json`` gave.

    Whatever was on its way when the last run ended may have arrived.
    """
    fields = _known(State, data)
    fields["pending"] = {one["id"]: _delivery(one) for one in data["pending"]}
    holds = [Hold(**_known(Hold, one)) for one in data["holds"]]
    fields["holds"] = {(hold.person, hold.kind): hold for hold in holds}
    fields["digests"] = {person: _digest(one) for person, one in data["digests"].items()}
    fields["ledger"] = _ledger(data["ledger"])
    fields["posted_digests"] = {}
    state = State(**fields)
    for person, one in data["posted_digests"].items():
        posted = _digest(one | {"is_repeat": True})
        put_back(state, person, posted)
    return state


def put_back(state: State, person: str, digest: Digest) -> None:
    """Let a digest that did not arrive wait again, together with what came in since."""
    if person in state.digests:
        digest.merge(state.digests[person])
    state.digests[person] = digest


def _delivery(data: dict[str, Any]) -> Delivery:
    delivery = Delivery(**_known(Delivery, data) | {"priority": Priority(data["priority"])})
    if delivery.is_posted:
        delivery.is_posted, delivery.is_repeat = False, True
    # The bridge is asked again, with the same id; but it may not be there any more.
    delivery.is_unanswered = delivery.is_unanswered or delivery.is_bridged
    return delivery


def _digest(data: dict[str, Any]) -> Digest:
    return Digest(**_known(Digest, data) | {"groups": [_group(one) for one in data["groups"]]})


def _group(data: dict[str, Any]) -> Group:
    parts = [Part(**_known(Part, one)) for one in data["parts"]]
    priority = Priority(data["priority"])
    return Group(**_known(Group, data) | {"priority": priority, "parts": parts})


def _ledger(data: dict[str, Any]) -> Ledger:
    entries = [Entry(**_known(Entry, one) | {"is_ended": True}) for one in data["entries"]]
    return Ledger(**_known(Ledger, data) | {"entries": entries})


def _known(of: type[Any], data: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that this version knows: a newer one may have written more."""
    names = {field.name for field in fields_of(of)}
    return {name: value for name, value in data.items() if name in names}
