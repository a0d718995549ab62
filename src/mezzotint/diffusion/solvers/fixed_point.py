"""Inversion: the noise from which DDIM draws a given picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.solvers.base import Order, Ramp, SolverRecord
from mezzotint.errors import InvalidOption

__all__ = ["RECORDS", "FixedPointDDIM"]


def _norms(x: Tensor) -> Tensor:
    """Of each picture, (B,); each reduced alone, so that a batch changes no bit of it."""
    return torch.stack([row.norm() for row in x]).cpu()


DEPTH = 5
"""Earlier iterations that take part in the next."""


def _mixed(before: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Anderson's next z, from earlier ones and the steps that they would take; each picture by itself."""
    return torch.stack([_mixed_row([(z[i], step[i]) for z, step in before]) for i in range(len(before[0][0]))])


def _mixed_row(before: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    z, step = before[-1]
    if len(before) == 1:
        return z + step
    moves = torch.stack([(z - old).flatten() for old, _ in before[:-1]], dim=1).double()
    changes = torch.stack([(step - old).flatten() for _, old in before[:-1]], dim=1).double()
    size = changes.norm(dim=0).clamp_min(torch.finfo(torch.float64).tiny)
    # normal equations, a little lifted: their table has a few rows whatever the picture's size
    table = (changes / size).T @ (changes / size) + 1e-10 * torch.eye(len(size), dtype=torch.float64, device=z.device)
    shares = torch.linalg.solve(table, (changes / size).T @ step.flatten().double()) / size
    back: Tensor = ((moves + changes) @ shares).reshape(z.shape).to(z)
    return z + step - back


@dataclass(frozen=True, slots=True)
class FixedPointDDIM:
    """DDIM of eta = 0 whose steps upwards are the exact inverse of its steps downwards.

    Down, x_s = alpha_s x_0 + sigma_s eps. Up, from x at t to s > t, it solves f(z) = x for z, f being the step down
    from z at s to t, by z ← z + 2 / (1 + sigma_t / sigma_s) (x − f(z)), until |x − f(z)| is below tolerance times |x|,
    for every picture by itself. So a rising grid and its reverse return the picture; plain DDIM misses it by the order
    of a step. The iteration is Anderson's (1965, type II, of depth 5): the combination of the last ones with the least
    |x − f(z)|, which also settles where the plain one circles.
    Pan et al. 2023, arXiv 2309.04907, section "Accelerated Iterative Diffusion Inversion"; Meiri et al.
    2023, arXiv 2312.12540 (with eps held, which makes the factor alpha_s / alpha_t and takes up to twice the iterations
    where x_t is nearly clean). Evaluations upwards: the iterations, usually 5 to 10 a step. What is left
    of an error grows on the way back where a network decides much near noise. Raises InvalidOption if a step does not
    settle (too long for this model), and for options out of range.
    """

    tolerance: float = 1e-6
    iterations: int = 100
    coordinate: ClassVar[str] = "ratio"
    stochastic: ClassVar[bool] = False
    order: ClassVar[Order | None] = Order(1, 1)
    ramp: ClassVar[Ramp | None] = None

    def __post_init__(self) -> None:
        if not (0 < self.tolerance < 1 and self.iterations >= 1):
            raise InvalidOption(
                "A fixed-point inversion needs a tolerance between 0 and 1 and at least one iteration, not "
                f"{self.tolerance!r} and {self.iterations!r}."
            )

    def init(self, x: Tensor) -> None:
        return None

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: None, noise: Noise
    ) -> tuple[Tensor, None]:
        low = denoise.schedule(s if s < t else t)
        if s < t:
            prediction = denoise(x, t)
            return low.noised(prediction.x0, prediction.update_eps), None
        high = denoise.schedule(s)
        first = denoise(x, t)
        z = high.noised(first.x0, first.update_eps)
        # f stretches by sigma_t/sigma_s where x_0 stands still and by about 1 where it follows x: the best step between
        length = (2 / (1 + low.sigma / high.sigma)).to(x)
        goal, settled = self.tolerance * _norms(x), torch.zeros(len(x), dtype=torch.bool)
        before: list[tuple[Tensor, Tensor]] = []
        for _ in range(self.iterations):
            prediction = denoise(z, s)
            missing = x - low.noised(prediction.x0, prediction.update_eps)
            settled = settled | (_norms(missing) <= goal)
            if bool(settled.all()):
                return z, None
            done = settled.to(z.device).reshape(-1, *[1] * (z.ndim - 1))
            before = [*before[-DEPTH:], (z, length * missing)]
            z = torch.where(done, z, _mixed(before))  # a picture stays what it is alone, whatever its company
        raise InvalidOption(
            f"The inversion from t = {float(t):.4g} to {float(s):.4g} did not settle in {self.iterations} iterations; "
            "use more steps, less guidance, or a clean end with more noise, such as inversion:clean=0.1."
        )


RECORDS = (
    SolverRecord(
        "fixed-point-ddim",
        FixedPointDDIM,
        evaluations=None,
        source="Pan et al. 2023 (AIDI), arXiv 2309.04907",
        aliases=("aidi",),
        same_as="ddim",
    ),
)
