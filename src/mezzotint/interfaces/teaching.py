"""What teaching needs from a pipeline: other pictures that are to be kept, and sheets from before and after."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mezzotint.interfaces.sheets import contact_sheet, on_board, png

if TYPE_CHECKING:
    from PIL.Image import Image

    from mezzotint.pipeline import Pipeline
    from mezzotint.training.lesson import Examples

ICONS = 256
"""Pictures of the icon set that stand for what the model knows."""
DRAWN = 2
"""Pictures of each noun that stand for it where the icon set is not built."""


def other_pictures(pipe: "Pipeline", seed: int) -> tuple["Examples", str]:
    """Pictures with captions of what the model knows already, and where they come from in words.

    Training pictures of the icon set if it is built in the model's size; else the model draws everyday nouns.
    """
    from mezzotint.data.icons import default_folder
    from mezzotint.data.sources import IconSource
    from mezzotint.errors import InvalidFile

    try:
        pictures = IconSource(default_folder()).load(pipe.model.size[0])
    except InvalidFile:
        return _drawn(pipe, seed)
    import torch

    from mezzotint.data.order import epoch_order
    from mezzotint.training.lesson import Examples

    rows = pictures.split("train")
    rows = rows[epoch_order(seed, 0, len(rows))[:ICONS]]
    records = [pictures.records[int(row)] for row in rows]
    known = pipe.model.conditioner.styles
    styles = tuple(record.style if record.style in known else None for record in records)
    shown = torch.from_numpy(pictures.pictures[rows])
    return Examples(shown, tuple(tuple(r.captions) for r in records), styles), f"{len(rows)} pictures of the icon set"


def _drawn(pipe: "Pipeline", seed: int) -> tuple["Examples", str]:
    import numpy as np
    import torch

    from mezzotint.conditioning.prompt import escaped
    from mezzotint.data.captions import article
    from mezzotint.data.icons import TRAINED
    from mezzotint.data.pixels import fit
    from mezzotint.training.lesson import Examples

    prompts = [article(noun) for noun in TRAINED]
    images = [image for prompt in prompts for image in pipe.generate(escaped(prompt), n=DRAWN, seed=seed).images]
    captions = tuple((prompt,) for prompt in prompts for _ in range(DRAWN))
    shown = torch.from_numpy(np.stack([fit(image, pipe.model.size[0]) for image in images]))
    return Examples(shown, captions, (None,) * len(images)), f"{len(images)} pictures that the model drew before"


def sheet_prompts(word: str) -> list[str]:
    """What a sheet asks for: the word, alone and in company, and two things that are to stay as they are."""
    from mezzotint.data.captions import article

    thing = article(word)
    return [thing, f"{thing} on a skateboard", f"{thing} with a hat", f"a red {word}", "a cat", "a red apple"]


def before_and_after(pipe: "Pipeline", lora: str, word: str) -> bytes:
    """A PNG with two rows of the same prompts and seeds: the model as it was, and with the LoRA (a file)."""
    prompts = sheet_prompts(word)
    cells: list[Image] = []
    for loras in ((), ((lora, 1.0),)):
        cells += [_cell(pipe, prompt, seed, loras) for seed, prompt in enumerate(prompts)]
    labels = [f"{when}: {prompt}" for when in ("before", "after") for prompt in prompts]
    return png(contact_sheet(cells, labels, len(prompts)))


def _cell(pipe: "Pipeline", prompt: str, seed: int, loras: Sequence[tuple[str, float]]) -> "Image":
    from mezzotint.conditioning.prompt import escaped

    return on_board(pipe.generate(escaped(prompt), seed=seed, lora=loras).images[0], 3)
