"""Contrastive training: say of every picture and every caption whether they belong together."""

import contextlib
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.families.twin_encoder import TwinEncoder
from mezzotint.training.config import EncoderRun
from mezzotint.training.pairs import Pairs

__all__ = ["Contrast", "encoded", "pair_losses", "wrong_losses"]


def pair_losses(logits: Tensor, same: Tensor) -> Tensor:
    """The sigmoid loss of every picture (B,): `-Σ_j log σ(z_ij l_ij)`, z = 1 on the diagonal and -1 elsewhere.

    logits (B, B): pictures by captions. same (B, B) bool: pairs that are left out where they are not on the diagonal,
    because the caption may be true of that picture too. The mean over pictures is the loss of Zhai et al. 2023 (SigLIP,
    arXiv 2303.15343), section 3.2. It judges every pair by itself, so that pairs can be left out, and added
    (`wrong_losses`), which the softmax over a batch (Radford et al. 2021, CLIP) does not allow so simply; and it is the
    better of the two where batches are small (there, section 4).
    """
    own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    terms = F.softplus(torch.where(own, -logits, logits))
    return terms.masked_fill(same & ~own, 0.0).sum(dim=1)


def wrong_losses(logits: Tensor, wrong_of: Tensor, count: int) -> Tensor:
    """What captions that are wrong of one picture add to its loss, (count,): `-log σ(-l)`.

    logits, wrong_of (W,): of each such caption, with the picture that it is wrong of; -1: it is not used.
    """
    terms = F.softplus(logits) * (wrong_of >= 0)
    return torch.zeros(count, device=logits.device).index_add(0, wrong_of.clamp_min(0), terms)


def encoded(network: TwinEncoder, pictures: Tensor, cond: Conditioning, precision: str) -> tuple[Tensor, Tensor]:
    """Features of pictures and prompts, float32, with matrix products in the precision of the run."""
    half = torch.autocast(pictures.device.type, torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()
    with half:
        image, text = network(pictures, cond)
    return image, text


class Contrast:
    """The sigmoid loss of a batch of `Pairs`; scale and offset of the logits are trained as part of the network."""

    def __init__(self, run: EncoderRun, network: TwinEncoder) -> None:
        self.network = network
        self.precision = run.precision
        self._compiled = torch.compile(self._losses, dynamic=False) if run.compiled else self._losses

    def losses(self, batch: Pairs) -> Tensor:
        """Loss of every picture, (B,), with gradients."""
        cond = batch.cond
        given = (cond.tokens, cond.mask, cond.style, cond.letters)
        result: Tensor = self._compiled(batch.pictures, batch.same, batch.wrong_of, *given)
        return result

    def step(self, lr: float, count: int) -> None:
        """Nothing is trained beside the network."""

    def state(self) -> Mapping[str, Tensor]:
        """Empty."""
        return {}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Nothing to restore."""

    def _losses(
        self,
        pictures: Tensor,
        same: Tensor,
        wrong_of: Tensor,
        tokens: Tensor,
        mask: Tensor,
        style: Tensor,
        letters: Tensor | None,
    ) -> Tensor:
        count = len(pictures)
        image, text = encoded(self.network, pictures, Conditioning(tokens, mask, style, letters), self.precision)
        losses = pair_losses(self.network.logits(image @ text[:count].T), same)
        if not len(wrong_of):
            return losses
        products = (image[wrong_of.clamp_min(0)] * text[count:]).sum(dim=1)
        return losses + wrong_losses(self.network.logits(products), wrong_of, count)
