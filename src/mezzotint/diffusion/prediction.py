"""What a model believes about the clean sample, and every way of saying it.

From x_t = alpha x_0 + sigma eps, one of x_0, eps, v, velocity and the score gives all others. This file is the only
place where they are converted. The formulas hold for any (alpha, sigma), variance preserving or not, and none but
that of an eps target divides by alpha: at alpha = 0 (rectified flow at t = 1, zero terminal SNR) they are their limits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

import torch
from torch import Tensor

from mezzotint.diffusion.schedule import Level
from mezzotint.errors import InvalidOption, unknown_name

__all__ = ["Prediction", "Target"]

Target = Literal["x0", "eps", "v", "velocity"]


def _nothing() -> Mapping[str, "Prediction"]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is believed of x_0, given x_t.

    x_t, x0: (B, ...). level: alpha and sigma of x_t, of shape (), (B,) or (B, T).
    eps_for_update: the noise that a solver puts back, x_s = alpha_s x0 + sigma_s eps_for_update; None means `eps`.
        Guidance that steers x_0 but not the noise (CFG++) sets it.
    branches: the predictions that guidance combined into this one, by name ("cond", "uncond", "weak", ...).
    still: whether the guided field is 0 here by a rule (CFG-Zero*), so that there is nothing to extrapolate from.
    """

    x_t: Tensor
    level: Level
    x0: Tensor
    eps_for_update: Tensor | None = None
    branches: Mapping[str, "Prediction"] = field(default_factory=_nothing)
    still: bool = False

    @classmethod
    def from_output(cls, output: Tensor, target: Target, x_t: Tensor, level: Level) -> "Prediction":
        """The prediction that a network means which was trained to output `target`.

        x0 = output · (x_t − sigma eps) / alpha · (alpha x_t − sigma v) / (alpha² + sigma²) ·
        (x_t − sigma velocity) / (alpha + sigma).
        Raises InvalidOption for an unknown target, and for an eps target where alpha = 0: eps then says nothing of x_0.
        """
        a, s = (scale := level.like(x_t)).alpha, scale.sigma
        if target == "x0":
            x0 = output
        elif target == "eps":
            _refuse_zero_alpha(level)
            x0 = (x_t - s * output) / a
        elif target == "v":
            x0 = (a * x_t - s * output) / (a * a + s * s)
        elif target == "velocity":
            x0 = (x_t - s * output) / (a + s)
        else:
            raise unknown_name("prediction target", target, get_args(Target))
        return cls(x_t, level, x0)

    def replace(
        self,
        *,
        x0: Tensor | None = None,
        eps_for_update: Tensor | None = None,
        branches: Mapping[str, "Prediction"] | None = None,
        still: bool | None = None,
    ) -> "Prediction":
        """A copy with other values; what is None stays, but a new x0 drops an eps_for_update made for the old one."""
        if eps_for_update is None and x0 is None:
            eps_for_update = self.eps_for_update
        return Prediction(
            self.x_t,
            self.level,
            self.x0 if x0 is None else x0,
            eps_for_update,
            self.branches if branches is None else branches,
            self.still if still is None else still,
        )

    @property
    def eps(self) -> Tensor:
        """(x_t − alpha x_0) / sigma."""
        scale = self.level.like(self.x_t)
        return (self.x_t - scale.alpha * self.x0) / scale.sigma

    @property
    def v(self) -> Tensor:
        """alpha eps − sigma x_0. Salimans & Ho 2022, arXiv 2202.00512, appendix D."""
        scale = self.level.like(self.x_t)
        return scale.alpha * self.eps - scale.sigma * self.x0

    @property
    def velocity(self) -> Tensor:
        """eps − x_0, which is dx_t/dt of rectified flow; no derivative of the schedule is needed."""
        return self.eps - self.x0

    @property
    def score(self) -> Tensor:
        """∇ log p(x_t) = −eps / sigma. Vincent 2011; Song et al. 2021, arXiv 2011.13456."""
        return -self.eps / self.level.like(self.x_t).sigma

    @property
    def update_eps(self) -> Tensor:
        """The noise that a solver puts back: `eps_for_update`, or `eps` where that is None."""
        return self.eps if self.eps_for_update is None else self.eps_for_update

    @property
    def evaluations(self) -> int:
        """How many network forwards per picture this prediction cost: one, or those of its branches together."""
        return sum(branch.evaluations for branch in self.branches.values()) or 1


def _refuse_zero_alpha(level: Level) -> None:
    # a compiled training step draws t inside (0, 1) and cannot look at values
    if not torch.compiler.is_compiling() and bool((level.alpha == 0).any()):
        raise InvalidOption(
            "A network that predicts eps cannot be used at alpha = 0 (pure noise), where eps says nothing of x_0; "
            "start below t = 1, or use a network that predicts x0, v or velocity."
        )
