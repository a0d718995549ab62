"""Sampling from a posterior: a denoiser that has seen a measurement y = A x_0 + noise."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, get_args

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.inverse.operators import LinearOperator, minimal_residual
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import Probe
from mezzotint.diffusion.schedule import Level, Schedule
from mezzotint.errors import InvalidOption, unknown_name

__all__ = ["Posterior", "PosteriorMethod"]

C = TypeVar("C")
PosteriorMethod = Literal["dps", "mmps", "pigdm"]

# The noisiest log-SNR at which the derivative of x_0 is taken: at alpha = 0 it vanishes, and V = sigma²/alpha of it.
_NOISIEST = -2 * math.log(1e3)


@dataclass(frozen=True, slots=True)
class Posterior(Generic[C]):
    """E[x_0 | x_t, y] = x_0 + (sigma²/alpha) J* A* (S + A V A*)⁻¹ (y − A x_0),   J = d x_0 / d x_t,   S = noise² I.

    V is the covariance of x_0 given x_t. The methods differ in what they take for it:
    "mmps"   (sigma²/alpha) J, which it is (Tweedie): exact for Gaussian data. Rozet et al. 2024, arXiv 2405.13712,
             section 4.2. A trained network's J is not symmetric, as a covariance is, and the conjugate gradients of the
             paper then lead away from the solution where x_t is noisy; so (…)⁻¹ is by GMRES, whose residual only falls.
    "pigdm"  sigma² / (alpha² + sigma²) I, right for white data of unit variance. Song et al. 2023 (ΠGDM, ICLR).
    "dps"    0: the plain gradient of |y − A x_0|² / (2 noise²). Chung et al. 2022, arXiv 2209.14687, section 3. It
             pulls far too hard when x_t is noisy; `strength` tames it.
    y: (B or 1, ...). noise: the measurement's standard deviation, above 0. strength multiplies the whole correction.
    One evaluation and one backward pass a prediction; mmps one more backward pass per iteration. Where alpha / sigma
    is below 1e-3 the denoiser is asked at 1e-3. The network must be differentiable: its weights and conditioning must
    not come from `torch.inference_mode`. Raises InvalidOption for options out of range.
    """

    denoiser: Denoiser[C]
    operator: LinearOperator
    measured: Tensor
    noise: float
    method: PosteriorMethod = "mmps"
    strength: float = 1.0
    iterations: int = 10

    def __post_init__(self) -> None:
        if self.method not in get_args(PosteriorMethod):
            raise unknown_name("posterior method", self.method, get_args(PosteriorMethod))
        if not (self.noise > 0 and self.strength >= 0 and self.iterations >= 1):
            raise InvalidOption(
                "A posterior needs noise above 0, strength of at least 0 and at least one iteration, not "
                f"{self.noise!r}, {self.strength!r} and {self.iterations!r}; without noise use Projected."
            )

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, C], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        asked = torch.minimum(t, self.schedule.time(_NOISIEST).to(t))
        level, outer = self.schedule(asked), self.schedule(t).like(x_t)
        scale = level.like(x_t)
        stretch = torch.hypot(scale.alpha, scale.sigma) / torch.hypot(outer.alpha, outer.sigma)
        with torch.inference_mode(False), torch.enable_grad():
            x = (stretch * x_t).clone().requires_grad_()
            prior = self.denoiser(x, asked, cond, to=to, probe=probe)
            believed, x0 = prior.x0, prior.x0.detach()

            def covariance(u: Tensor) -> Tensor:  # (sigma²/alpha) J* u
                (back,) = torch.autograd.grad(believed, x, u, retain_graph=True)
                return scale.sigma**2 / scale.alpha * back

            correction = covariance(self._pull(x0, scale, covariance))
        plain = _detached(prior, x_t, self.schedule(t))
        branches = plain.branches or {"prior": plain}
        return Prediction(
            x_t, plain.level, x0 + self.strength * correction, plain.eps_for_update, branches, plain.still
        )

    def _pull(self, x0: Tensor, scale: Level, covariance: Callable[[Tensor], Tensor]) -> Tensor:
        """A* (S + A V A*)⁻¹ (y − A x_0)."""
        a = self.operator
        rest = self.measured.to(x0) - a(x0)
        if self.method == "dps":
            return a.adjoint(rest / self.noise**2)

        def spread(z: Tensor) -> Tensor:
            seen = a.adjoint(z)
            if self.method == "mmps":
                return self.noise**2 * z + a(covariance(seen))
            return self.noise**2 * z + a(scale.sigma**2 / (scale.alpha**2 + scale.sigma**2) * seen)

        return a.adjoint(minimal_residual(spread, rest, self.iterations).detach())


def _detached(prediction: Prediction, x_t: Tensor, level: Level) -> Prediction:
    branches = {name: _detached(branch, x_t, level) for name, branch in prediction.branches.items()}
    eps = None if prediction.eps_for_update is None else prediction.eps_for_update.detach()
    return Prediction(x_t, level, prediction.x0.detach(), eps, branches, prediction.still)
