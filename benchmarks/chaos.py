"""What `--chaos` does to pictures of one prompt: how far they lie apart, and how well they fit the prompt.

    python -m benchmarks.chaos [MODEL] [--seeds N]

Variety is the mean of 1 − cos between the encoder's features of two pictures of the same prompt; alignment the mean cos
between a picture's and its prompt's. The encoder is the one that is shipped. Beside it stand
pictures without the usual drawing style, and without guidance.
"""

import argparse
from itertools import combinations
from statistics import fmean
from typing import Any

import torch

from benchmarks.report import machine, write
from mezzotint import Pipeline
from mezzotint.evaluation.encoder import Encoder, load_encoder
from mezzotint.load import INSTRUMENTS
from mezzotint.request import NO_STYLE

PROMPTS = ("a cat", "a house", "a red apple", "a rocket", "a tree", "a cup of coffee", "a blue bird", "a key")
LEVELS = (0, 10, 25, 50, 75, 100)


def measured(pipe: Pipeline, encoder: Encoder, seeds: int, options: dict[str, Any]) -> dict[str, float]:
    """Variety and alignment of pictures that are drawn with these options."""
    variety, alignment = [], []
    for prompt in PROMPTS:
        images = pipe.generate(prompt, n=seeds, batching="fast", **options).images
        features = torch.nn.functional.normalize(encoder.images(images).double(), dim=1)
        words = torch.nn.functional.normalize(encoder.prompts([prompt]).double(), dim=1)
        variety += [1 - float(features[a] @ features[b]) for a, b in combinations(range(seeds), 2)]
        alignment += (features @ words[0]).tolist()
    return {"variety": fmean(variety), "alignment": fmean(alignment)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="house", help="a model's folder or name")
    parser.add_argument("--seeds", type=int, default=8, help="pictures of each prompt")
    options = parser.parse_args()
    pipe, encoder = Pipeline.load(options.model), load_encoder(INSTRUMENTS / "encoder")
    asked: dict[str, dict[str, Any]] = {f"chaos {level}": {"chaos": level} for level in LEVELS}
    if pipe.model.defaults.style:
        asked |= {f"chaos {level}, no style": {"chaos": level, "style": NO_STYLE} for level in (0, 50, 100)}
    asked["guidance 1"] = {"guidance": 1.0}
    table = {}
    for name, how in asked.items():
        table[name] = measured(pipe, encoder, options.seeds, how)
        print(name, table[name], flush=True)
    write(
        "chaos",
        {
            "machine": machine(),
            "model": pipe.model.name,
            "weights_sha256": pipe.model.weights_sha256,
            "encoder_sha256": encoder.weights_sha256,
            "prompts": len(PROMPTS),
            "seeds": options.seeds,
            "table": table,
        },
    )


if __name__ == "__main__":
    main()
