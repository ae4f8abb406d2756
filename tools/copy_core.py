"""Write the copies of shared code that other programs carry; ``--check`` only compares.

A copy holds what is reachable from its roots: functions, classes and constants in the order and the
words of the original, with the comments directly above them, and the imports that these need.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "kilopush_bridge"
LINE_MAX_CHARS = 100

# Folder of the copy: module of core: the names that its program uses.
PRUNED = {
    "micropython/kilopush/core": {
        "protocol": "API_URL MESSAGE_MAX_UNITS SENT QUOTA OPTED_OUT BLOCKED FORBIDDEN REJECTED"
        " UNCLEAR UNSENT Verdict classify unsent lost is_spent is_user_token is_channel_token"
        " is_secret is_link",
        "text": "cut units well_formed safe_line",
        "digest": "pack lines",
        "retry": "retry_delay_s",
        "budget": "WINDOW_S HIGH NORMAL LOW FITS FULL CEILING Limits Usage has_room why_not_alone"
        " bucket_size cap next_critical_s CRITICALS_PER_KEY CRITICAL_GAP_S",
    },
}

# Folder of the copy: the files that it holds as they are. Home Assistant has the room.
WHOLE = {
    "custom_components/kilopush/core": "core/*.py",
    "custom_components/kilopush/shared": "scheduler/clock.py times.py",
}


class Module:
    """One file of the original, and what of it a copy keeps."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.statements = ast.parse(self.text).body
        self.definitions = {name: node for node in self.statements for name in defined(node)}
        self.imports = {
            name: node for node in self.statements for name in imported(node, self.path)
        }
        self.kept: set[str] = set()

    def uses(self, name: str) -> Iterator[str]:
        """Yield the names of this file, own and imported, that a definition mentions."""
        for node in ast.walk(self.definitions[name]):
            if isinstance(node, ast.Name) and (
                node.id in self.definitions or node.id in self.imports
            ):
                yield node.id

    def copy(self) -> str:
        """Return the text of the copy."""
        lines = self.text.splitlines()
        result = [heading(self.path, self.path.parents[2])]
        end = 0  # of the last statement that was kept
        for node in self.statements:
            kept = self._kept_lines(node, lines)
            if kept:
                between = lines[end : start_index(lines, node)]
                result += [""] * (blank_lines(between) if end else 0) + kept
                end = node.end_lineno or end
        return "\n".join(result) + "\n"

    def _kept_lines(self, node: ast.stmt, lines: list[str]) -> list[str]:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            return import_lines(node, self.kept)
        if self.kept.intersection(defined(node)) or is_docstring(node):
            return lines[start_index(lines, node) : node.end_lineno]
        return []


def heading(path: Path, root: Path) -> str:
    """Return the first line of a copy."""
    return (
        f"# Generated from {path.relative_to(root).as_posix()} by tools/copy_core.py: do not edit."
    )


def defined(node: ast.stmt) -> list[str]:
    """Return the names that a statement of a module defines."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def imported(node: ast.stmt, path: Path) -> list[str]:
    """Return the names that a statement imports; stop at a statement that no copy could keep."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.name for alias in node.names]
    if not defined(node) and not is_docstring(node):
        sys.exit(f"copy_core: {path}:{node.lineno}: not a definition, so no copy could hold it")
    return []


def is_docstring(node: ast.stmt) -> bool:
    """Return whether a statement of a module is a text and nothing else."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def start_index(lines: list[str], node: ast.stmt) -> int:
    """Return the index of the line where a statement begins, comments and decorators included."""
    index = min([node.lineno, *[one.lineno for one in getattr(node, "decorator_list", [])]]) - 1
    while index and lines[index - 1].startswith("#"):
        index -= 1
    return index


def blank_lines(lines: Iterable[str]) -> int:
    """Return the length of the longest run of empty lines."""
    longest = run = 0
    for line in lines:
        run = 0 if line else run + 1
        longest = max(longest, run)
    return longest


def import_lines(node: ast.Import | ast.ImportFrom, kept: set[str]) -> list[str]:
    """Return the import of the names that are kept, none if there are none."""
    names = [alias.name for alias in node.names if alias.name in kept]
    if not names:
        return []
    if isinstance(node, ast.Import):
        return [f"import {', '.join(names)}"]
    start = f"from {'.' * node.level}{node.module or ''} import "
    if len(start + ", ".join(names)) <= LINE_MAX_CHARS:
        return [start + ", ".join(names)]
    return [f"{start}(", *[f"    {name}," for name in names], ")"]


def keep(modules: dict[str, Module], name: str, of: str) -> None:
    """Mark a definition or an import of a module, and everything that it needs."""
    module = modules[of]
    if name in module.kept:
        return
    module.kept.add(name)
    if name in module.definitions:
        for used in module.uses(name):
            keep(modules, used, of)
    elif name in module.imports:
        node = module.imports[name]
        if isinstance(node, ast.ImportFrom) and node.module in modules:
            keep(modules, name, node.module)
    else:
        sys.exit(f"copy_core: {module.path} has no '{name}'")


def whole(source: Path, patterns: str) -> dict[str, str]:
    """Return the files of a copy of everything, and a package file if none is among them."""
    paths = [path for pattern in patterns.split() for path in sorted(source.glob(pattern))]
    files = {
        path.name: f"{heading(path, source.parent)}\n{path.read_text(encoding='utf-8')}"
        for path in paths
    }
    package = '"""Copies of what the bridge has: see tools/copy_core.py."""\n'
    return {"__init__.py": package, **files}


def pruned(source: Path, roots: dict[str, str]) -> dict[str, str]:
    """Return the files of a copy: their names and texts. The package file is always one of them."""
    modules = {path.stem: Module(path) for path in sorted(source.glob("*.py"))}
    for of, names in roots.items():
        for name in names.split():
            keep(modules, name, of)
    return {
        module.path.name: module.copy()
        for name, module in modules.items()
        if module.kept or name == "__init__"
    }


def differences(folder: Path, files: dict[str, str]) -> list[Path]:
    """Return the files of a folder that are missing, changed, or not part of the copy."""
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    names = sorted(files.keys() | there.keys())
    return [folder / name for name in names if files.get(name) != there.get(name)]


def write(folder: Path, files: dict[str, str]) -> None:
    """Make the folder hold exactly these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in differences(folder, files):
        if path.name in files:
            path.write_text(files[path.name], encoding="utf-8")
        else:
            path.unlink()


def main(args: list[str]) -> int:
    """Write or check every copy; return the exit code."""
    wrong = []
    every = {name: pruned(SOURCE / "core", roots) for name, roots in PRUNED.items()}
    every |= {name: whole(SOURCE, patterns) for name, patterns in WHOLE.items()}
    for name, files in every.items():
        if "--check" not in args:
            write(ROOT / name, files)
        wrong += differences(ROOT / name, files)
    for path in wrong:
        print(f"{path.relative_to(ROOT)} is not what tools/copy_core.py makes: run `make copies`")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
