"""Whether blends of two pictures lie between them, in the space of the encoder.

    python -m benchmarks.blends [MODEL]

Pairs of held-out icons a, b are blended at shares w of b of 1/4, 1/2 and 3/4, without a prompt and without guidance, so
that nothing but the two pictures decides what is drawn. What "between" means was fixed before anything was measured;
with cos the cosine of two pictures' features by the encoder that is shipped:

    ordered   as w grows, cos(m, a) falls and cos(m, b) rises: two steps each, so four comparisons a pair. A pair is
              ordered where all four hold; by chance alone, of pictures in any order, 1 pair of 36 would be
    near      cos(m, a) + cos(m, b) is above the mean of the same sum for the icons of the other pairs, which are
              unrelated pictures of the same kind; `nearest` where it is above all of theirs
    between   a pair that is ordered, and whose three blends are near
    lens      what "between" means of points: cos(m, a) > cos(a, b) and cos(m, b) > cos(a, b), so that m is nearer to
              either picture than they are to each other. By blend; fixed before it was measured, after the others were

`mezzotint blend` mixes pure noise, strength 1. The same is measured where less noise is mixed, at strength 0.75, which
did best on eight other pairs (17 to 24) of what was tried there: 1, 0.9 and 0.75.
"""

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.report import write
from mezzotint import Pipeline
from mezzotint.data.heldout import heldout_rows
from mezzotint.data.icons import default_folder
from mezzotint.data.pixels import straight
from mezzotint.data.sources import IconSource
from mezzotint.diffusion.noise import Noise
from mezzotint.editing import Canvas
from mezzotint.editing.invert import inverted
from mezzotint.evaluation.encoder import Encoder, load_encoder
from mezzotint.load import INSTRUMENTS

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

PAIRS, STEPS = 16, 8
LESS = 0.75
"""The other strength at which is measured."""
WEIGHTS = ((3, 1), (1, 1), (1, 3))
"""Of a and of b."""


def icons(side: int, count: int) -> "list[Picture]":
    """Held-out icons, always the same ones."""
    held = IconSource(default_folder()).load(side)
    values = (held.pictures[row] for row in heldout_rows(held, count))
    return [Image.fromarray(np.concatenate([straight(one), one[..., 3:]], -1), "RGBA") for one in values]


def judged(blends: Tensor, a: Tensor, b: Tensor, others: Tensor) -> dict[str, Any]:
    """One pair. blends (W, D), a, b (D,) and others (N, D): features of length 1."""
    to_a, to_b = (blends @ a).tolist(), (blends @ b).tolist()
    held = [x > y for x, y in pairwise(to_a)] + [x < y for x, y in pairwise(to_b)]
    unrelated = others @ a + others @ b
    sums = [x + y for x, y in zip(to_a, to_b, strict=True)]
    near, apart = [one > float(unrelated.mean()) for one in sums], float(a @ b)
    return {
        "cos_ab": apart,
        "cos_to_a": to_a,
        "cos_to_b": to_b,
        "unrelated": float(unrelated.mean()),
        "comparisons": sum(held),
        "near": sum(near),
        "nearest": sum(one > float(unrelated.max()) for one in sums),
        "between": all(held) and all(near),
        "lens": sum(min(x, y) > apart for x, y in zip(to_a, to_b, strict=True)),
    }


@contextmanager
def inverted_once() -> Iterator[None]:
    """Within, a picture is inverted once, not for every weight: the same bits, and most of the time is saved."""
    known: dict[tuple[str, float], Tensor] = {}

    def found(pixels: Tensor, canvas: Canvas, noise: Noise) -> Tensor:
        key = hashlib.sha256(pixels.numpy().tobytes()).hexdigest(), canvas.start
        if key not in known:
            known[key] = inverted(pixels, canvas, noise)
        return known[key]

    with patch("mezzotint.editing.invert.inverted", found):
        yield


def pairs(pipe: Pipeline, encoder: Encoder, count: int = PAIRS, strength: float = 1) -> list[dict[str, Any]]:
    """Every pair of neighbours among the held-out icons, judged."""
    sources = icons(pipe.model.size[0], 2 * count)
    features, found = encoder.images(sources), []
    for k in range(0, 2 * count, 2):
        asked = {"image": sources[k], "blend_images": [sources[k + 1]], "guidance": 1, "steps": STEPS, "seed": 1}
        with inverted_once():
            drawn = (pipe.generate("", blend_weights=list(w), strength=strength, **asked) for w in WEIGHTS)
            made = [one.images[0] for one in drawn]
        others = torch.cat([features[:k], features[k + 2 :]])
        found.append(judged(encoder.images(made), features[k], features[k + 1], others))
        print(found[-1], flush=True)
    return found


def summed(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The shares over all pairs, and the mean cosines by weight."""
    blends = len(WEIGHTS) * len(found)
    return {
        "pairs": len(found),
        "between": fmean(one["between"] for one in found),
        "ordered": fmean(one["comparisons"] == 4 for one in found),
        "comparisons": sum(one["comparisons"] for one in found) / (4 * len(found)),
        "lens": sum(one["lens"] for one in found) / blends,
        "near": sum(one["near"] for one in found) / blends,
        "nearest": sum(one["nearest"] for one in found) / blends,
        "cos_to_a": [fmean(one["cos_to_a"][k] for one in found) for k in range(len(WEIGHTS))],
        "cos_to_b": [fmean(one["cos_to_b"][k] for one in found) for k in range(len(WEIGHTS))],
        "unrelated": fmean(one["unrelated"] for one in found),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="house", help="a model's folder or name")
    pipe = Pipeline.load(parser.parse_args().model, device="cpu", dtype="float32")
    encoder = load_encoder(INSTRUMENTS / "encoder")
    found, less = pairs(pipe, encoder), pairs(pipe, encoder, strength=LESS)
    facts = {"model": pipe.model.name, "weights_sha256": pipe.model.weights_sha256, "encoder": encoder.weights_sha256}
    write(
        "blends",
        {**facts, "steps": STEPS, "shares_of_b": [0.25, 0.5, 0.75], **summed(found), "each": found}
        | {"with_less_noise": {"strength": LESS, **summed(less), "each": less}},
    )


if __name__ == "__main__":
    main()
