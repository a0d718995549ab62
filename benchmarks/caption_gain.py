"""Where a caption decides: the loss with the caption, with another picture's, and with none, by noise level.

    python -m benchmarks.caption_gain [--model NAME] [--pictures N]

The velocity's loss of a model at fixed noise, on pictures that it was trained on and on held-out ones; the drawing
style is always given. Where the columns are alike, training a noise level teaches nothing about words.
"""

import click
import torch
from torch import Tensor

from benchmarks.report import write
from mezzotint.codecs.images import to_signed
from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.data.heldout import densest_caption
from mezzotint.data.icons import default_folder
from mezzotint.data.order import epoch_order
from mezzotint.data.sources import IconSource, PictureSet
from mezzotint.diffusion.noise import Purpose, normal_at
from mezzotint.load import Model, load_model
from mezzotint.training.methods.pretrain import noised_loss

TIMES = (0.3, 0.5, 0.7, 0.8, 0.9, 0.97, 1.0)
SEED, CHUNK, FLOOR = 2026, 64, 0.05


def losses(model: Model, x0: Tensor, cond: Conditioning) -> dict[str, float]:
    """The mean loss by noise level."""
    network = model.denoiser.network
    totals = dict.fromkeys(TIMES, 0.0)
    for start in range(0, len(x0), CHUNK):
        part = slice(start, start + CHUNK)
        numbers = start + torch.arange(len(x0[part]))
        for level, t in enumerate(TIMES):
            eps = normal_at(SEED, numbers * len(TIMES) + level, Purpose.EVALUATION, x0.shape[1:])
            times = torch.full((len(numbers),), t)
            totals[t] += float(noised_loss(network, x0[part], eps, times, cond[part], "fp32", FLOOR).sum())
    return {str(t): total / len(x0) for t, total in totals.items()}


def of_split(model: Model, pictures: PictureSet, split: str, count: int) -> dict[str, dict[str, float]]:
    """The losses with each picture's densest caption, with that of the picture after it, and with none."""
    rows = pictures.split(split)
    rows = rows[epoch_order(SEED, 0, len(rows))[:count]]
    records = [pictures.records[int(row)] for row in rows]
    captions = [densest_caption(record.captions) for record in records]
    styles = [record.style or None for record in records]
    x0 = to_signed(torch.from_numpy(pictures.pictures[rows]))
    given = {"caption": captions, "another": [*captions[1:], captions[0]], "none": [""] * len(captions)}
    return {name: losses(model, x0, model.conditioner(texts, styles)) for name, texts in given.items()}


@click.command()
@click.option("--model", default="house", show_default=True, help="A model's name or folder.")
@click.option("--pictures", default=512, show_default=True, help="How many of each split.")
def main(model: str, pictures: int) -> None:
    """Measure, and write caption_gain.json."""
    loaded = load_model(model, device="cpu", dtype="float32")
    icons = IconSource(default_folder()).load(loaded.size[0])
    with torch.inference_mode():
        found = {split: of_split(loaded, icons, split, pictures) for split in ("train", "heldout")}
    write("caption_gain", {"weights_sha256": loaded.weights_sha256, "pictures": pictures, **found})


if __name__ == "__main__":
    main()
