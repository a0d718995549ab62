"""The one loop that turns noise into a sample, as a generator.

Everything a caller may want to do between steps (previews, progress, cancelling) it does between two `next`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise, Purpose
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.schedule import Schedule
from mezzotint.diffusion.solvers.base import Solver
from mezzotint.diffusion.timegrid import Move, Renoise, TimeGrid, check_grid

__all__ = ["Listener", "Step", "StepNoise", "listeners", "pure_noise", "sample"]

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Step:
    """What one move did.

    index, total: this move and how many there are. x: the sample where the move ended. prediction: what the denoiser
    first said in this move, at its beginning (None for a Renoise). evaluations: network forwards per picture in it.
    """

    index: int
    total: int
    move: Move
    x: Tensor
    prediction: Prediction | None
    evaluations: int


class Listener(Protocol):
    """A wrapper that keeps memory during a request (momentum, caches) and is told of every step, once."""

    def accepted(self, step: Step) -> None:
        """The step was taken."""
        ...


def listeners(denoiser: object) -> tuple[Listener, ...]:
    """Those of a denoiser and the ones inside it (its field `denoiser`, and so on) that have `accepted`."""
    found: list[Listener] = []
    while denoiser is not None:
        if hasattr(denoiser, "accepted"):
            found.append(denoiser)
        denoiser = getattr(denoiser, "denoiser", None)
    return tuple(found)


# A solver may draw this often in a step. Frozen with NOISE_VERSION.
_DRAWS_PER_STEP = 256


@dataclass(frozen=True, slots=True)
class StepNoise:
    """The noise of one step: draw d of step i is draw 256 i + d of the request. Solvers need not count steps."""

    noise: Noise
    index: int

    def normal(self, shape: Sequence[int], purpose: Purpose, draw: int) -> Tensor:
        assert 0 <= draw < _DRAWS_PER_STEP
        return self.noise.normal(shape, purpose, _DRAWS_PER_STEP * self.index + draw)

    def brownian(self, shape: Sequence[int], t: float, s: float) -> Tensor:
        return self.noise.brownian(shape, t, s)


@dataclass(slots=True)
class _Recorder:
    """A denoiser that remembers the first prediction of a step and counts the evaluations."""

    denoise: BoundDenoiser
    first: Prediction | None = None
    evaluations: int = field(default=0)

    @property
    def schedule(self) -> Schedule:
        return self.denoise.schedule

    def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
        prediction = self.denoise(x_t, t, to=to)
        self.first = self.first or prediction
        self.evaluations += prediction.evaluations
        return prediction


def pure_noise(schedule: Schedule, shape: Sequence[int], noise: Noise, t: float = 1.0) -> Tensor:
    """The start of a sample from nothing: sigma_t eps, of shape (B, ...), float32. At t = 1 that is what x_t is."""
    eps = noise.normal(shape, Purpose.START, 0)
    return schedule(t).like(eps).sigma * eps


def sample(
    denoise: BoundDenoiser,
    start: Tensor,
    grid: TimeGrid,
    solver: Solver[S],
    noise: Noise,
    *,
    told: Sequence[Listener] = (),
) -> Iterator[Step]:
    """Takes `start`, a sample at the grid's first time, along the grid, and yields every step.

    A move to s = 0 is written from x_0 by the loop itself: x_0 is then the whole of the law
    x_s = alpha_s x_0 + sigma_s eps, and no solver evaluates t = 0. (A solver that tells the network its target time, as
    its field `tell` says, has it told here too.) A Renoise draws fresh noise and starts the solver anew. `told` hear of
    each step before it is yielded. Raises InvalidOption for a grid that is not legal.
    """
    check_grid(grid)
    return _moves(denoise, start, grid, solver, noise, told)


def _moves(
    denoise: BoundDenoiser, x: Tensor, grid: TimeGrid, solver: Solver[S], noise: Noise, told: Sequence[Listener]
) -> Iterator[Step]:
    state = solver.init(x)
    for index, move in enumerate(grid):
        record, draws = _Recorder(denoise), StepNoise(noise, index)
        if isinstance(move, Renoise):
            x = _renoised(x, move, denoise.schedule, draws)
            state = solver.init(x)
        elif move.s == 0:
            x = record(x, _time(move.t), to=_time(0.0) if getattr(solver, "tell", False) else None).x0
        else:
            x, state = solver.step(record, x, _time(move.t), _time(move.s), state, draws)
        step = Step(index, len(grid), move, x, record.first, record.evaluations)
        for listener in told:
            listener.accepted(step)
        yield step


def _time(t: float) -> Tensor:
    return torch.tensor(t, dtype=torch.float64)


def _renoised(x: Tensor, move: Renoise, schedule: Schedule, noise: Noise) -> Tensor:
    """x_t = (alpha_t/alpha_s) x_s + sqrt(sigma_t² − (alpha_t/alpha_s)² sigma_s²) eps."""
    low, high = schedule(move.s), schedule(move.t)
    ratio = high.alpha / low.alpha
    spread = (high.sigma**2 - (ratio * low.sigma) ** 2).clamp_min(0).sqrt()
    eps = noise.normal(x.shape, Purpose.RENOISE, 0).to(x)
    return ratio.to(x.dtype) * x + spread.to(x.dtype) * eps
