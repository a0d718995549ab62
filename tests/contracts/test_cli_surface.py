"""The command line is frozen: a renamed option breaks people's scripts, so a change must be meant."""

import json

import click
import pytest

from tests.contracts.cli_surface import SURFACE, as_text, surface
from tests.contracts.source import PACKAGE

HAS_CLI = (PACKAGE / "interfaces" / "cli" / "main.py").is_file()


@pytest.mark.skipif(not HAS_CLI, reason="there is no command line yet")
def test_the_command_line_is_the_frozen_one() -> None:
    from mezzotint.interfaces.cli.main import cli

    now = json.loads(as_text(surface(cli)))
    frozen = json.loads(SURFACE.read_text()) if SURFACE.is_file() else {}
    advice = "if this change is meant: python -m tests.contracts.update_cli_surface, and a line in CHANGELOG.md"
    assert now.keys() == frozen.keys(), advice
    for command in now:
        assert now[command] == frozen[command], f"{command}: {advice}"


@pytest.mark.skipif(not HAS_CLI, reason="there is no command line yet")
def test_every_command_and_option_says_what_it_does() -> None:
    from mezzotint.interfaces.cli.main import cli

    silent: list[str] = []

    def walk(command: click.Command, name: str) -> None:
        context = click.Context(command, info_name=name)
        if not command.get_short_help_str():
            silent.append(name)
        for option in command.params:
            if isinstance(option, click.Option) and not option.help and not option.hidden:
                silent.append(f"{name} {option.opts[0]}")
        if isinstance(command, click.Group):
            for child in command.list_commands(context):
                found = command.get_command(context, child)
                assert found is not None
                walk(found, f"{name} {child}")

    walk(cli, "mezzotint")
    assert not silent


def example(option: str = "--steps", default: int | None = 12) -> click.Group:
    @click.group()
    def top() -> None:
        """Top."""

    @top.command()
    @click.argument("prompt")
    @click.option(option, "steps", type=click.IntRange(1, 1000), default=default)
    @click.option("--watch/--no-watch")
    def draw(prompt: str, steps: int, watch: bool) -> None:
        """Draw."""

    return top


def test_the_surface_shows_what_matters() -> None:
    found = json.loads(as_text(surface(example())))
    assert list(found) == ["mezzotint", "mezzotint draw"]
    prompt, steps, watch = found["mezzotint draw"]
    assert (prompt["name"], prompt["kind"], prompt["required"]) == ("prompt", "argument", True)
    assert (steps["options"], steps["type"], steps["default"]) == (["--steps"], "integer range", 12)
    assert (watch["options"], watch["is_flag"]) == (["--watch", "--no-watch"], True)


def test_the_surface_changes_with_names_and_defaults() -> None:
    texts = {
        as_text(surface(group)) for group in (example(), example("--count"), example(default=13), example(default=None))
    }
    assert len(texts) == 4
    assert as_text(surface(example())) in texts
