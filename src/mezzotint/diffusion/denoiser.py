"""Denoisers: functions from a noised sample to a prediction of the clean one.

A network becomes a denoiser once, in `NetworkDenoiser`, the leaf. Guidance and edits are denoisers around denoisers.
The mathematics does not know what a conditioning is; it carries named ones ("cond", "uncond", ...) to the leaf,
which sees exactly one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor

from mezzotint.diffusion.prediction import Prediction, Target
from mezzotint.diffusion.probe import Probe
from mezzotint.diffusion.schedule import Level, Schedule
from mezzotint.errors import InvalidOption

__all__ = [
    "Bound",
    "BoundDenoiser",
    "Denoiser",
    "Network",
    "NetworkDenoiser",
    "Preconditioned",
    "Rescheduled",
    "Revised",
]

C = TypeVar("C")
C_contra = TypeVar("C_contra", contravariant=True)


class Denoiser(Protocol[C_contra]):
    """Predicts x_0 from x_t."""

    @property
    def schedule(self) -> Schedule:
        """What the times mean."""
        ...

    def __call__(
        self,
        x_t: Tensor,
        t: Tensor,
        cond: Mapping[str, C_contra],
        *,
        to: Tensor | None = None,
        probe: Probe | None = None,
    ) -> Prediction:
        """The prediction at x_t (B, ...).

        t: float64, of shape (), (B,) or (B, T): one time for all, per picture, or per frame.
        cond: named conditionings. to: the target time of a flow map. probe: what to do with the attention.
        """
        ...


class Network(Protocol[C_contra]):
    """What a model family provides: tensors in, a tensor out. It knows no schedule."""

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: C_contra, *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Tensor:
        """The raw output, of the shape of x_t. t, to: float32 on the network's device, of shape (B,) or (B, T)."""
        ...


@dataclass(frozen=True, slots=True)
class NetworkDenoiser(Generic[C]):
    """The leaf: a network, the schedule and target it was trained with, and the border between its numbers and ours.

    Outside, samples are float32 (or float64) and times float64 on the CPU. Inside, samples have the network's device
    and dtype and times are float32. Casts happen here and nowhere else. The conditioning comes as the network wants it.
    """

    network: Network[C]
    schedule: Schedule
    target: Target
    device: torch.device | str = "cpu"
    dtype: torch.dtype = torch.float32

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, C], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        assert cond.keys() == {"cond"}, f"the leaf takes one conditioning, not {sorted(cond)}"
        output = self.network(
            x_t.to(device=self.device, dtype=self.dtype),
            self._time(t, x_t),
            cond["cond"],
            to=None if to is None else self._time(to, x_t),
            probe=probe,
        )
        return Prediction.from_output(output.to(x_t), self.target, x_t, self.schedule(t))

    def _time(self, t: Tensor, x_t: Tensor) -> Tensor:
        return _network_time(t, x_t, self.device)


def _network_time(t: Tensor, x_t: Tensor, device: torch.device | str) -> Tensor:
    t = t.to(device=device, dtype=torch.float32)
    return t.expand(x_t.shape[0]) if t.ndim == 0 else t


