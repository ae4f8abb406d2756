"""What is written to standard error: lines for people, or one JSON object a line."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from kilopush_bridge.core.text import is_control

# What every record has; the rest was passed as `extra` and belongs in the JSON.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

# Libraries that log each request or packet; httpx would even log addresses.
_NOISY = ("httpx", "httpcore", "asyncio", "amqtt", "transitions")


class LineFormatter(logging.Formatter):
    """One line a record, whatever a topic or payload brings along; only tracebacks have more."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's name)
        """Return the line without anything that moves the cursor or starts another line."""
        line = super().formatMessage(record)
        return "".join(" " if is_control(char) else char for char in line)


class JsonFormatter(logging.Formatter):
    """`{"at": "2026-03-01T12:00:00.123Z", "level": "info", "message": ..., "action": ...}`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        entry.update({name: value for name, value in vars(record).items() if name not in _STANDARD})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


def set_up_logging(level: str, style: str) -> None:
    """Send the log to standard error; `style` is `text` or `json`."""
    handler = logging.StreamHandler(sys.stderr)
    plain = LineFormatter("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S")
    handler.setFormatter(JsonFormatter() if style == "json" else plain)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
