"""Self-attention guidance: away from what is said of a picture blurred where the model looks most."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.guidance.attention import gaussian_matrix, received, token_grid
from mezzotint.diffusion.guidance.base import GuidanceRecord, check_number, conditional, only, steered
from mezzotint.diffusion.guidance.contrast import chosen_blocks
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import AttentionSite, Probe
from mezzotint.diffusion.schedule import Schedule
from mezzotint.errors import InvalidOption

__all__ = ["RECORD", "SAG"]

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class SAG:
    """eps + scale (eps(x_t) − eps(x̂_t)), x̂_t = alpha x̂_0 + sigma eps, x̂_0 = x_0(cond) blurred where the mask is 1.

    The mask is 1 where image tokens of the block get more than `threshold` times the mean attention. Since x̂_t keeps
    eps, the guided x_0 is x_0 + scale (x̂_0 − x_0(x̂_t)), which needs no division by alpha. scale 0 = off.
    sigma: the blur's width in samples (pixels, or latents). block: where to look; None is the middle one.
    Hong et al. 2022, arXiv 2210.00939, algorithm 1. Raises InvalidOption for a scale or threshold below 0, a sigma that
    is not positive, and for a model without attention or without this block.
    """

    scale: float = 0.0
    threshold: float = 1.0
    sigma: float = 1.0
    block: int | None = None

    def __post_init__(self) -> None:
        check_number("sag", "scale", self.scale)
        check_number("sag", "threshold", self.threshold)
        check_number("sag", "sigma", self.sigma, low=1e-6)

    def wrap(self, denoiser: Denoiser[C], plain: Denoiser[C]) -> Denoiser[C]:
        if self.scale == 0:
            return denoiser
        (block,) = chosen_blocks("sag", plain, None if self.block is None else (self.block,))
        return _SelfAttention(denoiser, plain, self, block)


@dataclass(slots=True)
class _Look:
    """Keeps the attention that image tokens get in one block, as it is on the first call: the branch "cond" first."""

    block: int
    received: list[Tensor] = field(default_factory=list)

    def __call__(self, site: AttentionSite, weights: Tensor) -> Tensor:
        if site.block == self.block and site.image.stop > site.image.start and not self.received:
            self.received.append(received(site, weights))
        return weights


@dataclass(frozen=True, slots=True)
class _SelfAttention(Generic[C]):
    denoiser: Denoiser[C]
    plain: Denoiser[C]
    options: SAG
    block: int

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, C], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        look = _Look(self.block)
        whole = self.denoiser(x_t, t, cond, to=to, probe=Probe(attention=look).also(probe))
        if not look.received:
            raise InvalidOption(f"The guidance sag saw no self-attention of image tokens in block {self.block}.")
        strong = conditional(whole)
        mask = self._mask(look.received[0][: len(x_t)], x_t)
        blurred = torch.lerp(strong.x0, _blurred(strong.x0, self.options.sigma), mask)
        weak = self.plain(whole.level.noised(blurred, strong.eps), t, only(cond), to=to, probe=probe)
        return steered(whole, whole.x0 + self.options.scale * (blurred - weak.x0), sag=weak)

    def _mask(self, attention: Tensor, x_t: Tensor) -> Tensor:
        """1 where the model looks, of the shape of x_t but for one channel."""
        frames = x_t.shape[2] if x_t.ndim == 5 else 1
        rows, columns = token_grid(x_t, attention.shape[1])
        mask = (attention > self.options.threshold).to(x_t).reshape(-1, frames, rows, columns)
        mask = F.interpolate(mask, size=x_t.shape[-2:], mode="nearest")
        return mask[:, None] if x_t.ndim == 5 else mask


def _blurred(x: Tensor, sigma: float) -> Tensor:
    down, across = (gaussian_matrix(size, sigma).to(x) for size in x.shape[-2:])
    return down @ x @ across.T


RECORD = GuidanceRecord(
    "sag",
    "modifier",
    SAG,
    evaluations=1,
    source="Hong et al. 2022, arXiv 2210.00939",
    needs=("attention",),
)
