"""`mezzotint inspect`: everything that a picture file says about itself."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mezzotint.checked import Checked
from mezzotint.errors import InvalidFile
from mezzotint.interfaces.cli.options import format_option
from mezzotint.interfaces.cli.output import emit_json, one_line
from mezzotint.recipe import Recipe

if TYPE_CHECKING:
    from mezzotint.provenance.read import Metadata

PROGRAMS = {
    "mezzotint": "Mezzotint",
    "a1111": "the AUTOMATIC1111 web UI or one that writes like it",
    "comfyui": "ComfyUI",
    "invokeai": "InvokeAI",
    "novelai": "NovelAI",
    "civitai": "Civitai",
}


@click.command(short_help="Show the recipe or settings in a picture file.")
@click.argument("file", type=click.Path(path_type=Path))
@format_option
def inspect(file: Path, form: str) -> None:
    """Show what FILE (PNG, SVG, JPEG or WebP) says about itself: our recipe, or another program's settings.

    For a picture of ours it also says whether the pixels are still those that the recipe was written for; for one of
    another program, which command draws our version of it, and what of the settings that leaves out.
    """
    from mezzotint.checkpoints.kinds import weights_in
    from mezzotint.interfaces.sheet_actions import recipes_of
    from mezzotint.interfaces.translating import command_of, translated
    from mezzotint.provenance.read import read_metadata

    if (kind := weights_in(file)) is not None:
        raise InvalidFile(f"{file} is {kind}, and inspect reads pictures; for a model's folder use mezzotint models.")
    found = read_metadata(file)
    here = translated(found)
    unchanged = None if found.recipe is None else _unchanged(file, found.recipe)
    kept = [] if found.recipe is None else _kept(file, found.recipe)
    on_sheet = recipes_of(file) if found.source is None and found.format != "SVG" else ()
    if form == "json":
        sheet = [recipe.to_json_dict() for recipe in on_sheet]
        theirs = {"request": None, "left_out": []} if here is None else here.to_json_dict()
        ours = {"pixels_unchanged": unchanged, "inputs": kept}
        emit_json({"file": str(file), **found.to_json_dict(), **ours, "sheet": sheet, **theirs})
        return
    size = "x".join(map(str, found.size))
    if on_sheet:
        click.echo(f"{click.format_filename(file)}: {found.format}, {size}, a sheet of {len(on_sheet)} pictures")
        for number, recipe in enumerate(on_sheet, 1):
            click.echo(f"  {number}  seed {recipe.request.seed}, {one_line(recipe.request.asked)}")
        return
    if found.source is None:
        click.echo(f"{click.format_filename(file)}: {found.format}, {size}, with no recipe and no settings.")
        return
    click.echo(f"{click.format_filename(file)}: {found.format}, {size}, by {PROGRAMS[found.source]}")
    facts = _settings(found) if found.recipe is None else _facts(found.recipe, unchanged, kept)
    for name, value in facts:
        click.echo(f"  {one_line(name):<21} {one_line(value)}")
    if here is not None:
        for one in here.left_out:
            click.echo(f"not the same: {one_line(one.what)}: {one_line(one.why)}")
        click.echo(f"our version:  {command_of(here.request)}")


def _unchanged(file: Path, recipe: Recipe) -> bool:
    """Whether the pixels are those of the recipe; of an SVG and a JPEG, whether they are as written with it."""
    from mezzotint.provenance.jpeg import jpeg_unchanged
    from mezzotint.provenance.pixels import pixel_sha256
    from mezzotint.provenance.read import read_drawing, read_picture

    if (drawing := read_drawing(file)) is not None:
        return bool(drawing.unchanged)
    if (unchanged := jpeg_unchanged(file)) is not None:
        return unchanged
    return pixel_sha256(read_picture(file)) == recipe.pixels_sha256


def _settings(found: "Metadata") -> Iterator[tuple[str, str]]:
    """Name and value of each setting of another program; beside its solver and grid what they are here."""
    words = found.in_our_words()
    # a name of a solver may hold more than the solver
    more = [f"{option} {value}" for option, value in words.here.items() if option not in found.found]
    for name, value in found.found.items():
        own = [words.here[name]] if name in words.here else []
        here = ", ".join([*own, *(more if name == "solver" else [])])
        beside = "; ".join(filter(None, (f"here {here}" if here else "", words.differs.get(name))))
        yield name, f"{value} ({beside})" if beside else value


def _kept(file: Path, recipe: Recipe) -> list[str]:
    """The names of the pictures that a recipe's picture was made from, and that its file holds."""
    from mezzotint.interfaces.keeping import names_of
    from mezzotint.provenance.read import read_inputs

    kept = read_inputs(file)
    return [name for name, digest in names_of(recipe.request).items() if digest in kept]


def _facts(recipe: Recipe, unchanged: bool | None, kept: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Name and value of each fact of a recipe, as text."""
    asked = recipe.request.to_json_dict()
    if (original := asked.pop("original_prompt")) is not None:
        yield "original prompt", original
    for name, value in asked.items():
        if name != "n" and value not in (None, [], ""):
            yield name, _text(name, value)
    yield "weights", recipe.weights_sha256
    if recipe.weak_weights_sha256 is not None:
        yield "weak model's weights", recipe.weak_weights_sha256
    if recipe.upscaler_weights_sha256 is not None:
        yield "upscaler's weights", recipe.upscaler_weights_sha256
    for (name, _), digest in zip(recipe.request.lora, recipe.lora_sha256, strict=True):
        yield f"LoRA {name}", digest
    yield "text encoder", recipe.text_encoder_sha256 or "none"
    yield "schedule", recipe.schedule
    yield "codec", recipe.codec
    yield "noise version", str(recipe.noise_version)
    for name, value in recipe.environment.to_json_dict().items():
        yield name, str(value)
    yield "evaluations", str(recipe.evaluations)
    if recipe.check is not None:
        yield from _verdict(recipe.check)
    yield "pixels", recipe.pixels_sha256
    yield "", "as they were drawn" if unchanged else "changed since they were drawn"
    if kept:
        yield "in the file", f"{', '.join(kept)}: reproduce needs no other file of them"
    for item in recipe.ignored:
        yield "ignored", item
    for item in recipe.warnings:
        yield "warning", item


def _verdict(found: Checked) -> Iterator[tuple[str, str]]:
    """What was asked of the picture and found in it, and by whom."""
    yield "check", found.line
    for name, digest in (("detector", found.detector_sha256), ("encoder", found.encoder_sha256)):
        if digest is not None:
            yield f"{name}'s weights", digest


def _text(name: str, value: Any) -> str:
    if name in ("also", "lora"):
        return ", ".join(f"{text}:{weight:g}" for text, weight in value)
    if isinstance(value, list):
        between = {"size": "x", "guidance_interval": " to "}.get(name, ", ")
        return between.join(str(part) for part in value)
    return str(value)
