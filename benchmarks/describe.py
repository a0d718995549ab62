"""How often `mezzotint describe` finds the name of what a picture shows.

    python -m benchmarks.describe      writes describe.json; needs the built data set, and takes about two minutes

Pictures of the data set whose concept is one of the names, and what the house model draws of 40 everyday nouns.
Held-out concepts were shown neither to the encoder nor to the house model. The names are all that `describe` knows.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from benchmarks.report import write
from mezzotint import Pipeline
from mezzotint.codecs import from_image
from mezzotint.data.captions import article
from mezzotint.data.icons import default_folder
from mezzotint.data.icons.nouns import HELD_OUT, TRAINED
from mezzotint.data.sources import IconSource
from mezzotint.evaluation.describing import Describer, names
from mezzotint.evaluation.encoder import load_encoder
from mezzotint.load import INSTRUMENTS

PICTURES = 500


def accuracy(teller: Describer, features: Tensor, shown: Sequence[str]) -> dict[str, float]:
    """The share of pictures whose name is the best, and among the best five."""
    found = [[name for name, _ in row] for row in teller.ranked(features, 5)]
    first = [name == row[0] for name, row in zip(shown, found, strict=True)]
    five = [name in row for name, row in zip(shown, found, strict=True)]
    return {"pictures": len(shown), "top_1": round(float(np.mean(first)), 3), "top_5": round(float(np.mean(five)), 3)}


def of_the_data(teller: Describer, split: str) -> dict[str, float]:
    """On pictures of a split, chosen by a fixed seed."""
    data = IconSource(default_folder()).load(teller.encoder.size)
    rows = [i for i in data.split(split) if data.records[int(i)].concept in set(teller.vocabulary)]
    chosen = np.random.Generator(np.random.Philox(7)).permutation(rows)[:PICTURES]
    pixels = torch.from_numpy(np.stack([data.pictures[int(i)] for i in chosen]))
    features = teller.encoder.pictures(pixels.permute(0, 3, 1, 2)[:, :, None].float() / 127.5 - 1)
    return accuracy(teller, features, [data.records[int(i)].concept for i in chosen])


def of_the_house(teller: Describer, pipe: Pipeline, shown: Sequence[str]) -> dict[str, float]:
    """On pictures that the house model draws of nouns, with seed 0."""
    images = [pipe.generate(article(noun), seed=0).images[0] for noun in shown]
    return accuracy(teller, teller.encoder.pictures(torch.stack([from_image(image) for image in images])), shown)


def main() -> None:
    """Measure and write."""
    torch.set_num_threads(1)
    teller, pipe = Describer(load_encoder(INSTRUMENTS / "encoder")), Pipeline.load()
    figures = {
        "names": len(names()),
        "encoder_sha256": teller.encoder.weights_sha256,
        "weights_sha256": pipe.model.weights_sha256,
        "data, trained": of_the_data(teller, "train"),
        "data, held out": of_the_data(teller, "heldout"),
        "house, trained": of_the_house(teller, pipe, TRAINED),
        "house, held out": of_the_house(teller, pipe, HELD_OUT),
    }
    write("describe", figures)


if __name__ == "__main__":
    main()
