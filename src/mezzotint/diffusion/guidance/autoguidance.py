"""Autoguidance: away from what a weaker model of the same kind says."""

from dataclasses import dataclass
from typing import Any, TypeVar

from mezzotint.diffusion.denoiser import Denoiser, Rescheduled
from mezzotint.diffusion.guidance.base import GuidanceRecord, check_number
from mezzotint.diffusion.guidance.contrast import Contrast
from mezzotint.errors import InvalidOption

__all__ = ["RECORD", "Autoguidance"]

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Autoguidance:
    """x_0 + (scale − 1) (x_0(cond) − x_0(weak)), which is weak + scale (cond − weak) if the rule is off. scale 1 = off.

    weak: a second denoiser that takes the same conditioning: a smaller network, or an earlier checkpoint; it may have
    its own schedule. With CFG around it the two add up.
    Karras et al. 2024, arXiv 2406.02507, section 4. Raises InvalidOption for a scale below 0, and for any but 1
    without a weaker denoiser.
    """

    scale: float = 1.0
    weak: Denoiser[Any] | None = None

    def __post_init__(self) -> None:
        check_number("autoguidance", "scale", self.scale)

    def wrap(self, denoiser: Denoiser[C], plain: Denoiser[C]) -> Denoiser[C]:
        if self.scale == 1:
            return denoiser
        if self.weak is None:
            raise InvalidOption("The guidance autoguidance needs a second, weaker denoiser, and this model has none.")
        weak = self.weak
        if weak.schedule != denoiser.schedule:
            weak = Rescheduled(weak, denoiser.schedule)
        return Contrast(denoiser, weak, "weak", self.scale - 1, own_network=False)


RECORD = GuidanceRecord(
    "autoguidance",
    "modifier",
    Autoguidance,
    evaluations=1,
    source="Karras et al. 2024, arXiv 2406.02507",
    needs=("a weaker denoiser",),
)
