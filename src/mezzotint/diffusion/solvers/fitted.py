"""DPM-Solver++ 2M with numbers that were fitted to a model, instead of those of a Taylor series."""

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.solvers.base import Order, Ramp, SolverRecord, memory
from mezzotint.diffusion.solvers.multistep import (
    History,
    Past,
    Point,
    check_end,
    combined,
    effective,
    point,
    point_at,
    remember,
)
from mezzotint.errors import InvalidOption

__all__ = ["MOST", "RECORDS", "Fitted2M", "Numbers", "fitted_step", "guided_aside", "natural_strength", "steered_end"]

MOST = 10.0


@dataclass(frozen=True, slots=True)
class Numbers:
    """Those of a step of `Fitted2M`, (g, p, q, w). strength: none without a prediction before."""

    strength: float | None = None
    kept: float = 1.0
    gain: float = 1.0
    steering: float = 0.0


State = tuple[int, int | None, History]
"""Steps made, which numbers the last one had, and what was said before."""


@dataclass(frozen=True, slots=True)
class Fitted2M:
    """x_s = p_k (sigma_s/sigma_t) x_t + q_k (1 − e^−h) alpha_s (x_0(t) + g_k (x_0(t) − x_0(t')) + w_k d(t)),

    t' the time before t, and d = x_0|prompt − x_0|nothing, where guidance asked for both (0 where it did not): w_k is
    what is added to the scale of guidance in a step.
    strengths: g_1, g_2, …: of the second step (k = 1), the third, and so on; the first step has no history. kept, gains
    and steering: p_0, p_1, …, q_0, q_1, … and w_0, w_1, …; the last step takes x_0 + w_k d, without the rest. Where
    none is given, g_k = h / (2 h'), p_k = q_k = 1 and w_k = 0, which is DPM-Solver++ 2M (Lu et al. 2022, arXiv
    2211.01095, algorithm 2), h' and h being the two steps in lambda.
    times: where the numbers belong, those of step k to the step from times[k] to times[k + 1], and g_k to one that came
    from times[k − 1]; all other steps are those of 2M. Without times, to the steps as they come.
    With N steps as few as six, h is no small number, and the best numbers are not those of a series in h; they and the
    times are found together from a model's own trajectories (`timegrid.fit_strengths`). That a solver's numbers be
    fitted to the model: Shaul et al. 2024, "Bespoke Non-Stationary Solvers", arXiv 2403.01329, section 3.
    With p_k = q_k = 1 and w_k = 0 the law of a step holds (see `solvers.base`), and with fitted ones it does not: see
    `lawful`.
    Raises InvalidOption for a number beyond ±10, and for times that do not fall.
    """

    strengths: tuple[float, ...] = ()
    kept: tuple[float, ...] = ()
    gains: tuple[float, ...] = ()
    steering: tuple[float, ...] = ()
    times: tuple[float, ...] = ()
    coordinate: ClassVar[str] = "half_log_snr"
    stochastic: ClassVar[bool] = False
    ramp: ClassVar[Ramp | None] = memory(1)

    def __post_init__(self) -> None:
        for name in ("strengths", "kept", "gains", "steering"):
            object.__setattr__(self, name, tuple(map(float, getattr(self, name))))
            for value in getattr(self, name):
                if not abs(value) <= MOST:
                    raise InvalidOption(f"A number in {name} of fitted-2m must be from -10 to 10, not {value!r}.")
        object.__setattr__(self, "times", tuple(map(float, self.times)))
        if not all(a > b for a, b in pairwise(self.times)):
            raise InvalidOption(f"The times of fitted-2m must fall, and are {', '.join(map(str, self.times))}.")

    @property
    def steps(self) -> int:
        """How many steps the numbers are for, the last one included; 0 without numbers."""
        counts = ((self.strengths, 2), (self.kept, 1), (self.gains, 1), (self.steering, 0))
        own = max(len(values) + more if values else 0 for values, more in counts)
        return len(self.times) - 1 if own and self.times else own

    @property
    def lawful(self) -> bool:
        """Whether a sample `alpha_t x_0 + sigma_t eps` stays one while the same x_0 is said, as what is held needs."""
        return not (self.kept or self.gains or self.steering)

    @property
    def order(self) -> Order | None:
        """That of 2M where no number is given; fitted ones belong to one grid, and have no order."""
        return None if self.strengths or not self.lawful else Order(2, 2)

    def place(self, t: float, s: float, count: int) -> int | None:
        """Which numbers the step from t to s has, after `count` others; None for those of 2M."""
        if not self.times:
            return count
        return next((k for k, ends in enumerate(pairwise(self.times)) if ends == (t, s)), None)

    def init(self, x: Tensor) -> State:
        return 0, None, ()

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: State, noise: Noise
    ) -> tuple[Tensor, State]:
        count, came, history = state
        prediction = denoise(x, t)
        high, low = point(prediction.level), point_at(denoise.schedule, s)
        past = remember(history, Past(high.half_log_snr, prediction.x0), 2)
        here = self.place(float(t), float(s), count)
        before, strength = None, None
        if len(past) == 2:
            before = past[1].value
            strength = natural_strength(low.half_log_snr - past[0].at, past[0].at - past[1].at)
            if here and came == here - 1:
                strength = _nth(self.strengths, here - 1, strength)
        given = ((self.kept, 1.0), (self.gains, 1.0), (self.steering, 0.0))
        own = [usual if here is None else _nth(values, here, usual) for values, usual in given]
        numbers, x_t = Numbers(strength, *own), effective(prediction)
        aside = guided_aside(prediction) if numbers.steering else None
        return fitted_step(x_t, high, low, prediction.x0, before, numbers, aside), (count + 1, here, past)

    def finish(self, prediction: Prediction, t: Tensor, state: State) -> Tensor:
        """What the last step, from t to 0, takes for x_0."""
        here = self.place(float(t), 0.0, state[0])
        return steered_end(prediction, 0.0 if here is None else _nth(self.steering, here, 0.0))


