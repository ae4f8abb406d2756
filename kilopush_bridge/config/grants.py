"""From `senders:` to what each sender may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kilopush_bridge.config.config import Grant
from kilopush_bridge.model import Priority

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kilopush_bridge.config.problems import Problems
    from kilopush_bridge.config.schema import SenderSection


def build_grants(sections: Mapping[str, SenderSection], problems: Problems) -> dict[str, Grant]:
    """Return the grants by name of sender, noting names that no sender can have."""
    for name in sections:
        if {"+", "#"} & set(name):
            what = "`+` and `#` cannot be part of a sender's name"
            hint = "a grant is for one sender: what its topic has behind `send/`"
            problems.add(("senders", name), what, hint, is_key=True)
    return {
        name: Grant(Priority.from_word(section.priority), section.per_hour)
        for name, section in sections.items()
    }
