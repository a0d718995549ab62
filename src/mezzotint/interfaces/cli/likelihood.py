"""`mezzotint likelihood`: how many bits a model needs for a picture."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from mezzotint.conditioning.prompt import plain_words
from mezzotint.errors import InvalidOption
from mezzotint.interfaces.cli.options import (
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
from mezzotint.request import Request
from mezzotint.values import real

if TYPE_CHECKING:
    from torch import Tensor

    from mezzotint.diffusion.denoiser import BoundDenoiser
    from mezzotint.model import Model

LEVELS = 256
CONVENTION = "uniform: x = 2 (k + u) / 256 - 1 for the levels k = 0 ... 255 and u in [0, 1), drawn anew for every probe"


@dataclass(frozen=True)
class Bits:
    """What a picture costs. bits: per dimension; error: the standard error of that mean over probes.

    latents: root mean square of the picture at t = 1 in units of the noise there; 1 for what the model would draw.
    dimensions: numbers in a picture. evaluations: network forwards in all, each with a backward pass.
    """

    bits: float
    error: float
    latents: float
    dimensions: int
    evaluations: int


def picture_bits(
    denoise: "BoundDenoiser",
    picture: "Tensor",
    *,
    start: float,
    steps: int,
    probes: int,
    seed: int = 0,
    divergence: Literal["exact", "hutchinson"] = "hutchinson",
    told: Callable[[], None] = lambda: None,
) -> Bits:
    """Bits per dimension of a picture, whole numbers 0 ... 255 of shape (C, ...), under a model with its conditioning.

    Each of the `probes` (at least 2) has its own dequantisation (`CONVENTION`) and its own signs of the Hutchinson
    estimator, both from seed + its number. The mean of −log p over dequantisations is at least −log of the mean, so
    this is an upper bound of the code length (Theis et al. 2016, arXiv 1511.01844, section 3.1). start, steps and
    divergence are those of `diffusion.likelihood.log_likelihood`, which raises InvalidOption for them.
    """
    import torch

    from mezzotint.diffusion.likelihood import bits_per_dimension, log_likelihood
    from mezzotint.diffusion.noise import PhiloxNoise, Purpose, philox_uniform

    assert probes >= 2, "one probe has no error"
    count, found, squares = picture.numel(), [], []
    for number in range(probes):
        own = (seed + number) % 2**64
        # draw 0 is that of the signs
        u = philox_uniform(own, torch.arange(count), Purpose.EVALUATION, 1).reshape(picture.shape)
        x = 2 * (picture.double() + u) / LEVELS - 1
        one = log_likelihood(
            denoise, x[None], start=start, steps=steps, divergence=divergence, noise=PhiloxNoise([own])
        )
        found.append(bits_per_dimension(one.log_density, count, LEVELS))
        squares.append((one.latents / denoise.schedule(1.0).sigma).square().mean())
        told()
    each = torch.cat(found)
    return Bits(
        bits=float(each.mean()),
        error=float(each.std() / math.sqrt(probes)),
        latents=float(torch.stack(squares).mean().sqrt()),
        dimensions=count,
        evaluations=4 * steps * probes,
    )


@click.command(short_help="Say how many bits a model needs for a picture.")
@click.argument("model")
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IMAGE...")
@click.option(
    "--prompt", default="", metavar="TEXT", help="What the model is told of the pictures; nothing by default."
)
@click.option("--style", metavar="NAME", help="The drawing style that it is told.")
@click.option(
    "--start",
    type=REAL,
    default=0.01,
    show_default=True,
    metavar="T",
    help="The time where pictures are put in: their density is that of data with so much noise added.",
)
@click.option(
    "--steps",
    type=WHOLE,
    default=32,
    show_default=True,
    metavar="N",
    help="Steps of Runge–Kutta, four evaluations each.",
)
@click.option(
    "--probes",
    type=WHOLE,
    default=4,
    show_default=True,
    metavar="N",
    help="Estimates for each picture, at least 2; the standard error is from them.",
)
@click.option(
    "--seed", type=WHOLE, default=0, show_default=True, metavar="SEED", help="Of probe 0; probe i has SEED + i."
)
@device_option
@dtype_option
@threads_option
@format_option
def likelihood(
    model: str,
    images: tuple[Path, ...],
    prompt: str,
    style: str | None,
    start: Any,
    steps: Any,
    probes: Any,
    seed: Any,
    device: str,
    dtype: str,
    threads: Any,
    form: str,
) -> None:
    """Say in bits per dimension how likely MODEL, a name or a folder, finds each IMAGE: fewer is likelier.

    It is the exact change of variables along the probability-flow ODE, without guidance; the divergence is estimated
    by Hutchinson's method. Pictures are fitted to the model's square as in training, and dequantised uniformly: 8 bits
    per dimension are what a picture costs that nothing is known of. For --dtype, auto means float32 here.
    """
    steps, probes = whole_number("steps", steps, 1, 10_000), whole_number("probes", probes, 2, 10_000)
    start = real("start", start, 1e-6, 0.5)
    words = plain_words(prompt)
    if words is None:
        raise InvalidOption(f"prompt is {prompt!r}; a likelihood is that of plain words, so write \\( for a bracket.")
    request = Request(prompt=words, model=model, style=style, seed=seed)
    wait_quietly()
    set_threads(threads)
    from mezzotint.load import load_model

    loaded = load_model(model, device=device, dtype="float32" if dtype == "auto" else dtype)
    pictures = [_levels(path, loaded) for path in images]
    denoise = _told(loaded, request)
    found = measured(denoise, [picture for picture, _ in pictures], start, steps, probes, request.seed)
    sizes = [size if size != loaded.size else None for _, size in pictures]
    ignored = loaded.conditioner.report(words).ignored
    if form == "json":
        rows = [
            {"file": str(path), **asdict(bits), "scaled_from": size and list(size)}
            for path, bits, size in zip(images, found, sizes, strict=True)
        ]
        settings = {"prompt": prompt, "style": style, "start": start, "steps": steps, "probes": probes}
        about = {"model": loaded.name, "weights_sha256": loaded.weights_sha256, **settings, "seed": request.seed}
        emit_json({**about, "guidance": 1.0, "dequantisation": CONVENTION, "ignored": list(ignored), "pictures": rows})
        return
    if ignored:
        click.echo(f"ignored: {', '.join(ignored)}")
    for path, bits, size in zip(images, found, sizes, strict=True):
        click.echo(line_of(path, bits, size))


def measured(
    denoise: "BoundDenoiser", pictures: "Sequence[Tensor]", start: float, steps: int, probes: int, seed: int
) -> "list[Bits]":
    """The bits of every picture, with a bar over all probes."""
    with counted("likelihood", "probe") as tell:
        done = iter(range(1, len(pictures) * probes + 1))

        def told() -> None:
            tell(next(done), len(pictures) * probes)

        return [
            picture_bits(denoise, picture, start=start, steps=steps, probes=probes, seed=seed, told=told)
            for picture in pictures
        ]


def line_of(path: Path, bits: "Bits", size: tuple[int, int] | None) -> str:
    """What is told of a picture. size: its own, if it was scaled."""
    scaled = "" if size is None else f", scaled from {size[0]}x{size[1]}"
    return (
        f"{click.format_filename(path)}: {bits.bits:.4f} ± {bits.error:.4f} bits per dimension "
        f"({bits.dimensions} dimensions, latents {bits.latents:.2f}, {bits.evaluations} evaluations{scaled})"
    )


def _levels(path: Path, model: "Model") -> "tuple[Tensor, tuple[int, int]]":
    """A picture as the model's training sees it, whole numbers (4, 1, H, W) of premultiplied RGBA, and its own size.

    Raises InvalidFile for what is no picture, InvalidOption for a model that has no square of pixels.
    """
    import torch

    from mezzotint.data.pixels import fit
    from mezzotint.interfaces.sources import read_sources

    image, _ = read_sources(path, None)
    if model.codec.name != "pixel" or model.size[0] != model.size[1]:
        raise InvalidOption(
            f"The model {model.name} does not draw squares of pixels, of which alone a likelihood is known; give one "
            "that does."
        )
    return torch.from_numpy(fit(image, model.size[0])).permute(2, 0, 1)[:, None], image.size


def _told(model: "Model", request: Request) -> "BoundDenoiser":
    """The model with its prompt, for one picture at a time. Raises InvalidOption for an unknown drawing style."""
    import torch

    from mezzotint.diffusion.denoiser import Bound

    model.conditioner.style_index(request.style)
    with torch.no_grad():
        cond = model.prepare([request.prompt], [request.style])
    return Bound(model.denoiser, {"cond": cond})
