"""Grids that are spaced in t itself, whatever the schedule, and shifted ones."""

import math

import numpy as np

from mezzotint.diffusion.schedule import Schedule
from mezzotint.diffusion.timegrid.moves import TimeGrid, check_steps, from_times
from mezzotint.errors import InvalidOption

__all__ = [
    "beta",
    "beta_quantile",
    "leading",
    "linear_quadratic",
    "quadratic",
    "sgm_uniform",
    "shifted",
    "shifted_dynamic",
    "trailing",
    "uniform",
]


def uniform(steps: int, schedule: Schedule, *, start: float = 1.0) -> TimeGrid:
    """t_i = start (1 − i / steps), i = 0 ... steps."""
    check_steps(steps, start)
    return from_times([start * (steps - i) / steps for i in range(steps + 1)])


def _check_chain(name: str, steps: int, start: float, chain: int) -> None:
    check_steps(steps, start)
    if steps > chain * start:
        raise InvalidOption(f"A {name} grid from t = {start} has at most {int(chain * start)} steps, not {steps}.")


def trailing(steps: int, schedule: Schedule, *, start: float = 1.0, chain: int = 1000) -> TimeGrid:
    """The uniform grid, rounded to the steps of a discrete chain: t_i = round(chain start (1 − i / steps)) / chain.

    It begins at the last step of the chain, pure noise. Lin et al. 2023, arXiv 2305.08891, section 3.3 and table 2
    (their step n, counted from 1, is our t = n / chain).
    Raises InvalidOption if there are more steps than the chain has.
    """
    _check_chain("trailing", steps, start, chain)
    return from_times([round(chain * start * (steps - i) / steps) / chain for i in range(steps + 1)])


def leading(
    steps: int, schedule: Schedule, *, start: float = 1.0, chain: int = 1000, offset: int | None = None
) -> TimeGrid:
    """Every k-th step of a discrete chain from its clean end, k = floor(chain start / steps).

    t_i = ((steps − 1 − i) k + offset + 1) / chain, then 0. The spacing of DDIM (offset 0) and of Stable Diffusion (1).
    None is 1, or 0 where k = 1 leaves no room. Lin et al. 2023, arXiv 2305.08891, table 2, show its flaw, that it
    does not begin at pure noise. So the first time here is `start`; the others are as published.
    Raises InvalidOption if k would be 0 or the offset is not below k.
    """
    _check_chain("leading", steps, start, chain)
    every = math.floor(chain * start / steps)
    offset = min(1, every - 1) if offset is None else offset
    if not 0 <= offset < every:
        raise InvalidOption(
            f"The offset of a leading grid of {steps} steps must be a whole number below {every}, not {offset}."
        )
    return from_times([start, *((i * every + offset + 1) / chain for i in range(steps - 2, -1, -1)), 0.0])


def sgm_uniform(steps: int, schedule: Schedule, *, start: float = 1.0, chain: int = 1000) -> TimeGrid:
    """Equal steps between the two ends of a chain, its clean one left out: t_i = start − (start − 1/chain) i / steps.

    As in Stability AI's generative-models (its `sgm_uniform` in ComfyUI), where steps need not be whole.
    Raises InvalidOption if there are more steps than the chain has.
    """
    _check_chain("sgm-uniform", steps, start, chain)
    return from_times([*(start - (start - 1 / chain) * i / steps for i in range(steps)), 0.0])


def quadratic(steps: int, schedule: Schedule, *, start: float = 1.0) -> TimeGrid:
    """t_i = start (1 − i / steps)². Song et al. 2020, arXiv 2010.02502, appendix D.2 ("quadratic", in whole steps)."""
    check_steps(steps, start)
    return from_times([start * ((steps - i) / steps) ** 2 for i in range(steps + 1)])


def beta(steps: int, schedule: Schedule, *, start: float = 1.0, a: float = 0.6, b: float = 0.6) -> TimeGrid:
    """t_i = start Q(1 − i / steps), Q the quantile function of the Beta(a, b) distribution.

    With a, b < 1 steps gather at both ends. Lee et al. 2024, arXiv 2407.12173 (a = b = 0.6).
    Raises InvalidOption unless a and b are positive.
    """
    check_steps(steps, start)
    if not (a > 0 and b > 0 and math.isfinite(a + b)):
        raise InvalidOption(f"The options a and b of a beta grid must be positive numbers, not {a!r} and {b!r}.")
    shares = beta_quantile(np.array([(steps - i) / steps for i in range(1, steps)]), a, b)
    return from_times([start, *(start * share for share in shares.tolist()), 0.0])


