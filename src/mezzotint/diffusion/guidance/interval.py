"""Guidance in a limited interval of noise levels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.guidance.base import GuidanceRecord, check_number, only, steered
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import Probe
from mezzotint.diffusion.schedule import Level, Schedule
from mezzotint.errors import InvalidOption

__all__ = ["RECORD", "Interval"]

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Interval:
    """x_0 = x_0(guided) where low <= t <= high, x_0(cond), at half the cost, elsewhere. [0, 1] is neutral.

    With CFG inside: w(t) = guidance in the interval and 1 outside it. Kynkäänniemi et al. 2024, arXiv 2404.07724, the
    section on guidance in a limited interval (theirs is in sigma). The gate is on t, never on a count
    of calls, so that it means the same for every solver. Raises InvalidOption unless 0 <= low < high <= 1.
    """

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        for option in ("low", "high"):
            check_number("interval", option, getattr(self, option), 0, 1)
        if not self.low < self.high:
            raise InvalidOption(
                f"A guidance interval needs 0 <= low < high <= 1, not low={self.low}, high={self.high}."
            )

    def wrap(self, denoiser: Denoiser[C], plain: Denoiser[C]) -> Denoiser[C]:
        return _Gated(denoiser, plain, self)


@dataclass(frozen=True, slots=True)
class _Gated(Generic[C]):
    denoiser: Denoiser[C]
    plain: Denoiser[C]
    gate: Interval

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, C], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        inside = (t >= self.gate.low) & (t <= self.gate.high)
        if bool(inside.all()):
            return self.denoiser(x_t, t, cond, to=to, probe=probe)
        plain = self.plain(x_t, t, only(cond), to=to, probe=probe)
        if not bool(inside.any()):
            return plain
        return _choose(inside, self.denoiser(x_t, t, cond, to=to, probe=probe), plain)


def _choose(inside: Tensor, guided: Prediction, plain: Prediction) -> Prediction:
    """Where pictures or frames of one batch are at different times, each gets its own."""
    mask = Level(inside, inside).like(plain.x0).alpha.bool()
    eps = None
    if guided.eps_for_update is not None or plain.eps_for_update is not None:
        eps = torch.where(mask, guided.update_eps, plain.update_eps)
    x0 = torch.where(mask, guided.x0, plain.x0)
    return steered(guided, x0, plain=plain).replace(eps_for_update=eps)


RECORD = GuidanceRecord(
    "interval", "modifier", Interval, evaluations=0, source="Kynkäänniemi et al. 2024, arXiv 2404.07724"
)
