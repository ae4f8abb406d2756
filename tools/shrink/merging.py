"""Modules that are always loaded together become one."""

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .scopes import Bodies, Foreign, Global, is_private, meanings

if TYPE_CHECKING:
    from .constants import Constants


def find_homes(trees: dict[str, ast.Module], entrances: list[str]) -> dict[str, str]:
    """Return into which module each one goes, in an order in which they can run."""
    homes: dict[str, str] = {}
    for entrance in entrances:
        seen = {*homes, *entrances}
        for module in [*_needed(trees, entrance, seen), entrance]:
            homes[module] = entrance
    return homes


def find_exports(trees: dict[str, ast.Module], packages: set[str]) -> set[Global]:
    """Return what these packages import of their modules, so that people find it in them."""
    nodes = [node for package in packages for node in trees[package].body]
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level]
    return {alias.source for node in imports for alias in node.names}


def _needed(trees: dict[str, ast.Module], module: str, seen: set[str]) -> Iterator[str]:
    """Yield the modules that importing this one imports, but for those seen already."""
    seen.add(module)
    for node in trees[module].body:
        for alias in node.names if isinstance(node, ast.ImportFrom) and node.level else []:
            if alias.source.module not in seen:
                yield from _needed(trees, alias.source.module, seen)
                yield alias.source.module


def merge(
    trees: dict[str, ast.Module],
    homes: dict[str, str],
    constants: "Constants",
    exports: set[Global],
) -> Bodies:
    """Return the statements of each module that is left, without its imports from the package."""
    bodies: Bodies = {}
    imports: Bodies = {}
    for module, home in homes.items():
        for node in trees[module].body:
            is_import = isinstance(node, (ast.Import, ast.ImportFrom))
            if is_import and not getattr(node, "level", 0):
                imports.setdefault(home, []).append(node)
            elif not is_import and not _is_gone(node, module == home, constants, exports):
                bodies.setdefault(home, []).append(constants.put_into(node))
    for home, nodes in imports.items():
        bodies[home] = [*_used_once(nodes, bodies[home]), *bodies[home]]
    return bodies


def _is_gone(
    node: ast.stmt, is_entrance: bool, constants: "Constants", exports: set[Global]
) -> bool:
    """Return whether a statement defines a constant that nobody asks for any more."""
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        return False
    means = node.targets[0].means
    is_open = means in exports or (is_entrance and not is_private(means.name))
    return constants.is_everywhere(means) and not is_open


def _used_once(imports: list[ast.stmt], body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the imports that are used, each of them once."""
    used = {means.name for means in meanings(body) if isinstance(means, Foreign)}
    result = {}
    for node in imports:
        if used.intersection(alias.asname or alias.name for alias in node.names):
            result[ast.unparse(node)] = node
    return list(result.values())


def facades(
    keep: set[str], homes: dict[str, str], constants: "Constants", packages: set[str]
) -> dict[str, str]:
    """Return the modules from which names of merged ones can still be imported."""
    lines: dict[str, list[str]] = {}
    for dotted in sorted(keep):
        module, _, name = dotted.rpartition(".")
        if module:
            line = f"from {relative(module, homes[module], packages)} import {name}"
            if constants.is_everywhere(Global(module, name)):
                line = f"{name} = {constants.values[Global(module, name)]!r}"
            lines.setdefault(module.rpartition(".")[0], [])
            lines.setdefault(module, []).append(line)
    return {
        module: "\n".join([*text, ""])
        for module, text in lines.items()
        if module not in homes or homes[module] != module
    }


def relative(module: str, target: str, packages: set[str]) -> str:
    """Return how one module names another one of its package: "." and so on."""
    folder = module.split(".")[: None if module in packages else -1]
    path = target.split(".")
    dots = "."
    while path[: len(folder)] != folder:
        folder.pop()
        dots += "."
    return dots + ".".join(path[len(folder) :])
