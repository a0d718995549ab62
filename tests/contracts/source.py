"""The source tree as syntax, for contracts that read it without running it."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "mezzotint"


@dataclass(frozen=True)
class Import:
    """One imported name: the dotted module or attribute, its line, and whether it runs when the module is imported."""

    target: str
    line: int
    top: bool


@dataclass(frozen=True)
class Source:
    """A Python file under src/mezzotint: its path there, its dotted name, its syntax tree."""

    path: Path
    name: str
    tree: ast.Module

    def where(self, line: int) -> str:
        """`path:line`, as an editor opens it."""
        return f"{self.path.relative_to(ROOT)}:{line}"


@cache
def sources() -> tuple[Source, ...]:
    """All modules of the package."""
    return tuple(parse(path.read_text(), path) for path in sorted(PACKAGE.rglob("*.py")))


def parse(text: str, path: Path) -> Source:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return Source(path, ".".join(parts), ast.parse(text, str(path)))


def imports(source: Source) -> Iterator[Import]:
    """Every import in the file, also those inside functions, under TYPE_CHECKING, and by `import_module("…")`.

    `from a.b import c` gives `a.b.c`, which is a module or a name in one.
    """
    yield from _imports(source, source.tree, top=True)


def _imports(source: Source, node: ast.AST, top: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, top) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            if child.level:
                package = source.name if source.path.name == "__init__.py" else source.name.rpartition(".")[0]
                parts = package.split(".")[: len(package.split(".")) - child.level + 1]
                base = ".".join([*parts, base] if base else parts)
            yield from (Import(f"{base}.{alias.name}", child.lineno, top) for alias in child.names)
        elif isinstance(child, ast.Call) and _last_name(child.func) in ("import_module", "__import__") and child.args:
            first = child.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield Import(first.value, child.lineno, top)
        inner = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _type_checking(child)
        yield from _imports(source, child, top and not inner)


def _type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and _last_name(node.test) == "TYPE_CHECKING"


def _last_name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


@dataclass(frozen=True)
class Call:
    """A call: the dotted name of what is called (`.name` for a method of some object), and the syntax."""

    target: str
    node: ast.Call

    def keyword(self, name: str) -> ast.expr | None:
        """The value of a keyword argument."""
        return next((word.value for word in self.node.keywords if word.arg == name), None)


def calls(source: Source) -> Iterator[Call]:
    """Every call in the file, with import aliases resolved: `t.randn()` after `import torch as t` is torch.randn."""
    names = _aliases(source)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            yield Call(dotted(node.func, names), node)


def references(source: Source) -> Iterator[tuple[str, int]]:
    """Every dotted name that is mentioned, with aliases resolved, and its line."""
    names = _aliases(source)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute | ast.Name):
            yield dotted(node, names), node.lineno


def _aliases(source: Source) -> dict[str, str]:
    names: dict[str, str] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                head = alias.name.split(".")[0]
                names[alias.asname or head] = alias.name if alias.asname else head
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return names


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    """`a.b.c` with the alias of `a` resolved; `.c` if what stands before it is no plain, imported name."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        base = dotted(node.value, names)
        known = base.split(".")[0] in {value.split(".")[0] for value in names.values()}
        return f"{base}.{node.attr}" if known and not base.startswith(".") else f".{node.attr}"
    return ""


@cache
def tracked_files() -> tuple[Path, ...]:
    """What git tracks; outside a checkout, all files but caches."""
    try:
        command = ["git", "-C", str(ROOT), "ls-files", "-z"]
        listed = subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout
        found = [ROOT / name for name in listed.split("\0") if name]
    except (OSError, subprocess.SubprocessError):
        skipped = {".venv", ".git", "dist", "build"}
        found = [path for path in ROOT.rglob("*") if not skipped & set(path.relative_to(ROOT).parts)]
    return tuple(path for path in found if path.is_file())
