"""CFG-Zero*: the unconditional branch at its best scale, and no motion in the very first steps."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mezzotint.diffusion.guidance.base import GuidanceRecord, check_number, dot
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.schedule import Level

__all__ = ["RECORD", "CFGZero"]


@dataclass(frozen=True, slots=True)
class CFGZero:
    """u = s v_uncond + guidance (v_cond − s v_uncond),   s = ⟨v_cond, v_uncond⟩ / |v_uncond|²,   v = eps − x_0.

    Where sigma / (alpha + sigma), which is t on rectified flow, is above zero_above, u = 0: the network is least
    accurate there. A step from there does not move, whatever the solver, and a solver's memory begins after it.
    guidance 1 = off, the zeros too. Published for rectified flow; the velocity is defined, and the rule holds, on every
    schedule. Fan et al. 2025, arXiv 2503.18886, sections "Optimized Scale" and "Zero-Init" (they count the steps to
    zero, while 0.96 is the first 4 % of the time on rectified flow: of uniform steps few, of shifted ones many).
    Raises InvalidOption for a guidance below 0 and for a zero_above outside [0, 1]; 1 never zeroes.
    """

    guidance: float = 1.0
    zero_above: float = 0.96

    def __post_init__(self) -> None:
        check_number("cfg-zero", "guidance", self.guidance)
        check_number("cfg-zero", "zero_above", self.zero_above, 0, 1)

    @property
    def branches(self) -> tuple[str, ...]:
        return ("cond",) if self.guidance == 1 else ("cond", "uncond")

    def still(self, level: Level) -> Tensor:
        """Whether u = 0 at a level."""
        return level.sigma / (level.alpha + level.sigma) > self.zero_above

    def combine(self, branches: Mapping[str, Prediction]) -> Prediction:
        cond = branches["cond"]
        v_cond, v_uncond = cond.velocity, branches["uncond"].velocity
        best = dot(v_cond, v_uncond) / dot(v_uncond, v_uncond).clamp_min(1e-30)
        velocity = (best.to(v_cond) * v_uncond).lerp(v_cond, self.guidance)
        level = cond.level
        still = self.still(level)
        velocity = torch.where(Level(still, still).like(velocity).alpha.bool(), 0.0, velocity)
        steered = Prediction.from_output(velocity, "velocity", cond.x_t, level)
        return cond.replace(x0=steered.x0, branches=branches, still=bool(still.all()))


RECORD = GuidanceRecord("cfg-zero", "rule", CFGZero, evaluations=2, source="Fan et al. 2025, arXiv 2503.18886")
