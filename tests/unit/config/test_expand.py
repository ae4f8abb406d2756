"""References in values."""

import pytest

from kilopush_bridge.config.expand import FILE_MAX_BYTES, ReferenceProblem, expand

VARIABLES = {"NAME": "value", "_x1": "ok", "EMPTY": "", "NESTED": "${NAME}", "DOLLAR": "$$"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"),
        ("${NAME}", "value"),
        ("a ${NAME} and ${_x1}", "a value and ok"),
        ("${NAME:-other}", "value"),
        ("${MISSING:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${MISSING:-}", ""),
        ("${MISSING:-mqtt://host:1883}", "mqtt://host:1883"),
        ("${MISSING:-$}", "$"),
        ("$NAME and $", "$NAME and $"),
        ("$$", "$"),
        ("$${NAME}", "${NAME}"),
        ("$$${NAME}", "$value"),
        ("${NESTED}", "${NAME}"),
        ("${DOLLAR}", "$$"),
    ],
)
def test_references_are_replaced_once(text, expanded):
    assert expand(text, VARIABLES) == expanded


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("${MISSING}", "the variable `MISSING` is not set"),
        ("${EMPTY}", "the variable `EMPTY` is not set"),
        ("${NAME", "`${` is never closed"),
        ("${}", "holds no name of a variable"),
        ("${1x}", "holds no name of a variable"),
        ("${NAME-x}", "holds no name of a variable"),
        ("${ NAME }", "holds no name of a variable"),
        ("${file:/nowhere/at/all}", "`${file:/nowhere/at/all}` cannot be read: No such file"),
        ("${file:/}", "cannot be read: Is a directory"),
        ("${file:a\0b}", "cannot be read: no file can be called that"),
    ],
)
def test_a_reference_that_leads_nowhere_is_a_problem(text, reason):
    with pytest.raises(ReferenceProblem) as caught:
        expand(text, VARIABLES)
    assert reason in str(caught.value)


def test_a_file_gives_its_text_without_the_space_around_it(tmp_path):
    (tmp_path / "token").write_text("\n ${NAME} \n")
    assert expand(f"<${{file:{tmp_path}/token}}>", VARIABLES) == "<${NAME}>"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\xff", "it is not UTF-8"), (b"x" * (FILE_MAX_BYTES + 1), "it is longer than 65536 bytes")],
)
def test_a_file_that_is_no_secret_is_a_problem(tmp_path, content, reason):
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(ReferenceProblem, match=reason):
        expand(f"${{file:{tmp_path}/token}}", VARIABLES)
