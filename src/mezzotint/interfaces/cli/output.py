"""What the command line prints: text or JSON on stdout, one sentence for an error."""

import errno
import json
import sys
from itertools import pairwise
from typing import Any

import click

from mezzotint.errors import InvalidFile, InvalidOption, MezzotintError, OutOfSpace, unknown_name

EXIT_DIFFERENT = 1
"""`reproduce` gave another picture, or `data check` found errors."""
EXIT_ERROR = 2
"""Something that the user gave, or that the machine lacks; one sentence says what."""
EXIT_SAVED = 75
"""Training was asked to stop by a signal; its state is saved, and --resume goes on from it (EX_TEMPFAIL)."""
EXIT_INTERRUPTED = 130
"""Ctrl-C."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def emit_json(value: Any) -> None:
    """Print one JSON value. Everything outside ASCII is escaped, so that no terminal can garble it."""
    click.echo(json.dumps(value, indent=2, allow_nan=False))


def wants_json(args: list[str]) -> bool:
    """Whether arguments ask for JSON, also if the rest of them cannot be parsed."""
    plain = args[: args.index("--")] if "--" in args else args
    return "--format=json" in plain or ("--format", "json") in pairwise(plain)


def fail(error: MezzotintError, as_json: bool) -> int:
    """Print an error, as a sentence on stderr or as JSON on stdout; returns the exit code."""
    if as_json:
        emit_json(error.as_dict())
    else:
        click.echo(f"mezzotint: {one_line(str(error))}", err=True)
    return EXIT_ERROR


def one_line(text: str) -> str:
    """Text without line breaks and control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def usage_sentence(error: click.UsageError) -> MezzotintError:
    """An error of the command's form as one of ours, with the nearest names and where to read more."""
    context = error.ctx
    if isinstance(error, click.NoSuchOption) and context is not None:
        known = [name for option in context.command.get_params(context) for name in option.opts if name[:2] == "--"]
        return unknown_name("option", error.option_name, known)
    path = "mezzotint" if context is None else context.command_path
    return InvalidOption(f"{one_line(error.format_message()).rstrip('.')}; see {path} --help.")


def system_sentence(error: OSError) -> MezzotintError:
    """What the operating system refused, as one of our errors."""
    what = str(error.filename) if error.filename else "the output"
    if error.errno in _FULL:
        return OutOfSpace(f"There is no space left to write {what}; free some space and try again.")
    if error.errno in _FORBIDDEN:
        return OutOfSpace(f"There is no permission to use {what}; choose another place.")
    return InvalidFile(f"{what} cannot be used ({error.strerror or error}); check the path.")


def out_of_memory(error: BaseException) -> bool:
    """Whether Python or a device ran out of memory."""
    if isinstance(error, MemoryError):
        return True
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(error, torch.OutOfMemoryError)
