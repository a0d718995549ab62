"""What training minimises: where in time it looks, and how much an error there counts.

    loss = w(t) mean |x0_predicted − x_0|²,    t = density.quantile(u),  u uniform in (0, 1)

Every network is trained through its prediction of x_0. The usual losses in eps, v or velocity are this loss with
another weight, because each of them is affine in x_0 at fixed x_t; so are the weightings of the literature, all given
here as weights of the error in x_0, whatever the network predicts. With a weight w and a density p of times the loss
depends on w p alone (Kingma & Gao 2023, arXiv 2303.00848): weightings and schedules or densities can be traded.
Pure tensor functions, without randomness of their own and without branches on values, so that `torch.compile` takes
them whole.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import torch
from torch import Tensor

from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.schedule import Level, Schedule
from mezzotint.errors import InvalidOption

__all__ = [
    "P2",
    "WEIGHTINGS",
    "EDMWeight",
    "LogNormalSigma",
    "LogitNormal",
    "MinSNR",
    "Mode",
    "SoftMinSNR",
    "TimeDensity",
    "Uniform",
    "Weighting",
    "contrastive_loss",
    "eps_weight",
    "learned_weight",
    "loss",
    "perturbed",
    "v_weight",
    "velocity_weight",
    "x0_weight",
]


class TimeDensity(Protocol):
    """A density of training times, given by its quantile function."""

    def quantile(self, u: Tensor) -> Tensor:
        """The time below which a share u of all training times lies; u in (0, 1), any shape; float64."""
        ...


@dataclass(frozen=True, slots=True)
class Uniform:
    """All times in (0, 1) alike."""

    def quantile(self, u: Tensor) -> Tensor:
        return u.to(torch.float64)


def _check_normal(mean: float, std: float) -> None:
    if not (math.isfinite(mean) and 0 < std < math.inf):
        raise InvalidOption(f"A density of times needs a finite mean and a std above 0, not mean={mean}, std={std}.")


def _check_positive(name: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise InvalidOption(f"The option {name} of a weighting must be a number above 0, not {value!r}.")


@dataclass(frozen=True, slots=True)
class LogitNormal:
    """logit(t) ~ N(mean, std²). Esser et al. 2024 (SD3), arXiv 2403.03206, eq. 19.

    t = 1 is noise here: a positive mean looks more at noisy samples (JiT's mean of −0.8 with t = 1 clean is +0.8).
    Raises InvalidOption unless the mean is finite and the std positive.
    """

    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        _check_normal(self.mean, self.std)

    def quantile(self, u: Tensor) -> Tensor:
        return torch.sigmoid(self.mean + self.std * torch.special.ndtri(u.to(torch.float64)))


@dataclass(frozen=True, slots=True)
class Mode:
    """t = u − scale (sin²(pi u / 2) − u): scale > 0 looks less at both ends, scale < 0 more; 0 is uniform.

    Esser et al. 2024 (SD3), arXiv 2403.03206, eq. 20, with u counted from the data. The map rises for a scale from −1
    to 2 / (pi − 2) ≈ 1.75; raises InvalidOption outside.
    """

    scale: float = 1.29

    def __post_init__(self) -> None:
        if not -1 <= self.scale <= 2 / (math.pi - 2):
            raise InvalidOption(f"The scale of the mode density must be from -1 to 1.75, not {self.scale!r}.")

    def quantile(self, u: Tensor) -> Tensor:
        u = u.to(torch.float64)
        return u - self.scale * (torch.sin(torch.pi / 2 * u) ** 2 - u)


@dataclass(frozen=True, slots=True)
class LogNormalSigma:
    """log(sigma/alpha) ~ N(mean, std²), as times of a schedule. Karras et al. 2022 (EDM), arXiv 2206.00364, table 1.

    EDM2 uses mean −0.4 and std 1. Noise levels beyond the schedule's noisiest are taken for it.
    Raises InvalidOption unless the mean is finite and the std positive.
    """

    schedule: Schedule
    mean: float = -1.2
    std: float = 1.2

    def __post_init__(self) -> None:
        _check_normal(self.mean, self.std)

    def quantile(self, u: Tensor) -> Tensor:
        log_ratio = self.mean + self.std * torch.special.ndtri(u.to(torch.float64))
        return self.schedule.time(-2 * log_ratio).clamp_max(1.0)


Weighting = Callable[[Level], Tensor]
"""The weight of a squared error in x_0 at a level; of the level's shape."""


def x0_weight(level: Level) -> Tensor:
    """1: the loss in x_0 itself."""
    return torch.ones_like(level.sigma)


def eps_weight(level: Level) -> Tensor:
    """(alpha / sigma)²: the loss in eps, "simple" of Ho et al. 2020, arXiv 2006.11239, eq. 14."""
    return (level.alpha / level.sigma) ** 2


def v_weight(level: Level) -> Tensor:
    """((alpha² + sigma²) / sigma)²: the loss in v, which is SNR + 1 where alpha² + sigma² = 1.

    Salimans & Ho 2022, arXiv 2202.00512.
    """
    return ((level.alpha**2 + level.sigma**2) / level.sigma) ** 2


def velocity_weight(level: Level, floor: float = 0.05) -> Tensor:
    """((alpha + sigma) / max(sigma, floor))²: the loss in velocity; on rectified flow 1 / max(t, 0.05)².

    The floor keeps the nearly clean times from ruling the loss. Li & He 2025 (JiT), arXiv 2511.13720, table 1 (the loss
    in v of a prediction of x; their 1 − t, whose floor is 0.05 as well, is our t).
    """
    return ((level.alpha + level.sigma) / level.sigma.clamp_min(floor)) ** 2


@dataclass(frozen=True, slots=True)
class MinSNR:
    """min(SNR, gamma). Hang et al. 2023, arXiv 2303.09556 (gamma 5): no clean time rules the loss.

    Raises InvalidOption unless gamma is positive.
    """

    gamma: float = 5.0

    def __post_init__(self) -> None:
        _check_positive("gamma", self.gamma)

    def __call__(self, level: Level) -> Tensor:
        return ((level.alpha / level.sigma) ** 2).clamp_max(self.gamma)


@dataclass(frozen=True, slots=True)
class SoftMinSNR:
    """SNR gamma / (SNR + gamma): min-SNR without its kink. Crowson et al. 2024, arXiv 2401.11605 (gamma 4).

    Raises InvalidOption unless gamma is positive.
    """

    gamma: float = 4.0

    def __post_init__(self) -> None:
        _check_positive("gamma", self.gamma)

    def __call__(self, level: Level) -> Tensor:
        signal = level.alpha**2
        return self.gamma * signal / (signal + self.gamma * level.sigma**2)


@dataclass(frozen=True, slots=True)
class P2:
    """SNR / (k + SNR)^gamma: the eps loss, less on clean times. Choi et al. 2022, arXiv 2204.00227.

    Raises InvalidOption unless gamma and k are positive.
    """

    gamma: float = 1.0
    k: float = 1.0

    def __post_init__(self) -> None:
        _check_positive("gamma", self.gamma)
        _check_positive("k", self.k)

    def __call__(self, level: Level) -> Tensor:
        snr = (level.alpha / level.sigma) ** 2
        return snr / (self.k + snr) ** self.gamma


@dataclass(frozen=True, slots=True)
class EDMWeight:
    """(r² + sigma_data²) / (r sigma_data)², r = sigma/alpha: the loss of an EDM network's own output is then plain.

    Karras et al. 2022, arXiv 2206.00364, table 1. At alpha = 0 it is 1 / sigma_data². Raises InvalidOption unless
    sigma_data is positive.
    """

    sigma_data: float = 0.5

    def __post_init__(self) -> None:
        _check_positive("sigma_data", self.sigma_data)

    def __call__(self, level: Level) -> Tensor:
        return (level.sigma**2 + (level.alpha * self.sigma_data) ** 2) / (level.sigma * self.sigma_data) ** 2


WEIGHTINGS: Mapping[str, Weighting] = MappingProxyType(
    {
        "edm": EDMWeight(),
        "eps": eps_weight,
        "min-snr": MinSNR(),
        "p2": P2(),
        "soft-min-snr": SoftMinSNR(),
        "v": v_weight,
        "velocity": velocity_weight,
        "x0": x0_weight,
    }
)


def loss(predicted: Tensor, x0: Tensor, level: Level, weighting: Weighting = velocity_weight) -> Tensor:
    """w(level) times the mean squared error in x_0, one number per picture.

    predicted, x0: (B, ...), compared in float32 or wider. level: of shape (), (B,) or (B, T); the weight of a level per
    frame applies to its frame. Returns (B,).
    """
    wide = torch.promote_types(x0.dtype, torch.float32)
    error = (predicted.to(wide) - x0.to(wide)) ** 2
    weight = weighting(level)
    scale = Level(weight, weight).like(error).alpha
    return (scale * error).flatten(1).mean(1)


def learned_weight(losses: Tensor, log_variance: Tensor) -> Tensor:
    """losses / exp(u) + u, with u (B,) the network's own guess of the logarithm of the loss at these times.

    Minimised over u by u = log E[loss], so that all times weigh alike once it is learned.
    Kendall et al. 2018, arXiv 1705.07115; Karras et al. 2023 (EDM2), arXiv 2312.02696, appendix B.2, eqs. 21 and 26.
    """
    return losses * torch.exp(-log_variance) + log_variance


def contrastive_loss(predicted: Tensor, x0: Tensor, eps: Tensor, level: Level, weight: float = 0.05) -> Tensor:
    """mean |v̂ − v|² − weight mean |v̂ − v'|², one number per picture; v = eps − x_0, v' that of the next picture.

    predicted, x0, eps: (B, ...), the prediction of x_0 at x_t = alpha x_0 + sigma eps. It drives the flows of different
    pictures apart. Stoica et al. 2025, arXiv 2506.05350, eq. 6 (there v' is that of any other picture, at random).
    Raises InvalidOption for a batch of one picture and for a weight outside [0, 1): at 1 the loss has no minimum.
    """
    if len(x0) < 2:
        raise InvalidOption("Contrastive flow matching compares pictures of a batch; it needs at least two.")
    if not 0 <= weight < 1:
        raise InvalidOption(f"The weight of contrastive flow matching must be at least 0 and below 1, not {weight!r}.")
    wide = torch.promote_types(x0.dtype, torch.float32)
    velocity = Prediction(level.noised(x0.to(wide), eps.to(wide)), level, predicted.to(wide)).velocity
    truth = eps.to(wide) - x0.to(wide)
    other = truth.roll(-1, 0)
    return ((velocity - truth) ** 2 - weight * (velocity - other) ** 2).flatten(1).mean(1)


def perturbed(eps: Tensor, extra: Tensor, strength: float = 0.1) -> Tensor:
    """eps + strength extra: the noise to put into x_t, while the target stays that of eps; extra is fresh noise.

    It shows the network in training the errors that it will meet in sampling. Ning et al. 2023, arXiv 2301.11706
    (strength 0.1).
    """
    return eps + strength * extra
