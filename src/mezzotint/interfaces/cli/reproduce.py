"""`mezzotint reproduce`: draw a picture again from the recipe in its file, and say whether it is the same."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mezzotint.errors import AnotherPicture, InvalidFile, InvalidOption
from mezzotint.interfaces.cli.options import (
    COVER,
    aside,
    cores,
    device_option,
    dtype_option,
    format_option,
    set_threads,
    threads_option,
    wait_quietly,
)
from mezzotint.interfaces.cli.output import EXIT_DIFFERENT, emit_json
from mezzotint.interfaces.cli.progress import bar
from mezzotint.interfaces.cli.references import reference_files
from mezzotint.recipe import Recipe, Result
from mezzotint.request import Request

if TYPE_CHECKING:
    from PIL.Image import Image

    from mezzotint.pipeline import Pipeline
    from mezzotint.provenance.verdict import Lossy

F = TypeVar("F", bound=Callable[..., Any])

PLAIN_DEVICE = re.compile(r"cpu|mps|(cuda|xpu)(:[0-9]{1,2})?")
"""The devices that a recipe, which may be a stranger's, can choose."""
LONGEST_COMMAND = 600
"""Letters of a command that a sentence may hold."""


_PICTURES = (
    click.option(
        "--image",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The picture that was edited, if the recipe has one.",
    ),
    click.option(
        "--mask",
        type=COVER,
        metavar="FILE|alpha",
        help="The mask that it was edited with; or alpha.",
    ),
    click.option(
        "--blend-image",
        "blend_images",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A picture that it was blended with; repeat it in the order of then.",
    ),
    click.option(
        "--region-mask",
        "region_masks",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A mask that --region had; repeat it in the order of then.",
    ),
)


GIVEN = ("image", "mask", "blend_images", "region_masks", "style_ref", "image_ref", "structure_ref")
"""The parameters of `picture_options`."""


def picture_options(command: F) -> F:
    """Give a command the options for the pictures that a recipe names by their digests."""
    command = reference_files(command)
    for option in reversed(_PICTURES):
        command = option(command)
    return command


@click.command(short_help="Draw a picture again from its recipe and compare.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="PATH", help="Also write the new picture to this PNG file."
)
@click.option("--model", metavar="NAME", help="A model's name or folder, instead of the one that the recipe names.")
@click.option("--weak-model", metavar="NAME", help="The same for the weak model, if the recipe names one.")
@click.option("--upscaler", metavar="NAME", help="The same for the upscaler.")
@click.option(
    "--lora",
    "loras",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The file of a LoRA that the recipe names, instead of the installed one; may be repeated.",
)
@picture_options
@device_option
@dtype_option
@threads_option
@format_option
def reproduce(
    file: Path,
    out: Path | None,
    model: str | None,
    weak_model: str | None,
    upscaler: str | None,
    loras: tuple[Path, ...],
    device: str,
    dtype: str,
    threads: Any,
    form: str,
    **files: Any,
) -> None:
    """Redraw FILE from its recipe: identical, the same within a stated PSNR, or different, and why.

    auto stands for what the recipe says: its device where there is one, its dtype, its number of threads. Exit code 0
    for identical and same, 1 for different, 2 for a file that cannot be used. Of an SVG the picture that it was traced
    from is redrawn, and traced again. A JPEG, which loses a little, is identical if the picture that it was made of is.
    """
    wait_quietly()
    from mezzotint.interfaces.vector.again import drawn_again
    from mezzotint.provenance.read import read_drawing, read_inputs, read_picture
    from mezzotint.provenance.verdict import compare

    then = recipe_of(file)
    picture_then = read_picture(file) if read_drawing(file) is None else None
    check_target(out, file)
    set_threads(_threads(then) if threads in (None, "auto") else threads)
    request = runnable(then, weak_model, loras, upscaler)
    pipe = pipeline_of(then, model, device, dtype)
    result = _draw(pipe, request, pictures_of(request, pipe, files, read_inputs(file), then.environment.pillow))
    verdict = compare(then, result.recipes[0], result.images[0], picture_then, _lossy(file, result.images[0]))
    drawing = drawn_again(file, result.images[0], then)
    if out is not None:
        from mezzotint.provenance.png import write_png

        write_png(out, result.images[0], result.recipes[0])
    if form == "json":
        now, to = result.recipes[0].to_json_dict(), None if out is None else str(out)
        emit_json({"file": str(file), **verdict.to_json_dict(), "drawing": drawing, "out": to, "recipe": now})
    else:
        click.echo(f"{click.format_filename(file)}: {verdict.sentence}")
        if drawing is not None:
            click.echo(f"  {drawing}")
        if out is not None:
            click.echo(f"The new picture is {click.format_filename(out)}.")
    if verdict.status == "different":
        raise click.exceptions.Exit(EXIT_DIFFERENT)


