"""Whatever a file holds: a configuration or problems, never anything else."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilopush_bridge.config import load_config
from kilopush_bridge.errors import ConfigError

EXAMPLE = Path(__file__).parents[3] / "config.example.yaml"
TEXT = EXAMPLE.read_text(encoding="utf-8")
LINES = TEXT.splitlines(keepends=True)
ENVIRONMENT = dict.fromkeys(("KILO_TOKEN", "KILO_SECRET", "KILO_ME", "KILO_ANNA"), "x")
WORDS = [
    *[
        "mqtt",
        "channels",
        "people",
        "defaults",
        "alerts",
        "budget",
        "per_day",
        "digests",
        "quiet",
        "from",
        "digest",
        "at",
        "senders",
        "critical_channel",
        "home",
        "me",
        "to",
        "topic",
        "when",
        "event",
        "until",
        "message",
        "url",
    ],
    *["token", "secret", "silent", "except", "log", "level", "state", "timezone", "api_url", "<<"],
    *[": ", ":", "- ", "\n", "\n  ", "\n    ", "{", "}", "[", "]", ", ", "'", '"', "|\n", ">-\n"],
    *["&a ", "*a", "!secret x", "!!int ", "? ", "#", " #x", "\t", "---\n", "%YAML 9\n", "~", "..."],
    *["${", "${KILO_ME}", "${file:x", "}", "$$", "{{", "}}", "{%", "%}", "+", "#", "/", "a/b"],
    *[
        "\\",
        '"\\U00110000"',
        '"\\ud83d"',
        '"\\0"',
        "\x85",
        "\u2028",
        "é",
        "💧",
        "true",
        "0815",
        "22:30",
        "0",
    ],
    *["c_" + "1" * 40, "mqtt://[", "x > 1", "x |", "is ", "(" * 99, "9" * 5000, "not "],
]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "config.yaml"


def check(path, content):
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    lines = []
    try:
        load_config(path, ENVIRONMENT)
    except ConfigError as error:
        lines = [str(problem) for problem in error.problems]
        lines = lines or ["no problem\nat all"]
    assert [line for line in lines if len(line.splitlines()) != 1] == []


@given(st.lists(st.sampled_from(WORDS), max_size=40).map("".join))
@settings(max_examples=200, deadline=None)
def test_anything_that_looks_like_yaml_is_answered(path, text):
    check(path, text)


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_text_is_answered(path, text):
    check(path, text)


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(TEXT)),
            st.integers(0, 30),
            st.one_of(st.just(""), st.sampled_from(WORDS)),
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=50, deadline=None)
def test_the_example_with_pieces_replaced_is_answered(path, changes):
    text = TEXT
    for at, length, piece in changes:
        text = text[:at] + piece + text[at + length :]
    check(path, text)


@given(st.lists(st.sampled_from(LINES), max_size=60).map("".join))
@settings(max_examples=100, deadline=None)
def test_the_lines_of_the_example_in_any_order_are_answered(path, text):
    check(path, text)
