"""Which names can be others, and which ones they get."""

import ast
import itertools
import keyword
import string
from collections.abc import Iterator

from .scopes import (
    Bodies,
    Foreign,
    Global,
    Inner,
    Meaning,
    Member,
    is_private,
    meanings,
    parameters,
)


class Names:
    """``new``: the new name of everything that the package defines; many of them are the old."""

    def __init__(
        self,
        trees: dict[str, ast.Module],
        entrances: list[str],
        exports: set[Global],
        keep: set[str],
        foreign: set[str],
    ) -> None:
        self.new: dict[Meaning, str] = {}
        self._keep = keep
        self._entrances = entrances
        self._exports = exports
        self._own = set().union(*[members(tree) for tree in trees.values()])
        modules = {*entrances, *[one.module for one in exports]}
        check_bases([trees[module] for module in modules], modules)
        opened = set().union(*[members(trees[module]) for module in modules])
        self._hidden = {name for name in opened if is_private(name)}
        self._foreign = foreign
        self._fixed = keep | foreign | (opened - self._hidden)

    def choose(self, bodies: Bodies) -> None:
        """Find new names: first for globals, then for attributes, last for what is local."""
        nodes = [node for body in bodies.values() for one in body for node in ast.walk(one)]
        spelled = {node.value for node in nodes if isinstance(node, ast.Constant)}
        self._keywords = {node.arg for node in nodes if isinstance(node, ast.keyword)} | spelled
        used = list(dict.fromkeys(meanings(nodes)))
        kept_words = {
            one.arg for node in nodes for one in parameters(node) if self._stays(one.arg, node)
        }
        globals_ = [one for one in used if isinstance(one, Global)]
        public = [one for one in globals_ if self._is_public(one)]
        foreign = {one.name for one in used if isinstance(one, Foreign)}
        self._assign(globals_, public, foreign | kept_words)
        attributes = [one for one in used if isinstance(one, Member)]
        fixed = self._fixed | spelled
        still = [one for one in attributes if one.name not in self._own - fixed]
        # People may derive their own classes, whose attributes do not begin with "_".
        hidden = [one for one in attributes if one.name in self._hidden]
        self._assign(hidden, still, self._foreign | spelled, start="_")
        taken = self._foreign | spelled | {self.new[one] for one in hidden}
        self._assign([one for one in attributes if one not in hidden], still, taken)
        for node in nodes:
            if hasattr(node, "scope") and not isinstance(node, ast.ClassDef):
                self._choose_locals(node)

    def table(self) -> dict[str, list[str]]:
        """Return what each new name may have been, but for local names."""
        table: dict[str, list[str]] = {}
        for means, name in self.new.items():
            if isinstance(means, (Global, Member)) and means.name != name:
                table.setdefault(name, []).append(".".join(means))
        return table

    def _is_public(self, means: Global) -> bool:
        is_open = means.module in self._entrances and not is_private(means.name)
        return is_open or means in self._exports or ".".join(means) in self._keep

    def _stays(self, name: str, function: ast.AST) -> bool:
        """Return whether a parameter is, or may be, given by its name."""
        means = getattr(function, "means", None)
        if isinstance(means, Member) and not is_private(means.name):
            means = getattr(function.scope.parent.node, "means", None)
        is_open = isinstance(means, Global) and self._is_public(means)
        return is_open or name in self._keywords or name in self._keep

    def _choose_locals(self, node: ast.AST) -> None:
        inside = set(meanings([node]))
        around = [one for one in inside if not isinstance(one, (Member, Inner))]
        own = [one.means for one in parameters(node)]
        still = [one for one in own if self._stays(one.name, node)]
        own += [one for one in node.scope.names.values() if one not in own]
        taken = {self.new.get(one, one.name) for one in around if one not in own}
        self._assign(own, still, taken)

    def _assign(
        self, every: list[Meaning], still: list[Meaning], taken: set[str], start: str = ""
    ) -> None:
        taken = taken | {one.name for one in still}
        fresh = (name for name in short_names(start) if name not in taken)
        for one in every:
            self.new[one] = one.name if one in still else next(fresh)


def short_names(start: str) -> Iterator[str]:
    """Yield new names."""
    yield from [] if start else ["self"]
    for count in (1, 2):
        for chars in itertools.product(string.ascii_lowercase, repeat=count):
            name = start + "".join(chars)
            yield from [] if keyword.iskeyword(name) else [name]


def check_bases(trees: list[ast.Module], modules: set[str]) -> None:
    """Stop if people get methods of a class that others would rename."""
    for node in (node for tree in trees for node in ast.walk(tree)):
        for base in node.bases if isinstance(node, ast.ClassDef) else []:
            if isinstance(base.means, Global) and base.means.module not in modules:
                raise SystemExit(f"{node.name}: cannot shrink this: {base.means.name} is private")


def members(tree: ast.Module) -> set[str]:
    """Return the attributes that the classes of a module define, but for Python's own."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            names.update(node.scope.names)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.update([node.attr] if ast.unparse(node.value) == "self" else [])
    return {name for name in names if not name.startswith("__")}
