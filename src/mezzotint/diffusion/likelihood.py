"""Exact log-likelihood: the change of variables along the probability-flow ODE.

    log p(x_start) = log p(x_1) + integral of the divergence of the flow from `start` to 1

Song et al. 2021, arXiv 2011.13456, section 4.3 and appendix D.2 (eq. 39). The ODE is integrated in
u = sigma / (alpha + sigma) and y = x / (alpha + sigma), where dy/du = eps − x_0 is finite from the data to pure noise.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise, Purpose
from mezzotint.diffusion.schedule import Schedule
from mezzotint.errors import InvalidOption

__all__ = ["Likelihood", "bits_per_dimension", "log_likelihood"]


@dataclass(frozen=True, slots=True)
class Likelihood:
    """log_density: (B,), in nats, float64. latents: (B, ...), the pictures at t = 1. evaluations: per picture."""

    log_density: Tensor
    latents: Tensor
    evaluations: int


def bits_per_dimension(log_density: Tensor, dimensions: int, levels: int = 256) -> Tensor:
    """−log_density / (dimensions log 2) + log2(levels / 2): the code length of a picture of so many levels in [−1, 1].

    The density is that of x = 2 (k + u) / levels − 1 for the levels k = 0, 1, ..., levels − 1 and u uniform in [0, 1):
    uniform dequantisation, as is usual. A picture scaled as x = 2 k / (levels − 1) − 1 has not been treated so; its
    figure would be log2(levels / (levels − 1)) too high (0.006 bits at 256) even with noise of its own step added.
    log_density: (B,), in nats; returns (B,), in bits.
    """
    return -log_density / (dimensions * math.log(2)) + math.log2(levels / 2)


def log_likelihood(
    denoise: BoundDenoiser,
    x: Tensor,
    *,
    start: float = 1e-3,
    steps: int = 64,
    divergence: Literal["exact", "hutchinson"] = "exact",
    noise: Noise | None = None,
) -> Likelihood:
    """log p(x) of pictures x (B, ...) under a model, its conditioning bound.

    start: the time where x is put in, as x_start = alpha x; the density is that of data with noise of `start` added.
    At t = 1 x is taken for N(0, sigma²), which is exact where alpha is 0 there. steps: of the classical Runge–Kutta
    method, four evaluations each; the error falls as steps^−4.
    divergence: "exact" costs one backward pass per element of a picture and evaluation; "hutchinson" one in all, with
    a random sign per element (drawn from `noise`, the same along the path), which makes the result unbiased and noisy
    (the Skilling–Hutchinson estimator, eq. 40 of Song et al.).
    Raises InvalidOption for an unknown divergence, "hutchinson" without noise, steps < 1 and a start outside (0, 1).
    """
    if divergence not in ("exact", "hutchinson") or (divergence == "hutchinson" and noise is None):
        raise InvalidOption("The divergence must be 'exact', or 'hutchinson' with a source of noise.")
    if steps < 1 or not 0 < start < 1:
        raise InvalidOption(f"A likelihood needs at least one step and 0 < start < 1, not {steps} and {start!r}.")
    signs = None
    if noise is not None and divergence == "hutchinson":
        signs = noise.normal(x.shape, Purpose.EVALUATION, 0).sign().to(x.device).double()
    flow = _Flow(denoise, signs)
    begin, end = denoise.schedule(start), denoise.schedule(1.0)
    y, total = _carried(
        flow, begin.alpha * x.double() / (begin.alpha + begin.sigma), _nodes(denoise.schedule, start, steps)
    )
    dimensions = x[0].numel()
    latents = (end.alpha + end.sigma) * y
    prior = -0.5 * (latents / end.sigma).flatten(1).square().sum(1) - dimensions * (
        end.sigma.log() + 0.5 * math.log(2 * math.pi)
    )
    # densities of y at both ends, and that of x, from those of x_t
    log_density = prior + dimensions * (end.alpha + end.sigma).log() + total
    log_density = log_density + dimensions * (begin.alpha.log() - (begin.alpha + begin.sigma).log())
    return Likelihood(log_density, latents, 4 * steps)


def _carried(flow: "_Flow", y: Tensor, nodes: Tensor) -> tuple[Tensor, Tensor]:
    """Where the flow takes y along the nodes, and the integral of its divergence (B,): classical Runge–Kutta."""
    total = torch.zeros(len(y), dtype=torch.float64, device=y.device)
    for u, v in pairwise(nodes):
        h, middle = v - u, (u + v) / 2
        k1, d1 = flow(y, u)
        k2, d2 = flow(y + h / 2 * k1, middle)
        k3, d3 = flow(y + h / 2 * k2, middle)
        k4, d4 = flow(y + h * k3, v)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        total = total + h / 6 * (d1 + 2 * d2 + 2 * d3 + d4)
    return y, total


def _nodes(schedule: Schedule, start: float, steps: int) -> Tensor:
    """u from `start` to 1, the closer the nearer to the data, where narrow data bends the flow."""
    low, high = (schedule(t) for t in (start, 1.0))
    first, last = low.sigma / (low.alpha + low.sigma), high.sigma / (high.alpha + high.sigma)
    share = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    return first + (last - first) * share**2


@dataclass(frozen=True, slots=True)
class _Flow:
    """dy/du and its divergence (B,) at y, u."""

    denoise: BoundDenoiser
    signs: Tensor | None

    def __call__(self, y: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        schedule = self.denoise.schedule
        t = schedule.time(2 * ((1 - u) / u).log()).clamp(max=1.0)
        level = schedule(t)
        scale = level.alpha + level.sigma
        with torch.inference_mode(False), torch.enable_grad():
            x = (scale * y).clone().requires_grad_()
            x0 = self.denoise(x, t).x0
            spread = self._trace(x0, x)
        x0, x = x0.detach(), x.detach()
        # dy/du = (x − (alpha + sigma) x_0) / sigma, and dx = (alpha + sigma) dy
        return (x - scale * x0) / level.sigma, scale / level.sigma * (x[0].numel() - scale * spread)

    def _trace(self, x0: Tensor, x: Tensor) -> Tensor:
        """The trace of d x_0 / d x of each picture, or signs · (d x_0 / d x) signs."""
        if self.signs is not None:
            (back,) = torch.autograd.grad(x0, x, self.signs)
            return (back * self.signs).flatten(1).sum(1)
        flat, trace = x0.flatten(1), torch.zeros(len(x), dtype=x.dtype, device=x.device)
        for i in range(flat.shape[1]):
            (back,) = torch.autograd.grad(flat[:, i].sum(), x, retain_graph=True)
            trace = trace + back.flatten(1)[:, i]
        return trace
