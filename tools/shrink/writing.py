"""Puts the new names into the program, and proves that it is still the same."""

import ast
import copy
from collections.abc import Iterator

from .merging import relative
from .scopes import Bodies, Foreign, Global, Meaning, bind


class Writer(ast.NodeTransformer):
    """Writes the statements of one module with the new names."""

    def __init__(self, new: dict[Meaning, str], homes: dict[str, str], home: str) -> None:
        self.new = new
        self.homes = homes
        self.home = home
        self._needed: dict[str, set[str]] = {}

    def write(self, node: ast.stmt) -> ast.stmt:
        """Return the statement with the new names."""
        return self.visit(copy.deepcopy(node))

    def imports(self, packages: set[str]) -> list[str]:
        """Return the imports of what was written."""
        return [
            f"from {relative(self.home, module, packages)} import {', '.join(sorted(names))}"
            for module, names in sorted(self._needed.items())
        ]

    def visit(self, node: ast.AST) -> ast.AST:
        """Put the new name into a node, and into all below it."""
        self.generic_visit(node)
        means = getattr(node, "means", None)
        if isinstance(node, ast.alias):
            return self._alias(node)
        if isinstance(means, Global) and isinstance(node, (ast.Name, ast.Attribute)):
            home = self.homes[means.module]
            if home != self.home:
                self._needed.setdefault(home, set()).add(self.new[means])
            # records.count(record), too, is a call of a global now.
            node = ast.Name(self.new[means], node.ctx)
            node.means = means
        elif means:
            (field,) = {"id", "attr", "arg", "name"}.intersection(node._fields)
            setattr(node, field, self.new.get(means, getattr(node, field)))
        return node

    def _alias(self, node: ast.alias) -> ast.alias:
        new = self.new.get(node.means, node.asname or node.name)
        if getattr(node, "source", None):
            node.name = self.new[node.source]
        node.asname = new if new != node.name else None
        return node


def prove(written: Bodies, texts: dict[str, str], packages: set[str]) -> None:
    """Stop if a name means something else now, or two that were different are the same."""
    trees = {home: ast.parse(text) for home, text in texts.items()}
    bind(trees, packages)
    after: dict[Meaning, Meaning] = {}
    before: dict[Meaning, Meaning] = {}
    for home, body in written.items():
        new_body = trees[home].body[-len(body) :]
        pairs = zip(_nodes(body), _nodes(new_body), strict=True)
        for old, new in pairs:
            for field in ("means", "source"):
                one, other = getattr(old, field, None), getattr(new, field, None)
                is_same = type(old) is type(new) and type(one) is type(other)
                is_same &= after.setdefault(one, other) == other
                is_same &= before.setdefault(other, one) == one
                if not is_same or (isinstance(one, Foreign) and one != other):
                    raise SystemExit(f"{home}: {one} has become {other}")


def _nodes(body: list[ast.stmt]) -> Iterator[ast.AST]:
    for top in body:
        yield from ast.walk(top)
