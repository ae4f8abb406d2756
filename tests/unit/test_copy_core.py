"""tools/copy_core.py: a copy holds what its program needs, in the words of the original."""

import ast
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("copy_core", ROOT / "tools" / "copy_core.py")
copy_core = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(copy_core)

A = '''"""About a."""

import json
import sys

from .b import half, quarter

_UNUSED = 1
# Why it is 2.
_TWO = 2  # exactly
_THREE: int = 3


def unused() -> int:
    return quarter(_UNUSED)


# Why it is here.
def kept(value: int) -> str:
    """Return it doubled."""
    return json.dumps(half(_TWO * value))


class Unused:
    def __init__(self) -> None:
        self.name = sys.argv[0]
'''
B = '''"""About b."""


def half(value: int) -> float:
    return value / 2


def quarter(value: int) -> float:
    return half(half(value))
'''
KEPT_A = '''# Generated from program/core/a.py by tools/copy_core.py: do not edit.
"""About a."""

import json

from .b import half

# Why it is 2.
_TWO = 2  # exactly


# Why it is here.
def kept(value: int) -> str:
    """Return it doubled."""
    return json.dumps(half(_TWO * value))
'''
KEPT_B = '''# Generated from program/core/b.py by tools/copy_core.py: do not edit.
"""About b."""


def half(value: int) -> float:
    return value / 2
'''


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "program" / "core"
    folder.mkdir(parents=True)
    texts = {"__init__": '"""The package."""\n', "a": A, "b": B, "c": "C = 1\n"}
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def test_a_copy_holds_the_roots_and_what_they_need_in_the_same_words(source):
    files = copy_core.pruned(source, {"a": "kept"})
    assert sorted(files) == ["__init__.py", "a.py", "b.py"]
    assert files["a.py"] == KEPT_A
    assert files["b.py"] == KEPT_B


def test_many_imports_take_one_line_each(source):
    names = [f"a_name_that_is_long_enough_{number}" for number in range(4)]
    (source / "d.py").write_text("".join(f"{name} = 1\n" for name in names))
    (source / "e.py").write_text(f"from .d import {', '.join(names)}\n\nE = ({', '.join(names)})\n")
    text = copy_core.pruned(source, {"e": "E"})["e.py"]
    assert "from .d import (\n    a_name_that_is_long_enough_0,\n" in text


def test_a_root_that_does_not_exist_is_named(source):
    with pytest.raises(SystemExit, match=r"a\.py has no 'nothing'"):
        copy_core.pruned(source, {"a": "nothing"})


def test_a_statement_that_no_copy_could_hold_is_named(source):
    (source / "c.py").write_text("C = 1\nprint(C)\n")
    with pytest.raises(SystemExit, match=r"c\.py:2: not a definition"):
        copy_core.pruned(source, {"a": "kept"})


def test_a_changed_a_missing_and_a_foreign_file_are_found_and_repaired(source, tmp_path):
    files = copy_core.pruned(source, {"a": "kept"})
    folder = tmp_path / "board" / "core"
    copy_core.write(folder, files)
    assert copy_core.differences(folder, files) == []

    (folder / "a.py").write_text(KEPT_A + "\n")
    (folder / "b.py").unlink()
    (folder / "c.py").write_text("")
    changed = [path.name for path in copy_core.differences(folder, files)]
    assert changed == ["a.py", "b.py", "c.py"]

    copy_core.write(folder, files)
    assert copy_core.differences(folder, files) == []


def test_a_copy_of_everything_has_the_same_bytes_below_its_first_line(source):
    files = copy_core.whole(source.parent, "core/a.py core/b.py")
    assert sorted(files) == ["__init__.py", "a.py", "b.py"]
    first, rest = files["a.py"].split("\n", 1)
    assert first == "# Generated from program/core/a.py by tools/copy_core.py: do not edit."
    assert rest == A


def test_the_copies_in_this_repository_are_current():
    assert copy_core.main(["--check"]) == 0


def names_of_core(path):
    """Yield what a module takes from ``core``, as "module.name"."""
    tree = ast.parse(path.read_text())
    modules = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module == "core":
            modules |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("core."):
            yield from (f"{node.module[5:]}.{alias.name}" for alias in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in modules:
            yield f"{modules[ast.unparse(node.value)]}.{node.attr}"


@pytest.mark.parametrize("folder", sorted(copy_core.PRUNED))
def test_every_name_that_the_program_takes_is_a_root(folder):
    roots = copy_core.PRUNED[folder]
    listed = {f"{module}.{name}" for module, names in roots.items() for name in names.split()}
    used = {name for path in (ROOT / folder).parent.glob("*.py") for name in names_of_core(path)}
    assert used <= listed
