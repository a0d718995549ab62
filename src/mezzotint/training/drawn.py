"""How far pictures of a generator are from held-out ones, in training: it has no loss that could be measured."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mezzotint.codecs.images import to_signed
from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.data.order import epoch_order
from mezzotint.data.sources import PictureSet
from mezzotint.diffusion.noise import Purpose, normal_at
from mezzotint.training.config import GanRun
from mezzotint.training.features import CaptionFeatures
from mezzotint.training.validation import Validation

__all__ = ["DrawnCheck", "energy_distance"]

_SEED = 20_240_229
_SIDE = 8


def energy_distance(a: Tensor, b: Tensor) -> float:
    """2 E|a − b| − E|a − a'| − E|b − b'| of points (M, D) and (N, D), each pair of different points counted.

    Its expectation is 0 if both have one distribution and above 0 if they have not; so it may be negative. Székely &
    Rizzo 2013, "Energy statistics" (J. Stat. Plan. Inference 143), section 2.
    """
    first, second = a.double(), b.double()
    within = [torch.cdist(x, x).sum() / (len(x) * (len(x) - 1)) for x in (first, second)]
    return float(2 * torch.cdist(first, second).mean() - sum(within))


class DrawnCheck:
    """The energy distance between what a generator draws for held-out captions and the pictures that these belong to.

    Pictures count as their means over 8 by 8 blocks. Captions, noise and pictures never change, so that two numbers
    differ only by the weights. Beside it is that of as many training pictures, which a perfect generator would have.
    """

    def __init__(self, run: GanRun, pictures: PictureSet, features: CaptionFeatures) -> None:
        held_out = Validation(run.feed, pictures, features)
        train = pictures.split("train")
        some = train[epoch_order(_SEED, 0, len(train))[: run.validation]]
        self.asked = [(served.pictures, served.cond) for served in held_out.held_out()]
        self.real = _seen(torch.cat([shown for shown, _ in self.asked])) if self.asked else torch.zeros(0)
        self.training = _seen(torch.from_numpy(pictures.pictures[some]))

    def __call__(self, network: nn.Module) -> dict[str, float]:
        """`{"mean": distance, "training": that of training pictures}`; empty if fewer than two are held out."""
        if min(len(self.real), len(self.training)) < 2:
            return {}
        draw: Callable[[Tensor, Conditioning], Tensor] = network.drawn  # type: ignore[assignment]
        device, found, count = next(network.parameters()).device, [], 0
        with torch.inference_mode():
            for shown, cond in self.asked:
                numbers = torch.arange(count, count + len(shown), device=device)
                z = normal_at(_SEED, numbers, Purpose.EVALUATION, (network.latent,))  # type: ignore[arg-type]
                found.append(_means(draw(z, cond.to(device)).float().cpu()))
                count += len(shown)
        drawn = torch.cat(found)
        return {"mean": energy_distance(drawn, self.real), "training": energy_distance(self.training, self.real)}


def _seen(pictures: Tensor) -> Tensor:
    return _means(to_signed(pictures))


def _means(pictures: Tensor) -> Tensor:
    """The means of pictures (B, C, 1, H, W) over 8 by 8 blocks, (B, C · 64)."""
    return F.adaptive_avg_pool2d(pictures.squeeze(2), _SIDE).flatten(1)
