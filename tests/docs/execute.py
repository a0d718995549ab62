"""Running what the guides show: commands through the click tree, Python blocks statement by statement."""

import ast
import re
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import click
from click.testing import CliRunner

from mezzotint.interfaces.cli.main import cli

CHEAP = (
    *("network.width=32", "network.depth=1", "network.heads=2", "network.hidden=48", "network.bottleneck=16"),
    *("batch=4", "validation=4"),
)
"""Settings that make a training run of a guide a matter of seconds; its steps stay."""
_EXPECTED = re.compile(r"# → (.*)$")


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    output: str


def call(words: Sequence[str]) -> Outcome:
    """Run `mezzotint WORDS`; training gets the CHEAP settings too."""
    extra = [part for setting in CHEAP for part in ("--set", setting)] if words[:1] == ["train"] else []
    result = CliRunner().invoke(cli, [*words, *extra], prog_name="mezzotint")
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return Outcome(result.exit_code, result.output)


def parse(words: Sequence[str], root: click.Command = cli, name: str = "mezzotint") -> None:
    """Parse a command line down to its last subcommand, without running it. Raises what click or a verb raises."""
    command, arguments, parent = root, list(words), None
    while True:
        context = command.make_context(name, arguments, parent)
        if not isinstance(command, click.Group):
            return
        found, child, arguments = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        assert child is not None
        command, name, parent = child, found, context


def tree(command: click.Command = cli) -> Iterator[click.Command]:
    """A command and all below it."""
    yield command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from tree(found)


def options(command: click.Command = cli) -> set[str]:
    """Every long option of a command and those below it."""
    # a command keeps the help option that is made first, so that this one must have the names that the program gives it
    context = click.Context(command, help_option_names=cli.context_settings["help_option_names"])
    names = {name for one in tree(command) for part in one.get_params(context) for name in part.opts}
    return {name for name in names if name.startswith("--")}


def run_python(text: str, module: ModuleType, file: Path, line: int) -> list[str]:
    """Execute a block; returns what differs from the values after `# →`, which is what `str` or `print` gives."""
    source = "\n" * (line - 1) + text
    lines = source.splitlines()
    problems = []
    for node in ast.parse(source).body:
        assert node.end_lineno is not None
        expected = _EXPECTED.search(lines[node.end_lineno - 1])
        printed = StringIO()
        with redirect_stdout(printed):
            value = _value(node, module.__dict__, file)
        if expected is not None:
            got = printed.getvalue().rstrip("\n") or str(value)
            if got != expected[1].strip():
                problems.append(f"{file.name}:{node.end_lineno}: {got!r}, not {expected[1].strip()!r}")
    return problems


def _value(node: ast.stmt, names: dict[str, Any], file: Path) -> Any:
    if isinstance(node, ast.Expr):
        return eval(compile(ast.Expression(node.value), str(file), "eval"), names)
    exec(compile(ast.Module([node], []), str(file), "exec"), names)
    return None
