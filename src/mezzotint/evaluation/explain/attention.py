"""Where each word of the prompt acted: the attention that the picture's patches paid to it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mezzotint.diffusion.probe import AttentionSite, Probe, blocks_of
from mezzotint.errors import InvalidOption
from mezzotint.evaluation.explain.words import Word
from mezzotint.pipeline import Pipeline, Preview
from mezzotint.request import Request

__all__ = ["Heat", "Recorder", "heat_of", "recorded"]


@dataclass(frozen=True)
class Heat:
    """Where a word acted. share: its part of all attention of the picture's patches, averaged over blocks, heads and
    steps; map (rows, columns): that part patch by patch, divided by `share`, so that 1 is the usual; 0 where its prompt
    does not count."""

    word: Word
    share: float
    map: Tensor


class Recorder:
    """Sums what image patches see of every text token, over blocks and calls."""

    def __init__(self) -> None:
        self.total: Tensor | None = None
        self.calls = 0

    def __call__(self, site: AttentionSite, weights: Tensor) -> Tensor:
        seen = weights[0, :, site.image_queries(weights.shape[2]), site.text].double().mean(0).cpu()
        self.total = seen if self.total is None else self.total + seen
        self.calls += 1
        return weights

    def mean(self) -> Tensor:
        """(patches, text tokens); something must have been seen."""
        assert self.total is not None, "nothing was seen"
        return self.total / self.calls


def recorded(pipe: Pipeline, request: Request, text: str) -> tuple[list[Preview], Tensor]:
    """The steps of one picture, and the mean attention (patches, text tokens) of the branch with the prompt.

    text: the words of the request's plain prompt.

    Each step's x_t is shown to the network once more, with a probe that only looks; the drawing itself is untouched.
    Source of the idea: Tang et al. 2022, "What the DAAM" (arXiv 2210.04885). Raises `InvalidOption` for a network
    without attention.
    """
    leaf = pipe.model.denoiser
    if blocks_of(leaf) is None:
        raise InvalidOption(f"The model {pipe.model.name} has no attention, so it cannot be shown where a word acted.")
    strengths, resolved = [strength for _, strength in request.lora], pipe.resolve(request)
    cond = pipe.model.prepare([text], [resolved.style], strengths, resolved.distilled_guidance)
    recorder, previews = Recorder(), []
    for preview in pipe.stream(replace(request, n=1)):
        previews.append(preview)
        if preview.step.prediction is None:
            continue
        time = torch.tensor(preview.step.move.t, dtype=torch.float64)
        with torch.inference_mode():
            leaf(preview.step.prediction.x_t, time, {"cond": cond}, probe=Probe(attention=recorder))
    return previews, recorder.mean()


def heat_of(attention: Tensor, words: Sequence[Word]) -> list[Heat]:
    """The heat of every word, from the mean attention (patches, text tokens)."""
    side = round(attention.shape[0] ** 0.5)
    found = []
    for word in words:
        paid = attention[:, list(word.tokens)].sum(1)
        share = float(paid.mean())
        found.append(Heat(word, share, (paid / max(share, 1e-12)).reshape(side, side)))
    return found
