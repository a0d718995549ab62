"""Classifier-free guidance."""

from collections.abc import Mapping
from dataclasses import dataclass

from mezzotint.diffusion.guidance.base import GuidanceRecord, check_number
from mezzotint.diffusion.prediction import Prediction

__all__ = ["CFG", "RECORD"]


@dataclass(frozen=True, slots=True)
class CFG:
    """x_0 = uncond + guidance (cond − uncond).

    1 = off: then only the branch "cond" is evaluated, and the result is bitwise that of the plain denoiser. 0 is
    unconditional. The same in eps, v or velocity, since all are affine in x_0 at fixed x_t.
    Ho & Salimans 2022, arXiv 2207.12598, eq. 6 (their w is guidance − 1).
    Raises InvalidOption unless guidance is a finite number of at least 0.
    """

    guidance: float = 1.0

    def __post_init__(self) -> None:
        check_number("cfg", "guidance", self.guidance)

    @property
    def branches(self) -> tuple[str, ...]:
        return ("cond",) if self.guidance == 1 else ("cond", "uncond")

    def combine(self, branches: Mapping[str, Prediction]) -> Prediction:
        cond, uncond = branches["cond"], branches["uncond"]
        return cond.replace(x0=uncond.x0.lerp(cond.x0, self.guidance), branches=branches)


RECORD = GuidanceRecord("cfg", "rule", CFG, evaluations=2, source="Ho & Salimans 2022, arXiv 2207.12598, eq. 6")
