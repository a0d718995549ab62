"""Projection: what was measured without noise stands exactly in every prediction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from torch import Tensor

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.guidance.base import steered
from mezzotint.diffusion.inverse.operators import LinearOperator, conjugate_gradients
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import Probe
from mezzotint.diffusion.schedule import Schedule
from mezzotint.errors import InvalidOption

__all__ = ["Projected"]

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Projected(Generic[C]):
    """x_0 + A⁺ (y − A x_0), A⁺ = A* (A A*)⁺: the nearest x_0 with A x_0 = y; the rest is left as it is.

    Wang, Yu & Zhang 2022 (DDNM), arXiv 2212.00490, section 3. A⁺ is applied by conjugate gradients, one iteration for a
    mask, for downscaling and for grey; a blur that loses frequencies needs many. y: (B or 1, ...). No gradient and no
    further evaluation. Raises InvalidOption for less than one iteration.
    """

    denoiser: Denoiser[C]
    operator: LinearOperator
    measured: Tensor
    iterations: int = 30

    def __post_init__(self) -> None:
        if self.iterations < 1:
            raise InvalidOption(f"A projection needs at least one iteration, not {self.iterations!r}.")

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, C], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        prior, a = self.denoiser(x_t, t, cond, to=to, probe=probe), self.operator
        rest = self.measured.to(prior.x0) - a(prior.x0)
        solved = conjugate_gradients(lambda z: a(a.adjoint(z)), rest, self.iterations)
        return steered(prior, prior.x0 + a.adjoint(solved))
