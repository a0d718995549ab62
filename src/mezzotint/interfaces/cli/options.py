"""Options that several verbs share, and types that leave the checking, and its sentences, to `Request`."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mezzotint.errors import InvalidOption

if TYPE_CHECKING:
    _Type = click.ParamType[Any]
else:
    _Type = click.ParamType  # not generic in click 8.2

F = TypeVar("F", bound=Callable[..., Any])

MAX_THREADS = 1024


class Whole(_Type):
    """A whole number; what is none passes as text, and whoever checks the range says so."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return int(value) if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,40}", value) else value


class Real(_Type):
    """A number; what is none passes as text."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return _real(value)


class Interval(_Type):
    """Two numbers with a comma between them; anything else passes as text."""

    name = "low,high"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        parts = value.split(",") if isinstance(value, str) else value
        return [_real(part) for part in parts] if len(parts) == 2 else value


class Grid(_Type):
    """Numbers with commas between them, as a list; anything else passes as text."""

    name = "grid"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        parts = [_real(part) for part in value.split(",")] if isinstance(value, str) else [value]
        return parts if len(parts) > 1 and all(isinstance(part, float) for part in parts) else value


class Weighted(_Type):
    """A text with a weight behind its last colon, as a pair; without a number there, the weight is 1."""

    name = "text:weight"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text, _, weight = value.rpartition(":") if isinstance(value, str) else ("", "", "")
        return [text, _real(weight)] if isinstance(_real(weight), float) else [value, 1.0]


MASKED = re.compile(r"(.+?\.(?:png|jpe?g|webp)):(.*)", re.IGNORECASE | re.DOTALL)
"""FILE:TEXT, where FILE is a picture by its name."""


class Boxed(_Type):
    """Four numbers with commas between them before the first colon, or a file up to the colon behind its suffix, and a
    text behind it, as a pair; anything else passes as text."""

    name = "box:text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and (masked := MASKED.fullmatch(value)):
            return [masked[1], masked[2]]
        box, colon, text = value.partition(":") if isinstance(value, str) else ("", "", "")
        return [[_real(part) for part in box.split(",")], text] if colon else value


class Toward(_Type):
    """A share or word, alone or with a seed behind a colon, as a pair; what is none of these passes as text."""

    name = "share:seed"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        share, colon, seed = value.partition(":") if isinstance(value, str) else (value, "", "")
        return [_real(share), WHOLE.convert(seed, param, ctx) if colon else None]


class Cover(click.Path):
    """The file of a mask, or "alpha" for the picture's own, which stays a text."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value == "alpha" else super().convert(value, param, ctx)


class Device(_Type):
    """The name of a device; whether it is here is for `load.resolve_device` to say."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if str(value).startswith("meta"):  # torch accepts it everywhere, but it computes nothing
            raise InvalidOption(f"The device {value!r} holds no numbers; use auto, cpu or cuda.")
        return value


def _real(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


WHOLE, REAL, INTERVAL, GRID, WEIGHTED, BOXED = Whole(), Real(), Interval(), Grid(), Weighted(), Boxed()
TOWARD = Toward()
COVER = Cover(path_type=Path)


def whole_number(name: str, value: Any, low: int, high: int) -> int:
    """A checked whole number for options that no `Request` carries. Raises InvalidOption."""
    if type(value) is not int or not low <= value <= high:
        raise InvalidOption(f"{name} is {value!r}; it must be a whole number from {low} to {high}.")
    return value


def model_out_option(command: F) -> F:
    """`--out`, as the `Path` of a model's folder that is to be written; see `refuse_occupied`."""
    return click.option(
        "--out", required=True, type=click.Path(path_type=Path), metavar="DIR",
        help="The model's folder; it must not exist yet, or be empty.",
    )(command)  # fmt: skip


def model_name_option(command: F) -> F:
    """`--name`, of a model that is to be written."""
    return click.option(
        "--name", metavar="NAME", help="The model's name, which recipes state; the name of the folder if not given."
    )(command)


def refuse_occupied(out: Path) -> None:
    """Raises InvalidOption if there is something where a folder is to be written."""
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise InvalidOption(f"{out} exists and is not an empty folder; choose a new one.")


def format_option(command: F) -> F:
    """`--format text|json`, as `form`."""
    return click.option(
        "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
        help="What is printed: text for people, or one JSON object.",
    )(command)  # fmt: skip


def device_option(command: F) -> F:
    """`--device`."""
    return click.option(
        "--device",
        type=Device(),
        default="auto",
        show_default=True,
        metavar="NAME",
        help="Where the network runs: auto, cpu or cuda.",
    )(command)


def dtype_option(command: F) -> F:
    """`--dtype`."""
    return click.option(
        "--dtype", default="auto", show_default=True, metavar="NAME",
        help="What the network computes in: auto, float32, bfloat16 or float16.",
    )(command)  # fmt: skip


def threads_option(command: F) -> F:
    """`--threads`."""
    return click.option(
        "--threads", type=WHOLE, metavar="N",
        help="Threads that the network may use, or auto: as many as are the fastest now, by a short measurement; all "
        "cores if not given. The last bits of a picture depend on it.",
    )(command)  # fmt: skip


def compile_option(command: F) -> F:
    """`--compile`, as `compiled`."""
    return click.option(
        "--compile", "compiled", is_flag=True,
        help="Run the network's blocks as compiled code, on a CPU: made in half a minute when a shape is first met, "
        "and kept for later commands. The last bits of a picture depend on it.",
    )(command)  # fmt: skip


def hires_options(command: F) -> F:
    """`--hires` and `--hires-strength`."""
    strength = click.option(
        "--hires-strength", type=REAL, metavar="SHARE",
        help="The share of the steps that draw on the enlarged picture; 0.3 if not given, 0 only enlarges.",
    )  # fmt: skip
    return click.option(
        "--hires", is_flag=True,
        help="Draw at the model's size first, enlarge that to --size, and draw on it: a large picture of one thing.",
    )(strength(command))  # fmt: skip


def upscaler_option(command: F) -> F:
    """`--upscaler`, for `sizing.enlarged_in_the_end`."""
    return click.option(
        "--upscaler", metavar="NAME",
        help="What enlarges the picture when it is drawn, up to --size: an upscaler's name or folder; none for none. "
        "The installed one if not given, but not where larger pictures are drawn in another way.",
    )(command)  # fmt: skip


def keep_inputs_option(command: F) -> F:
    """`--keep-inputs`, for `keeping`."""
    return click.option(
        "--keep-inputs", is_flag=True,
        help="Put the pictures that it is made from into the PNG, their pixels alone, so that reproduce needs no other "
        "file.",
    )(command)  # fmt: skip


def aside(sentence: str) -> None:
    """Say something that is not the command's answer: it goes to standard error."""
    click.echo(sentence, err=True)


def set_threads(threads: Any) -> None:
    """Let torch use so many threads, if a number or "auto" is given. Raises InvalidOption."""
    if threads is None:
        return
    if threads != "auto" and type(threads) is not int:
        raise InvalidOption(f"threads is {threads!r}; it must be auto or a whole number from 1 to {MAX_THREADS}.")
    count = None if threads == "auto" else whole_number("threads", threads, 1, MAX_THREADS)
    import torch

    from mezzotint.threads import measured_threads

    torch.set_num_threads(measured_threads(cores()) if count is None else count)


def wait_quietly() -> None:
    """Let idle threads sleep instead of spin, unless the user decides; it works before torch is imported only.

    Spinning threads of a small network and any other busy process take each other's cores: on two cores that were also
    training, a picture took 4 to 22 s with spinning and 0.5 to 2 s without.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
