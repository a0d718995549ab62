"""Perturbed-attention guidance: away from a model whose image tokens do not see each other."""

from dataclasses import dataclass
from typing import TypeVar

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.guidance.attention import identity_attention
from mezzotint.diffusion.guidance.base import GuidanceRecord, check_number
from mezzotint.diffusion.guidance.contrast import Contrast, EditedAttention, chosen_blocks

__all__ = ["PAG", "RECORD"]

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class PAG:
    """x_0 + scale (x_0(cond) − x_0(perturbed)); perturbed: self-attention is the identity in some blocks. 0 = off.

    blocks: which; None is the middle one. Keys that are not image tokens (text, time) keep their weight.
    Ahn et al. 2024, arXiv 2403.17377, section 4 (eq. 10). Raises InvalidOption for a scale below 0, and for a model
    without attention or without these blocks.
    """

    scale: float = 0.0
    blocks: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        check_number("pag", "scale", self.scale)

    def wrap(self, denoiser: Denoiser[C], plain: Denoiser[C]) -> Denoiser[C]:
        if self.scale == 0:
            return denoiser
        edit = EditedAttention(chosen_blocks("pag", plain, self.blocks), identity_attention)
        return Contrast(denoiser, plain, "pag", self.scale, weaken=edit.probe)


RECORD = GuidanceRecord(
    "pag",
    "modifier",
    PAG,
    evaluations=1,
    source="Ahn et al. 2024, arXiv 2403.17377, section 4",
    needs=("attention",),
)
