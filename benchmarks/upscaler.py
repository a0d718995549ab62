"""How well pictures are enlarged: by diffusion, by a plain regression network of the same size, by Lanczos's filter.

    python -m benchmarks.upscaler MODEL REGRESSION [--quick]      writes upscaler.json

MODEL and REGRESSION are folders that `mezzotint pack` made: of `mezzotint train upscaler`, and of the same run with
`--set regression=true`. Held-out pictures of the large set, from small ones that nothing befell and from spoiled ones
(`training.degrade`, at fixed draws). `psnr of edges`: over the pixels whose brightness on white changes by more than a
tenth to a neighbour in the true picture. `small distance`: the Fréchet distance of our encoder's features of pictures
scaled down to 64 pixels, which a good enlargement keeps; `fine distance`: the same of parts of 64 by 64 pixels at full
size, four of each picture, where sharpness is seen. --quick: few pictures, to see that it runs; nothing is written.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.report import write
from mezzotint import Pipeline
from mezzotint.codecs import from_image, to_image
from mezzotint.codecs.images import to_signed
from mezzotint.data.heldout import heldout_rows
from mezzotint.data.large import SIDE, large_folder, partner
from mezzotint.data.sources import IconSource, PictureSet
from mezzotint.evaluation.distances import frechet
from mezzotint.evaluation.encoder import Encoder, load_encoder
from mezzotint.families.pixel_upscaler import SmallPicture, lanczos
from mezzotint.load import INSTRUMENTS
from mezzotint.training.degrade import DegradeConfig, degraded

SCALE, PART, EDGE = 4, 64, 0.1
STEPS = (1, 2, 3, 4)
PICTURES, FEW = 512, 12
WEIGHTS = torch.tensor([0.299, 0.587, 0.114]).reshape(3, 1, 1, 1)
SEED = 7

Enlarger = Callable[[Tensor], Tensor]
"""From small pictures (B, 4, 1, h, w) to large ones, in [-1, 1]."""


def brightness(x: Tensor) -> Tensor:
    """Of premultiplied pictures (B, 4, 1, H, W) in [-1, 1] on white: (B, H, W) in [0, 1]."""
    unit = (x.clamp(-1, 1) + 1) / 2
    return (WEIGHTS * (unit[:, :3] + 1 - unit[:, 3:])).sum((1, 2))


def edges(truth: Tensor) -> Tensor:
    """Where the brightness of the true pictures changes, (B, H, W) bool."""
    light = F.pad(brightness(truth)[:, None], (0, 1, 0, 1), mode="replicate")[:, 0]
    down, across = light.diff(dim=1)[..., :-1].abs(), light.diff(dim=2)[:, :-1].abs()
    return torch.maximum(down, across) > EDGE


def decibels(error: float) -> float:
    """The PSNR of a mean squared error, of values from 0 to 1."""
    return round(-10 * float(np.log10(max(error, 1e-12))), 3)


def parts(x: Tensor) -> Tensor:
    """Four parts of each picture, at full size: those around its middle."""
    middle = x.shape[-1] // 2
    spans = (slice(middle - PART, middle), slice(middle, middle + PART))
    return torch.cat([x[..., rows, columns] for rows in spans for columns in spans])


def measured(found: Tensor, truth: Tensor, encoder: Encoder, quick: bool) -> dict[str, float]:
    """What the enlarged pictures are worth."""
    error = (brightness(found) - brightness(truth)).square()
    where = edges(truth)
    shapes = {
        "small distance": lambda x: F.avg_pool2d(x.squeeze(2), x.shape[-1] // PART)[:, :, None],
        "fine distance": parts,
    }
    figures = {"psnr": decibels(float(error.mean())), "psnr of edges": decibels(float(error[where].mean()))}
    for name, shape in shapes.items():
        features = [encoder.pictures(shape(x.clamp(-1, 1))).double().numpy() for x in (found, truth)]
        if quick:  # too few for a covariance of all directions
            features = [one[:, :8] for one in features]
        figures[name] = round(frechet(*features), 5)
    return figures


def ways(pipe: Pipeline, plain: Pipeline | None) -> dict[str, Enlarger]:
    """Everything that is compared, by name."""
    found: dict[str, Enlarger] = {"Lanczos": lambda small: lanczos(small.squeeze(2), SCALE)[:, :, None]}
    if plain is not None:
        found["regression"] = lambda small: regressed(plain, small)
    for steps in STEPS:
        found[f"diffusion, {steps} evaluation{'s' if steps > 1 else ''}"] = lambda small, steps=steps: drawn(  # type: ignore[misc]
            pipe, small, steps
        )
    return found


def regressed(plain: Pipeline, small: Tensor) -> Tensor:
    """What a network says that was trained without noise."""
    leaf, size = plain.model.denoiser, (small.shape[-2] * SCALE, small.shape[-1] * SCALE)
    blank = torch.zeros(1, *small.shape[1:3], *size)
    with torch.inference_mode():
        each = [leaf.network(blank, torch.ones(1), SmallPicture(one[None], SCALE)) for one in small]
    return torch.cat(each).clone()


def drawn(pipe: Pipeline, small: Tensor, steps: int) -> Tensor:
    """What `mezzotint upscale` draws, picture by picture."""
    size = (small.shape[-1] * SCALE, small.shape[-2] * SCALE)
    images = (pipe.generate("", image=to_image(one), size=size, steps=steps, seed=SEED).images[0] for one in small)
    return torch.stack([from_image(image) for image in images])


def spoiled(small: Tensor) -> Tensor:
    """Small pictures (B, 4, 1, h, w) after what befalls them in training; none gets a colour behind it."""
    config = replace(DegradeConfig(), soft=0.6, noise=0.6)
    unit = (small.squeeze(2) + 1) / 2
    return (degraded(unit, SEED, torch.arange(len(unit)), config) * 2 - 1)[:, :, None]


def compared(
    enlargers: dict[str, Enlarger], small: Tensor, truth: Tensor, encoder: Encoder, quick: bool
) -> dict[str, dict[str, float]]:
    """The figures of each way, with its seconds for a picture."""
    figures = {}
    for name, enlarge in enlargers.items():
        begun = time.perf_counter()
        found = enlarge(small)
        seconds = (time.perf_counter() - begun) / len(small)
        figures[name] = {**measured(found, truth, encoder, quick), "seconds": round(seconds, 4)}
    return figures


def pairs(pictures: PictureSet, count: int) -> tuple[Tensor, Tensor]:
    """Large held-out pictures and their partners, in [-1, 1]."""
    large = np.ascontiguousarray(pictures.pictures[heldout_rows(pictures, count)])
    return to_signed(torch.from_numpy(large)), to_signed(torch.from_numpy(partner(large, SCALE)))


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("regression", nargs="?")
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    pipe = Pipeline.load(asked.model, dtype="float32")
    plain = None if asked.regression is None else Pipeline.load(asked.regression, dtype="float32")
    encoder = load_encoder(INSTRUMENTS / "encoder")
    pictures = IconSource(asked.data or large_folder(), "large").load(SIDE)
    truth, small = pairs(pictures, FEW if asked.quick else PICTURES)
    enlargers = ways(pipe, plain)
    figures = {
        "weights_sha256": pipe.model.weights_sha256,
        "regression_sha256": None if plain is None else plain.model.weights_sha256,
        "encoder_sha256": encoder.weights_sha256,
        "pictures": len(truth),
        "clean": compared(enlargers, small, truth, encoder, asked.quick),
        "spoiled": compared(enlargers, spoiled(small), truth, encoder, asked.quick),
    }
    if asked.quick:
        print(json.dumps(figures, indent=2))
    else:
        write("upscaler", figures)
    return figures


if __name__ == "__main__":
    main()
