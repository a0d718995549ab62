"""Skip-layer guidance: away from a model that lacks some of its blocks."""

from dataclasses import dataclass
from typing import TypeVar

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.guidance.base import GuidanceRecord, check_number
from mezzotint.diffusion.guidance.contrast import Contrast, chosen_blocks
from mezzotint.diffusion.probe import Probe

__all__ = ["RECORD", "SLG"]

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class SLG:
    """x_0 + scale (x_0(cond) − x_0(skipped)); skipped: without some blocks. 0 = off.

    blocks: which; None is the middle one. An `Interval` around it limits it to the noise levels where it helps (0.01 to
    0.2 of the steps for Stable Diffusion 3.5). Hyung et al. 2024, arXiv 2411.18664, the
    section on spatiotemporal skip guidance; for text to image it was first in Stability AI's code of Stable Diffusion
    3.5 (`SkipLayerCFGDenoiser`).
    Raises InvalidOption for a scale below 0, and for a model without attention blocks or without these.
    """

    scale: float = 0.0
    blocks: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        check_number("slg", "scale", self.scale)

    def wrap(self, denoiser: Denoiser[C], plain: Denoiser[C]) -> Denoiser[C]:
        if self.scale == 0:
            return denoiser
        probe = Probe(skip=chosen_blocks("slg", plain, self.blocks))
        return Contrast(denoiser, plain, "slg", self.scale, weaken=lambda x_t: probe)


RECORD = GuidanceRecord(
    "slg",
    "modifier",
    SLG,
    evaluations=1,
    source="Hyung et al. 2024, arXiv 2411.18664",
    needs=("attention",),
)
