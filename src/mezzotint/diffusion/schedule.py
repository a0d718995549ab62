"""Noise schedules: how much signal and how much noise a sample holds at time t.

All of them describe the Gaussian corruption

    q(x_t | x_0) = N(alpha_t x_0, sigma_t² I),      x_t = alpha_t x_0 + sigma_t eps,

with t in [0, 1], 0 = data and 1 = noise. A schedule is a function t -> Level(alpha, sigma) and its inverse in
the log signal-to-noise ratio. Two schedules differ only in how they label noise levels with t and in the scale
of x_t; a network trained on one can be used on another (`denoiser.Rescheduled`).

Times and coefficients are float64. They meet a sample only in `Level.like`. A time of shape () is a number: it
is computed with outside torch where that is faster (a table is then read ten times as fast), so no derivative of
forward mode passes through it; give it shape (1,) for one.
"""

import math
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from mezzotint.errors import InvalidOption

__all__ = [
    "EDM",
    "HyperbolicSecant",
    "Laplace",
    "Level",
    "RectifiedFlow",
    "Schedule",
    "VPCosine",
    "VPLinear",
    "VPScaledLinear",
    "VPTable",
    "ZeroTerminal",
]


@dataclass(frozen=True, slots=True)
class Level:
    """The signal and noise scales of x_t = alpha x_0 + sigma eps; both float64, of the shape of t."""

    alpha: Tensor
    sigma: Tensor

    def like(self, x: Tensor) -> "Level":
        """The same level, shaped to multiply x. The only broadcasting helper.

        x has shape (B, ...), usually (B, C, T, H, W). A level of shape () serves all of x, (B,) one picture each,
        (B, T) one frame each. The dtype becomes that of x. A level of shape () stays on its device: PyTorch reads
        a CPU scalar as an argument of the kernel, without a copy or a wait.
        """
        if self.alpha.ndim == 0:
            return Level(self.alpha.to(x.dtype), self.sigma.to(x.dtype))
        shape = _like_shape(self.alpha, x)
        return Level(
            self.alpha.to(device=x.device, dtype=x.dtype).reshape(shape),
            self.sigma.to(device=x.device, dtype=x.dtype).reshape(shape),
        )

    def noised(self, x0: Tensor, eps: Tensor) -> Tensor:
        """x_t = alpha x_0 + sigma eps, of the shape of x0."""
        level = self.like(x0)
        return level.alpha * x0 + level.sigma * eps

    @property
    def log_snr(self) -> Tensor:
        """log(alpha² / sigma²); +inf at sigma = 0, −inf at alpha = 0."""
        return 2 * (self.alpha.log() - self.sigma.log())


def _like_shape(value: Tensor, x: Tensor) -> tuple[int, ...]:
    if value.ndim == 1:
        return (value.shape[0], *[1] * (x.ndim - 1))
    assert value.ndim == 2, f"a time has shape (), (B,) or (B, T), not {tuple(value.shape)}"
    assert x.ndim >= 3, "a time per frame needs a sample of shape (B, C, T, ...)"
    return (value.shape[0], 1, value.shape[1], *[1] * (x.ndim - 3))


class Schedule(Protocol):
    """A noise process q(x_t | x_0), as a map from time to Level and back."""

    def __call__(self, t: Tensor | float) -> Level:
        """The level at time t in [0, 1]; any shape."""
        ...

    def time(self, log_snr: Tensor | float) -> Tensor:
        """The inverse: the time with this log-SNR; any shape, float64."""
        ...


def _float64(value: Tensor | float) -> Tensor:
    if isinstance(value, Tensor) and value.dtype == torch.float64:
        return value
    return torch.as_tensor(value, dtype=torch.float64)  # a Python float must not pass through float32


@dataclass(frozen=True, slots=True)
class RectifiedFlow:
    """alpha = 1 − t, sigma = t.

    Liu et al. 2022, arXiv 2209.03003; Lipman et al. 2022, arXiv 2210.02747 (their t runs the other way).
    """

    def __call__(self, t: Tensor | float) -> Level:
        t = _float64(t)
        return Level(_number(1 - float(t)) if _is_number(t) else 1 - t, t)

    def time(self, log_snr: Tensor | float) -> Tensor:
        return torch.sigmoid(-_float64(log_snr) / 2)


