"""Constants of modules, and the places where they are used."""

import ast
import copy
from collections import Counter

from .scopes import Meaning

SMALL_INT = 1 << 30  # what is below takes no memory of its own on a 32-bit board
SHORT_CHARS = 10  # a longer text is an object of its own in every place. Source: py/mpconfig.h


class Constants:
    """Constants of modules, however they are spelled, and how often they are used."""

    def __init__(self, trees: dict[str, ast.Module]) -> None:
        self.values: dict[Meaning, object] = {}
        nodes = [node for tree in trees.values() for node in ast.walk(tree)]
        loads = [node for node in nodes if isinstance(getattr(node, "ctx", None), ast.Load)]
        self._uses = Counter(getattr(node, "means", None) for node in loads)
        stored = Counter(
            node.means for node in nodes if isinstance(node, ast.Name) and node not in loads
        )
        for tree in trees.values():
            for node in tree.body:
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    self._learn(node.targets[0].means, node.value, stored)

    def _learn(self, means: Meaning, value: ast.expr, stored: Counter[Meaning]) -> None:
        if isinstance(value, ast.Call) and ast.unparse(value.func) == "const":
            value = value.args[0]
        found = evaluate(Inliner(self.values).visit(copy.deepcopy(value)))
        if found is not None and stored[means] == 1:
            self.values[means] = found

    def is_everywhere(self, means: Meaning) -> bool:
        """Return whether the value stands where the name was: if that costs no more."""
        value = self.values.get(means)
        is_small = isinstance(value, int) and abs(value) < SMALL_INT
        is_short = isinstance(value, str) and len(value) <= SHORT_CHARS
        return value is not None and (is_small or is_short or self._uses[means] <= 1)

    def put_into(self, node: ast.stmt) -> ast.stmt:
        """Return a statement with values in the place of names."""
        values = {one: value for one, value in self.values.items() if self.is_everywhere(one)}
        return Inliner(values).visit(node)


class Inliner(ast.NodeTransformer):
    """Puts values in the place of names."""

    def __init__(self, values: dict[Meaning, object]) -> None:
        self.values = values

    def visit(self, node: ast.AST) -> ast.AST:
        """Return the value of a name, anything else with its parts visited."""
        means = getattr(node, "means", None)
        if isinstance(getattr(node, "ctx", None), ast.Load) and means in self.values:
            return ast.parse(repr(self.values[means]), mode="eval").body
        return self.generic_visit(node)


def evaluate(node: ast.expr) -> object:
    """Return the value of an expression of literals, None if it is none or can change."""
    fixed = (ast.Constant, ast.Tuple, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.Load)
    if not all(isinstance(one, fixed) for one in ast.walk(node)):
        return None
    code = compile(ast.Expression(ast.fix_missing_locations(node)), "constant", "eval")
    return eval(code, {"__builtins__": {}})  # noqa: S307 - literals of our own sources
