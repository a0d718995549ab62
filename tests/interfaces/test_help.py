"""Help that fits a screen, and all of it on demand."""

from collections.abc import Iterator

import click
import pytest

from mezzotint.interfaces.cli.brief import Brief
from mezzotint.interfaces.cli.main import VERBS, cli
from tests.interfaces.conftest import Run

SCREEN = 45
"""Lines of a terminal window of usual height; they are 80 letters wide here, as where there is no terminal."""


def every(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from every(found, (*path, name))


ALL = dict(every(cli))
BRIEF = {path: command for path, command in ALL.items() if isinstance(command, Brief)}


def test_the_commands_of_many_options_are_brief() -> None:
    assert set(BRIEF) >= {(name,) for name in ("imagine", "edit", "blend", "explore", "vary", "eval")}


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_fits_a_screen(run: Run, path: tuple[str, ...]) -> None:
    told = run(*path, "--help").stdout
    assert 5 < len(told.splitlines()) <= SCREEN
    assert told.startswith(" ".join(("Usage: mezzotint", *path)))
    assert run(*path, "-h").stdout == told


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_option_is_in_all_of_the_help(run: Run, path: tuple[str, ...]) -> None:
    told = run(*path, "--help-all" if path in BRIEF else "--help").stdout
    words = set(told.split())
    for option in ALL[path].params:
        if isinstance(option, click.Option):
            assert {name.rstrip(",") for name in words} >= set(option.opts), option.name
            first = (option.help or "").split()[0]
            assert first in words, "and what it does"


@pytest.mark.parametrize("path", BRIEF, ids=" ".join)
def test_brief_help_has_usage_examples_and_groups_and_names_the_rest(run: Run, path: tuple[str, ...]) -> None:
    command, told = BRIEF[path], run(*path, "--help").stdout
    lines = told.splitlines()
    assert lines[-1] == f"`mezzotint {' '.join(path)} --help-all` shows every option, and more about each."
    for heading, names in command.usual.items():
        assert f"{heading}:" in lines
        for name in names:
            assert any(line.startswith(f"  {name}") for line in lines), name
    whole = run(*path, "--help-all").stdout
    examples = [line for line in whole.splitlines() if line.startswith("  mezzotint ")]
    assert examples == [line for line in lines if line.startswith("  mezzotint ")]
    usual = [name for names in command.usual.values() for name in names]
    assert len(set(usual)) == len(usual)


def test_brief_help_says_what_an_option_does_and_its_default(run: Run) -> None:
    told = " ".join(run("vary", "--help").stdout.split())
    assert "--n N How many variations [default: 4] --vary-seed SEED The seed that the first goes towards" in told
    told = " ".join(run("explore", "--help").stdout.split())
    assert "such as guidance=1,3,5 [required] --y" in told


def test_all_of_the_help_needs_no_argument_and_the_top_knows_the_verbs(run: Run) -> None:
    assert run("edit", "--help-all").exit_code == 0
    assert set(VERBS) == {path[0] for path in ALL if path}