@dataclass(frozen=True, slots=True)
class VPCosine:
    """alpha = cos(pi t / 2), sigma = sin(pi t / 2).

    Salimans & Ho 2022, arXiv 2202.00512, section 4 (Nichol & Dhariwal's cosine, without its offset).
    """

    def __call__(self, t: Tensor | float) -> Level:
        t = _float64(t)
        # sin of the complement, not cos: alpha is then exactly 0 at t = 1
        return Level(torch.sin(torch.pi / 2 * (1 - t)), torch.sin(torch.pi / 2 * t))

    def time(self, log_snr: Tensor | float) -> Tensor:
        return 2 / torch.pi * torch.atan(torch.exp(-_float64(log_snr) / 2))


@dataclass(frozen=True, eq=False)
class VPTable:
    """A variance-preserving schedule given by the betas of a discrete chain, made continuous.

    alpha_i² = prod_{j <= i} (1 − beta_j), sigma_i² = 1 − alpha_i² (Ho et al. 2020, arXiv 2006.11239, eq. 4).
    Step i of N is the time t = (i + 1) / N. Between two steps log(sigma/alpha) is interpolated linearly. Below the
    first step, sigma/alpha falls as sqrt(t), as for a diffusion of constant beta, so that t = 0 is exactly the data.
    If the last beta is 1, alpha is 0 and sigma/alpha infinite at t = 1; alpha falls linearly over the last interval.

    betas: shape (N,), each in (0, 1), the last in (0, 1]. Raises InvalidOption otherwise.
    """

    betas: Tensor

    def __post_init__(self) -> None:
        listed = self.betas.ndim == 1 and len(self.betas) >= 2
        if not listed or not bool(((self.betas > 0) & (self.betas < 1))[:-1].all()) or not 0 < self.betas[-1] <= 1:
            raise InvalidOption(
                "The betas of a discrete schedule must be a list of at least two numbers in (0, 1); the last may be 1."
            )

    @cached_property
    def log_ratio(self) -> Tensor:
        """log(sigma/alpha) of the N steps, shape (N,), increasing, float64; the last is +∞ if its beta is 1."""
        log_alpha2 = torch.log1p(-self.betas.to(torch.float64)).cumsum(0)
        return 0.5 * (torch.log(-torch.expm1(log_alpha2)) - log_alpha2)

    def __call__(self, t: Tensor | float) -> Level:
        if (numbers := self.numbers(t)) is not None:
            return Level(*map(_number, numbers))
        t = _float64(t)
        table = self.log_ratio.to(t.device)
        place = t * len(table) - 1
        low = place.floor().clamp(0, len(table) - 2).long()
        share = place - low
        inside = torch.lerp(table[low], table[low + 1], share)
        if self._ends_in_noise:
            alpha = _vp_level(table[-2]).alpha * (1 - share)
            falling = 0.5 * torch.log1p(-(alpha**2)) - alpha.log()
            inside = torch.where(low == len(table) - 2, falling, inside)
        below = table[0] + 0.5 * torch.log(place + 1)
        return _vp_level(torch.where(place < 0, below, inside))

    def numbers(self, t: Tensor | float) -> tuple[float, float] | None:
        """alpha and sigma in Python's own numbers; None at a time that is none."""
        if not _is_number(t):
            return None
        t, table = float(t), self._ratios
        place = t * len(table) - 1
        if place < 0:
            return _vp_numbers(table[0] + 0.5 * math.log(place + 1) if place > -1 else -math.inf)
        share = place - (low := min(int(place), len(table) - 2))
        if self._ends_in_noise and low == len(table) - 2:
            alpha = _sigmoid(-2 * table[low]) ** 0.5 * (1 - share)
            return alpha, (1 - alpha**2) ** 0.5
        return _vp_numbers(table[low] + share * (table[low + 1] - table[low]))

    @cached_property
    def _ratios(self) -> list[float]:
        return self.log_ratio.tolist()

    def time(self, log_snr: Tensor | float) -> Tensor:
        if _is_number(log_snr) and math.isfinite(log_snr):
            return _number((self._place(-float(log_snr) / 2) + 1) / len(self._ratios))
        ratio = -_float64(log_snr) / 2
        table = self.log_ratio.to(ratio.device)
        low = (torch.searchsorted(table, ratio.contiguous()) - 1).clamp(0, len(table) - 2)
        inside = low + (ratio - table[low]) / (table[low + 1] - table[low])
        if self._ends_in_noise:
            falling = low + 1 - _vp_level(ratio).alpha / _vp_level(table[-2]).alpha
            inside = torch.where(low == len(table) - 2, falling, inside)
        below = torch.exp(2 * (ratio - table[0])) - 1
        return (torch.where(ratio < table[0], below, inside) + 1) / len(table)

    def _place(self, ratio: float) -> float:
        """Where in the table a log(sigma/alpha) is, in Python's own numbers: −1 is t = 0, N − 1 is t = 1."""
        table = self._ratios
        if ratio < table[0]:
            return math.exp(2 * (ratio - table[0])) - 1
        low = min(max(bisect_left(table, ratio) - 1, 0), len(table) - 2)
        if self._ends_in_noise and low == len(table) - 2:
            return low + 1 - math.sqrt(_sigmoid(-2 * ratio) / _sigmoid(-2 * table[low]))
        return low + (ratio - table[low]) / (table[low + 1] - table[low])

    @cached_property
    def _ends_in_noise(self) -> bool:
        return float(self.betas[-1]) == 1


