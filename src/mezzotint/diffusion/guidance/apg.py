"""Adaptive projected guidance: less of what oversaturates."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from mezzotint.diffusion.guidance.base import GuidanceRecord, Rule, check_number, dot
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.sampling import Step

__all__ = ["APG", "RECORD"]


@dataclass(frozen=True, slots=True)
class APG:
    """x_0 = cond + (guidance − 1) (d⊥ + eta d∥).

    d = cond − uncond + momentum d' with d' the same sum at the step before; then d is shortened to the norm
    `threshold` if it is longer (0: never); d∥ is its part along cond and d⊥ the rest. All in x_0, per picture.
    guidance 1 = off. eta 1, threshold 0 and momentum 0 are CFG.
    Sadat, Hilliges & Weber 2024, arXiv 2410.02416, algorithm 1. A step with several predictions (Heun) adds to the
    memory once, what its first one said. Raises InvalidOption for a guidance, eta or threshold below 0 and for a
    momentum outside [−1, 1].
    """

    guidance: float = 1.0
    eta: float = 0.0
    threshold: float = 0.0
    momentum: float = -0.5

    def __post_init__(self) -> None:
        for option in ("guidance", "eta", "threshold"):
            check_number("apg", option, getattr(self, option))
        check_number("apg", "momentum", self.momentum, -1, 1)

    @property
    def branches(self) -> tuple[str, ...]:
        return ("cond",) if self.guidance == 1 else ("cond", "uncond")

    def combine(self, branches: Mapping[str, Prediction]) -> Prediction:
        assert self.momentum == 0, "a memory belongs to a request: build the denoiser with `guided`"
        return self.fresh().combine(branches)

    def fresh(self) -> Rule:
        return _Remembered(self)


@dataclass(slots=True)
class _Remembered:
    """APG in one request. `before` is d' of the last step; `now` is d of the first prediction in this one."""

    options: APG
    before: Tensor | None = None
    now: Tensor | None = None

    @property
    def branches(self) -> tuple[str, ...]:
        return self.options.branches

    def combine(self, branches: Mapping[str, Prediction]) -> Prediction:
        o, cond = self.options, branches["cond"]
        d = cond.x0 - branches["uncond"].x0
        if self.before is not None:
            d = d + o.momentum * self.before
        if self.now is None:
            self.now = d
        if o.threshold > 0:
            d = d * (o.threshold / dot(d, d).sqrt().clamp_min(o.threshold)).to(d)
        share = dot(d, cond.x0) / dot(cond.x0, cond.x0).clamp_min(1e-30)
        parallel = share.to(d) * cond.x0
        return cond.replace(x0=cond.x0 + (o.guidance - 1) * (d - (1 - o.eta) * parallel), branches=branches)

    def accepted(self, step: Step) -> None:
        if self.now is not None:  # None where an interval kept guidance out of this step
            self.before, self.now = self.now, None


RECORD = GuidanceRecord("apg", "rule", APG, evaluations=2, source="Sadat et al. 2024, arXiv 2410.02416, algorithm 1")
