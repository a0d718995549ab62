"""Inversion: sampling starts from the noise that a picture came from, or from a mixture of several pictures' noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mezzotint.diffusion.noise import Noise, Purpose
from mezzotint.diffusion.sampling import sample
from mezzotint.diffusion.solvers.fixed_point import FixedPointDDIM
from mezzotint.diffusion.timegrid import Denoise, inversion
from mezzotint.editing.edit import Canvas, Edit

__all__ = ["CLEAN", "SOURCE", "Invert", "inverted", "spherical"]

SOURCE = "source"
"""The branch that says what the pictures show."""
CLEAN = 0.05
"""sigma/alpha of the noise that a picture gets before it is inverted; what comes back of it is as exact as that."""


def inverted(pixels: Tensor, canvas: Canvas, noise: Noise) -> Tensor:
    """x_t at the canvas's first time, from which DDIM without guidance draws a picture under the branch `SOURCE`.

    The picture begins as alpha z + sigma eps at sigma/alpha = `CLEAN`, z its latents and eps the noise of a start, and
    rises along the canvas's own grid by `FixedPointDDIM`, which undoes DDIM's steps exactly; where that grid jumps,
    along a uniform one of as many denoising steps. pixels: (C, 1, H, W).
    """
    assert canvas.plain is not None, "an inversion needs a denoiser"
    steps = [move for move in canvas.grid if isinstance(move, Denoise)]
    base = canvas.grid if len(steps) == len(canvas.grid) else None
    grid = inversion(len(steps), canvas.schedule, start=canvas.start, clean=CLEAN, base=base)
    latents = canvas.codec.encode(pixels[None], noise).expand(canvas.shape)
    x = canvas.schedule(grid[0].t).noised(latents, noise.normal(canvas.shape, Purpose.START, 0))
    for step in sample(canvas.plain.told(SOURCE), x, grid, FixedPointDDIM(), noise):
        x = step.x
    return x


def spherical(samples: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """The weighted mean of samples (B, ...) on the sphere, each picture by itself, of the mean norm.

    The directions' m with sum_k w_k log_m(u_k) = 0, weights of sum 1; of two it is their slerp. It keeps what noise has
    and a plain mean loses, its norm. (Buss & Fillmore 2001, "Spherical averages and applications to spherical splines
    and interpolation", algorithm A1.) A single sample with a weight above 0 comes back bit for bit.
    """
    pairs = [(x, weight / sum(weights)) for x, weight in zip(samples, weights, strict=True) if weight]
    if len(pairs) == 1:
        return pairs[0][0]
    shares = torch.tensor([share for _, share in pairs], dtype=torch.float64)
    rows = [torch.stack([x[i].flatten().double() for x, _ in pairs]) for i in range(len(pairs[0][0]))]
    return torch.stack([_mean(row, shares) for row in rows]).reshape(pairs[0][0].shape).to(pairs[0][0])


def _mean(rows: Tensor, shares: Tensor) -> Tensor:
    """Of rows (K, N) of one picture, (N,)."""
    norms = rows.norm(dim=1, keepdim=True)
    units = rows / norms
    mean = shares @ units
    for _ in range(50):
        mean = mean / mean.norm()
        cosines = (units @ mean).clamp(-1, 1)
        angles = cosines.acos()
        across = units - cosines[:, None] * mean
        # angle / sin(angle) is 1 where a sample is the mean itself
        lengths = angles / angles.sin().clamp_min(1e-12)
        move = (shares * lengths) @ across
        size = float(move.norm())
        if size < 1e-12:
            break
        mean = mean * torch.cos(move.norm()) + move / size * torch.sin(move.norm())
    result: Tensor = mean * (shares @ norms[:, 0])
    return result


@dataclass(frozen=True)
class Invert(Edit):
    """Starts from the noise of pictures, and wraps nothing: what else is asked for is drawn from there.

    pictures: each (C, 1, H, W) in [-1, 1], the edited one first. weights: one each, not all 0; the noises of several
    meet on the sphere (`spherical`). Where sampling starts with no more noise than `CLEAN`,
    that is not this edit's business. Source: DDIM inversion, Song et al. 2020, arXiv 2010.02502, sections 4.3 and 5.3.
    """

    pictures: tuple[Tensor, ...]
    weights: tuple[float, ...]

    def start(self, canvas: Canvas, noise: Noise) -> Tensor | None:
        """The noise, or the mixture of noises."""
        level = canvas.schedule(canvas.start)
        if float(level.sigma) <= 2 * CLEAN * float(level.alpha):
            return None
        used = [(pixels, weight) for pixels, weight in zip(self.pictures, self.weights, strict=True) if weight]
        found = [inverted(pixels, canvas, noise) for pixels, _ in used]
        return spherical(found, [weight for _, weight in used])
