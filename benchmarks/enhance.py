"""What `imagine --enhance` does to the pictures of terse prompts.

    python -m benchmarks.enhance      writes enhance.json; takes about three minutes

The house model draws the trained everyday nouns as they are and expanded, with the same seeds. How well each picture
fits "a NOUN" is the encoder's cosine; whether the noun is among the five best names of `describe` is counted too. The
encoder saw captions with kinds and colours in training, but here it is asked for the noun alone.
"""

import numpy as np
import torch

from benchmarks.report import write
from mezzotint import Pipeline
from mezzotint.codecs import from_image
from mezzotint.data.captions import article
from mezzotint.data.icons.nouns import TRAINED
from mezzotint.evaluation.describing import Describer
from mezzotint.evaluation.encoder import load_encoder
from mezzotint.interfaces.enhancing import enhanced
from mezzotint.load import INSTRUMENTS

SEEDS = (0, 1, 2)


def measured(teller: Describer, pipe: Pipeline, prompts: list[str], nouns: list[str]) -> dict[str, float]:
    """The mean cosine with "a NOUN", and the share of pictures whose noun is among the best names."""
    images = [pipe.generate(prompt, seed=seed).images[0] for prompt in prompts for seed in SEEDS]
    shown = [noun for noun in nouns for _ in SEEDS]
    pictures = torch.stack([from_image(image) for image in images])
    fits = teller.encoder.alignment(pictures, [article(noun) for noun in shown])
    rows = teller.ranked(teller.encoder.pictures(pictures), 5)
    named = [noun in [name for name, _ in row] for noun, row in zip(shown, rows, strict=True)]
    five = round(float(np.mean(named)), 3)
    return {"pictures": len(images), "alignment": round(float(fits.mean()), 4), "top_5": five}


def main() -> None:
    """Measure and write."""
    torch.set_num_threads(1)
    teller, pipe = Describer(load_encoder(INSTRUMENTS / "encoder")), Pipeline.load()
    nouns = [noun for noun in TRAINED if enhanced(noun) != noun]
    figures = {
        "weights_sha256": pipe.model.weights_sha256,
        "encoder_sha256": teller.encoder.weights_sha256,
        "expanded": f"{len(nouns)} of {len(TRAINED)} nouns",
        "as they are": measured(teller, pipe, nouns, nouns),
        "expanded as by --enhance": measured(teller, pipe, [enhanced(noun) for noun in nouns], nouns),
    }
    write("enhance", figures)


if __name__ == "__main__":
    main()
