"""diffusers' schedulers that go up (inversion, RePaint) and those of networks that jump (consistency, flow maps).

What differs is said in each test, with the closed form as the judge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    DDIM,
    EDM,
    Bound,
    Denoise,
    DPMpp2M,
    Gaussian,
    PhiloxNoise,
    Prediction,
    RectifiedFlow,
    Renoise,
    Solver,
    VPCosine,
    from_times,
    sample,
)
from mezzotint.diffusion.noise import Purpose
from mezzotint.diffusion.sampling import StepNoise
from mezzotint.diffusion.solvers.consistency import TCD
from mezzotint.diffusion.solvers.fixed_point import FixedPointDDIM
from mezzotint.diffusion.timegrid import inversion, repaint, shifted, times_of, trailing, uniform

from .chain import BETAS, START, TABLE, close, exact_sigmas, mixture, ours, patched_noise, precise, target

FIRST = float(TABLE(0.001).sigma / TABLE(0.001).alpha)
"""sigma/alpha of the first noise level."""

diffusers = pytest.importorskip("diffusers")

NOISE = PhiloxNoise(range(8))


def double(t: float) -> Tensor:
    return torch.tensor(t, dtype=torch.float64)


def drawn(step: int) -> Tensor:
    return NOISE.normal((8, 3), Purpose.STEP, 256 * step).double()


@dataclass(frozen=True)
class Says:
    """A denoiser that says this x_0, whatever it is asked."""

    schedule: Any
    x0: Tensor

    def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
        return Prediction(x_t, self.schedule(t), self.x0)


@dataclass(frozen=True)
class Draws:
    """Noise that is this, whatever is asked for."""

    z: Tensor

    def normal(self, shape: Sequence[int], purpose: Purpose, draw: int) -> Tensor:
        return self.z

    def brownian(self, shape: Sequence[int], t: float, s: float) -> Tensor:
        return self.z


# ---- inversion


def inverse_ddim(steps: int, **options: Any) -> tuple[Any, list[float]]:
    scheduler = precise(
        diffusers.DDIMInverseScheduler(
            **BETAS, clip_sample=False, set_alpha_to_one=False, timestep_spacing="trailing", **options
        )
    )
    scheduler.initial_alpha_cumprod = scheduler.alphas_cumprod[0]
    scheduler.set_timesteps(steps)
    times = times_of(inversion(steps, TABLE, clean=FIRST, base=trailing(steps, TABLE)))
    assert [(int(i) + 1) / 1000 for i in scheduler.timesteps] == times[1:]
    assert times[0] == pytest.approx(0.001, rel=1e-9)
    times[0] = 0.001
    return scheduler, times


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("steps", [5, 20])
def test_ddim_inverse(steps: int, prediction_type: str) -> None:
    """From the chain's first level up, the model asked where each step begins."""
    scheduler, times = inverse_ddim(steps, prediction_type=prediction_type)
    x = START
    for i, t, mine in zip(scheduler.timesteps, times[:-1], ours(TABLE, DDIM(), times, START), strict=True):
        x = scheduler.step(target(prediction_type, x, double(t)), i, x).prev_sample
        close(mine, x)


@pytest.mark.parametrize("steps", [20, 40])
def test_ddim_inverse_asks_at_the_ends_of_its_steps_and_comes_back_nearer(steps: int) -> None:
    """Its `timesteps`, at which a loop asks the model, are where steps end, while the sample is where they begin.

    That is one iteration towards the step that DDIM would undo, so that DDIM comes back nearer to the picture than from
    plain DDIM upwards; both miss it by the order of a step. The inverse itself is our fixed-point-ddim. On a Gaussian
    it is known, too, where the trajectory leads: theirs is nearer to that as well.
    """
    scheduler, times = inverse_ddim(steps)
    exact, x = Gaussian(TABLE, 0.3, 0.25), START

    def along(x: Tensor, times: list[float], solver: Solver[Any]) -> Tensor:
        *_, last = sample(Bound(exact, {}), x, from_times(times), solver, NOISE)
        return last.x

    def missed(x: Tensor) -> float:
        return float((along(x, times[::-1], DDIM()) - START).abs().max())

    for i in scheduler.timesteps:
        x = scheduler.step(exact(x, (i.double() + 1) / 1000).eps, i, x).prev_sample
    plain, inverse = along(START, times, DDIM()), along(START, times, FixedPointDDIM(1e-10))
    assert missed(x) < 0.6 * missed(plain)
    assert missed(inverse) < 1e-8
    end = exact.flow(START, double(times[0]), double(times[-1]))
    assert float((x - end).abs().max()) < 0.5 * float((plain - end).abs().max())
    assert missed(plain) == pytest.approx(10 / steps, rel=0.1)  # of first order


