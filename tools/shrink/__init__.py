"""The modules for boards out of those for people: the same program with less to load.

A name costs a board its letters, six bytes of tables, and mostly a place in a dict; a module costs
the names that it imports once more. So what importing the package imports anyway becomes one
module, constants stand where they are used, and names that nobody else uses get short ones.

Without types, an attribute is renamed everywhere or nowhere, and only if nothing outside of the
package has one of that name, and no text in it spells it. In the end the result is compared with
the original, name by name: `prove`.
"""

import ast
import re

from .constants import Constants
from .merging import facades, find_exports, find_homes, merge
from .names import Names
from .scopes import bind
from .writing import Writer, prove


def shrink(
    trees: dict[str, ast.Module],
    packages: set[str],
    entrances: list[str],
    keep: set[str],
    foreign: set[str],
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return the texts of the modules that are left, by their full names, and the new names.

    The latter for people who read a traceback: what each of them may have been.

    Args:
        trees: the modules by their full names; they are changed.
        packages: which of them are packages.
        entrances: the modules that people import; all others are merged into the first of these
            that needs them. What they hold, and what a package among them imports of the others,
            keeps its name, unless that begins with an underscore.
        keep: names that stay too; "package.module.name" can still be imported after the merging.
        foreign: all names that the world outside has.
    """
    for module, tree in trees.items():
        check(module, tree)
        Bare().visit(tree)
    bind(trees, packages)
    homes = find_homes(trees, entrances)
    constants = Constants(trees)
    exports = find_exports(trees, packages.intersection(entrances))
    bodies = merge(trees, homes, constants, exports)
    names = Names(trees, entrances, exports, keep, foreign)
    names.choose(bodies)
    writers = {home: Writer(names.new, homes, home) for home in bodies}
    written = {home: [writers[home].write(node) for node in bodies[home]] for home in bodies}
    texts = {}
    for home, body in written.items():
        imports = writers[home].imports(packages)
        texts[home] = "\n".join([*imports, *[ast.unparse(node) for node in body]]) + "\n"
    prove(written, texts, packages)
    return texts | facades(keep, homes, constants, packages), names.table()


def check(module: str, tree: ast.AST) -> None:
    """Stop at what finds attributes by a text that is not known before the program runs."""
    for node in ast.walk(tree):
        name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        is_wrong = name in ("eval", "exec", "globals", "locals", "vars", "delattr")
        if name in ("getattr", "hasattr", "setattr"):
            is_wrong = not isinstance(node.args[1], ast.Constant)
        if isinstance(node, ast.Attribute):
            is_wrong = node.attr == "__dict__"
        if isinstance(node, ast.FunctionDef):
            is_wrong = node.name in ("__getattr__", "__getattribute__", "__setattr__")
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_wrong = re.search(r"\{\w*[.\[]", node.value)  # "{0.name}" of str.format
        if is_wrong:
            text = ast.unparse(node).partition("\n")[0]
            raise SystemExit(f"{module}:{node.lineno}: cannot shrink this: {text}")


class Bare(ast.NodeTransformer):
    """Takes away what is for people: annotations and docstrings."""

    def visit(self, node: ast.AST) -> ast.AST | None:
        """Return the node without them."""
        self.generic_visit(node)
        if isinstance(node, ast.AnnAssign):
            return node.value and ast.copy_location(ast.Assign([node.target], node.value), node)
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
        has_text = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
        if isinstance(node, has_text) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or ([] if isinstance(node, ast.Module) else [ast.Pass()])
        return node
