"""How near SVGs are to the pictures that they were traced from, how large they are, and how long it takes.

    python -m benchmarks.svg      writes svg.json; needs the built data set, and takes a few minutes

32 pictures that the house model draws of everyday nouns, one seed each, and 32 held-out icons of the data set, of
which the model saw none. The drawing is rendered by resvg at the picture's size; PSNR is over premultiplied RGBA.
"""

import time
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image

from benchmarks.report import spread, write
from mezzotint import Pipeline
from mezzotint.data.captions import article
from mezzotint.data.heldout import heldout_rows
from mezzotint.data.icons import default_folder
from mezzotint.data.icons.nouns import HELD_OUT, TRAINED
from mezzotint.data.sources import IconSource
from mezzotint.interfaces.vector.document import ROOM, ROUGH_PSNR, vectorise

PICTURES = 32


def of_the_house(pipe: Pipeline) -> Iterator[Image.Image]:
    """What the model draws, noun i with seed i."""
    for seed, noun in enumerate((*TRAINED, *HELD_OUT)[:PICTURES]):
        yield pipe.generate(article(noun), seed=seed).images[0]


def of_the_data() -> Iterator[Image.Image]:
    """Held-out icons, with straight alpha."""
    data = IconSource(default_folder()).load(64)
    for row in heldout_rows(data, PICTURES):
        values = np.asarray(data.pictures[int(row)], dtype=np.float64)
        alpha = values[..., 3:]
        colour = np.clip(values[..., :3] * 255 / np.maximum(alpha, 1), 0, 255)
        yield Image.fromarray(np.concatenate([colour, alpha], -1).round().astype(np.uint8))


def measured(images: Iterator[Image.Image]) -> dict[str, object]:
    """Minimum, median and maximum of what there is to say of their SVGs."""
    made, seconds = [], []
    for image in images:
        begun = time.perf_counter()
        made.append(vectorise(image))
        seconds.append(time.perf_counter() - begun)
    return {
        "pictures": len(made),
        "psnr": spread([round(one.psnr or 0.0, 2) for one in made]),
        "bytes": spread([one.bytes for one in made]),
        "colours": spread([one.colours for one in made]),
        "made_plainer": sum(one.level > 0 for one in made),
        "warned": sum(bool(one.warnings) for one in made),
        "below_stated_psnr": sum((one.psnr or 0.0) < ROUGH_PSNR for one in made),
        "seconds": spread([round(one, 2) for one in seconds]),
    }


def main() -> None:
    """Measure and write."""
    torch.set_num_threads(1)
    pipe = Pipeline.load()
    figures = {
        "room": ROOM,
        "stated_psnr": ROUGH_PSNR,
        "weights_sha256": pipe.model.weights_sha256,
        "house": measured(of_the_house(pipe)),
        "icons": measured(of_the_data()),
    }
    write("svg", figures)


if __name__ == "__main__":
    main()
