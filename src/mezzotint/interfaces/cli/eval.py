"""`mezzotint eval`: measure a model, and write what was found as JSON and as a page."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mezzotint.errors import InvalidFile, InvalidOption
from mezzotint.interfaces.cli.brief import Brief
from mezzotint.interfaces.cli.options import (
    GRID,
    REAL,
    WHOLE,
    device_option,
    dtype_option,
    format_option,
    set_threads,
    threads_option,
    wait_quietly,
    whole_number,
)
from mezzotint.interfaces.cli.output import emit_json
from mezzotint.interfaces.cli.progress import counted

if TYPE_CHECKING:
    from mezzotint.data.scenes import Fonts
    from mezzotint.data.sources import PictureSet
    from mezzotint.evaluation.bootstrap import Interval
    from mezzotint.evaluation.iconeval.reading import Reading
    from mezzotint.evaluation.published import Published
    from mezzotint.evaluation.reader import Reader
    from mezzotint.evaluation.suite import Evaluation
    from mezzotint.evaluation.yardstick import Plan, Tools
    from mezzotint.model import Model
    from mezzotint.pipeline import Pipeline


@click.command(
    name="eval",
    cls=Brief,
    short_help="Measure a model: IconEval, distances, repetition, held-out loss.",
    usual={
        "What is measured": ("--against", "--prompts", "--seeds", "--pictures"),
        "How it draws": ("--style", "--steps", "--guidance", "--solver"),
        "With what, and whereto": ("--out", "--device", "--threads"),
    },
)
@click.argument("model")
@click.option("--against", metavar="OTHER", help="Another model, measured alike; differences come with intervals.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("eval"),
    show_default=True,
    metavar="DIR",
    help="Folder for eval.json and eval.html.",
)
@click.option(
    "--prompts", type=WHOLE, default=0, metavar="N", help="Prompts of each task, at least 2; all 100 if not given."
)
@click.option("--seeds", type=WHOLE, default=4, show_default=True, metavar="N", help="Pictures of each prompt.")
@click.option(
    "--pictures",
    type=WHOLE,
    default=1000,
    show_default=True,
    metavar="N",
    help="Pictures drawn for held-out captions: distances, coverage, repetition.",
)
@click.option("--style", metavar="NAME", help="A drawing style, or none; the model's usual one if not given.")
@click.option("--steps", type=WHOLE, metavar="N", help="Steps of a picture; the model's own if not given.")
@click.option("--guidance", type=REAL, metavar="SCALE", help="The model's own if not given.")
@click.option("--distilled-guidance", type=REAL, metavar="SCALE", help="Of a student; its own if not given.")
@click.option("--solver", metavar="SPEC", help="The model's own if not given.")
@click.option("--grid", type=GRID, metavar="SPEC", help="The model's own if not given.")
@click.option("--detector", type=click.Path(path_type=Path), metavar="DIR", help="Instead of the one that is shipped.")
@click.option(
    "--reader",
    type=click.Choice(["none", "rapidocr"]),
    help="A second reader of words; rapidocr if it is installed (pip install 'mezzotint[ocr]'), else none.",
)
@click.option("--encoder", type=click.Path(path_type=Path), metavar="DIR", help="Instead of the one that is shipped.")
@click.option(
    "--published",
    multiple=True,
    metavar="KIND=DIR",
    help="Also measure in the features of a published network, dinov2 or clip, whose weights DIR holds; may be "
    "repeated. Needs pip install 'mezzotint[published]'.",
)
@device_option
@dtype_option
@threads_option
@format_option
def eval(  # the verb's name; the builtin is not used here
    model: str,
    against: str | None,
    out: Path,
    prompts: Any,
    seeds: Any,
    pictures: Any,
    detector: Path | None,
    reader: str | None,
    encoder: Path | None,
    published: tuple[str, ...],
    device: str,
    dtype: str,
    threads: Any,
    form: str,
    **drawing: Any,
) -> None:
    """Measure MODEL, a name or a folder, and write eval.json and eval.html.

    IconEval asks a detector whether each picture shows what its prompt says: things, counts, colours, places, words.
    Words are also read by a program that is not ours. An encoder tells how near pictures for held-out captions are to
    real ones, and whether any repeats a training picture. What an instrument is missing for is left out, and said. Two
    runs with the same settings agree.
    """
    wait_quietly()
    whole_number("prompts", prompts, 0, 100)
    whole_number("seeds", seeds, 1, 64)
    whole_number("pictures", pictures, 2, 100_000)
    set_threads(threads)
    from mezzotint.evaluation.suite import check
    from mezzotint.evaluation.yardstick import Plan
    from mezzotint.interfaces.pictures import make_folder
    from mezzotint.pipeline import Pipeline
    from mezzotint.request import Request

    begun = time.perf_counter()
    pipes = [Pipeline.load(name, device=device, dtype=dtype) for name in (model, against) if name is not None]
    request = Request(prompt="", batching="fast", **drawing)
    plan = Plan(request=request, prompts=prompts, seeds=seeds, pictures=pictures)
    tools = replace(tools_for(pipes[0].model.size[0], detector, encoder, reader), published=networks(published))
    check(pipes, tools, plan)  # what can be refused is refused before anything is drawn
    make_folder(out)
    found, gains, written = _measured(pipes, tools, plan, out)
    facts = _facts(found, gains)
    if form == "json":
        emit_json({"files": [str(path) for path in written], **facts})
        return
    _say(found[0], gains, against)
    for path in written:
        click.echo(click.format_filename(path))
    click.echo(f"{time.perf_counter() - begun:.0f} s")


def tools_for(size: int, detector: Path | None, encoder: Path | None, reader: str | None = None) -> "Tools":
    """The instruments: those given, else those shipped; the icon set and the fonts, if they are built.

    reader: "none", "rapidocr", or None for rapidocr if it is installed.
    """
    from mezzotint.evaluation.detector import load_detector
    from mezzotint.evaluation.encoder import load_encoder
    from mezzotint.evaluation.yardstick import Tools
    from mezzotint.load import INSTRUMENTS

    eye = detector or _shipped(INSTRUMENTS / "detector")
    measure = encoder or _shipped(INSTRUMENTS / "encoder")
    return Tools(
        detector=None if eye is None else load_detector(eye),
        encoder=None if measure is None else load_encoder(measure),
        reader=_reader(reader),
        pictures=_pictures(size),
        fonts=_fonts(),
    )


def networks(given: "tuple[str, ...]") -> "tuple[Published, ...]":
    """Published networks, each given as KIND=DIR. Raises InvalidOption, InvalidCheckpoint, MissingDependency."""
    from mezzotint.evaluation.published import load_published

    pairs = [text.partition("=") for text in given]
    for kind, equals, folder in pairs:
        if not equals or not folder:
            raise InvalidOption(f"published is {kind + equals!r}; write it as KIND=DIR, for example dinov2=weights.")
    kinds = [kind for kind, _, _ in pairs]
    if len(set(kinds)) < len(kinds):
        raise InvalidOption(f"published names {', '.join(kinds)}; each kind can be measured with once.")
    return tuple(load_published(kind, Path(folder)) for kind, _, folder in pairs)


def _shipped(folder: Path) -> Path | None:
    return folder if folder.is_dir() else None


def _reader(name: str | None) -> "Reader | None":
    from mezzotint.evaluation.reader import installed, load_reader

    return load_reader() if name == "rapidocr" or (name is None and installed()) else None


def _pictures(size: int) -> "PictureSet | None":
    from mezzotint.data.icons import default_folder
    from mezzotint.data.sources import IconSource

    try:
        return IconSource(default_folder()).load(size)
    except InvalidFile:
        return None


def _fonts() -> "Fonts | None":
    from mezzotint.data.scenes import load_fonts

    try:
        return load_fonts()
    except InvalidFile:
        return None


def _measured(
    pipes: "list[Pipeline]", tools: "Tools", plan: "Plan", out: Path
) -> "tuple[list[Evaluation], dict[str, Interval], list[Path]]":
    """Every model measured; what is known is written after each, so that no failure loses it."""
    from mezzotint.evaluation.suite import against, evaluate
    from mezzotint.evaluation.yardstick import yardstick

    yard = yardstick(tools, plan)
    found: list[Evaluation] = []
    gains: dict[str, Interval] = {}
    written: list[Path] = []
    for pipe in pipes:
        found.append(evaluate(pipe, tools, plan, yard, lambda what: counted(what, "picture"), _losses))
        gains = against(*found) if len(found) == 2 else {}
        written = _write(out, found, gains, tools)
    return found, gains, written


def _losses(model: "Model", pictures: "PictureSet") -> dict[str, float]:
    from torch import nn

    from mezzotint.diffusion.process import Process
    from mezzotint.training.validation import heldout_losses

    leaf = model.denoiser
    assert isinstance(leaf.network, nn.Module)
    process = Process(leaf.schedule, leaf.target)
    return heldout_losses(leaf.network, model.conditioner, pictures, process=process)


def _facts(found: "list[Evaluation]", gains: "dict[str, Interval]") -> dict[str, Any]:
    facts = found[0].to_json_dict()
    if len(found) == 2:
        facts["against"] = found[1].to_json_dict()
        facts["gain"] = {name: dict(zip(("mean", "low", "high"), gain, strict=True)) for name, gain in gains.items()}
    return facts


def _write(out: Path, found: "list[Evaluation]", gains: "dict[str, Interval]", tools: "Tools") -> list[Path]:
    from mezzotint.evaluation.report import report
    from mezzotint.provenance.files import write_atomically

    page = report(found[0], gains, found[1].model if len(found) == 2 else None, tools.pictures)
    data = json.dumps(_facts(found, gains), indent=1, ensure_ascii=False) + "\n"
    written = [out / "eval.json", out / "eval.html"]
    for path, text in zip(written, (data, page), strict=True):
        write_atomically(path, text.encode())
    return written


def _say(found: "Evaluation", gains: "dict[str, Interval]", other: str | None) -> None:
    for what in found.left_out:
        click.echo(f"left out: {what}")
    if found.iconeval is not None:
        scores = found.iconeval.scores
        if scores.overall is not None:
            click.echo(
                f"{'overall':<12} {scores.overall.mean:.3f}  ({scores.overall.low:.3f} to {scores.overall.high:.3f})"
            )
        for task, one in scores.tasks.items():
            trust = "" if one.trust is None else f"  ceiling {one.trust.ceiling:.3f}"
            note = "" if one.trust is None or one.trust.measurable else ", not measurable"
            click.echo(f"{task:<12} {one.score:.3f}  ({one.low:.3f} to {one.high:.3f}){trust}{note}")
            if one.reading is not None:
                click.echo(_read(one.reading))
    for name, gain in gains.items():
        click.echo(f"{name:<12} {gain.mean:+.3f}  ({gain.low:+.3f} to {gain.high:+.3f}) over {other}")
    if found.realism is not None:
        real = found.realism
        click.echo(
            f"Fréchet {real.drawn.frechet:.4f} (training pictures {real.real.frechet:.4f}), "
            f"alignment {real.alignment:.3f}"
        )
    for name, theirs in found.published.items():
        aligned = "" if theirs.alignment is None else f", alignment {theirs.alignment:.3f}"
        click.echo(
            f"Fréchet {theirs.drawn.frechet:.4f} (training pictures {theirs.real.frechet:.4f}){aligned} by {name}"
        )
    if found.losses is not None:
        click.echo(f"held-out loss {found.losses['mean']:.4f}")


def _read(one: "Reading") -> str:
    ceiling = "" if one.witness.ceiling is None else f"  ceiling {one.witness.ceiling:.3f}"
    return f"  {one.witness.name:<10} {one.score:.3f}  ({one.low:.3f} to {one.high:.3f}){ceiling}"
