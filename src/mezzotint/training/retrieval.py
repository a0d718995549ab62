"""What an encoder is measured by while it trains: finding the caption of a held-out picture."""

import torch
from torch import Tensor, nn

from mezzotint.codecs.images import to_signed
from mezzotint.data.heldout import densest_caption, heldout_rows
from mezzotint.data.sources import PictureSet
from mezzotint.families.twin_encoder import TwinEncoder
from mezzotint.training.config import EncoderRun
from mezzotint.training.methods.contrast import encoded, pair_losses
from mezzotint.training.scene_feed import CaptionReader, SceneFeed

__all__ = ["Retrieval", "recall"]


def recall(products: Tensor, k: int) -> float:
    """The share of the rows i in which fewer than k of the products (N, N) exceed the one in column i."""
    above = (products > products.diagonal()[:, None]).sum(dim=1)
    return float((above < k).double().mean())


class Retrieval:
    """Held-out pictures, each of another concept, among whose longest captions each must find its own.

    scenes: of held-out combinations; half as many of them as of pictures are shown with their densest caption and with
    one that is wrong in one fact, and one of the two must be chosen.
    """

    def __init__(
        self, run: EncoderRun, pictures: PictureSet, read: CaptionReader, scenes: SceneFeed | None = None
    ) -> None:
        self.run = run
        every = heldout_rows(pictures, len(pictures))
        first = {pictures.records[int(row)].concept: int(row) for row in every[::-1]}
        rows = [int(row) for row in every if first[pictures.records[int(row)].concept] == row][: run.validation]
        self.pictures = to_signed(torch.from_numpy(pictures.pictures[rows])) if rows else None
        self.cond = read([densest_caption(pictures.records[row].captions) for row in rows]) if rows else None
        shown = [] if scenes is None else [scenes.scenes.at(number) for number in range(max(1, run.validation // 2))]
        chosen = [(one, wrong) for one in shown if scenes and (wrong := scenes.scenes.wrong(one.scene))]
        self.scenes = None
        if chosen:
            texts = [*(one.captions[-1] for one, _ in chosen), *(wrong[-1] for _, wrong in chosen)]
            drawn = to_signed(torch.stack([torch.from_numpy(one.picture) for one, _ in chosen]))
            self.scenes = drawn, read(texts)

    def __call__(self, network: nn.Module) -> dict[str, float]:
        """`{"mean": loss, "recall@1": ..., "recall@5": ...}` of the pictures, and "scenes", the share of scenes for
        which the right caption is the nearer one (a half by chance); empty if nothing is held out."""
        assert isinstance(network, TwinEncoder)
        if self.pictures is None or self.cond is None:
            return {}
        device = next(network.parameters()).device
        with torch.inference_mode():
            image, text = encoded(network, self.pictures.to(device), self.cond.to(device), self.run.precision)
            products = image @ text.T
            losses = pair_losses(network.logits(products), torch.zeros_like(products, dtype=torch.bool))
            found = {"mean": float(losses.mean()), "recall@1": recall(products, 1), "recall@5": recall(products, 5)}
            if self.scenes is not None:
                drawn, cond = self.scenes
                image, text = encoded(network, drawn.to(device), cond.to(device), self.run.precision)
                right, wrong = ((image * half).sum(dim=1) for half in text.chunk(2))
                found["scenes"] = float((right > wrong).double().mean())
        return found
