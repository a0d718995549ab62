"""Inversion: does a picture come back, and what does an edit from its noise keep, beside image to image.

    python -m benchmarks.inversion [MODEL]

Round trip: pictures that the model was not trained on, inverted and drawn again with their own caption and without
guidance; PSNR in dB. Edits: pictures that the model drew itself, drawn with another prompt; PSNR and cos of the
encoder's features to the source, and cos to the new prompt. The encoder is the one that is shipped.
"""

import argparse
import math
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks.report import machine, spread, write
from mezzotint import Pipeline
from mezzotint.codecs.images import from_image
from mezzotint.conditioning.prompt import escaped
from mezzotint.data.heldout import heldout_rows
from mezzotint.data.icons import default_folder
from mezzotint.data.pixels import straight
from mezzotint.data.sources import IconSource
from mezzotint.evaluation.encoder import Encoder, load_encoder
from mezzotint.load import INSTRUMENTS

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

STEPS, ICONS = 12, 16
EDITS = (
    ("a red apple", "a green apple", 7),
    ("a blue car", "a red car", 5),
    ("a cat", "a dog", 3),
    ("a yellow flower", "a blue flower", 2),
    ("a red balloon", "a green balloon", 4),
    ("a house", "a castle", 6),
)
WAYS: dict[str, dict[str, Any]] = {
    "inversion": {"invert": True, "strength": 1.0},
    "inversion, strength 0.9": {"invert": True, "strength": 0.9},
    "image to image, strength 0.9": {"strength": 0.9},
    "image to image, strength 0.85": {"strength": 0.85},
}


def psnr(a: "Picture", b: "Picture") -> float:
    """In dB, of values in [-1, 1]."""
    return -10 * math.log10(float((from_image(a) - from_image(b)).square().mean()) / 4)


def round_trips(pipe: Pipeline) -> dict[str, Any]:
    """The PSNR of held-out icons that were inverted and drawn again."""
    icons = IconSource(default_folder()).load(pipe.model.size[0])
    found = []
    for row in heldout_rows(icons, ICONS):
        values, caption = icons.pictures[row], escaped(icons.records[row].captions[0])
        image = Image.fromarray(np.concatenate([straight(values), values[..., 3:]], -1), "RGBA")
        asked = {"invert": True, "source_prompt": caption, "guidance": 1, "seed": 1, "steps": STEPS}
        found.append(psnr(image, pipe.generate(caption, image=image, **asked).images[0]))
    return {
        "pictures": len(found),
        "steps": STEPS,
        "mean": fmean(found),
        "below_30": sum(p < 30 for p in found),
    } | spread(found)


def edited(pipe: Pipeline, encoder: Encoder, how: dict[str, Any]) -> dict[str, float]:
    """What the edits keep, and how well they show the new prompt."""
    kept, likeness, alignment = [], [], []
    for source, new, seed in EDITS:
        image = pipe.generate(source, seed=seed).images[0]
        told = {"source_prompt": source} if how.get("invert") else {}
        made = pipe.generate(new, image=image, seed=seed + 100, **told, **how).images[0]
        features, goal = encoder.images([made, image]), encoder.prompts([new])[0]
        kept.append(psnr(image, made))
        likeness.append(float(features[0] @ features[1]))
        alignment.append(float(features[0] @ goal))
    return {"psnr_to_source": fmean(kept), "likeness": fmean(likeness), "alignment": fmean(alignment)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="house", help="a model's folder or name")
    pipe = Pipeline.load(parser.parse_args().model, device="cpu", dtype="float32")
    encoder = load_encoder(INSTRUMENTS / "encoder")
    write(
        "inversion",
        {
            "machine": machine(),
            "model": pipe.model.name,
            "weights_sha256": pipe.model.weights_sha256,
            "round_trip": round_trips(pipe),
            "edits": {name: edited(pipe, encoder, how) for name, how in WAYS.items()},
        },
    )


if __name__ == "__main__":
    main()
