"""What the tests of the configuration share."""

import pytest

from kilopush_bridge.config import load_config

ENVIRONMENT = {
    "KILO_TOKEN": "c_" + "1a" * 20,
    "KILO_SECRET": "2b" * 32,
    "KILO_ME": "u_" + "3c" * 20,
    "KILO_ANNA": "u_" + "4d" * 20,
}

HEAD = """\
channels:
  home: {token: "${KILO_TOKEN}", secret: "${KILO_SECRET}"}
people:
  me: ${KILO_ME}
  anna: ${KILO_ANNA}
defaults: {to: me}
"""


@pytest.fixture
def environment():
    """Every variable that the examples use."""
    return dict(ENVIRONMENT)


@pytest.fixture
def load(tmp_path):
    """Load a text as a configuration file; keywords are added to the environment."""

    def load(text, /, **variables):
        path = tmp_path / "config.yaml"
        path.write_text(text, encoding="utf-8")
        return load_config(path, ENVIRONMENT | variables)

    return load


@pytest.fixture
def load_with_head(load):
    """As `load`, with a channel `home` and the people `me` (the default) and `anna` above it."""
    return lambda text, /, **variables: load(HEAD + text, **variables)


@pytest.fixture
def load_rule(load_with_head):
    """Return the one rule that has the given words, and a topic and a message if they lack one."""

    def load_rule(words):
        words = words.strip()
        for default in ("topic: a/b", "message: text"):
            if default.split(":")[0] + ":" not in words:
                words += f"\n{default}"
        lines = words.replace("\n", "\n    ")
        [rule] = load_with_head(f"alerts:\n  rule:\n    {lines}\n").rules
        return rule

    return load_rule
