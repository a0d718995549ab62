"""The frame of the command line: help, unknown names, and how every error is told."""

import errno
import json
from collections.abc import Callable

import click
import pytest
from click.testing import CliRunner, Result

from mezzotint import __version__
from mezzotint.errors import OutOfSpace
from mezzotint.interfaces.cli.main import VERBS, cli
from mezzotint.interfaces.cli.output import wants_json
from tests.interfaces.conftest import Run, sentence


def test_help_names_every_verb_and_the_exit_codes(run: Run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for verb in VERBS:
        assert f"\n  {verb} " in result.stdout
        assert run(verb, "--help").exit_code == 0
    assert "75 training was stopped" in " ".join(result.stdout.split())


def test_the_version_is_the_packages(run: Run) -> None:
    assert run("--version").stdout == f"mezzotint {__version__}\n"


def test_no_arguments_are_answered_with_help_and_exit_code_2(run: Run) -> None:
    result = run()
    assert result.exit_code == 2
    assert "imagine" in result.stderr


@pytest.mark.parametrize(
    ("args", "near"),
    [
        (["imagin", "x"], "did you mean imagine"),
        (["data", "chek"], "did you mean check"),
        (["data", "build", "icon"], "did you mean icons"),
        (["imagine", "x", "--step", "3"], "did you mean --steps"),
        (["imagine", "x", "--sovler=ddim"], "did you mean --solver"),
        (["zzz"], "it must be one of blend, data, describe, doctor, edit, eval"),
    ],
)
def test_unknown_commands_and_options_come_with_the_nearest_names(run: Run, args: list[str], near: str) -> None:
    assert near in sentence(run(*args))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["imagine"], "Missing argument 'PROMPT'; see mezzotint imagine --help."),
        (["imagine", "a", "red", "apple"], "unexpected extra arguments (red apple)"),
        (["imagine", "x", "--format", "xml"], "'text', 'json'"),
        (["imagine", "x", "--seed"], "requires an argument"),
    ],
)
def test_other_mistakes_of_form_are_one_sentence(run: Run, args: list[str], words: str) -> None:
    assert words in sentence(run(*args))


@pytest.mark.parametrize(
    "args",
    [
        ["imagine", "x", "--steps", "0", "--format", "json"],
        ["imagine", "x", "--stepz", "0", "--format=json"],
        ["nonsense", "--format", "json"],
        ["inspect", "nothing.png", "--format", "json"],
    ],
)
def test_with_json_an_error_is_one_object_on_stdout(run: Run, args: list[str]) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert result.stderr == ""
    error = json.loads(result.stdout)
    assert error.keys() == {"error", "message"}
    assert error["error"] in ("InvalidOption", "InvalidFile")


def test_a_prompt_that_looks_like_an_option_asks_for_no_json() -> None:
    assert wants_json(["imagine", "x", "--format", "json"])
    assert not wants_json(["imagine", "--", "--format", "json"])
    assert not wants_json(["imagine", "--format", "text", "json"])


def failing(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> Result:
    """The command line when `models` raises."""

    def broken(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr("mezzotint.interfaces.cli.models.models.callback", broken)
    return CliRunner().invoke(cli, ["models"])


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OutOfSpace("The disk is\nfull."), "mezzotint: The disk is full."),
        (OSError(errno.ENOSPC, "No space left on device", "a.png"), "no space left to write a.png"),
        (PermissionError(errno.EACCES, "Permission denied", "a.png"), "no permission to use a.png"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "a.png"), "a.png cannot be used (Is a directory)"),
        (MemoryError(), "not enough memory"),
    ],
)
def test_what_the_machine_lacks_is_one_sentence(
    error: BaseException, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert words in sentence(failing(error, monkeypatch))


def test_ctrl_c_is_one_line_and_130(monkeypatch: pytest.MonkeyPatch) -> None:
    result = failing(KeyboardInterrupt(), monkeypatch)
    assert (result.exit_code, result.stderr) == (130, "mezzotint: interrupted.\n")


def test_our_own_mistakes_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(failing(AssertionError("ours"), monkeypatch).exception, AssertionError)


def test_a_verb_is_imported_when_it_is_used() -> None:
    context = click.Context(cli)
    assert isinstance(cli, click.Group)
    for verb in cli.list_commands(context):
        command = cli.get_command(context, verb)
        assert command is not None
        assert command.name == verb
    assert cli.get_command(context, "nothing") is None


def test_the_callback_of_a_group_is_documented() -> None:
    callback: Callable[..., object] | None = cli.callback
    assert callback is not None
    assert callback.__doc__
