"""tools/shrink: a board gets the program that people read; what they use keeps its name."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "shrink" / "__init__.py"
_spec = importlib.util.spec_from_file_location(
    "shrink", TOOL, submodule_search_locations=[str(TOOL.parent)]
)
shrink = importlib.util.module_from_spec(_spec)
sys.modules["shrink"] = shrink
_spec.loader.exec_module(shrink)

# Both inner modules define `size`, `_UNIT` and `_twice`, and one of them hides its own by a local.
BOX = '''"""About boxes."""

import json
from micropython import const

from . import paper
from .core.numbers import BIG, SMALL, size

_UNIT = const(3)
_TEXT = "a text that is long enough to stay"


class Box:
    """A box."""

    def __init__(self, width: int, label=_TEXT):
        self.width = width
        self.label = label
        self._height = SMALL
        self.inner_state = [_UNIT]

    def area(self, *, scale=1):
        return _twice(self.width * self._height) * scale

    def describe(self):
        size = paper.size([self.inner_state[0] for _UNIT in (1, 2)])
        return json.dumps([size, self._label(), _TEXT, BIG])

    def _label(self):
        return "{}x{}".format(self.label, getattr(self, "_height", 0))


def _twice(value):
    return 2 * value + size(value) + _UNIT
'''
PAPER = """
_UNIT = 5


class Sheet:
    def __init__(self, count):
        self.count = count
        self.append = count
        self.sheets_left = count


def size(values):
    sheet = Sheet(len(values))
    return sum([(lambda one: one * _twice(sheet.sheets_left))(value) for value in values])


def _twice(value):
    try:
        return value * _UNIT + undefined_index(value)
    except IndexError as size:
        return len(size.args)


def undefined_index(value):
    raise IndexError(value)
"""
NUMBERS = """
_HUNDRED = 100
BIG = 7 * _HUNDRED
SMALL = _HUNDRED // 50
NAMES = ("one", "two")


def size(value, factor=SMALL):
    return value * factor
"""
MORE = """
from .core.numbers import BIG, size


class Lid:
    def __init__(self):
        self._part = BIG

    def close(self):
        return size(self._part)
