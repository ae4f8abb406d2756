"""Every filter, test, function and method that expressions may call."""

from __future__ import annotations

from typing import Any

import pytest

from kilopush_bridge.expressions import UNKNOWN, Expression, Scope, text_of
from kilopush_bridge.expressions.functions import FILTERS, FUNCTIONS, METHODS, TESTS

U = UNKNOWN
BIG = 2**63 - 1

FILTER_CASES = [
    ("abs", "value | abs", -3, 3),
    ("abs", "value | abs", "text", U),
    ("capitalize", "value | capitalize", "front DOOR", "Front door"),
    ("count", "value | count", [1, 2], 2),
    ("d", "value.x | d('?')", {}, "?"),
    ("default", "value.x | default", {}, ""),
    ("default", "value.x | default('?')", {"x": ""}, ""),
    ("default", "value.x | default('?', true)", {"x": ""}, "?"),
    ("default", "value.x | default(boolean=true, default_value='?')", {"x": 0}, "?"),
    ("default", "value.x | default(default_value='?')", {"x": 0}, 0),
    ("default", "value.x | default(boolean=true)", {"x": 0}, ""),
    ("first", "value | first", [1, 2], 1),
    ("first", "value | first", [], U),
    ("first", "value | first", [None], U),
    ("float", "value | float", "21.4", 21.4),
    ("float", "value | float", " 21 ", 21.0),
    ("float", "value | float", True, 1.0),
    ("float", "value | float", "warm", U),
    ("float", "value | float", "infinity", U),
    ("float", "value | float", "1" * 400, U),
    ("float", "value | float", [1], U),
    ("int", "value | int", "21.9", 21),
    ("int", "value | int", -21.9, -21),
    ("int", "value | int", BIG, BIG),
    ("int", "value | int", "inf", U),
    ("join", "value | join(', ')", ["person", 1, None, 0.5], "person, 1, null, 0.5"),
    ("join", "value | join", ["a", "b"], "ab"),
    ("join", "value | join(d='-')", ["a", "b"], "a-b"),
    ("join", "value | join(1)", ["a", "b"], U),
    ("join", "value | join", "ab", U),
    ("last", "value | last", [1, 2], 2),
    ("length", "value | length", "four", 4),
    ("length", "value | length", {"a": 1}, 1),
    ("length", "value | length", 4, U),
    ("list", "value | list", {"a": 1}, ["a"]),
    ("lower", "value | lower", "ON", "on"),
    ("lower", "value | lower", True, "true"),
    ("map", "value | map(attribute='id')", [{"id": 1}, {"id": None}, {}, 5], [1]),
    ("max", "value | max", [1, 3, 2], 3),
    ("max", "value | max", [1, "a"], U),
    ("max", "value | max", [], U),
    ("min", "value | min", ["b", "a"], "a"),
    ("replace", "value | replace('_', ' ')", "front_door", "front door"),
    ("replace", "value | replace('', ' ')", "front", U),
    ("replace", "value | replace(new='o', old='a')", "cat", "cot"),
    ("round", "value | round", 21.5, 22),
    ("round", "value | round(1)", 21.46, 21.5),
    ("round", "value | round(-1)", 21, 20),
    ("round", "value | round(precision=1)", 21.46, 21.5),
    ("round", "value | round(99)", 21.46, U),
    ("round", "value | round('1')", 21.46, U),
    ("sort", "value | sort", [3, 1, 2], [1, 2, 3]),
    ("sort", "value | sort(reverse=true)", [3, 1, 2], [3, 2, 1]),
    ("sort", "value | sort", [3, "a"], U),
    ("string", "value | string", 21.5, "21.5"),
    ("string", "value | string", {"a": [True]}, '{"a":[true]}'),
    ("sum", "value | sum", [1, 2.5], 3.5),
    ("sum", "value | sum", [1, "2"], U),
    ("title", "value | title", "front door", "Front Door"),
    ("trim", "value | trim", " on \n", "on"),
    ("truncate", "value | truncate(3)", "abcdef", "ab…"),
    ("truncate", "value | truncate(6)", "abcdef", "abcdef"),
    ("truncate", "value | truncate(-5)", "abcdef", "…"),
    ("unique", "value | unique", [1, 2, 1], [1, 2]),
    ("unique", "value | unique", [[1], [1]], U),
    ("upper", "value | upper", "straße", "STRASSE"),
    ("urlencode", "value | urlencode", "a b/ä", "a%20b/%C3%A4"),
]

