"""Files and functions stay short, and no tracked file knows the machine it was written on."""

import ast
import re
from pathlib import Path

import pytest

from tests.contracts.source import ROOT, tracked_files

MAX_FILE = 400
MAX_FUNCTION = 60
"""Lines of a function without its docstring; aim for 45."""
PYTHON = [path for path in tracked_files() if path.suffix == ".py"]
# written in two parts, so that this file is not its own first offence
MACHINE_PATH = re.compile(
    r"(?<![\w.~>-])/(?:root|work|home/[\w.-]+|" + r"Users/[\w.-]+|opt/(?:wheels|pypi[\w-]*))/|[A-Z]:\\" + r"Users\\"
)
REGISTRY_HOST = re.compile(
    "|".join([r"pythonhosted\." + "org", r"pypi\.org/" + "simple", r"registry\.npmjs\." + "org"])
)
NOT_TEXT = {".png", ".jpg", ".webp", ".gif", ".safetensors", ".gz", ".npz", ".ico", ".woff2"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def long_functions(text: str) -> list[str]:
    """The functions that are too long, as `name: lines`."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
            lines = (node.end_lineno or 0) - node.lineno + 1 - docstring
            if lines > MAX_FUNCTION:
                found.append(f"{node.name}: {lines} lines")
    return found


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MAX_FILE, f"{name(path)} has {text.count(chr(10))} lines; at most {MAX_FILE} are allowed"
    assert not long_functions(text)


def test_the_length_of_functions_is_measured() -> None:
    body = "    x = 1\n" * 59
    assert not long_functions("def f():\n" + body)
    assert not long_functions('def f():\n    """A\n\n    B"""\n' + body)
    assert long_functions("class A:\n  def f(self):\n    x = 1\n" + body) == ["f: 61 lines"]


def test_no_tracked_file_knows_a_machine() -> None:
    found = []
    for path in tracked_files():
        if path.suffix in NOT_TEXT:
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE_PATH.search(line) or REGISTRY_HOST.search(line):
                found.append(f"{name(path)}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("line", ["/root" + "/x", '"/home' + '/me/cats"', " /work" + "/main", "C:\\" + "Users\\me",
                                  "https://files.pythonhosted." + "org/packages"])  # fmt: skip
def test_machine_paths_are_found(line: str) -> None:
    assert MACHINE_PATH.search(line) or REGISTRY_HOST.search(line)


@pytest.mark.parametrize(
    "line", ["src/work/x", "<root>/x", "~/home/me/x", "https://example.org/work/x", "/proc/cpuinfo"]
)
def test_other_paths_are_left_alone(line: str) -> None:
    assert not MACHINE_PATH.search(line)