@dataclass(frozen=True, slots=True)
class Preconditioned(Generic[C]):
    """The leaf for networks of the EDM kind: scaled inside, with the noise level log(sigma/alpha)/4 as their time.

        x_0 = c_skip x_t + c_out F(c_in x_t; c_noise)
        d² = sigma² + alpha² sigma_data²      c_in = 1 / d      c_skip = alpha sigma_data² / d²
        c_out = sigma sigma_data / d          c_noise = log(sigma / alpha) / 4

    For alpha = 1 that is table 1 of Karras et al. 2022, arXiv 2206.00364; written for any (alpha, sigma) it is the same
    network at the same noise level: F's input and target have unit variance for data of variance sigma_data².
    Raises InvalidOption at alpha = 0, where such a network has no time, and for a sigma_data that is not positive.
    """

    network: Network[C]
    schedule: Schedule
    sigma_data: float = 0.5
    device: torch.device | str = "cpu"
    dtype: torch.dtype = torch.float32

    def __post_init__(self) -> None:
        if not self.sigma_data > 0:
            raise InvalidOption(f"The sigma_data of a preconditioned network must be above 0, not {self.sigma_data!r}.")

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, C], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        assert cond.keys() == {"cond"}, f"the leaf takes one conditioning, not {sorted(cond)}"
        level = self.schedule(t)
        a, s = (scale := level.like(x_t)).alpha, scale.sigma
        spread = torch.hypot(s, a * self.sigma_data)
        output = self.network(
            (x_t / spread).to(device=self.device, dtype=self.dtype),
            self._time(level, x_t),
            cond["cond"],
            to=None if to is None else self._time(self.schedule(to), x_t),
            probe=probe,
        )
        skipped = (self.sigma_data / spread) ** 2 * a * x_t
        return Prediction(x_t, level, skipped + s * self.sigma_data / spread * output.to(x_t))

    def _time(self, level: Level, x_t: Tensor) -> Tensor:
        if bool((level.alpha == 0).any()):
            raise InvalidOption(
                "A preconditioned (EDM) network cannot be used at alpha = 0 (pure noise), where its noise level is "
                "infinite; start below t = 1, or on an EDM schedule."
            )
        return _network_time(-level.log_snr / 8, x_t, self.device)


@dataclass(frozen=True, slots=True)
class Rescheduled(Generic[C]):
    """A denoiser on another schedule than its own; what it believes of x_0 does not change.

    x_t at level (alpha, sigma) has the information of c x_t at the inner level of equal log-SNR, where
    c² = (alpha_in² + sigma_in²) / (alpha² + sigma²). (Karras et al. 2022, arXiv 2206.00364, appendix C.3.)
    Levels noisier than any that the inner schedule has are taken for its noisiest, as all samplers do that start
    such a model from pure noise.
    """

    denoiser: Denoiser[C]
    schedule: Schedule

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, C], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        level, inner_t = self.schedule(t), self._inner(t)
        outer, inner = level.like(x_t), self.denoiser.schedule(inner_t).like(x_t)
        scale = torch.hypot(inner.alpha, inner.sigma) / torch.hypot(outer.alpha, outer.sigma)
        believed = self.denoiser(scale * x_t, inner_t, cond, to=None if to is None else self._inner(to), probe=probe)
        return _seen_from(believed, x_t, level)

    def _inner(self, t: Tensor) -> Tensor:
        return self.denoiser.schedule.time(self.schedule(t).log_snr).clamp_max(1.0)


def _seen_from(believed: Prediction, x_t: Tensor, level: Level) -> Prediction:
    branches = {name: _seen_from(branch, x_t, level) for name, branch in believed.branches.items()}
    return Prediction(x_t, level, believed.x0, believed.eps_for_update, branches)


class BoundDenoiser(Protocol):
    """What a solver sees: a denoiser whose conditioning is already decided."""

    @property
    def schedule(self) -> Schedule:
        """What the times mean."""
        ...

    def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
        """The prediction at x_t (B, ...), t float64."""
        ...


@dataclass(frozen=True, slots=True)
class Bound(Generic[C]):
    """A denoiser with its conditioning."""

    denoiser: Denoiser[C]
    cond: Mapping[str, C]

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
        return self.denoiser(x_t, t, self.cond, to=to)


@dataclass(frozen=True, slots=True)
class Revised(Generic[C]):
    """A denoiser whose predictions are changed by `revise` before anyone sees them. It costs no evaluation."""

    denoiser: Denoiser[C]
    revise: Callable[[Prediction], Prediction]

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, C], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        return self.revise(self.denoiser(x_t, t, cond, to=to, probe=probe))