@pytest.mark.parametrize("steps", [8, 20])
def test_dpm_solver_inverse(steps: int) -> None:
    """It starts at the first time of its spacing, for which it takes the picture, and its last step goes nowhere."""
    scheduler = precise(
        diffusers.DPMSolverMultistepInverseScheduler(**BETAS, timestep_spacing="trailing", lower_order_final=False)
    )
    scheduler.set_timesteps(steps)
    times = [(int(i) + 1) / 1000 for i in scheduler.timesteps]
    assert times == times_of(inversion(steps, TABLE, clean=FIRST, base=trailing(steps, TABLE)))[1:]
    exact_sigmas(scheduler, [*times, 1.0])
    x, mine = START, list(ours(TABLE, DPMpp2M(), times, START))
    for n, (i, t) in enumerate(zip(scheduler.timesteps, times, strict=True)):
        before, x = x, scheduler.step(target("epsilon", x, double(t)), i, x).prev_sample
        close(mine[n] if n < steps - 1 else before, x)


# ---- RePaint


def repainter(steps: int, length: int, times: int, eta: float = 0.0) -> Any:
    scheduler = precise(diffusers.RePaintScheduler(**BETAS, eta=eta, clip_sample=False))
    scheduler.betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    scheduler.set_timesteps(steps, length, times)
    return scheduler


@pytest.mark.parametrize("eta", [0.0, 0.7, 1.0])
def test_repaint_draws_what_is_not_known_with_ddim(eta: float) -> None:
    scheduler = repainter(10, 20, 1, eta)  # longer than the grid: no jumps
    times = [(int(i) + 1) / 1000 for i in scheduler.timesteps]
    x, nothing = START, torch.zeros(8, 3, dtype=torch.float64)
    for n, (i, mine) in enumerate(zip(scheduler.timesteps, ours(TABLE, DDIM(eta), times, START), strict=False)):
        with patched_noise("scheduling_repaint", drawn(n)):
            x = scheduler.step(target("epsilon", x, double(times[n])), int(i), x, nothing, nothing).prev_sample
        close(mine, x)


def test_what_repaint_knows_has_the_same_law_as_ours() -> None:
    """Theirs noises the known part anew at every step, ours (a projection in x_0) keeps a part of the noise in x_t.

    Both are N(alpha_s z, sigma_s²). Coefficients of (z, the noise in x_t, the new noise) are carried along.
    """
    scheduler = repainter(10, 20, 1, 0.7)
    t, s = 901 / 1000, 801 / 1000
    high, low = TABLE(t), TABLE(s)
    known, old, new = torch.eye(3, dtype=torch.float64)
    x = high.alpha * known + high.sigma * old
    with patched_noise("scheduling_repaint", new):
        theirs = scheduler.step(old, 900, x, known, torch.ones(3)).prev_sample

    mine, _ = DDIM(0.7).step(Says(TABLE, known), x, double(t), double(s), None, Draws(new))
    for found in (theirs, mine):
        assert float(found[0]) == pytest.approx(float(low.alpha), rel=1e-9)
        assert float(found[1:].square().sum()) == pytest.approx(float(low.sigma**2), rel=1e-9)
    assert float(theirs[1]) == 0
    assert float(mine[1]) > 0.1


