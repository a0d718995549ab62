"""Linear measurements A of a picture, each with its adjoint: ⟨A x, y⟩ = ⟨x, A* y⟩."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from mezzotint.errors import InvalidOption

__all__ = [
    "Blur",
    "Downscale",
    "Grey",
    "LinearOperator",
    "Mask",
    "Matrix",
    "conjugate_gradients",
    "minimal_residual",
]


class LinearOperator(Protocol):
    """A linear map of pictures (B, ...) to measurements (B, ...), each picture on its own."""

    def __call__(self, x: Tensor) -> Tensor:
        """A x."""
        ...

    def adjoint(self, y: Tensor) -> Tensor:
        """A* y, of the shape of x."""
        ...


@dataclass(frozen=True, eq=False)
class Matrix:
    """A x = values x for any matrix values (M, D), x being flattened; shape: that of a picture, D elements in all.

    Measurements are (B, M).
    """

    values: Tensor
    shape: tuple[int, ...]

    def __call__(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.values.to(x).T

    def adjoint(self, y: Tensor) -> Tensor:
        return (y @ self.values.to(y)).reshape(-1, *self.shape)


@dataclass(frozen=True, eq=False)
class Mask:
    """Keeps what is known (1) and drops the rest (0): inpainting. `known` broadcasts against a picture."""

    known: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        return x * self.known.to(x)

    def adjoint(self, y: Tensor) -> Tensor:
        return y * self.known.to(y)


@dataclass(frozen=True)
class Blur:
    """A Gaussian of `sigma` samples on the last two dimensions, cut and normalised at the edge: deblurring.

    A x = G x Gᵀ, G_ij ∝ exp(−(i − j)² / (2 sigma²)), rows summing to 1. Raises InvalidOption unless sigma is positive.
    """

    sigma: float

    def __post_init__(self) -> None:
        if not self.sigma > 0:
            raise InvalidOption(f"A blur needs a sigma above 0, not {self.sigma!r}.")

    def _sides(self, x: Tensor) -> tuple[Tensor, Tensor]:
        def side(size: int) -> Tensor:
            place = torch.arange(size, dtype=torch.float64)
            return torch.softmax(-(((place[:, None] - place) / self.sigma) ** 2) / 2, dim=1).to(x)

        return side(x.shape[-2]), side(x.shape[-1])

    def __call__(self, x: Tensor) -> Tensor:
        down, across = self._sides(x)
        return down @ x @ across.T

    def adjoint(self, y: Tensor) -> Tensor:
        down, across = self._sides(y)
        return down.T @ y @ across


@dataclass(frozen=True)
class Downscale:
    """The mean of every factor x factor square of the last two dimensions: super-resolution.

    Raises InvalidOption for a factor that is no whole number of at least 1, and for pictures of no whole squares.
    """

    factor: int

    def __post_init__(self) -> None:
        if isinstance(self.factor, bool) or not isinstance(self.factor, int) or self.factor < 1:
            raise InvalidOption(f"A downscaling factor must be a whole number of at least 1, not {self.factor!r}.")

    def __call__(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        if height % self.factor or width % self.factor:
            raise InvalidOption(f"Pictures of {width}x{height} cannot be downscaled by {self.factor} in whole squares.")
        squares = x.unflatten(-2, (-1, self.factor)).unflatten(-1, (-1, self.factor))  # type: ignore[no-untyped-call]
        mean: Tensor = squares.mean((-3, -1))
        return mean

    def adjoint(self, y: Tensor) -> Tensor:
        wide = y.repeat_interleave(self.factor, -2).repeat_interleave(self.factor, -1)
        return wide / self.factor**2


@dataclass(frozen=True)
class Grey:
    """A weighted sum of the channels (dimension 1), which stays as one channel: colourising.

    (B, C, ...) to (B, 1, ...). The weights are those of luma for red, green and blue, ITU-R BT.601.
    Raises InvalidOption for pictures with another number of channels.
    """

    weights: tuple[float, ...] = (0.299, 0.587, 0.114)

    @cached_property
    def _row(self) -> Tensor:
        return torch.tensor(self.weights, dtype=torch.float64)

    def __call__(self, x: Tensor) -> Tensor:
        if x.shape[1] != len(self.weights):
            raise InvalidOption(f"A grey picture of {len(self.weights)} channels was asked of one with {x.shape[1]}.")
        return torch.einsum("c,bc...->b...", self._row.to(x), x)[:, None]

    def adjoint(self, y: Tensor) -> Tensor:
        return torch.einsum("c,bc...->bc...", self._row.to(y), y.expand(-1, len(self.weights), *y.shape[2:]))


def conjugate_gradients(
    apply: Callable[[Tensor], Tensor], right: Tensor, iterations: int, tolerance: float = 1e-8
) -> Tensor:
    """z with apply(z) = right, for a symmetric apply that is not negative, each picture (row) on its own.

    right, z: (B, ...). Stops after `iterations`, or when every residual is below tolerance times its right side. Where
    apply is singular, z is the solution of least length for a right side in its range. Hestenes & Stiefel 1952.
    """

    def inner(a: Tensor, b: Tensor) -> Tensor:
        return (a * b).flatten(1).sum(1).reshape(-1, *[1] * (a.ndim - 1))

    z = torch.zeros_like(right)
    rest, way = right.clone(), right.clone()
    size = goal = inner(rest, rest)
    for _ in range(iterations):
        if bool((size <= tolerance**2 * goal).all()):
            break
        pushed = apply(way)
        curve = inner(way, pushed)
        moving = (size > tolerance**2 * goal) & (curve > 0)
        share = torch.where(moving, size / torch.where(moving, curve, 1.0), 0.0)
        z, rest = z + share * way, rest - share * pushed
        fresh = inner(rest, rest)
        way = rest + torch.where(moving, fresh / torch.where(moving, size, 1.0), 0.0) * way
        size = torch.where(moving, fresh, torch.zeros_like(size))
    return z


def minimal_residual(
    apply: Callable[[Tensor], Tensor], right: Tensor, iterations: int, tolerance: float = 1e-8
) -> Tensor:
    """z with the least |right − apply(z)| among the combinations of right, apply(right), …, each picture on its own.

    GMRES, Saad & Schultz 1986, for any linear apply, symmetric or not; more iterations never make the residual larger.
    right, z: (B, ...). Stops after `iterations`, or when nothing new is left of any picture.
    """

    def rows(values: Tensor) -> Tensor:  # one number a picture, to be multiplied with pictures
        return values.reshape(-1, *[1] * (right.ndim - 1))

    size = right.flatten(1).norm(dim=1)
    basis = [right / rows(size.clamp_min(torch.finfo(right.dtype).tiny))]
    table = right.new_zeros(len(right), iterations + 1, iterations)
    used = 0
    for k in range(iterations):
        fresh = apply(basis[k])
        before = fresh.flatten(1).norm(dim=1)
        for j, known in enumerate(basis):
            share = (known * fresh).flatten(1).sum(1)
            table[:, j, k] = share
            fresh = fresh - rows(share) * known
        left = fresh.flatten(1).norm(dim=1)
        left = torch.where(left > tolerance * before, left, 0.0)
        table[:, k + 1, k] = left
        used = k + 1
        if not bool((left > 0).any()):
            break
        basis.append(torch.where(rows(left) > 0, fresh / rows(left.clamp_min(torch.finfo(right.dtype).tiny)), 0.0))
    goal = right.new_zeros(len(right), used + 1, 1)
    goal[:, 0, 0] = size
    shares = torch.linalg.pinv(table[:, : used + 1, :used]) @ goal
    return sum((rows(shares[:, k, 0]) * basis[k] for k in range(used)), torch.zeros_like(right))
