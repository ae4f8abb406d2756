"""Random expressions over random payloads: nothing raises, and Kleene's laws hold."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kilopush_bridge.expressions import (
    UNKNOWN,
    Expression,
    ExpressionError,
    RenderFailure,
    Scope,
    Template,
    text_of,
)
from kilopush_bridge.expressions.functions import FILTERS, TESTS
from kilopush_bridge.expressions.operators import TEXT_MAX_CHARS

NAMES = ("a", "b", "state", "value")

SIGNS = ("and", "or", "==", "!=", "<", "<=", ">", ">=", "in", "not in", *"+-*/%~", "//")

numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
words = st.sampled_from(["on", "OFF", "yes", "nan", "None", "unavailable", "offline", "21.4", ""])
scalars = st.none() | st.booleans() | numbers | words | st.text(max_size=8)
payloads = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*NAMES, "x y"]), inner, max_size=4)
    ),
    max_leaves=12,
)

atoms = (
    st.sampled_from([*NAMES, "topic", "missing", "none", "true", "[]", "['on', 1]", "'a'", "1e308"])
    | st.integers(-9, 9).map(str)
    | st.sampled_from(["on", "x", "%s", "21.4"]).map(repr)
)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = st.sampled_from(SIGNS)
    calls = st.sampled_from(
        [
            *(f"| {name}" for name in FILTERS),
            *(f"is {name}" for name in TESTS),
            "| default(0)",
            "| join(', ')",
            "| map(attribute='a')",
            "| replace('a', 'bb')",
            "| round(-3)",
            ".a",
            "['x y']",
            "[0]",
            "[-1]",
            "[1:]",
            "[::-1]",
            ".get('a')",
            ".items()",
            ".split('a')",
            ".startswith('a')",
            ".upper()",
        ]
    )
    return (
        st.tuples(inner, signs, inner).map(" ".join)
        | st.tuples(inner, calls).map(lambda parts: f"({parts[0]}) {parts[1]}")
        | inner.map("not {}".format)
        | inner.map("(-({}))".format)
        | inner.map("offline({})".format)
        | st.tuples(inner, inner).map("[{0[0]}, {0[1]}]".format)
        | st.tuples(inner, inner, inner).map("({0[0]} if {0[1]} else {0[2]})".format)
    ).map("({})".format)


expressions = st.recursive(atoms, _larger, max_leaves=10)


@settings(max_examples=400, deadline=None)
@given(source=expressions, payload=payloads)
def test_whatever_is_loaded_never_raises(source: str, payload: Any):
    scope = Scope(payload, {"topic": "a/b"})
    try:
        expression = Expression(source, ["topic"])
        template = Template(
            "{% for x in value %}{{ x }}{% endfor %}{{ " + source + " }}", ["topic"]
        )
    except ExpressionError:
        return
    assert expression.holds(scope) in (True, False, UNKNOWN)
    value = expression.value(scope)
    assert value is UNKNOWN or isinstance(text_of(value), str)
    assert isinstance(expression.missing(scope), list)
    text = template.render(scope)
    assert isinstance(text, RenderFailure) or len(text) <= TEXT_MAX_CHARS


@settings(max_examples=200, deadline=None)
@given(source=st.text(max_size=40) | st.text("ab.[]()'|{}%-+~ 01\n", max_size=40))
def test_any_text_is_loaded_or_refused_with_a_line(source: str):
    for kind in (Expression, Template):
        line = 1
        try:
            kind(source)
        except ExpressionError as error:
            line = error.line
        assert 1 <= line <= len(source.splitlines()) + 1


@settings(max_examples=200, deadline=None)
@given(a=scalars, b=scalars, c=scalars)
def test_kleenes_laws_hold(a: Any, b: Any, c: Any):
    scope = Scope({"a": a, "b": b, "c": c})

    def holds(source: str) -> Any:
        return Expression(source).holds(scope)

    assert holds("a and b") is holds("b and a")
    assert holds("a or b") is holds("b or a")
    assert holds("(a and b) and c") is holds("a and (b and c)")
    assert holds("(a or b) or c") is holds("a or (b or c)")
    assert holds("not (a and b)") is holds("not a or not b")
    assert holds("not (a or b)") is holds("not a and not b")
    assert holds("a and (b or c)") is holds("a and b or a and c")
    assert holds("not not a") is holds("a")


@settings(max_examples=100, deadline=None)
@given(payload=payloads, extra=scalars)
def test_more_knowledge_never_changes_a_decision(payload: Any, extra: Any):
    """What is decided with a field missing stays so when the field arrives."""
    fields = payload if isinstance(payload, dict) else {}
    for source in ("a and late", "a or late", "not (a and late)", "late > 1 or state == 'on'"):
        before = Expression(source).holds(Scope(fields))
        after = Expression(source).holds(Scope({**fields, "late": extra}))
        assert before is UNKNOWN or after is before
