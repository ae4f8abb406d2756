"""What is written to the log: one line a record, whatever strangers put into a topic."""

from __future__ import annotations

import json
import logging

from kilopush_bridge.logs import JsonFormatter, LineFormatter


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {"msg": message, "args": arguments, "levelno": 20, "levelname": "INFO"}
    )
    vars(made).update(extra)
    return made


def test_no_topic_starts_a_line_of_its_own_or_moves_the_cursor():
    line = LineFormatter("%(message)s").format(
        record("from `%s`", "x\n2026-01-01 ERROR all is lost\x1b[2J\u202e")
    )
    assert line == "from `x 2026-01-01 ERROR all is lost [2J `"


def test_text_of_people_stays_as_it_is():
    assert LineFormatter("%(message)s").format(record("💧 Wasser im Keller, größter Raum")) == (
        "💧 Wasser im Keller, größter Raum"
    )


def test_a_line_of_json_holds_the_message_and_what_was_passed_along():
    line = JsonFormatter().format(record("a\nb", action="alert", rule="leak"))
    assert "\n" not in line
    entry = json.loads(line)
    assert (entry["message"], entry["action"], entry["rule"], entry["level"]) == (
        "a\nb",
        "alert",
        "leak",
        "info",
    )
