"""Independent condition guidance: a prompt that says nothing about the picture instead of an empty one."""

from collections.abc import Mapping
from dataclasses import dataclass

from mezzotint.diffusion.guidance.base import GuidanceRecord, check_number
from mezzotint.diffusion.prediction import Prediction

__all__ = ["ICG", "RECORD"]


@dataclass(frozen=True, slots=True)
class ICG:
    """x_0 = independent + guidance (cond − independent). 1 = off.

    "independent" is a conditioning drawn without regard to the picture: another prompt at random, or noise in the
    place of the text's tokens. Averaged over such prompts the score is the unconditional one, so that a network can
    guide itself although its conditioning was never dropped in training.
    Sadat et al. 2024, arXiv 2407.02687, section "Independent Condition Guidance". Raises InvalidOption for a guidance
    below 0.
    """

    guidance: float = 1.0

    def __post_init__(self) -> None:
        check_number("icg", "guidance", self.guidance)

    @property
    def branches(self) -> tuple[str, ...]:
        return ("cond",) if self.guidance == 1 else ("cond", "independent")

    def combine(self, branches: Mapping[str, Prediction]) -> Prediction:
        cond, independent = branches["cond"], branches["independent"]
        return cond.replace(x0=independent.x0.lerp(cond.x0, self.guidance), branches=branches)


RECORD = GuidanceRecord(
    "icg",
    "rule",
    ICG,
    evaluations=2,
    source="Sadat et al. 2024, arXiv 2407.02687",
    needs=('the conditioning "independent"',),
)
