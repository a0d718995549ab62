"""Help that fits a screen: a command's usual options by themselves, and all of them with --help-all."""

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import click

__all__ = ["Brief"]

_END = re.compile(r"[.;] (?![^(]*\))")
"""Where the first clause of an option's help ends, which says what it does."""


class Brief(click.Command):
    """A command of many options, of which `--help` shows the usual ones.

    usual: their names, by the headings of their groups.
    """

    def __init__(self, *args: Any, usual: Mapping[str, Sequence[str]], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.usual = usual
        self.params.append(
            click.Option(
                ["--help-all"], is_flag=True, is_eager=True, expose_value=False, callback=_show_all,
                help="Show all options and exit.",
            )
        )  # fmt: skip

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Usage, what the command does, examples, and the usual options by what they do."""
        self.format_usage(ctx, formatter)
        first, *others = inspect.cleandoc(self.help or "").split("\n\n")
        examples = [text for text in others if text.startswith("\b")]
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text("\n\n".join((first, *examples)))
        known = {name: option for option in self.params for name in option.opts}
        for heading, names in self.usual.items():
            rows = [record for name in names if (record := known[name].get_help_record(ctx)) is not None]
            with formatter.section(heading):
                formatter.write_dl([(left, _first_clause(text)) for left, text in rows])
        formatter.write_paragraph()
        formatter.write_text(f"`{ctx.command_path} --help-all` shows every option, and more about each.")

    def all_help(self, ctx: click.Context) -> str:
        """What click shows of a command: everything."""
        formatter = ctx.make_formatter()
        super().format_help(ctx, formatter)
        return formatter.getvalue().rstrip("\n")


def _first_clause(text: str) -> str:
    """What an option does, and its default, which click puts behind it in brackets."""
    told, gap, extra = text.partition("  [")
    return _END.split(told, maxsplit=1)[0].rstrip(".") + gap + extra


def _show_all(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        assert isinstance(ctx.command, Brief)
        click.echo(ctx.command.all_help(ctx), color=ctx.color)
        ctx.exit()
