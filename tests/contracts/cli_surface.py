"""The command line as data: every command with its arguments and options, without help texts.

Choices that come from a registry (solvers, models, …) are left out, so that adding one needs no edit here.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

SURFACE = Path(__file__).with_name("cli_surface.json")


def surface(command: click.Command, name: str = "mezzotint") -> dict[str, list[dict[str, Any]]]:
    """Full command name -> its parameters, sorted by command."""
    return {path: [_parameter(one) for one in found.params] for path, found in sorted(_walk(command, name))}


def _walk(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None, f"{name} lists {child} and does not have it"
            if not found.hidden:
                yield from _walk(found, f"{name} {child}")


def _parameter(parameter: click.Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name,
        "kind": parameter.param_type_name,
        "type": parameter.type.name,
        "required": parameter.required,
        "nargs": parameter.nargs,
        "default": _plain(parameter),
    }
    if isinstance(parameter, click.Option):
        described["options"] = [*parameter.opts, *parameter.secondary_opts]
        described["is_flag"] = parameter.is_flag
        described["multiple"] = parameter.multiple
    return described


def _plain(parameter: click.Parameter) -> Any:
    """The default as JSON; one that is computed is named so, and one that is not set is null."""
    default = parameter.to_info_dict().get("default")
    if callable(default):
        return "computed"
    return default if isinstance(default, str | int | float | bool | None) else str(default)


def as_text(found: dict[str, list[dict[str, Any]]]) -> str:
    """The text of cli_surface.json."""
    return json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
