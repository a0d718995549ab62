"""CFG++: guidance that stays on the data manifold by putting the unconditional noise back."""

from collections.abc import Mapping
from dataclasses import dataclass

from mezzotint.diffusion.guidance.base import GuidanceRecord, check_number
from mezzotint.diffusion.prediction import Prediction

__all__ = ["RECORD", "CFGpp"]


@dataclass(frozen=True, slots=True)
class CFGpp:
    """x_0 = uncond + guidance (cond − uncond),   x_s = alpha_s x_0 + sigma_s eps_uncond.

    guidance is in [0, 1], so that x_0 lies between the branches; what other samplers reach with CFG of 5 to 9 lies at
    0.4 to 0.8 here. No number in it is the plain denoiser, so None (the default) is off.
    Chung et al. 2024, arXiv 2406.08070, algorithm 2. Raises InvalidOption for a guidance outside [0, 1].
    """

    guidance: float | None = None

    def __post_init__(self) -> None:
        if self.guidance is not None:
            check_number("cfg++", "guidance", self.guidance, 0, 1)

    @property
    def branches(self) -> tuple[str, ...]:
        return ("cond",) if self.guidance is None else ("cond", "uncond")

    def combine(self, branches: Mapping[str, Prediction]) -> Prediction:
        assert self.guidance is not None
        cond, uncond = branches["cond"], branches["uncond"]
        return cond.replace(x0=uncond.x0.lerp(cond.x0, self.guidance), eps_for_update=uncond.eps, branches=branches)


RECORD = GuidanceRecord(
    "cfg++", "rule", CFGpp, evaluations=2, source="Chung et al. 2024, arXiv 2406.08070, algorithm 2"
)