Floats = np.ndarray[tuple[int], np.dtype[np.float64]]

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(64)


def _beta_below(x: Floats, a: float, b: float) -> Floats:
    """∫_0^x u^(a−1) (1 − u)^(b−1) du for x <= 1/2; v = u^power takes the singularity at 0 away."""
    power = a if a <= 1 else 0.5
    u = (x[:, None] ** power * (1 + _POINTS) / 2) ** (1 / power)
    integral: Floats = x**power / (2 * power) * (u ** (a - power) * (1 - u) ** (b - 1) * _WEIGHTS).sum(1)
    return integral


def beta_quantile(p: Floats, a: float, b: float) -> Floats:
    """The x with P(X <= x) = p for X ~ Beta(a, b), by bisection; p (N,) in (0, 1)."""
    half = np.array([0.5])
    left, right = _beta_below(half, a, b)[0], _beta_below(half, b, a)[0]
    low, high = np.zeros_like(p), np.ones_like(p)
    for _ in range(60):
        x = (low + high) / 2
        below = _beta_below(np.minimum(x, 0.5), a, b)
        above = left + right - _beta_below(np.minimum(1 - x, 0.5), b, a)
        less = np.where(x <= 0.5, below, above) < p * (left + right)
        low, high = np.where(less, x, low), np.where(less, high, x)
    middle: Floats = (low + high) / 2
    return middle


def _shift(u: float, shift: float) -> float:
    return shift * u / (1 + (shift - 1) * u)


def shifted(steps: int, schedule: Schedule, *, start: float = 1.0, shift: float = 3.0) -> TimeGrid:
    """t = shift u / (1 + (shift − 1) u), u uniform; shift > 1 spends more steps on noisy times.

    Esser et al. 2024 (SD3), arXiv 2403.03206, eq. 23. On rectified flow this lowers every log-SNR by 2 log(shift).
    Raises InvalidOption for a shift that is not positive.
    """
    check_steps(steps, start)
    if not 0 < shift < math.inf:
        raise InvalidOption(f"The shift of a time grid must be a positive number, not {shift!r}.")
    top = start / (shift * (1 - start) + start)  # the u whose shifted time is `start`
    uniforms = [top * (steps - i) / steps for i in range(1, steps + 1)]
    return from_times([start, *(_shift(u, shift) for u in uniforms)])


def shifted_dynamic(steps: int, schedule: Schedule, *, start: float = 1.0, tokens: int = 4096) -> TimeGrid:
    """`shifted` with shift = e^mu, mu linear in the number of image tokens: 0.5 at 256, 1.15 at 4096.

    The rule of FLUX.1's released sampler (Black Forest Labs 2024), after the resolution-dependent shift of Esser et al.
    2024, arXiv 2403.03206, section 5.3.2. Raises InvalidOption unless tokens is a whole number from 1 to four million.
    """
    if (
        isinstance(tokens, bool) or not isinstance(tokens, int) or not 1 <= tokens <= 4_000_000
    ):  # beyond, e^mu overflows
        raise InvalidOption(f"The number of tokens must be a whole number from 1 to 4000000, not {tokens!r}.")
    mu = 0.5 + (1.15 - 0.5) * (tokens - 256) / (4096 - 256)
    return shifted(steps, schedule, start=start, shift=math.exp(mu))


def linear_quadratic(steps: int, schedule: Schedule, *, start: float = 1.0, threshold: float = 0.025) -> TimeGrid:
    """The first half of the steps go linearly from 1 to 1 − threshold, the rest as a parabola to 0; all times start.

    Polyak et al. 2024 (Movie Gen), arXiv 2410.13720, "linear-quadratic t-schedule": the first steps are those of a much
    finer grid. That the parabola takes over with the slope of the line, and the threshold, are as in the released code
    of Mochi 1 (Genmo 2024). Raises InvalidOption unless 0 < threshold < 1/2.
    """
    check_steps(steps, start)
    if not 0 < threshold < 0.5:
        raise InvalidOption(f"The threshold of a linear-quadratic grid must be in (0, 0.5), not {threshold!r}.")
    half = steps // 2
    rest = steps - half
    slope = threshold / half if half else 0.0
    bend = (1 - (threshold if half else 0.0) - slope * rest) / rest**2
    gone = [slope * i for i in range(half)]
    gone += [slope * i + bend * (i - half) ** 2 for i in range(half, steps)]
    return from_times([*(start * (1 - share) for share in gone), 0.0])
