"""What is refused when it is loaded, with its line, and with the way out where there is one."""

from __future__ import annotations

import pytest

from kilopush_bridge.expressions import Expression, ExpressionError, Template
from kilopush_bridge.expressions.syntax import NESTED_MAX, SOURCE_MAX_CHARS

EXPRESSIONS = [
    # source, part of what it says, part of the hint
    ("", "not an expression", ""),
    ("contact and", "it ends too early", "missing after `and`"),
    ("state ==", "it ends too early", "missing after `==`"),
    ("state == 'ON", "unexpected char", "a quote is never closed"),
    ("state === 'on'", "not an expression", "`==`"),
    ("'=' == x y", "`y` is too much", ""),
    ("a AND b", "`AND` is too much", "in lower case"),
    ("NOT a", "`a` is too much", "in lower case"),
    ("a b", "`b` is too much", ""),
    ("a, b", "`,` is too much", ""),
    ("state = 'on'", "`=` is too much", "`==`"),
    ("a && b", "not an expression", "`and`"),
    ("a || b", "not an expression", "`or`"),
    ("!contact", "not an expression", "`not`"),
    ("{{ contact }}", "not an expression", "without `{{`"),
    ("a }} b", "is too much", ""),
    ("9" * 5000, "a number is too large", ""),
    ("'\\ud800'", "surrogate", ""),
    ("'\ud800'", "surrogate", ""),
    ("a ** b", "`**` is not possible", ""),
    ("{'a': 1}", "`{...}` is not possible", ""),
    ("__class__", "not a name that payloads have", ""),
    ("value.__class__", "`.__class__` does not exist", "cannot reach Python"),
    ("''.__class__.__mro__", "does not exist", "cannot reach Python"),
    ("offline", "is a function", "`value.offline`"),
    ("state == offline", "is a function", "the text is `'offline'`"),
    ("lasted > 5", "only known to messages", "`value.lasted`"),
    ("value_json.t", "a word of Home Assistant", "`value`"),
    ("a | tojson", "there is no filter `tojson`", "print as JSON by themselves"),
    ("a | format", "there is no filter `format`", ""),
    ("a | center(9)", "there is no filter `center`", ""),
    ("a | attr('x')", "there is no filter `attr`", ""),
    ("a | trimm", "there is no filter `trimm`", "did you mean `trim`"),
    ("a | from_json", "there is no filter `from_json`", "already parsed"),
    ("a | bool", "there is no filter `bool`", "`x is true`"),
    ("a | multiply(2)", "there is no filter `multiply`", "`x * 2`"),
    ("a is callable", "there is no test `callable`", "docs/rules.md lists every test"),
    ("a is none", "there is no test `none`", "`x is undefined`"),
    ("a is None", "there is no test `None`", "`x is undefined`"),
    ("is_number(a)", "there is no function `is_number`", "`x is number`"),
    ("iif(a, b, c)", "there is no function `iif`", "`b if a else c`"),  # codespell:ignore iif
    ("float(a)", "there is no function `float`", "`x | float`"),
    ("range(9)", "there is no function `range`", "docs/rules.md lists every function"),
    ("now()", "there is no function `now`", "messages know `now`"),
    ("'{}'.format(a)", "there is no method `format`", "docs/rules.md lists every method"),
    ("topic.room", "`topic` is a text and has no `.room`", "`value.topic.room`"),
    ("topic['room']", "`topic` is a text and has no `.room`", "`value.topic.room`"),
    ("'a'.zfill(9)", "there is no method `zfill`", ""),
    ("value.update({})", "there is no method `update`", ""),
    ("a()()", "`(...)(...)` cannot be called", ""),
    ("a | join(*b)", "`*` and `**`", ""),
    ("a | join(**b)", "`*` and `**`", ""),
    ("a | float(0)", "filter `float`: too many", "`float | default(0)`"),
    ("a | int(0)", "filter `int`: too many", "`int | default(0)`"),
    ("a | upper(0)", "filter `upper`: too many", "`upper` takes no arguments"),
    ("a | replace('x')", "filter `replace`: missing", "`replace(old, new)`"),
    ("a | default('x', if_missing=1)", "filter `default`", "default_value=..., boolean=..."),
    ("a | map('upper')", "filter `map`", "`map(attribute=...)`"),
    ("a | round(1, 'floor')", "filter `round`: too many", "`round(precision=...)`"),
    ("a is defined(1)", "test `defined`: too many", "takes no arguments"),
    ("a.startswith()", "method `startswith`: missing", "`startswith(prefix)`"),
    ("a.split('/', 1, 2)", "method `split`: too many", "`split(sep=..., maxsplit=...)`"),
    ("offline()", "function `offline`: missing", "`offline(value)`"),
    ("offline(a, b)", "function `offline`: too many", "`offline(value)`"),
]


@pytest.mark.parametrize(("source", "what", "hint"), EXPRESSIONS)
def test_an_expression_is_refused_with_what_is_wrong(source: str, what: str, hint: str):
    with pytest.raises(ExpressionError) as caught:
        Expression(source, ["topic"], ["lasted"])
    assert what in str(caught.value)
    assert hint in caught.value.hint
    assert caught.value.line == 1