def _is_number(t: Tensor | float) -> bool:
    """Whether a time is one value on the CPU, outside a graph that is being recorded or compiled."""
    if not isinstance(t, Tensor):
        return True
    return t.ndim == 0 and t.is_cpu and not (t.requires_grad or torch.compiler.is_compiling())


def _number(value: float) -> Tensor:
    return torch.scalar_tensor(value, dtype=torch.float64)


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0  # beyond, exp overflows


def _vp_numbers(log_ratio: float) -> tuple[float, float]:
    """`_vp_level` of a number."""
    return _sigmoid(-2 * log_ratio) ** 0.5, _sigmoid(2 * log_ratio) ** 0.5


def _vp_level(log_ratio: Tensor) -> Level:
    """The level with alpha² + sigma² = 1 and log(sigma/alpha) as given."""
    return Level(torch.sigmoid(-2 * log_ratio).sqrt(), torch.sigmoid(2 * log_ratio).sqrt())


@dataclass(frozen=True)
class VPLinear:
    """A discrete chain with betas linear in the step. Ho et al. 2020, arXiv 2006.11239, section 4."""

    beta_start: float = 1e-4
    beta_end: float = 0.02
    steps: int = 1000

    @cached_property
    def table(self) -> VPTable:
        """The chain as a table."""
        return VPTable(torch.linspace(self.beta_start, self.beta_end, self.steps, dtype=torch.float64))

    def __call__(self, t: Tensor | float) -> Level:
        return self.table(t)

    def time(self, log_snr: Tensor | float) -> Tensor:
        return self.table.time(log_snr)


@dataclass(frozen=True)
class VPScaledLinear:
    """A discrete chain with sqrt(beta) linear in the step, as Stable Diffusion 1 and XL use it.

    Rombach et al. 2022, arXiv 2112.10752 (the values are those of the released code).
    """

    beta_start: float = 0.00085
    beta_end: float = 0.012
    steps: int = 1000

    @cached_property
    def table(self) -> VPTable:
        """The chain as a table."""
        roots = torch.linspace(self.beta_start**0.5, self.beta_end**0.5, self.steps, dtype=torch.float64)
        return VPTable(roots**2)

    def __call__(self, t: Tensor | float) -> Level:
        return self.table(t)

    def time(self, log_snr: Tensor | float) -> Tensor:
        return self.table.time(log_snr)


@dataclass(frozen=True, slots=True)
class EDM:
    """alpha = 1, sigma = sigma_max t^rho: the variance-exploding process of Karras et al. 2022, arXiv 2206.00364.

    Why a power and not the exponential of Song et al. 2021: the exponential never reaches sigma = 0, so t = 0 would
    not be the data. Why rho = 7: their time grid (eq. 5) is uniform in sigma^(1/rho), hence uniform in this t.
    `sigma_min` is the smallest noise that a network was trained on; the Karras grid ends there before it jumps to 0.
    """

    sigma_min: float = 0.002
    sigma_max: float = 80.0
    rho: float = 7.0

    def __post_init__(self) -> None:
        if not (0 < self.sigma_min < self.sigma_max < math.inf and 0 < self.rho < math.inf):
            raise InvalidOption(
                f"An EDM schedule needs finite numbers 0 < sigma_min < sigma_max and rho > 0, "
                f"not sigma_min={self.sigma_min}, sigma_max={self.sigma_max}, rho={self.rho}."
            )

    def __call__(self, t: Tensor | float) -> Level:
        t = _float64(t)
        return Level(torch.ones_like(t), self.sigma_max * t**self.rho)

    def time(self, log_snr: Tensor | float) -> Tensor:
        return (torch.exp(-_float64(log_snr) / 2) / self.sigma_max) ** (1 / self.rho)


