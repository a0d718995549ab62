"""Smoothed energy guidance: away from a model whose attention is blurred."""

from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.guidance.attention import smoothed_attention, token_grid
from mezzotint.diffusion.guidance.base import GuidanceRecord, check_number
from mezzotint.diffusion.guidance.contrast import Contrast, EditedAttention, chosen_blocks
from mezzotint.diffusion.probe import AttentionSite, Probe

__all__ = ["RECORD", "SEG"]

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class SEG:
    """x_0 + scale (x_0(cond) − x_0(smoothed)); smoothed: image queries are blurred over the picture. 0 = off.

    sigma: the Gaussian's width in tokens; None blurs without bound, to the mean of all queries. blocks: where; None is
    the middle one. Hong 2024 (NeurIPS), arXiv 2408.00760, eq. 9, whose scale is ours + 1, and proposition 3.1 (blurred
    queries are blurred scores); here the Gaussian is cut and normalised at the picture's edge.
    Raises InvalidOption for a scale below 0, a sigma that is not positive, and for a model without attention, without
    these blocks, or whose image tokens are no regular grid.
    """

    scale: float = 0.0
    sigma: float | None = None
    blocks: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        check_number("seg", "scale", self.scale)
        if self.sigma is not None:
            check_number("seg", "sigma", self.sigma, low=1e-6)

    def wrap(self, denoiser: Denoiser[C], plain: Denoiser[C]) -> Denoiser[C]:
        if self.scale == 0:
            return denoiser
        blocks = chosen_blocks("seg", plain, self.blocks)
        sigma = float("inf") if self.sigma is None else self.sigma

        def weaken(x_t: Tensor) -> Probe:
            def smooth(site: AttentionSite, weights: Tensor) -> Tensor:
                tokens = site.image.stop - site.image.start
                return smoothed_attention(site, weights, token_grid(x_t, tokens), sigma) if tokens else weights

            return EditedAttention(blocks, smooth).probe(x_t)

        return Contrast(denoiser, plain, "seg", self.scale, weaken=weaken)


RECORD = GuidanceRecord(
    "seg",
    "modifier",
    SEG,
    evaluations=1,
    source="Hong 2024, arXiv 2408.00760",
    needs=("attention",),
)