@pytest.mark.parametrize("sign", ["%", "*", "-", "/", "//"])
@pytest.mark.parametrize(
    "text",
    [
        "'%d'",
        "(a ~ b)",
        "(a + '!')",
        "('a' if b else c)",
        "a | upper",
        "a | join(', ')",
        "a | string",
        "a | replace('x', 'y')",
        "a | default('-')",
        "a | default(default_value='-')",
        "('abc')[0]",
        "a.strip()",
    ],
)
def test_arithmetic_on_visible_text_is_refused(sign: str, text: str):
    for source in (f"({text}) {sign} 9", f"9 {sign} ({text})"):
        with pytest.raises(ExpressionError, match="is for numbers, not for text") as caught:
            Expression(source)
        assert caught.value.hint == "join texts with `~`"


def test_a_text_has_no_sign():
    with pytest.raises(ExpressionError, match="`-` is for numbers"):
        Expression("-'a'")


@pytest.mark.parametrize(
    ("source", "line", "what"),
    [
        ("battery < 15\nor battery_low\nor batt <", 3, "not an expression"),
        ("battery < 15\nor battery | nosuch", 2, "no filter `nosuch`"),
        ("battery\n  .__init__", 2, "does not exist"),
        ("a\nor b b", 2, "`b` is too much"),
    ],
)
def test_the_error_names_the_line_within_the_text(source: str, line: int, what: str):
    with pytest.raises(ExpressionError, match=what) as caught:
        Expression(source)
    assert caught.value.line == line


TEMPLATES = [
    ("{{ a", 1, "not a template"),
    ("a\n{% if b %}", 2, "not a template"),
    ("a\n{{ b | nosuch }}", 2, "no filter `nosuch`"),
    ("{% set a = 1 %}", 1, "`{% set %}` is not possible"),
    ("{% set a %}x{% endset %}", 1, "`{% set %}` is not possible"),
    ("{% include 'x' %}", 1, "`{% include %}` is not possible"),
    ("{% import 'x' as y %}", 1, "`{% import %}` is not possible"),
    ("{% from 'x' import y %}", 1, "`{% from %}` is not possible"),
    ("{% extends 'x' %}", 1, "`{% extends %}` is not possible"),
    ("{% macro a() %}{% endmacro %}", 1, "`{% macro %}` is not possible"),
    ("{% call a() %}{% endcall %}", 1, "`{% call %}` is not possible"),
    ("{% block a %}{% endblock %}", 1, "`{% block %}` is not possible"),
    ("{% filter upper %}a{% endfilter %}", 1, "`{% filter %}` is not possible"),
    ("{% with a = 1 %}{% endwith %}", 1, "`{% with %}` is not possible"),
    ("{% autoescape true %}{% endautoescape %}", 1, "`{% autoescape %}` is not possible"),
    ("{% for a in b %}\n{% for c in d %}{% endfor %}{% endfor %}", 2, "a loop inside a loop"),
    ("{% for a in b if a %}{% endfor %}", 1, "nothing more"),
    ("{% for a in b %}{% else %}c{% endfor %}", 1, "nothing more"),
    ("{% for a in b recursive %}{% endfor %}", 1, "nothing more"),
    ("{% for a.b in c %}{% endfor %}", 1, "not a template"),
    ("{% for a, (b, c) in d %}{% endfor %}", 1, "a loop's variable is a name"),
    ("{% for a in range(9) %}{% endfor %}", 1, "no function `range`"),
    ("a\n\nb {{ topic.x }}", 3, "`topic` is a text"),
    ("{{ value.__class__ }}", 1, "does not exist"),
    ("half \ud83d", 1, "surrogate"),
]


@pytest.mark.parametrize(("source", "line", "what"), TEMPLATES)
def test_a_template_is_refused_with_its_line(source: str, line: int, what: str):
    with pytest.raises(ExpressionError) as caught:
        Template(source, ["topic"])
    assert what in str(caught.value)
    assert caught.value.line == line


def test_the_hour_is_a_part_of_the_text_that_now_is():
    with pytest.raises(ExpressionError, match=r"`now` is a text and has no `\.hour`") as caught:
        Template("{{ now.hour }}", ["now"])
    assert "`now[11:13] | int`" in caught.value.hint


def test_a_variable_of_a_loop_may_have_fields_whatever_else_has_its_name():
    Template("{% for topic in list %}{{ topic.room }}{% endfor %}", ["topic"])


@pytest.mark.parametrize(
    "source",
    [
        "(" * 2000 + "a" + ")" * 2000,
        "not " * 2000 + "a",
        "-" * 5000 + "a",
        "a" + " + a" * NESTED_MAX,
        "a" + ".b" * NESTED_MAX,
        "a" + " | upper" * NESTED_MAX,
        "a" + " or a" * NESTED_MAX,
        "[" * 1000 + "]" * 1000,
    ],
)
def test_nothing_is_nested_deeper_than_python_calls_go(source: str):
    for make, text in ((Expression, source), (Template, f"{{{{ {source} }}}}")):
        with pytest.raises(ExpressionError, match="nested"):
            make(text)


@pytest.mark.parametrize("levels", [NESTED_MAX, 900])
def test_statements_are_not_nested_deeper_either(levels: int):
    with pytest.raises(ExpressionError, match=r"nested|at most"):
        Template("{%if a%}" * levels + "{%endif%}" * levels)


def test_a_long_text_is_refused():
    Template("x" * SOURCE_MAX_CHARS)
    with pytest.raises(ExpressionError, match="at most 10000 characters"):
        Template("x" * (SOURCE_MAX_CHARS + 1))
    with pytest.raises(ExpressionError, match="at most 10000 characters"):
        Expression("a or " * 5000 + "a")
