"""`mezzotint pack`: make a model's folder from a training run."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.cli.options import (
    INTERVAL,
    REAL,
    WHOLE,
    format_option,
    model_name_option,
    model_out_option,
    refuse_occupied,
    whole_number,
)
from mezzotint.interfaces.cli.output import emit_json
from mezzotint.interfaces.cli.progress import counted
from mezzotint.request import Request

if TYPE_CHECKING:
    from torch import Tensor

    from mezzotint.checkpoints.model_folder import Beside, ModelFolder

RANK = 16
STORAGE = ("int8", "bf16", "fp32")
UPSCALER = "pixel_upscaler"
"""The family of networks that enlarge; its own module loads torch."""


@click.command(short_help="Make a model from a training run.")
@click.argument("run_folder", type=click.Path(path_type=Path))
@model_out_option
@model_name_option
@click.option(
    "--ema",
    type=REAL,
    default=0.05,
    show_default=True,
    metavar="WIDTH",
    help="Which average of the weights: its relative width, as in the run's setting ema; one that the run does not "
    "keep is made from those that it has stored (keep_ema).",
)
@click.option(
    "--storage",
    type=click.Choice(STORAGE),
    help="How matrices are stored: 1, 2 or 4 bytes a value; int8 if not given, and bf16 for an upscaler, whose flat "
    "areas show in a pattern what 8 bits leave out.",
)
@click.option(
    "--defaults",
    multiple=True,
    metavar="K=V",
    help="What the model draws with unless asked otherwise, for example steps=12; may be repeated.",
)
@click.option(
    "--left-open",
    multiple=True,
    metavar="WORD",
    help="A word whose prompts are drawn without the style of --defaults, because the model knows it in other styles "
    "only; may be repeated.",
)
@click.option(
    "--licence",
    default="not stated",
    show_default=True,
    metavar="NAME",
    help="The licence of the weights, for the card.",
)
@click.option(
    "--share-text",
    is_flag=True,
    help="Of an encoder: leave out the text encoder, which is the house model's, and name it only.",
)
@click.option(
    "--beside",
    metavar="MODEL",
    help="Write only what the weights differ in from those of a model, its name or its folder, which is needed with it "
    "from then on: a small file for what began as that model, such as a student of it. Some prompts are drawn first, "
    "to see what matters.",
)
@click.option(
    "--rank",
    type=WHOLE,
    metavar="R",
    help="With --beside: of the factors that a matrix of differences is kept as; 16 if not given.",
)
@format_option
def pack(
    run_folder: Path,
    out: Path,
    name: str | None,
    ema: Any,
    storage: str | None,
    defaults: tuple[str, ...],
    left_open: tuple[str, ...],
    licence: str,
    share_text: bool,
    beside: str | None,
    rank: Any,
    form: str,
) -> None:
    """Make a model's folder from the newest checkpoint in RUN_FOLDER; `imagine --model DIR` draws with it, or, if the
    run trained an encoder or a detector, measurements are made with it; `upscale --model DIR` enlarges with an
    upscaler."""
    label = out.resolve().name if name is None else name
    Request(prompt="", model=label)
    if not isinstance(ema, float):
        raise InvalidOption(f"ema is {ema!r}; it must be a number, as in the run's setting ema.")
    chosen = parse_defaults(defaults)
    _check_folders(run_folder, out)
    if rank is not None and beside is None:
        raise InvalidOption(f"rank is {rank}, and it is of --beside; leave it out, or say beside which model.")
    rank = RANK if rank is None else whole_number("rank", rank, 1, 4096)
    from mezzotint.checkpoints.model_folder import TEXT
    from mezzotint.data.avatars import default_folder as avatars_folder
    from mezzotint.data.icons import default_folder
    from mezzotint.data.large import large_folder
    from mezzotint.interfaces.cli.models import describe
    from mezzotint.load import HOUSE
    from mezzotint.training.export import draws, export, family_of, learned_defaults

    family = family_of(run_folder)
    _tell_passed_over(run_folder)
    if chosen and not draws(run_folder):
        raise InvalidOption(f"{run_folder} is the run of what measures and draws nothing; leave out --defaults.")
    _check_left_open(left_open, chosen)
    style, words = ({}, ()) if beside is None or "style" in chosen else usual_style(beside, run_folder)
    drawn_with = {**_usual(family), **learned_defaults(run_folder), **style, **chosen}
    export(
        run_folder,
        out,
        name=label,
        text=HOUSE / TEXT,
        ema=ema,
        storage=storage or ("bf16" if family == UPSCALER else "int8"),  # type: ignore[arg-type]
        licence=licence,
        share_text=share_text,
        data_folder=large_folder() if family == UPSCALER else default_folder(),
        avatars_folder=avatars_folder(),
        beside=None if beside is None else _beside(beside, rank, out),
        listen=_listen,
        left_open=[word.lower() for word in left_open or words],
        defaults=drawn_with,
    )
    _tell(out, describe(out, "folder"), ema, form)


def _check_folders(run_folder: Path, out: Path) -> None:
    if not run_folder.is_dir():
        raise InvalidOption(f"There is no folder {run_folder}; give the folder of a training run.")
    refuse_occupied(out)


def _tell_passed_over(run_folder: Path) -> None:
    from mezzotint.interfaces.cli.taken_up import tell_passed_over
    from mezzotint.training import state

    path, wrong = state.found(run_folder / "checkpoints")
    if path is not None:
        tell_passed_over(path, wrong)


def _tell(out: Path, facts: Mapping[str, Any], ema: float, form: str) -> None:
    """What was packed, and how to try it."""
    from mezzotint.checkpoints.model_folder import read_description

    made = read_description(out)["training"].get("ema_from")
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    if form == "json":
        emit_json({**facts, "bytes": size, "ema": ema, "ema_from": made})
        return
    where = click.format_filename(out)
    click.echo(
        f"{where}: {facts['name']}, {facts['parameters'] / 1e6:.1f} M parameters, {size / 1e6:.1f} MB{_with(facts)}"
    )
    if made is not None:
        click.echo(f"ema {ema:g} from {made['averages']} stored averages, with an error of {made['error']:.1%}")
    if facts["defaults"]:
        verb = "upscale FILE" if facts["family"] == UPSCALER else 'imagine "a red apple"'
        click.echo(f"try it: mezzotint {verb} --model {where}")


def _beside(name: str, rank: int, out: Path) -> "Beside":
    """The model that the one in `out` is told from: by its name if it is installed, else by the way to its folder."""
    from mezzotint.checkpoints.model_folder import Beside, read_model_folder
    from mezzotint.load import find_model, model_folders

    folder = find_model(name)
    way = Path(os.path.relpath(folder.resolve(), out.resolve())).as_posix()
    return Beside(name if name in model_folders() else way, read_model_folder(folder), rank)


def _check_left_open(words: tuple[str, ...], chosen: Mapping[str, Any]) -> None:
    """Raises InvalidOption for words that could have no effect."""
    if words and "style" not in chosen:
        raise InvalidOption(
            f"--left-open {words[0]} says where a default style is not used, and there is none; give --defaults "
            "style=NAME too, or leave it out."
        )
    for word in words:
        if not re.fullmatch(r"\w+", word):
            raise InvalidOption(f"--left-open is {word!r}; it must be one word, such as person; repeat it for more.")


def usual_style(name: str, run_folder: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The usual drawing style of a model as a default, and the words that it leaves open; empty if it has none, or one
    that a run does not know."""
    from mezzotint.checkpoints.model_folder import read_description
    from mezzotint.load import find_model
    from mezzotint.training import state

    said, newest = read_description(find_model(name)), state.newest(run_folder / "checkpoints")
    known = [] if newest is None else state.read_facts(newest).get("styles", [])
    style = said.get("defaults", {}).get("style")
    return ({"style": style}, tuple(said.get("open", ()))) if style in known else ({}, ())