def _lossy(file: Path, again: "Image") -> "Lossy | None":
    from mezzotint.provenance.jpeg import as_jpeg, jpeg_unchanged
    from mezzotint.provenance.verdict import Lossy

    unchanged = jpeg_unchanged(file)
    return None if unchanged is None else Lossy(as_jpeg(again), unchanged)


def recipe_of(file: Path) -> Recipe:
    """The recipe in a file. Raises InvalidFile if it has none of ours, with what draws our version of the picture."""
    from mezzotint.interfaces.sheet_actions import recipes_of
    from mezzotint.interfaces.translating import command_of, translated
    from mezzotint.provenance.read import read_metadata

    found = read_metadata(file)
    if found.recipe is not None:
        return found.recipe
    here = translated(found)
    if here is None and found.format != "SVG" and (sheet := recipes_of(file)):
        raise InvalidFile(
            f"{file} is a sheet of {len(sheet)} pictures, each of which has a file of its own; reproduce that."
        )
    if here is None:
        raise InvalidFile(
            f"{file} has no recipe, so it cannot be drawn again; only pictures of mezzotint carry a recipe."
        )
    command = command_of(here.request)
    version = f"our version of it is drawn by `{command}`"
    if len(command) > LONGEST_COMMAND:
        version = "`mezzotint inspect` shows the command that draws our version of it"
    raise InvalidFile(
        f"{file} has only settings of another program ({found.source}), so it cannot be drawn again; {version}."
    )


def check_target(out: Path | None, file: Path) -> None:
    """Raises InvalidOption if the new picture would take the place of the old one, or is not a PNG."""
    if out is None:
        return
    if out.suffix.lower() != ".png" or out.is_dir():
        raise InvalidOption(f"out is {out}; it must be a file that ends in .png.")
    if out.exists() and out.samefile(file):
        raise InvalidOption(f"out is {out}, the file that is to be reproduced; choose another name.")


def _threads(then: Recipe) -> int:
    """The recipe's number of threads, but at most four for each core: it may be a stranger's."""
    return min(then.environment.threads, 4 * cores())


def _installed(name: str, kind: str) -> str:
    """The name of a model in a recipe, which may be a stranger's: it must be installed, and no folder."""
    from mezzotint.load import model_folders

    if name not in model_folders():
        option = kind.replace(" ", "-")
        raise InvalidOption(
            f"The recipe names the {kind} {name!r}, which is not installed; give its folder with --{option}."
        )
    return name


def runnable(
    then: Recipe, weak_model: str | None = None, loras: Sequence[Path] = (), upscaler: str | None = None
) -> Request:
    """The request of a recipe with the models and files that draw it here, those given or those that are installed.

    Raises InvalidOption for one that is neither, and for a given one that the recipe does not name.
    """
    named = then.request.upscaler
    if named is None and upscaler is not None:
        raise InvalidOption("The recipe has no upscaler; leave out --upscaler.")
    up = _installed(named, "upscaler") if named is not None and upscaler is None else upscaler
    return replace(then.request, weak_model=weak_of(then, weak_model), lora=loras_of(then, loras), upscaler=up)


def weak_of(then: Recipe, given: str | None = None) -> str | None:
    """The weak model to draw with, if the recipe has one."""
    named = then.request.weak_model
    if named is None and given is not None:
        raise InvalidOption("The recipe has no weak model; leave out --weak-model.")
    return _installed(named, "weak model") if named is not None and given is None else given


def loras_of(then: Recipe, given: Sequence[Path] = ()) -> tuple[tuple[str, float], ...]:
    """The files of a recipe's LoRAs, with their strengths: given ones of the same name, else installed ones.

    Raises InvalidOption for one that is neither, and for a given one that the recipe does not name.
    """
    from mezzotint.load import lora_files, lora_folder

    asked = {path.stem: path for path in given}
    spare = asked.keys() - {name for name, _ in then.request.lora}
    if spare:
        raise InvalidOption(f"The recipe has no LoRA called {min(spare)}; leave out its --lora, or rename the file.")
    known = {**lora_files(), **asked}
    for (name, _), digest in zip(then.request.lora, then.lora_sha256, strict=True):
        if name not in known:
            raise InvalidOption(
                f"The recipe names the LoRA {name} (sha256 {digest[:10]}), and there is no {name}.safetensors in "
                f"{lora_folder()}; give the file with --lora."
            )
    return tuple((str(known[name]), strength) for name, strength in then.request.lora)


