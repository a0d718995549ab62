"""The one loop that turns noise into a sample, as a generator.

Everything a caller may want to do between steps (previews, progress, cancelling) it does between two `next`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise, Purpose
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.schedule import Schedule
from mezzotint.diffusion.solvers.base import Solver
from mezzotint.diffusion.timegrid import Move, Renoise, TimeGrid, check_grid

__all__ = ["Listener", "Step", "StepNoise", "charged", "listeners", "pure_noise", "sample"]

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


# A solver may draw this often in a step. Frozen with NOISE_VERSION, as is the next.
_DRAWS_PER_STEP = 256
# The Brownian path of a request has the draws below this one (its nodes); paths of single steps have those above.
_OWN_PATHS = 1 << 24


@dataclass(frozen=True, slots=True)
class StepNoise:
    """The noise of one step: draw d of step i is draw 256 i + d of the request. Solvers need not count steps.

    own_path: the Brownian motion is the step's own instead of the request's. A grid that goes back up comes to the same
    levels again, and the noise that entered there the first time must not enter twice.
    """

    noise: Noise
    index: int
    own_path: bool = False
    _known: dict[float, Tensor] = field(default_factory=dict, init=False, repr=False, compare=False)

    def normal(self, shape: Sequence[int], purpose: Purpose, draw: int) -> Tensor:
        assert 0 <= draw < _DRAWS_PER_STEP
        return self.noise.normal(shape, purpose, _DRAWS_PER_STEP * self.index + draw)

    def brownian(self, shape: Sequence[int], t: float, s: float) -> Tensor:
        if not self.own_path:
            return self.noise.brownian(shape, t, s)
        start = self._own(shape, t)
        return self._own(shape, s) - start

    def _own(self, shape: Sequence[int], at: float) -> Tensor:
        """W(at), drawn given what of this step's path is known already: W = 0 at the first point asked for."""
        known = self._known
        if at in known:
            return known[at]
        if not known:
            known[at] = torch.zeros(tuple(shape), dtype=torch.float64)
            return known[at]
        below, above = [u for u in known if u < at], [u for u in known if u > at]
        draw = _OWN_PATHS + _DRAWS_PER_STEP * self.index + len(known)
        z = self.noise.normal(shape, Purpose.BROWNIAN, draw).double()
        if below and above:
            a, b = max(below), min(above)
            mean = torch.lerp(known[a], known[b], (at - a) / (b - a))
            spread = math.sqrt((at - a) * (b - at) / (b - a))
        else:
            near = max(below) if below else min(above)
            mean, spread = known[near], math.sqrt(abs(at - near))
        known[at] = mean.add(z, alpha=spread)
        return known[at]


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


def charged(steps: Iterator[Step], evaluations: int) -> Iterator[Step]:
    """The steps, the first of which also counts what was evaluated before it."""
    first = next(steps, None)
    if first is not None:
        yield replace(first, evaluations=first.evaluations + evaluations) if evaluations else first
        del first
    yield from steps


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
    its field `tell` says, has it told here too. One with a method `finish(prediction, t, state)` is asked what it takes
    for x_0.) A step from where the guided field is `still` keeps this law as well,
    for deterministic solvers, which begin anew after it. A Renoise draws fresh noise and starts the solver anew; the
    steps after the first Renoise leave the request's Brownian path (`StepNoise.own_path`). `told` hear of each step
    before it is yielded. Raises InvalidOption for a grid that is not legal.
    """
    check_grid(grid)
    return _moves(denoise, start, grid, solver, noise, told)


def _moves(
    denoise: BoundDenoiser, x: Tensor, grid: TimeGrid, solver: Solver[S], noise: Noise, told: Sequence[Listener]
) -> Iterator[Step]:
    state, jumped = solver.init(x), False
    for index, move in enumerate(grid):
        record, draws = _Recorder(denoise), StepNoise(noise, index, own_path=jumped)
        if isinstance(move, Renoise):
            x = _renoised(x, move, denoise.schedule, draws)
            state, jumped = solver.init(x), True
        elif move.s == 0:
            said = record(x, _time(move.t), to=_time(0.0) if getattr(solver, "tell", False) else None)
            finish = getattr(solver, "finish", None)
            x = said.x0 if finish is None else finish(said, _time(move.t), state)
        else:
            x, state = solver.step(record, x, _time(move.t), _time(move.s), state, draws)
            if record.first is not None and record.first.still and not solver.stochastic:
                x = denoise.schedule(_time(move.s)).noised(record.first.x0, record.first.update_eps)
                state = solver.init(x)  # a field that is 0 by a rule is no memory of the one after it
        step = Step(index, len(grid), move, x, record.first, record.evaluations)
        for listener in told:
            listener.accepted(step)
        yield step
        del step  # what was believed is several times as large as x, and not needed during the next step


def _time(t: float) -> Tensor:
    return torch.tensor(t, dtype=torch.float64)


def _renoised(x: Tensor, move: Renoise, schedule: Schedule, noise: Noise) -> Tensor:
    """x_t = (alpha_t/alpha_s) x_s + sqrt(sigma_t² − (alpha_t/alpha_s)² sigma_s²) eps."""
    low, high = schedule(move.s), schedule(move.t)
    ratio = high.alpha / low.alpha
    spread = (high.sigma**2 - (ratio * low.sigma) ** 2).clamp_min(0).sqrt()
    eps = noise.normal(x.shape, Purpose.RENOISE, 0).to(x)
    return ratio.to(x.dtype) * x + spread.to(x.dtype) * eps