def visited(scheduler: Any) -> list[int]:
    """Which of its steps, counted from clean, theirs is at after each of its moves."""
    stride = 1000 // scheduler.num_inference_steps
    steps = [int(i) // stride for i in scheduler.timesteps]
    found, last = [], steps[0] + 1
    for i in steps:  # down from i + 1 to i if i falls, as its pipeline does, else up from last to last + 1
        found.append(i if i < last else last + 1)
        last = i
    return found


def levels(steps: int, length: int, times: int) -> list[int]:
    """The same of ours, a Renoise of several steps taken for as many."""
    grid = repaint(steps, RectifiedFlow(), start=0.999, length=length, times=times)
    t = times_of(uniform(steps, RectifiedFlow(), start=0.999))
    found: list[int] = []
    for move in grid:
        begin, end = (move.t, move.s) if isinstance(move, Denoise) else (move.s, move.t)
        a, b = steps - t.index(begin), steps - t.index(end)
        found += [b] if isinstance(move, Denoise) else range(a + 1, b + 1)
    return found


@pytest.mark.parametrize(("steps", "length", "times"), [(12, 3, 2), (12, 3, 4), (20, 5, 3), (8, 1, 2)])
def test_repaint_jumps_as_often_one_block_later_and_ours_is_algorithm_1(steps: int, length: int, times: int) -> None:
    """Theirs repeats the block that ends at the clean picture and not the one that begins at the start.

    Algorithm 1 of the paper, with length 1, repeats every step but the last one, t > 1: as ours.
    """
    first, mine = visited(repainter(steps, length, times)), levels(steps, length, times)
    again = [*range(length - 1, -1, -1)] + [step for _ in range(times - 1) for step in _loop(0, length)]
    top = [*range(steps - 1, steps - length - 1, -1)]
    # the middle is the same, and so is how many moves there are
    assert len(first) == len(mine)
    assert first == [*top, *first[length : -len(again)], *again]
    middle = first[length : -len(again)]
    assert mine == [
        *top,
        *[s for _ in range(times - 1) for s in _loop(steps - length, length)],
        *middle,
        *again[:length],
    ]
    if length == 1:
        paper = [s for t in range(steps, 1, -1) for s in [t - 1, *[t, t - 1] * (times - 1)]] + [0]
        assert mine == paper


def _loop(low: int, length: int) -> list[int]:
    """Up from a level and down again."""
    return [*range(low + 1, low + length + 1), *range(low + length - 1, low - 1, -1)]


def test_repaint_goes_up_with_noise_of_too_high_levels_and_ours_arrives() -> None:
    """Where its steps are longer than the chain's: from step 100 to 200 it takes the betas of 200 to 299.

    Of x at step 100 must be left alpha_200 / alpha_100, the variance of the noise being what makes it 1.
    """
    scheduler, one = repainter(10, 2, 2), torch.tensor([1.0, 0.0], dtype=torch.float64)
    x = one.clone()
    for beta in scheduler.betas[200:300]:  # the coefficient of x alone: the noise is 0
        x = (1 - beta) ** 0.5 * x
    with patched_noise("scheduling_repaint", 0 * one):
        theirs = scheduler.undo_step(one, 200)
    close(theirs, x)
    t, s = 201 / 1000, 101 / 1000
    true = float(TABLE(t).alpha / TABLE(s).alpha)

    solver: Solver[Any] = DDIM()
    grid = (Renoise(s, t), Denoise(t, s))
    up, _ = sample(Bound(Gaussian(TABLE), {}), one[None], grid, solver, Draws(0 * one[None]))
    assert float(up.x[0, 0]) == pytest.approx(true, rel=1e-9)
    assert float(theirs[0]) < true - 0.02
    # with as many steps as the chain has they agree
    whole = repainter(1000, 2, 2)
    with patched_noise("scheduling_repaint", 0 * one):
        assert float(whole.undo_step(one, 200)[0]) == pytest.approx(float(TABLE(0.201).alpha / TABLE(0.2).alpha))


# ---- networks that jump


@pytest.mark.parametrize("steps", [2, 4, 8])
def test_consistency(steps: int) -> None:
    """With a least noise that is next to nothing; the levels are some of its 40, and the end is x_0."""
    scheduler = diffusers.CMStochasticIterativeScheduler(sigma_min=1e-4, clip_denoised=False)
    scheduler.set_timesteps(steps)
    schedule = EDM(sigma_min=1e-4)
    ramp = torch.arange(steps, dtype=torch.float64) * (40 // steps) / 39
    levels = (80.0 ** (1 / 7) + ramp * (1e-4 ** (1 / 7) - 80.0 ** (1 / 7))) ** 7
    torch.testing.assert_close(scheduler.sigmas[:-1].double(), levels, rtol=1e-5, atol=0)
    scheduler.sigmas = torch.cat([levels, torch.tensor([1e-4]).double()])
    times = [*schedule.time(-2 * levels.log()).tolist(), 0.0]
    x, exact = START * 80, mixture(schedule)
    mine = sample(Bound(exact, {}), x, from_times(times), TCD(1.0), NOISE)
    for n, (i, step) in enumerate(zip(scheduler.timesteps, mine, strict=True)):
        scheduler.scale_model_input(x, i)
        with patched_noise("scheduling_consistency_models", drawn(n)):
            x = scheduler.step(_before(scheduler, x, exact(x, double(times[n])).x0, levels[n]), i, x).prev_sample
        close(step.x, x)


def _before(scheduler: Any, x: Tensor, x0: Tensor, sigma: Tensor) -> Tensor:
    """What a network says whose answer, behind their boundary scaling, is x_0."""
    c_skip, c_out = scheduler.get_scalings_for_boundary_condition(sigma)
    return (x0 - c_skip * x) / c_out


def test_consistency_differs_by_what_the_network_means_and_each_is_right_for_its_own() -> None:
    """A network trained as in the paper says x at the least noise, to which theirs adds sqrt(sigma² − sigma_min²) z.

    Ours takes the answer for x_0 and adds sigma z. With the exact map of a Gaussian, coefficients of (g, z) show that
    x_s has the variance v + sigma² in theirs if the network says x_min, in ours if it says x_0.
    """
    v, least, high, low = 0.25, 0.3, 2.0, 0.5
    scheduler = diffusers.CMStochasticIterativeScheduler(sigma_min=least, clip_denoised=False)
    scheduler.set_timesteps(2)
    scheduler.sigmas = torch.tensor([high, low, least], dtype=torch.float64)
    g, z = torch.eye(2, dtype=torch.float64)
    x = (v + high**2) ** 0.5 * g
    found = {}
    for name, said in (("x_min", (v + least**2) ** 0.5 * g), ("x_0", v**0.5 * g)):
        scheduler._step_index = 0
        with patched_noise("scheduling_consistency_models", z):
            output = _before(scheduler, x, said, scheduler.sigmas[0])
            theirs = scheduler.step(output, scheduler.timesteps[0], x).prev_sample
        found["theirs", name] = float(theirs.square().sum())
        t, s = (EDM().time(-2 * torch.tensor(sigma).double().log()) for sigma in (high, low))
        mine, _ = TCD(1.0).step(Says(EDM(), said), x, t, s, None, Draws(z))
        found["ours", name] = float(mine.square().sum())
    true = v + low**2
    assert found["theirs", "x_min"] == pytest.approx(true, rel=1e-9)
    assert found["ours", "x_0"] == pytest.approx(true, rel=1e-9)
    assert found["theirs", "x_0"] == pytest.approx(true - least**2, rel=1e-9)
    assert found["ours", "x_min"] == pytest.approx(true + least**2, rel=1e-9)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_flow_match_lcm(shift: float) -> None:
    """On rectified flow, shifted grid; theirs computes in float32."""
    flow, scheduler = RectifiedFlow(), diffusers.FlowMatchLCMScheduler(shift=shift)
    times = times_of(shifted(6, flow, shift=shift))
    scheduler.set_timesteps(sigmas=times_of(uniform(6, flow))[:-1])
    assert scheduler.sigmas.tolist() == pytest.approx(times, abs=1e-6)
    x = START
    for n, (i, mine) in enumerate(zip(scheduler.timesteps, ours(flow, TCD(1.0), times, START), strict=True)):
        velocity = mixture(flow)(x, double(times[n])).velocity
        with patched_noise("scheduling_flow_match_lcm", drawn(n).float()):
            x = scheduler.step(velocity, i, x).prev_sample
        close(mine, x)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_trigflow_consistency(steps: int) -> None:
    """SCM's angle is pi t / 2 on VP cosine, its samples are sigma_data times ours, its answer is v. It has no x_0."""
    scheduler, schedule = diffusers.SCMScheduler(), VPCosine()
    middle = 1.3 if steps == 2 else None
    scheduler.set_timesteps(steps, max_timesteps=torch.pi / 2, intermediate_timesteps=middle)
    angles = torch.tensor([torch.pi / 2, 1.3, 0.0]) if steps == 2 else torch.linspace(torch.pi / 2, 0, steps + 1)
    torch.testing.assert_close(scheduler.timesteps, angles)
    scheduler.timesteps = angles.double() * (torch.pi / 2 / float(angles[0]))
    times = (scheduler.timesteps / (torch.pi / 2)).tolist()
    assert steps != 2 or times[1] == pytest.approx(0.83, abs=0.003)
    x, exact = START, mixture(schedule)
    for n, mine in enumerate(ours(schedule, TCD(1.0), times, START)):
        with patched_noise("scheduling_scm", drawn(n)):
            v = exact(x, double(times[n])).v
            x = scheduler.step(0.5 * v, scheduler.timesteps[n], 0.5 * x).prev_sample / 0.5
        close(mine, x)


def test_flow_map() -> None:
    """AnyFlow's: the network is told where the step ends, and its mean velocity leads there. With the exact map."""
    flow, exact = RectifiedFlow(), Gaussian(RectifiedFlow(), 0.3, 0.25)
    times = times_of(shifted(4, flow, shift=5.0))
    scheduler = diffusers.FlowMapEulerDiscreteScheduler(shift=5.0)
    scheduler.set_timesteps(4)
    assert scheduler.sigmas.tolist() == pytest.approx(times, abs=1e-9)

    class Map:
        """x_0 and eps of the line through x_t and where its trajectory is at the target."""

        schedule = flow

        def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
            assert to is not None
            return Prediction.from_output(mean_velocity(x_t, t, to), "velocity", x_t, flow(t))

    def mean_velocity(x: Tensor, t: Tensor, s: Tensor) -> Tensor:
        return (x - exact.flow(x, t, s)) / (t - s)

    x, solver = START, TCD(0.0, tell=True)
    for i, t, s in zip(scheduler.timesteps, times[:-1], times[1:], strict=True):
        before, x = x, scheduler.step(mean_velocity(x, double(t), double(s)), i, x).prev_sample
        if s:
            mine, _ = solver.step(Map(), before, double(t), double(s), None, StepNoise(NOISE, 0))
            close(mine, x)
        close(exact.flow(before, double(t), double(s)), x)