@dataclass(frozen=True)
class ZeroTerminal:
    """A discrete chain whose last step is pure noise: the signal of another chain, shifted and stretched.

    alpha'_i = (alpha_i − alpha_N) alpha_1 / (alpha_1 − alpha_N): the first step stays, the last becomes 0 (beta = 1).
    Lin et al. 2023, arXiv 2305.08891, algorithm 1. A network that predicts eps cannot be used at its t = 1.
    """

    schedule: VPTable | VPLinear | VPScaledLinear

    @cached_property
    def table(self) -> VPTable:
        """The chain as a table."""
        chain = self.schedule if isinstance(self.schedule, VPTable) else self.schedule.table
        alpha = torch.log1p(-chain.betas.to(torch.float64)).cumsum(0).mul(0.5).exp()
        alpha = (alpha - alpha[-1]) * alpha[0] / (alpha[0] - alpha[-1])
        before = torch.cat([torch.ones_like(alpha[:1]), alpha[:-1]])
        return VPTable(1 - (alpha / before) ** 2)

    def __call__(self, t: Tensor | float) -> Level:
        return self.table(t)

    def time(self, log_snr: Tensor | float) -> Tensor:
        return self.table.time(log_snr)


def _check_width(name: str, mean: float, width: float) -> None:
    if not (math.isfinite(mean) and math.isfinite(width) and width > 0):
        raise InvalidOption(
            f"A {name} schedule needs a finite mean and a width above 0, not mean={mean}, width={width}."
        )


@dataclass(frozen=True, slots=True)
class Laplace:
    """Variance preserving; for t uniform in (0, 1) the log-SNR has the Laplace density of this mean and width.

    log_snr = mean − width sign(½ − t) log(1 − 2 |t − ½|), p(log_snr) = exp(−|log_snr − mean| / width) / (2 width).
    Hang et al. 2024, arXiv 2407.03297, table 1 (mean 0, width 0.5 there).
    Raises InvalidOption unless the mean is finite and the width positive.
    """

    mean: float = 0.0
    width: float = 0.5

    def __post_init__(self) -> None:
        _check_width("Laplace", self.mean, self.width)

    def __call__(self, t: Tensor | float) -> Level:
        t = _float64(t)
        tail = self.width * torch.log(2 * torch.minimum(t, 1 - t))
        return _vp_level(-(self.mean + torch.where(t < 0.5, -tail, tail)) / 2)

    def time(self, log_snr: Tensor | float) -> Tensor:
        offset = (_float64(log_snr) - self.mean) / self.width
        tail = 0.5 * torch.exp(-offset.abs())
        return torch.where(offset > 0, tail, 1 - tail)


@dataclass(frozen=True, slots=True)
class HyperbolicSecant:
    """Variance preserving; for t uniform in (0, 1) the log-SNR has a hyperbolic secant's density.

    log_snr = mean − width log tan(pi t / 2), p(log_snr) = sech((log_snr − mean) / width) / (pi width).
    Width 2 and mean 0 are `VPCosine`; another mean is the cosine schedule shifted for another resolution
    (Hoogeboom et al. 2023, arXiv 2301.11093). Hang et al. 2024, arXiv 2407.03297, table 1.
    Raises InvalidOption unless the mean is finite and the width positive.
    """

    mean: float = 0.0
    width: float = 2.0

    def __post_init__(self) -> None:
        _check_width("hyperbolic secant", self.mean, self.width)

    def __call__(self, t: Tensor | float) -> Level:
        t = _float64(t)
        # two sines, not a tangent: infinite at t = 1
        tangent = torch.sin(torch.pi / 2 * t) / torch.sin(torch.pi / 2 * (1 - t))
        return _vp_level((self.width * tangent.log() - self.mean) / 2)

    def time(self, log_snr: Tensor | float) -> Tensor:
        return 2 / torch.pi * torch.atan(torch.exp((self.mean - _float64(log_snr)) / self.width))
