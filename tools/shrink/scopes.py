"""What every name in a package means: a global of a module, a local, an attribute, or not ours.

`bind` puts the answer on the nodes of the syntax trees, as ``means``. The rules are Python's,
without ``global``, ``nonlocal`` and ``:=`` in comprehensions.
"""

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
NESTED = (*FUNCTIONS, *COMPREHENSIONS, ast.ClassDef)


class Global(NamedTuple):
    """What a module of the package defines."""

    module: str
    name: str


class Member(NamedTuple):
    """An attribute or a method of any object: without types, all of one name are the same."""

    name: str


class Local(NamedTuple):
    """A name of one function, lambda or comprehension."""

    scope: "Scope"
    name: str


class Foreign(NamedTuple):
    """A name that comes from outside of the package."""

    name: str


class Inner(NamedTuple):
    """A module of the package."""

    module: str


Meaning = Global | Member | Local | Foreign | Inner
Bodies = dict[str, list[ast.stmt]]  # the statements of modules


class Scope:
    """A part of the text that has names of its own."""

    def __init__(self, node: ast.AST, parent: "Scope | None") -> None:
        self.node = node
        self.parent = parent
        self.names: dict[str, Meaning] = {}

    def __deepcopy__(self, memo: object) -> "Scope":
        return self  # the copy of a node means the same

    def find(self, name: str) -> Meaning:
        """Return what a name means here."""
        scope: Scope | None = self
        while scope:
            if name in scope.names and (scope is self or not isinstance(scope.node, ast.ClassDef)):
                return scope.names[name]
            scope = scope.parent
        return Foreign(name)


def bind(trees: dict[str, ast.Module], packages: Iterable[str]) -> None:
    """Put on the nodes of these modules what they mean.

    A function and a comprehension, a class and a module also get their ``scope``; a name that is
    imported from the package gets its ``source``.
    """
    for module, tree in trees.items():
        folder = module.split(".")[: None if module in packages else -1]
        Binder(module, folder, trees.keys()).visit(tree)


def meanings(nodes: Iterable[ast.AST]) -> Iterator[Meaning]:
    """Yield what is meant by these nodes and everything in them."""
    for top in nodes:
        for node in ast.walk(top):
            if getattr(node, "means", None):
                yield node.means


def is_private(name: str) -> bool:
    """Return whether nobody else may use a name."""
    return name.startswith("_") and not name.endswith("__")


def parameters(node: ast.AST) -> list[ast.arg]:
    """Return the parameters of a function in their order, none of anything else."""
    if not isinstance(node, FUNCTIONS):
        return []
    every = [*node.args.args, node.args.vararg, *node.args.kwonlyargs, node.args.kwarg]
    return [one for one in every if one]


class Binder(ast.NodeVisitor):
    """Binds the names of one module; ``modules`` are those of the package."""

    def __init__(self, module: str, folder: list[str], modules: Iterable[str]) -> None:
        self.module = module
        self.folder = folder
        self.modules = modules
        self.scope: Scope | None = None

    def visit(self, node: ast.AST) -> None:
        """Bind a node and all below it."""
        self._refuse(node)
        name = _own_name(node)
        if name:
            node.means = self.scope.find(name)
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                alias.source = self._source(node, alias)
        if isinstance(node, (ast.Module, *NESTED)):
            self._enter(node)
        else:
            self.generic_visit(node)
        if isinstance(node, ast.Attribute):
            of = getattr(node.value, "means", None)
            is_module = isinstance(of, Inner)
            node.means = self._member(of.module, node.attr) if is_module else Member(node.attr)

    def _refuse(self, node: ast.AST) -> None:
        """Stop at what has other rules than these."""
        is_walrus = isinstance(node, ast.NamedExpr) and isinstance(self.scope.node, COMPREHENSIONS)
        is_dotted = isinstance(node, ast.Import) and any("." in one.name for one in node.names)
        if is_walrus or is_dotted or isinstance(node, (ast.Global, ast.Nonlocal)):
            text = ast.unparse(node)
            raise SystemExit(f"{self.module}:{node.lineno}: cannot shrink this: {text}")

    def _enter(self, node: ast.AST) -> None:
        before, inside = _parts(node)
        for one in before:
            self.visit(one)
        self.scope = node.scope = Scope(node, self.scope)
        for one in parameters(node):
            one.means = self.scope.names[one.arg] = Local(self.scope, one.arg)
        for one in _own(inside):
            for name in _bound(one):
                self.scope.names[name] = self._meaning(one, name)
        for one in inside:
            self.visit(one)
        self.scope = self.scope.parent

    def _meaning(self, node: ast.AST, name: str) -> Meaning:
        """Return what a name means that this node binds in the current scope."""
        if isinstance(self.scope.node, ast.ClassDef):
            return Member(name)
        if not isinstance(self.scope.node, ast.Module):
            return Local(self.scope, name)
        if isinstance(node, ast.Import):
            return Foreign(name)
        if isinstance(node, ast.ImportFrom):
            (alias,) = [one for one in node.names if (one.asname or one.name) == name]
            return self._source(node, alias) or Foreign(name)
        return Global(self.module, name)

    def _source(self, node: ast.ImportFrom, alias: ast.alias) -> Meaning | None:
        """Return what is imported from the package, None for what is from elsewhere."""
        if not node.level:
            return None
        path = self.folder[: len(self.folder) + 1 - node.level]
        return self._member(".".join([*path, node.module] if node.module else path), alias.name)

    def _member(self, module: str, name: str) -> Meaning:
        inner = f"{module}.{name}"
        return Inner(inner) if inner in self.modules else Global(module, name)


def _parts(node: ast.AST) -> tuple[list[ast.AST], list[ast.AST]]:
    """Return what is evaluated outside of the scope that a node opens, and what inside."""
    if isinstance(node, COMPREHENSIONS):
        first, *others = node.generators
        values = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        return [first.iter], [first.target, *first.ifs, *others, *values]
    before = [*getattr(node, "decorator_list", []), *getattr(node, "bases", [])]
    if isinstance(node, FUNCTIONS):
        before += [one for one in (*node.args.defaults, *node.args.kw_defaults) if one]
    return before, [node.body] if isinstance(node, ast.Lambda) else node.body


def _own(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield the nodes of a scope; of those that open another one only the node itself."""
    for node in nodes:
        yield node
        if not isinstance(node, NESTED):
            yield from _own(ast.iter_child_nodes(node))


def _own_name(node: ast.AST) -> str | None:
    """Return the name that a node looks up or binds where it stands."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.alias):
        return node.asname or node.name
    is_named = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    return node.name if is_named or isinstance(node, ast.ExceptHandler) else None


def _bound(node: ast.AST) -> list[str]:
    """Return the names that a node binds where it stands."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name for alias in node.names]
    is_read = isinstance(node, ast.alias) or isinstance(getattr(node, "ctx", None), ast.Load)
    name = _own_name(node)
    return [name] if name and not is_read else []