def _listen(files: "ModelFolder") -> Mapping[str, "Tensor"]:
    """What the matrices of a model are multiplied with, in drawings with the numbers of steps that it is for."""
    import torch

    from mezzotint.interfaces.inputs_seen import inputs_seen
    from mezzotint.load import compose

    model, about = compose(files, torch.device("cpu"), torch.float32), files.description
    # a grid of given times has a number of steps of its own
    counts = about.get("evaluations", []) if isinstance(about["defaults"]["grid"], str) else []
    with counted("looking", "drawing") as told:
        return inputs_seen(model, counts, told)


def _with(facts: Mapping[str, Any]) -> str:
    """What a model's folder has beside the network, or what is needed beside it."""
    if told := facts["beside"]:
        return f" beside {told['model']}; factors of rank {told['rank']} lack {told['lacking']:.1%} of the difference"
    return " with its text encoder" if facts["text_encoder_sha256"] else ""


def _usual(family: str) -> Mapping[str, Any]:
    """What a model of a family draws with unless its run says otherwise."""
    from mezzotint.families.pixel_gan import FAMILY as GAN_FAMILY
    from mezzotint.load import DRAWING_DEFAULTS, GAN_DEFAULTS, UPSCALING_DEFAULTS

    return {GAN_FAMILY: GAN_DEFAULTS, UPSCALER: UPSCALING_DEFAULTS}.get(family, DRAWING_DEFAULTS)


def parse_defaults(texts: tuple[str, ...]) -> dict[str, Any]:
    """Drawing options as `name=value`, checked. Raises InvalidOption."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidOption(f"--defaults {text!r} has no value; write it as name=value, for example steps=12.")
        if name in ("prompt", "n", "seed", "model", "device", "dtype", "size", "batching"):
            raise InvalidOption(
                f"A model has no default for {name}; it may have steps, guidance, solver, grid and style."
            )
        found[name] = INTERVAL.convert(value, None, None) if name == "guidance_interval" else _value(value)
    return {name: getattr(Request.from_json_dict({"prompt": "", **found}), name) for name in found}


def _value(text: str) -> Any:
    """A number where it is one, else text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
