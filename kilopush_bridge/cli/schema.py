"""`kilopush-bridge schema`."""

from __future__ import annotations

import json

from kilopush_bridge.config import json_schema


def schema() -> None:
    """Print a JSON Schema of the configuration file, for editors."""
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