def pipeline_of(then: Recipe, model: str | None, device: str, dtype: str) -> "Pipeline":
    """The pipeline that a recipe names, or another model's; on the recipe's device where there is one.

    Raises InvalidOption for a model that is not installed.
    """
    from mezzotint.pipeline import Pipeline

    dtype = then.request.dtype if dtype == "auto" else dtype
    model = _installed(then.request.model, "model") if model is None else model
    load = partial(Pipeline.load, model, dtype=dtype, said=aside)
    if device != "auto":
        return load(device=device, compiled=then.environment.compiled and device == "cpu")
    wanted = then.request.device
    if PLAIN_DEVICE.fullmatch(wanted):
        try:
            return load(device=wanted, compiled=then.environment.compiled)
        except InvalidOption:  # not on this machine; the verdict names the difference
            pass
    return load(device="auto")


def pictures_of(
    request: Request, pipe: "Pipeline", files: Mapping[str, Any], kept: "Mapping[str, Image]", pillow: str = ""
) -> dict[str, Any]:
    """What a recipe's picture was made from, as `Pipeline.stream` takes it, from the files of `picture_options`, or, if
    none is given, from what its own file holds, by the digests of the pixels.

    pillow: the version that read them then. Raises InvalidOption for what is missing, or is another picture.
    """
    from mezzotint.interfaces.keeping import found_again

    if not any(files[name] for name in GIVEN) and (found := found_again(request, kept)) is not None:
        return found
    try:
        return _read_again(request, pipe, files)
    except AnotherPicture as error:
        import PIL

        if pillow in ("", PIL.__version__):
            raise
        raise AnotherPicture(
            f"{str(error).rstrip('.')}; or it is read otherwise by Pillow {PIL.__version__} than by {pillow}, which "
            "made the recipe (JPEG is decoded, and pictures are scaled, by it)."
        ) from None


def _read_again(request: Request, pipe: "Pipeline", files: Mapping[str, Any]) -> dict[str, Any]:
    from mezzotint.interfaces.references import recorded_references
    from mezzotint.interfaces.rows import recorded_row
    from mezzotint.interfaces.sources import recorded_masks
    from mezzotint.tasks import source_size

    image, mask = _sources(request, files["image"], files["mask"], whole=pipe.model.enlarges > 1)
    row = recorded_row(request, files["blend_images"], source_size(request))
    masks = recorded_masks(request, files["region_masks"])
    others = {"blend_images": row, "region_masks": masks, **recorded_references(request, files, pipe)}
    return {"image": image, "mask": mask, **others}


def _sources(
    request: Request, image: Path | None, mask: Path | str | None, whole: bool = False
) -> "tuple[Image | None, Image | None]":
    """What the recipe's picture was made from, as it is or fitted. Raises InvalidOption for what is missing, or is
    another picture."""
    from mezzotint.interfaces.sources import prepared, read_sources
    from mezzotint.provenance.pixels import pixel_sha256

    for name, given in (("image", image), ("mask", mask)):
        digest = getattr(request, name)
        if digest is None and given is not None:
            raise InvalidOption(f"The recipe has no {name}; leave out --{name}.")
        if digest is not None and given is None:
            raise InvalidOption(f"The picture was made with the {name} {digest[:10]}; give its file with --{name}.")
    if image is None:
        return None, None
    found = read_sources(image, mask) if whole else prepared(read_sources(image, mask), request)
    for name, path, picture in zip(("image", "mask"), (image, mask), found, strict=True):
        if picture is not None and pixel_sha256(picture) != getattr(request, name):
            raise AnotherPicture(f"{path} is not the {name} that the recipe names; give that one with --{name}.")
    return found


def _draw(pipe: "Pipeline", request: Request, pictures: Mapping[str, Any]) -> Result:
    """The recipe's picture with the loaded models."""
    request = replace(request, device="auto", dtype="auto")
    previews = pipe.stream(request, **pictures)
    with bar(pipe.count(pipe.resolve(request)), "drawing", "step") as shown:
        for preview in previews:
            shown.move()
            last = preview
    assert last.image is not None
    assert last.recipe is not None
    return Result([last.image], [last.recipe])
