"""Kept layouts: what stays of a picture that is drawn with another prompt, by the share of the steps that keep it.

    python -m benchmarks.keep_layout [MODEL]

The pictures are drawn by the model, and drawn anew with another prompt: from their own noise, as their recipes say, and
from the noise that an inversion finds. Means: psnr_to_source in dB; outline, intersection over union of what is opaque
in both; likeness, cos of the encoder's features to the source; alignment, cos to the new prompt, which the sources
themselves have as `source_alignment`. The encoder is the one that is shipped.
"""

import argparse
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.inversion import EDITS, STEPS, psnr
from benchmarks.report import machine, write
from mezzotint import Pipeline
from mezzotint.evaluation.encoder import Encoder, load_encoder
from mezzotint.load import INSTRUMENTS

if TYPE_CHECKING:
    from PIL.Image import Image

SHARES = (0.0, 0.25, 0.5, 1.0)


def outline(a: "Image", b: "Image") -> float:
    """Of two pictures, where both are opaque among where one is."""
    one, other = (np.asarray(image.convert("RGBA"))[..., 3] > 127 for image in (a, b))
    return float((one & other).sum() / max(1, (one | other).sum()))


def edited(pipe: Pipeline, encoder: Encoder, sources: "list[Image]", share: float, inverted: bool) -> dict[str, float]:
    """What the edits keep, and how well they show the new prompt."""
    kept, shape, likeness, alignment = [], [], [], []
    for image, (source, new, seed) in zip(sources, EDITS, strict=True):
        how: dict[str, Any] = {"source_prompt": source, "keep_layout": share, "seed": seed, "steps": STEPS}
        how |= {"image": image, "invert": True, "seed": seed + 100} if inverted else {}
        made = pipe.generate(new, **how).images[0]
        features, goal = encoder.images([made, image]), encoder.prompts([new])[0]
        kept.append(psnr(image, made))
        shape.append(outline(image, made))
        likeness.append(float(features[0] @ features[1]))
        alignment.append(float(features[0] @ goal))
    means = zip(("psnr_to_source", "outline", "likeness", "alignment"), (kept, shape, likeness, alignment), strict=True)
    return {name: fmean(values) for name, values in means}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="house", help="a model's folder or name")
    pipe = Pipeline.load(parser.parse_args().model, device="cpu", dtype="float32")
    encoder = load_encoder(INSTRUMENTS / "encoder")
    sources = [pipe.generate(source, seed=seed, steps=STEPS).images[0] for source, _, seed in EDITS]
    goals = encoder.prompts([new for _, new, _ in EDITS])
    table: dict[str, dict[str, dict[str, float]]] = {}
    for name, inverted in (("its own noise", False), ("an inversion", True)):
        for share in SHARES:
            found = table.setdefault(name, {})[f"{share:g}"] = edited(pipe, encoder, sources, share, inverted)
            print(name, share, {key: round(value, 3) for key, value in found.items()}, flush=True)
    write(
        "keep_layout",
        {
            "machine": machine(),
            "model": pipe.model.name,
            "weights_sha256": pipe.model.weights_sha256,
            "encoder_sha256": encoder.weights_sha256,
            "pictures": len(EDITS),
            "steps": STEPS,
            "source_alignment": float((encoder.images(sources) * goals).sum(1).mean()),
            "table": table,
        },
    )


if __name__ == "__main__":
    main()
