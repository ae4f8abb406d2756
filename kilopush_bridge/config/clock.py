"""From `quiet:` and `digest:` to times of day."""

from __future__ import annotations

import re
from datetime import time
from typing import TYPE_CHECKING

from kilopush_bridge.config.schema import TIME_PATTERN
from kilopush_bridge.hours import Quiet
from kilopush_bridge.model import Priority

if TYPE_CHECKING:
    from kilopush_bridge.config.problems import Problems
    from kilopush_bridge.config.schema import DigestSection, QuietSection
    from kilopush_bridge.config.source import KeyPath


def build_quiet(section: QuietSection | None, problems: Problems) -> Quiet | None:
    """Return when it is quiet, None for never."""
    if section is None:
        return None
    begin = _needed(section.from_, ("quiet", "from"), problems)
    end = _needed(section.to, ("quiet", "to"), problems)
    if begin is None or end is None:
        return None
    if begin == end:
        what = "`from` and `to` are the same time"
        problems.add(("quiet", "to"), what, "leave `quiet` out to be never quiet")
    return Quiet(begin, end, Priority.from_word(section.let_through))


def digest_times(section: DigestSection, problems: Problems) -> tuple[time, ...]:
    """Return when digests leave, in order of the day, each once; what is no time is left out."""
    read = [_time(text, ("digest", "at", at), problems) for at, text in enumerate(section.at)]
    return tuple(sorted({one for one in read if one is not None}))


def _needed(text: str | None, path: KeyPath, problems: Problems) -> time | None:
    if text is None:
        problems.missing(path, "a time of day such as 22:30")
        return None
    return _time(text, path, problems)


def _time(text: str, path: KeyPath, problems: Problems) -> time | None:
    if re.fullmatch(TIME_PATTERN, text):
        return time.fromisoformat(text.zfill(len("00:00")))
    hint = "it is `hours:minutes`, from 00:00 to 23:59"
    what = f"{problems.shown(path, text)} is no time of day" if text else "a time is missing"
    problems.add(path, what, hint)
    return None
