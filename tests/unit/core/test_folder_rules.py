"""The rules at the top of core/__init__.py that a parser can check."""

import ast
from pathlib import Path

import pytest

import kilopush_bridge.core

CORE = Path(kilopush_bridge.core.__file__).parent
MODULES = sorted(CORE.glob("*.py"))


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_core_imports_only_json_and_itself(path):
    siblings = {f".{module.stem}" for module in MODULES}
    assert set(imports(path)) <= {"json", *siblings}


def test_the_package_file_holds_no_code():
    (docstring,) = ast.parse((CORE / "__init__.py").read_text()).body
    assert isinstance(docstring, ast.Expr)