def steered_end(prediction: Prediction, steering: float) -> Tensor:
    """x_0 + w d, what the last step of `Fitted2M` takes for x_0."""
    aside = guided_aside(prediction) if steering else None
    return prediction.x0 if aside is None else combined([(1.0, prediction.x0), (steering, aside)])


def guided_aside(prediction: Prediction) -> Tensor | None:
    """d of `Fitted2M`: what the prompt changes in x_0; None where nothing was asked for without it."""
    cond, uncond = (prediction.branches.get(name) for name in ("cond", "uncond"))
    return None if cond is None or uncond is None or cond.x0.shape != prediction.x0.shape else cond.x0 - uncond.x0


def fitted_step(
    x: Tensor,
    high: Point,
    low: Point,
    now: Tensor,
    before: Tensor | None,
    numbers: Numbers,
    aside: Tensor | None = None,
) -> Tensor:
    """x_s of `Fitted2M`. high, low: the levels of t and s; now, before: what was said of x_0 at t, and before t; aside:
    d, what the prompt changes in it.

    Raises InvalidOption where `low` has alpha = 0.
    """
    check_end(low)
    ratio = low.sigma / high.sigma
    drawn = numbers.gain * (low.alpha - ratio * high.alpha)
    terms = [(numbers.kept * ratio, x)]
    if before is None or numbers.strength is None:
        terms += [(drawn, now)]
    else:
        terms += [(drawn * (1 + numbers.strength), now), (-drawn * numbers.strength, before)]
    if aside is not None and numbers.steering:
        terms += [(drawn * numbers.steering, aside)]
    return combined(terms)


def natural_strength(h: float, before: float) -> float:
    """h / (2 h'): that of DPM-Solver++ 2M for a step h in lambda after one of h'."""
    return h / (2 * before)


def _nth(values: tuple[float, ...], place: int, usual: float) -> float:
    return values[place] if place < len(values) else usual


RECORDS = (
    SolverRecord(
        "fitted-2m",
        Fitted2M,
        evaluations=1,
        source="Shaul et al. 2024, arXiv 2403.01329, section 3; Lu et al. 2022, arXiv 2211.01095, algorithm 2",
        same_as="dpmpp-2m",
    ),
)
