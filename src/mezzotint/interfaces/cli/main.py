"""The command line's entry. It imports a verb when it is used, and torch only when a verb works."""

import contextlib
import errno
import io
import os
import signal
import sys
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, NoReturn

import click

from mezzotint import __version__
from mezzotint.errors import InvalidOption, MezzotintError
from mezzotint.interfaces.cli.lazy import LazyGroup
from mezzotint.interfaces.cli.output import (
    EXIT_ERROR,
    EXIT_INTERRUPTED,
    fail,
    out_of_memory,
    system_sentence,
    usage_sentence,
    wants_json,
)

PROGRAM = "mezzotint"
VERBS = MappingProxyType(
    {
        "imagine": "mezzotint.interfaces.cli.imagine",
        "edit": "mezzotint.interfaces.cli.edit",
        "vary": "mezzotint.interfaces.cli.vary",
        "blend": "mezzotint.interfaces.cli.blend",
        "upscale": "mezzotint.interfaces.cli.upscale",
        "vectorise": "mezzotint.interfaces.cli.vectorise",
        "prompt": "mezzotint.interfaces.cli.prompt",
        "reproduce": "mezzotint.interfaces.cli.reproduce",
        "explore": "mezzotint.interfaces.cli.explore",
        "describe": "mezzotint.interfaces.cli.describe",
        "explain": "mezzotint.interfaces.cli.explain",
        "inspect": "mezzotint.interfaces.cli.inspect",
        "models": "mezzotint.interfaces.cli.models",
        "solvers": "mezzotint.interfaces.cli.registries",
        "grids": "mezzotint.interfaces.cli.registries",
        "guidances": "mezzotint.interfaces.cli.registries",
        "doctor": "mezzotint.interfaces.cli.doctor",
        "data": "mezzotint.interfaces.cli.data",
        "train": "mezzotint.interfaces.cli.train",
        "teach": "mezzotint.interfaces.cli.teach",
        "pack": "mezzotint.interfaces.cli.pack",
        "merge": "mezzotint.interfaces.cli.merge",
        "export": "mezzotint.interfaces.cli.export",
        "eval": "mezzotint.interfaces.cli.eval",
        "likelihood": "mezzotint.interfaces.cli.likelihood",
        "fit-grid": "mezzotint.interfaces.cli.fit_grid",
    }
)
"""Every verb and its file; a new verb is one file and one line."""


class Root(LazyGroup):
    """The whole command line: every error for the user leaves as one sentence and a documented exit code."""

    def main(self, *args: Any, **settings: Any) -> Any:
        """Parse and run; exits. As in click, but for how errors are told."""
        if f"_{PROGRAM.upper()}_COMPLETE" in os.environ:
            return super().main(*args, **{**settings, "prog_name": PROGRAM})
        given: Sequence[str] | None = args[0] if args else settings.get("args")
        sys.exit(self._code(sys.argv[1:] if given is None else list(given)))

    def invoke(self, ctx: click.Context) -> Any:
        """As in click, but an error names options as they are typed."""
        try:
            return super().invoke(ctx)
        except InvalidOption as error:
            from mezzotint.interfaces.cli.typed import as_typed

            command = self.get_command(ctx, ctx.invoked_subcommand or "")
            raise InvalidOption(as_typed(str(error), command)) from error

    def _code(self, args: list[str]) -> int:
        """Run to an exit code."""
        try:
            with self.make_context(PROGRAM, list(args)) as context:
                self.invoke(context)
            sys.stdout.flush()  # a reader that has gone is found out here, not when Python ends
            return 0
        except click.exceptions.Exit as error:
            return error.exit_code
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            return EXIT_ERROR
        except click.UsageError as error:
            return fail(usage_sentence(error), wants_json(args))
        except MezzotintError as error:
            return fail(error, wants_json(args))
        except (KeyboardInterrupt, click.Abort):
            click.echo("mezzotint: interrupted.", err=True)
            return EXIT_INTERRUPTED
        except OSError as error:
            if error.errno == errno.EPIPE:
                _drop_stdout()
                return 0
            return fail(system_sentence(error), wants_json(args))
        except Exception as error:  # all others are bugs, and raised again unless memory ran out
            if out_of_memory(error):
                sentence = "There is not enough memory for this; ask for less at once, or use another --device."
                return fail(MezzotintError(sentence), wants_json(args))
            raise


def _drop_stdout() -> None:
    """Whoever read stdout has gone: let nothing more be written, not even when Python ends."""
    with contextlib.suppress(OSError, ValueError, io.UnsupportedOperation):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(cls=Root, homes=VERBS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
def cli() -> None:
    """Draw pictures from words, train models that do, and know where every picture comes from.

    \b
    mezzotint imagine "a red apple"          a picture, with its recipe inside
    mezzotint reproduce picture.png          draw it again: identical, or why not
    mezzotint train tiny                     teach a small model in a minute

    Exit codes: 0 done; 1 reproduce gave another picture, or data check found errors; 2 something was refused, in one
    sentence; 75 training was stopped by a signal and saved; 130 interrupted.
    """


def _terminated(number: int, frame: object) -> NoReturn:
    """SIGTERM ends the process by an exception, so that temporary files are removed."""
    sys.exit(128 + number)


def main() -> None:
    """The program `mezzotint`."""
    signal.signal(signal.SIGTERM, _terminated)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a letter is no reason to fail
    cli.main()
