"""Where the words of a picture acted that was laid out: a prompt of its own for each of its boxes, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from mezzotint.conditioning.prompt import plain_words, worded
from mezzotint.diffusion.noise import PhiloxNoise
from mezzotint.diffusion.probe import Probe, blocks_of
from mezzotint.editing.regional import Region, open_noise, region_of, seen_in
from mezzotint.errors import InvalidOption
from mezzotint.evaluation.explain.attention import Heat, Recorder
from mezzotint.evaluation.explain.words import Word
from mezzotint.pipeline import Pipeline, Preview
from mezzotint.request import Request
from mezzotint.values import show

__all__ = ["Layout", "heats_of_layout", "is_laid_out", "layout_of", "recorded_layout", "without_word"]


@dataclass(frozen=True)
class Layout:
    """texts: the different prompts of a picture's boxes, in words; places: for each the boxes that have it, by their
    numbers; regions: where each box lies on the canvas (rows, columns) of samples."""

    texts: tuple[str, ...]
    places: Mapping[str, tuple[int, ...]]
    regions: tuple[Region, ...]
    canvas: tuple[int, int]

    def box(self, text: str, image: tuple[int, int]) -> tuple[int, int, int, int]:
        """What the first picture of a text fills of an image (width, height): left, top, right, bottom in pixels."""
        one, down, across = self.regions[self.places[text][0]], image[1] // self.canvas[0], image[0] // self.canvas[1]
        return (
            one.columns.start * across, one.rows.start * down, one.columns.stop * across, one.rows.stop * down,
        )  # fmt: skip


def is_laid_out(request: Request) -> bool:
    """Whether boxes with prompts are all that a request draws."""
    return bool(request.region) and not worded(request.prompt) and not request.region_masks


def layout_of(pipe: Pipeline, request: Request) -> Layout:
    """The layout of a resolved request that `is_laid_out`. Raises `InvalidOption` for more than plain words."""
    assert request.size is not None, "a request that is not resolved"
    texts = []
    for _, prompt in request.region:
        text = plain_words(prompt)
        if not text:
            raise InvalidOption(
                f"The region's prompt {show(prompt)} is more than words; only plain words are explained."
            )
        texts.append(text)
    if request.vary:
        raise InvalidOption("The picture is a variation; of those that were laid out only the first can be explained.")
    _, down, across = pipe.model.codec.factors
    canvas, side = ((high // down, wide // across) for wide, high in (request.size, pipe.model.size))
    regions = tuple(region_of(box, canvas, side) for box, _ in request.region)
    for one in regions:
        if max(one.rows.stop - one.rows.start - side[0], one.columns.stop - one.columns.start - side[1]) > 0:
            raise InvalidOption("A region is larger than what the model draws at once; that cannot be explained.")
    places = {text: tuple(k for k, other in enumerate(texts) if other == text) for text in dict.fromkeys(texts)}
    return Layout(tuple(places), places, regions, canvas)


def recorded_layout(pipe: Pipeline, request: Request, layout: Layout) -> tuple[list[Preview], list[Tensor]]:
    """The steps of one picture, and for each box the mean attention (patches, text tokens) under its prompt.

    What each step's x_t shows of a box is shown to the network once more, with a probe that only looks; the drawing
    itself is untouched. Raises `InvalidOption` for a network without attention.
    """
    leaf, previews = pipe.model.denoiser, list[Preview]()
    if blocks_of(leaf) is None:
        raise InvalidOption(f"The model {pipe.model.name} has no attention, so it cannot be shown where a word acted.")
    strengths, noise = [strength for _, strength in request.lora], PhiloxNoise([request.seed])
    read = (pipe.model.prepare([text], [request.style], strengths, request.distilled_guidance) for text in layout.texts)
    conds = dict(zip(layout.texts, read, strict=True))
    recorders = [Recorder() for _ in layout.regions]
    for preview in pipe.stream(replace(request, n=1)):
        previews.append(preview)
        if preview.step.prediction is None:
            continue
        x_t, time = preview.step.prediction.x_t, torch.tensor(preview.step.move.t, dtype=torch.float64)
        for text, places in layout.places.items():
            for k in places:
                region = layout.regions[k]
                seen, u = seen_in(region, x_t, time, open_noise(region, k, x_t.shape, noise), leaf.schedule)
                with torch.inference_mode():
                    leaf(seen, u, {"cond": conds[text]}, probe=Probe(attention=recorders[k]))
    return previews, [one.mean() for one in recorders]


def heats_of_layout(layout: Layout, attention: Sequence[Tensor], words: Sequence[Word]) -> list[Heat]:
    """The heat of every word, on the whole canvas, from the attention (patches, text tokens) of every box."""
    found = []
    for word in words:
        places = layout.places[word.prompt]
        paid = [attention[k][:, list(word.tokens)].sum(1) for k in places]
        share = float(torch.stack(paid).mean())
        canvas = torch.zeros(layout.canvas, dtype=torch.float64)
        for k, one in zip(places, paid, strict=True):
            side, region = round(len(one) ** 0.5), layout.regions[k]
            part = canvas[region.rows, region.columns]
            spread = F.interpolate(one.reshape(1, 1, side, side), part.shape, mode="bilinear", align_corners=False)
            part.copy_(torch.maximum(part, spread[0, 0] / max(share, 1e-12)))
        found.append(Heat(word, share, F.avg_pool2d(canvas[None], _COARSE)[0]))
    return found


_COARSE = 4
"""Samples of the canvas, along each axis, for which one number of a map stands."""


def without_word(request: Request, layout: Layout, word: Word, prompt: str) -> Request:
    """The request with another prompt for the boxes of a word; with none, these are left empty."""
    mine = layout.places[word.prompt]
    boxes = [(box, prompt if k in mine else text) for k, (box, text) in enumerate(request.region)]
    return replace(request, region=tuple(one for one in boxes if one[1]))
