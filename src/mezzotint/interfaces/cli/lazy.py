"""Groups whose commands are imported when they are used, and unknown names that come with the nearest ones."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from mezzotint.errors import unknown_name


class NamedGroup(click.Group):
    """A group that answers an unknown command with the nearest names."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name. Raises InvalidOption."""
        names = self.list_commands(ctx)
        if args[0] not in names and not ctx.resilient_parsing:
            raise unknown_name("command", args[0], names)
        return super().resolve_command(ctx, args)


class LazyGroup(NamedGroup):
    """A group of commands, each given as the module that has a click command of the same name (with _ for -)."""

    def __init__(self, *args: Any, homes: Mapping[str, str], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.homes = homes

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(self.homes)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None if there is none."""
        if cmd_name not in self.homes:
            return None
        command = getattr(import_module(self.homes[cmd_name]), cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command
