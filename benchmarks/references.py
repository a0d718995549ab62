"""What a style reference and an image prompt take over, and what they cost the prompt, by their weights.

    python -m benchmarks.references [MODEL]

likeness: mean cos between the encoder's features of a picture and of its reference; alignment: between those of a
picture and its prompt; colour: mean distance of the mean opaque colours of both, in levels of 255. References are drawn
by the model itself. The encoder is the one that is shipped.
"""

import argparse
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.report import machine, write
from mezzotint import Pipeline
from mezzotint.evaluation.encoder import Encoder, load_encoder
from mezzotint.load import INSTRUMENTS

if TYPE_CHECKING:
    from PIL.Image import Image

REFERENCES: tuple[tuple[str, int, str | None], ...] = (
    ("a red apple", 7, None),
    ("a fox", 3, "streamline"),
    ("a blue car", 5, "fluent-3d"),
)
PROMPTS = ("a cat", "a house", "a green leaf", "a boat")
SEED = 11
WEIGHTS = {"style": (0.0, 0.3, 1.0, 3.0), "image": (0.0, 0.1, 0.3, 0.5, 1.0, 3.0)}


def colour(image: "Image") -> np.ndarray:
    """The mean of what is opaque."""
    values = np.asarray(image.convert("RGBA"), dtype=float)
    opaque = values[..., 3] > 127
    return values[..., :3][opaque].mean(0) if opaque.any() else np.full(3, 255.0)


def measured(pipe: Pipeline, encoder: Encoder, references: "list[Image]", kind: str, weight: float) -> dict[str, float]:
    """All prompts with all references."""
    likeness, alignment, distance = [], [], []
    words = encoder.prompts(PROMPTS)
    for reference in references:
        options: dict[str, Any] = {f"{kind}_ref": reference, f"{kind}_weight": weight}
        images = [pipe.generate(prompt, seed=SEED, **options).images[0] for prompt in PROMPTS]
        features, goal = encoder.images(images), encoder.images([reference])[0]
        likeness += (features @ goal).tolist()
        alignment += (features * words).sum(1).tolist()
        distance += [float(np.abs(colour(image) - colour(reference)).mean()) for image in images]
    return {"likeness": fmean(likeness), "alignment": fmean(alignment), "colour": fmean(distance)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="house", help="a model's folder or name")
    options = parser.parse_args()
    pipe, encoder = Pipeline.load(options.model), load_encoder(INSTRUMENTS / "encoder")
    asked = [{"seed": seed, "style": style} for _, seed, style in REFERENCES]
    references = [pipe.generate(prompt, **how).images[0] for (prompt, _, _), how in zip(REFERENCES, asked, strict=True)]
    table: dict[str, dict[str, dict[str, float]]] = {}
    for kind, weights in WEIGHTS.items():
        for weight in weights:
            found = table.setdefault(kind, {})[f"{weight:g}"] = measured(pipe, encoder, references, kind, weight)
            print(kind, weight, {name: round(value, 3) for name, value in found.items()}, flush=True)
    write(
        "references",
        {
            "machine": machine(),
            "model": pipe.model.name,
            "weights_sha256": pipe.model.weights_sha256,
            "encoder_sha256": encoder.weights_sha256,
            "pictures": len(REFERENCES) * len(PROMPTS),
            "table": table,
        },
    )


if __name__ == "__main__":
    main()