TEST_CASES = [
    ("boolean", "value is boolean", True, True),
    ("boolean", "value is boolean", 1, False),
    ("defined", "value is defined", None, False),
    ("defined", "value is defined", 0, True),
    ("even", "value is even", 4, True),
    ("even", "value is even", "4", U),
    ("false", "value is false", "off", True),
    ("false", "value is false", "ajar", False),
    ("mapping", "value is mapping", {}, True),
    ("number", "value is number", 1.5, True),
    ("number", "value is number", True, False),
    ("odd", "value is odd", 4, False),
    ("sequence", "value is sequence", [], True),
    ("sequence", "value is sequence", "text", False),
    ("string", "value is string", "", True),
    ("string", "value is not string", "", False),
    ("true", "value is true", "ON", True),
    ("undefined", "value is undefined", "unavailable", True),
]

METHOD_CASES = [
    ("capitalize", "value.capitalize()", "aBC", "Abc"),
    ("endswith", "value.endswith('.jpg')", "a.jpg", True),
    ("endswith", "value.endswith(1)", "a.jpg", U),
    ("get", "value.get('a')", {"a": 1}, 1),
    ("get", "value.get('b')", {"a": 1}, U),
    ("get", "value.get('b', 5)", {"a": 1}, 5),
    ("get", "value.get('a', default=5)", {"a": None}, U),
    ("get", "value.get(['a'])", {"a": 1}, U),
    ("get", "value.get('a')", "text", U),
    ("items", "value.items()", {"a": 1}, [("a", 1)]),
    ("keys", "value.keys()", {"a": 1}, ["a"]),
    ("keys", "value.keys()", [1], U),
    ("lower", "value.lower()", "ON", "on"),
    ("lower", "value.lower()", 5, U),
    ("replace", "value.replace('a', 'b')", "aa", "bb"),
    ("replace", "value.replace('1', '2')", 11, U),
    ("split", "value.split('/')", "a/b/c", ["a", "b", "c"]),
    ("split", "value.split('/', 1)", "a/b/c", ["a", "b/c"]),
    ("split", "value.split(sep='/')[1]", "a/b/c", "b"),
    ("split", "value.split()", "a  b", ["a", "b"]),
    ("split", "value.split('')", "a", U),
    ("startswith", "value.startswith('a')", "ab", True),
    ("strip", "value.strip()", " a ", "a"),
    ("title", "value.title()", "a b", "A B"),
    ("upper", "value.upper()", "a", "A"),
    ("values", "value.values()", {"a": 1}, [1]),
]

FUNCTION_CASES = [
    ("offline", "offline(value)", "lost", True),
    ("online", "online(value.state)", {"state": "ready"}, True),
]

CASES = [*FILTER_CASES, *TEST_CASES, *METHOD_CASES, *FUNCTION_CASES]


@pytest.mark.parametrize(("name", "source", "payload", "result"), CASES)
def test_what_expressions_may_call(name: str, source: str, payload: Any, result: Any):
    value = Expression(source).value(Scope(payload))
    assert value == result
    assert type(value) is type(result)


@pytest.mark.parametrize(
    ("cases", "table"),
    [
        (FILTER_CASES, FILTERS),
        (TEST_CASES, TESTS),
        (METHOD_CASES, METHODS),
        (FUNCTION_CASES, FUNCTIONS),
    ],
)
def test_there_is_a_case_for_each(cases: list[tuple[str, str, Any, Any]], table: dict[str, Any]):
    assert {name for name, *_ in cases} == set(table)


@pytest.mark.parametrize("name", sorted(set(FILTERS) - {"default", "d", "map", "replace"}))
def test_a_filter_of_an_unknown_value_is_unknown(name: str):
    assert Expression(f"missing | {name}").value(Scope({})) is U


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        (21, "21"),
        (21.0, "21"),
        (0.1 + 0.2, "0.3"),
        (1656118444933.0, "1656118444933"),
        (True, "true"),
        (None, "null"),
        ([1, "a", None], '[1,"a",null]'),
        ({"a": {"b": 1.5}}, '{"a":{"b":1.5}}'),
    ],
)
def test_a_message_shows_values_as_people_write_them(value: Any, text: str):
    assert text_of(value) == text