"""
SOURCES = {
    "box": "from .outer import Box\n\n__all__ = ('Box',)\n",
    "box.outer": BOX,
    "box.paper": PAPER,
    "box.core": "",
    "box.core.numbers": NUMBERS,
    "box.more": MORE,
}
PROGRAM = """
import sys, types
sys.modules["micropython"] = types.SimpleNamespace(const=lambda value: value)
from box import Box
from box.more import Lid
box = Box(width=4)
print(box.area(), box.area(scale=3), box.describe(), box.width, Lid().close())
"""


def shrunk(sources=None, keep=(), foreign=("append", "dumps", "format")):
    trees = {name: ast.parse(text) for name, text in (sources or SOURCES).items()}
    packages = {"box", "box.core"}
    return shrink.shrink(trees, packages, ["box", "box.more"], set(keep), set(foreign))


def one_module(text, **options):
    texts, _ = shrunk({"box": text, "box.more": ""}, **options)
    return texts["box"]


def output(texts, folder):
    for module, text in texts.items():
        is_package = module in ("box", "box.core")
        path = folder / module.replace(".", "/") / "__init__.py"
        path = path if is_package else path.parent.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_the_program_does_the_same(tmp_path):
    texts, _ = shrunk()
    wanted = output(SOURCES, tmp_path / "sources")
    assert wanted.startswith("35 105 ")
    assert output(texts, tmp_path / "shrunk") == wanted


def test_modules_that_are_always_loaded_together_become_one():
    texts, _ = shrunk()
    assert sorted(texts) == ["box", "box.more"]


def test_names_that_people_use_survive():
    text = shrunk()[0]["box"]
    assert "class Box:" in text
    for name in ("def area(self, *, scale=1)", "def describe", ".width", ".label"):
        assert name in text


def test_other_names_do_not():
    text = "".join(shrunk()[0].values())
    for name in ("_twice", "Sheet", "sheets_left", "size", "sheet", "_label", "undefined_index"):
        assert name not in text


def test_a_name_that_the_outside_has_survives():
    assert ".append = " in shrunk()[0]["box"]
    assert ".append = " not in shrunk(foreign=["dumps"])[0]["box"]


def test_a_name_that_a_text_spells_survives():
    assert "self._height" in shrunk()[0]["box"]


def test_a_parameter_that_is_given_by_name_survives():
    text = one_module("def _add(one, two):\n    return one + two\n\n\nX = _add(1, two=2)\n")
    assert "two" in text
    assert "one" not in text


def test_a_name_that_is_kept_on_purpose_survives():
    assert "sheets_left" in shrunk(keep=["sheets_left"])[0]["box"]


def test_what_is_open_of_a_merged_module_can_be_imported_from_its_old_place():
    texts, _ = shrunk(keep=["box.core.numbers.BIG", "box.core.numbers.size", "box.paper.Sheet"])
    assert texts["box.core.numbers"] == "BIG = 700\nfrom .. import size\n"
    assert texts["box.paper"] == "from . import Sheet\n"
    assert texts["box.core"] == ""
    assert "BIG" not in texts["box"]


def test_constants_stand_where_they_are_used():
    text = one_module(
        "_HOUR_S = 60 * 60\n_DAY_S = 24 * _HOUR_S\n\n\ndef day(x):\n    return x % _DAY_S\n"
    )
    assert text == "def day(x):\n    return x % 86400\n"


def test_a_constant_that_can_change_stays():
    text = one_module("_MOST = [1]\n_LAST = 1\n_LAST = 2\n\n\ndef f():\n    return _MOST, _LAST\n")
    assert text.count("= ") == 3


def test_a_long_text_is_not_repeated():
    assert shrunk()[0]["box"].count("a text that is long enough to stay") == 1


def test_unused_imports_are_gone():
    assert "micropython" not in shrunk()[0]["box"]


def test_a_traceback_can_be_read():
    texts, names = shrunk()
    (short,) = [name for name, old in names.items() if "box.paper.undefined_index" in old]
    assert f"def {short}(" in texts["box"]


@pytest.mark.parametrize(
    "line",
    [
        "getattr(thing, name)",
        "setattr(thing, name, 1)",
        "hasattr(thing, name)",
        "globals()",
        "thing.__dict__",
        "eval('1')",
        "'{0.width}'.format(thing)",
        "'{[width]}'.format(thing)",
        "[last := one for one in name]",
    ],
)
def test_what_finds_names_by_their_text_is_refused(line):
    with pytest.raises(SystemExit, match=r"box:2: cannot shrink this: "):
        one_module(f"def find(thing, name):\n    return {line}\n")


@pytest.mark.parametrize(
    "text",
    [
        "def find():\n    global found\n    found = 1\n",
        "import os.path\n",
        "class Lazy:\n    def __getattr__(self, name):\n        return name\n",
    ],
)
def test_what_has_other_rules_is_refused(text):
    with pytest.raises(SystemExit, match="cannot shrink this"):
        one_module(text)


def test_a_public_class_of_a_private_base_is_refused():
    more = MORE.replace("BIG, size", "BIG, Base, size").replace("class Lid:", "class Lid(Base):")
    numbers = NUMBERS + "\n\nclass Base:\n    def open(self):\n        return 1\n"
    with pytest.raises(SystemExit, match="Lid: cannot shrink this: Base is private"):
        shrunk(SOURCES | {"box.more": more, "box.core.numbers": numbers})


@pytest.mark.parametrize("line", ["getattr(thing, 'width')", "'{:.1f} {}'.format(thing, name)"])
def test_literals_are_not(line):
    assert line.split("(")[0] in one_module(f"def find(thing, name):\n    return {line}\n")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("def one(a, b):\n    return a + a\n", "names that differed are the same"),
        ("def one(a, b):\n    return a + c\n", "a local became something else"),
        ("def one(a, a_b):\n    return b + a\n", "an argument became something else"),
    ],
)
def test_a_result_that_is_not_the_same_program_is_refused(wrong, why):
    right = ast.parse("def one(first, second):\n    return first + second\n")
    shrink.bind({"box": right}, {"box"})
    with pytest.raises(SystemExit, match="has become"):
        shrink.prove({"box": right.body}, {"box": wrong}, {"box"})
