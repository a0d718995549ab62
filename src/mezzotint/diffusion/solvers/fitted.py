"""DPM-Solver++ 2M with strengths that were fitted to a model, instead of those of a Taylor series."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.solvers.base import Order, Ramp, SolverRecord, memory
from mezzotint.diffusion.solvers.multistep import (
    History,
    Past,
    effective,
    exponential_moments,
    point,
    remember,
    x0_step,
)
from mezzotint.errors import InvalidOption

__all__ = ["RECORDS", "Fitted2M", "natural_strength"]

MOST = 10.0


@dataclass(frozen=True, slots=True)
class Fitted2M:
    """x_s as if x_0 were x_0(t) + g_k (x_0(t) − x_0(t')), where t' came before t; g_k is the strength of step k.

    strengths: g_1, g_2, …: of the second step (k = 1), the third, and so on; the first step has no history and is
    DDIM's. Where none is given, g_k = h / (2 h'), that of DPM-Solver++ 2M (Lu et al. 2022, arXiv 2211.01095, algorithm
    2), h' and h being the two steps in lambda.
    With N steps as few as six, h is no small number, and the best strengths are not those of a series in h; they and
    the times are found together from a model's own trajectories (`timegrid.fit_strengths`). That a solver's numbers be
    fitted to the model: Shaul et al. 2024, "Bespoke Non-Stationary Solvers", arXiv 2403.01329, section 3.
    Raises InvalidOption for a strength beyond ±10.
    """

    strengths: tuple[float, ...] = ()
    coordinate: ClassVar[str] = "half_log_snr"
    stochastic: ClassVar[bool] = False
    ramp: ClassVar[Ramp | None] = memory(1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "strengths", tuple(map(float, self.strengths)))
        for strength in self.strengths:
            if not abs(strength) <= MOST:
                raise InvalidOption(f"A strength of fitted-2m must be from -{MOST:g} to {MOST:g}, not {strength!r}.")

    @property
    def order(self) -> Order | None:
        """That of 2M where no strength is given; fitted ones belong to one grid, and have no order."""
        return None if self.strengths else Order(2, 2)

    def init(self, x: Tensor) -> tuple[int, History]:
        return 0, ()

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: tuple[int, History], noise: Noise
    ) -> tuple[Tensor, tuple[int, History]]:
        count, history = state
        prediction = denoise(x, t)
        high, low = point(prediction.level), point(denoise.schedule(s))
        past = remember(history, Past(high.half_log_snr, prediction.x0), 2)
        moments = None
        if len(past) == 2:
            h, before = low.half_log_snr - past[0].at, past[0].at - past[1].at
            strength = self.strengths[count - 1] if count <= len(self.strengths) else natural_strength(h, before)
            whole = exponential_moments(h, 1)[0]
            moments = [whole, strength * whole * before / h]
        return x0_step(effective(prediction), high, low, past, moments=moments), (count + 1, past)


def natural_strength(h: float, before: float) -> float:
    """h / (2 h'): that of DPM-Solver++ 2M for a step h in lambda after one of h'."""
    return h / (2 * before)


RECORDS = (
    SolverRecord(
        "fitted-2m",
        Fitted2M,
        evaluations=1,
        source="Shaul et al. 2024, arXiv 2403.01329, section 3; Lu et al. 2022, arXiv 2211.01095, algorithm 2",
        same_as="dpmpp-2m",
    ),
)
