"""`mezzotint upscale`: make a picture larger."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.cli.options import (
    REAL,
    WHOLE,
    device_option,
    dtype_option,
    format_option,
    keep_inputs_option,
    set_threads,
    threads_option,
    wait_quietly,
    whole_number,
)
from mezzotint.interfaces.cli.session import Session, counted_previews, draw
from mezzotint.interfaces.keeping import keeping
from mezzotint.interfaces.pictures import Destination, check_apart
from mezzotint.request import Request
from mezzotint.values import show

if TYPE_CHECKING:
    from PIL.Image import Image

    from mezzotint.pipeline import Pipeline

FACTOR = 4.0
"""How many times as wide pictures become unless asked otherwise."""
LARGEST = 2**15
"""Most pixels along a side."""


@click.command(short_help="Make a picture larger.")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("number", type=WHOLE, required=False)
@click.option("--factor", type=REAL, metavar="F", help="How many times as wide it becomes; 4 if not given.")
@click.option("--size", type=WHOLE, metavar="N", help="Instead: how many pixels its longer side has in the end.")
@click.option("--steps", type=WHOLE, metavar="N", help="Evaluations of the network; the model's own number, 3.")
@click.option("--seed", type=WHOLE, default=0, show_default=True, metavar="SEED", help="Which noise to start from.")
@click.option("--solver", metavar="SPEC", help="How a step is taken; `mezzotint solvers` lists them.")
@click.option(
    "--tile",
    metavar="HOW",
    help="The picture goes on over its edges, x (left, right), y (above, below) or both, and so does the large one.",
)
@click.option(
    "--window-stride",
    type=WHOLE,
    metavar="PIXELS",
    help="How far apart the windows of a large picture are; three quarters of one if not given.",
)
@click.option(
    "--batching",
    default="exact",
    show_default=True,
    metavar="HOW",
    help="exact: each window by itself; fast: some share calls of the network, which may move the last bits.",
)
@click.option("--model", metavar="NAME", help="The name or folder of an upscaler; the installed one if not given.")
@click.option("--out", metavar="PATH", help="A file that ends in .png, or a folder; mezzotint-out if not given.")
@keep_inputs_option
@device_option
@dtype_option
@threads_option
@format_option
def upscale(
    file: Path,
    number: Any,
    factor: Any,
    size: Any,
    steps: Any,
    seed: Any,
    solver: str | None,
    tile: str | None,
    window_stride: Any,
    batching: str,
    model: str | None,
    out: str | None,
    keep_inputs: bool,
    device: str,
    dtype: str,
    threads: Any,
    form: str,
) -> None:
    """Draw a larger picture of FILE, a PNG, JPEG or WebP file, and say where it is.

    FILE may be a sheet of `imagine --sheet`; NUMBER then says which of its pictures, and that is drawn from its recipe
    first. The recipe of the large picture holds the digest of the small one: `mezzotint reproduce LARGE --image FILE`
    draws it again.

    \b
    mezzotint upscale apple.png
    mezzotint upscale photo.jpg --size 1024 --steps 2
    """
    wait_quietly()
    to = Destination.of(out, 1)
    check_apart(to, [file])
    if factor is not None and size is not None:
        raise InvalidOption(f"factor is {show(factor)} and size {show(size)}; give one of them.")
    # what can be refused is refused before anything is loaded
    options = {"seed": seed, "steps": steps, "solver": solver, "tile": tile, "window_stride": window_stride}
    asked = Request.from_json_dict({"prompt": "", **options, "batching": batching, "device": device, "dtype": dtype})
    name = _installed() if model is None else model
    set_threads(threads)
    from mezzotint.pipeline import Pipeline

    image = _picture(file, number, device, dtype)
    pipe = Pipeline.load(name, device=device, dtype=dtype)
    scale = pipe.model.enlarges
    if scale == 1:
        raise InvalidOption(f"The model {pipe.model.name} enlarges nothing; give the folder of an upscaler as --model.")
    whole = _size(image, scale, factor, size)
    _check_memory(whole)
    request = replace(asked, size=whole, device="auto", dtype="auto")
    to, _ = keeping(keep_inputs, to, [{"image": image}])
    previews = pipe.stream(request, image=image)
    draw(_session(pipe, to, file, whole), partial(counted_previews, previews), _steps(pipe, request, image), 1, form)


def _installed() -> str:
    """The upscaler that is there by name. Raises InvalidOption if none is."""
    from mezzotint.load import model_folders

    if "upscaler" not in model_folders():
        raise InvalidOption(
            "No upscaler is installed; train one with `mezzotint train upscaler`, make its folder with `mezzotint "
            "pack`, and give that as --model."
        )
    return "upscaler"


def _picture(file: Path, number: Any, device: str, dtype: str) -> "Image":
    """The picture that is enlarged: that of the file, or of a sheet, drawn from its recipe. Raises InvalidOption for a
    number that there is not, and InvalidFile."""
    from mezzotint.interfaces.sheet_actions import picture_of, recipes_of
    from mezzotint.interfaces.sources import read_sources

    image = read_sources(file, None)[0].convert("RGBA")
    if not recipes_of(file):
        if number not in (None, 1):
            raise InvalidOption(f"{file} is one picture, so there is no picture {show(number)}; leave out the number.")
        return image
    from mezzotint.interfaces.cli.reproduce import pipeline_of, runnable
    from mezzotint.load import model_folders

    then = picture_of(file, number)
    if (name := then.request.upscaler) is not None and name not in model_folders():
        raise InvalidOption(
            f"{file} shows pictures that {name} enlarged, which is not installed; give the file of one of them instead."
        )
    request = replace(runnable(then), device="auto", dtype="auto")
    return pipeline_of(then, None, device, dtype).generate(request).images[0]


def _size(image: "Image", scale: int, factor: Any, size: Any) -> tuple[int, int]:
    """The (width, height) in the end, in multiples of the scale. Raises InvalidOption."""
    if size is not None:
        longest = whole_number("size", size, scale, LARGEST)
        times = longest / max(image.size)
    else:
        times = FACTOR if factor is None else factor
        if not isinstance(times, float) or not 0 < times < LARGEST:
            raise InvalidOption(f"factor is {show(factor)}; it must be a number, {scale} or above.")
    if times < scale - 1e-9:
        asked = f"size is {size}" if size is not None else f"factor is {times:g}"
        raise InvalidOption(
            f"{asked}, but a picture of {image.width}x{image.height} pixels becomes {scale * image.width}x"
            f"{scale * image.height} at least; ask for that, and shrink it afterwards."
        )
    width, height = (scale * max(1, round(side * times / scale)) for side in image.size)
    if max(width, height) > LARGEST:
        raise InvalidOption(f"{width}x{height} pixels are too many along a side; at most {LARGEST} are drawn.")
    return width, height


def _check_memory(size: tuple[int, int]) -> None:
    """Raises InvalidOption if drawing takes more memory than is free."""
    from mezzotint.editing.upscale import memory_needed

    need, free = memory_needed(size), _free_memory()
    if free is not None and need > free:
        raise InvalidOption(
            f"A picture of {size[0]}x{size[1]} pixels needs about {need / 2**30:.1f} GiB of memory, and "
            f"{free / 2**30:.1f} are free; ask for a smaller one, or enlarge it in parts."
        )


def _free_memory() -> int | None:
    """Bytes that can be had without taking any from other processes; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return None


def _steps(pipe: "Pipeline", request: Request, image: "Image") -> int:
    """How many steps there will be, for the bar."""
    from mezzotint.provenance.pixels import pixel_sha256

    return pipe.count(pipe.resolve(replace(request, image=pixel_sha256(image))))


def _session(pipe: "Pipeline", to: Destination, file: Path, size: tuple[int, int]) -> Session:
    """Where the picture goes: unless told, to a name of its own made of the file's, the first that is free."""
    if to.file is not None:
        return Session(pipe, to, watch=False)
    path, count = to.folder / f"{file.stem}-{size[0]}x{size[1]}.png", 1
    while path.exists():
        count += 1
        path = path.with_name(f"{file.stem}-{size[0]}x{size[1]}-{count}.png")
    return Session(pipe, replace(to, file=path), watch=False)
