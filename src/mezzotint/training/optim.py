"""Muon for the matrices of blocks and convolutions, Adam for everything else, and the learning-rate schedule."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mezzotint.errors import InvalidOption, TrainingError


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """Learning rates and their schedule: linear warm-up, constant, linear decay to zero (WSD).

    muon_lr, adam_lr   peak learning rates of the two optimisers
    warmup, decay      shares of the run spent warming up and decaying, in [0, 1]
    clip               largest global norm of the gradient
    muon               whether matrices have Muon; false: everything has Adam
    betas              how much Adam keeps of its first and second moments
    """

    muon_lr: float = 2e-3
    adam_lr: float = 5e-4
    momentum: float = 0.95
    warmup: float = 0.03
    decay: float = 0.25
    clip: float = 1.0
    muon: bool = True
    betas: tuple[float, ...] = (0.9, 0.95)

    def __post_init__(self) -> None:
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise InvalidOption(f"optim.betas is {self.betas}; it must be two numbers from 0 to below 1.")

    def factor(self, step: int, steps: int) -> float:
        """Share of the peak learning rate at update number `step` (from 1) of `steps`."""
        up = step / max(1.0, self.warmup * steps)
        down = (steps - step + 1) / max(1.0, self.decay * steps)
        return min(1.0, up, down)


def orthogonalise(matrices: Tensor, iterations: int = 5) -> Tensor:
    """Replace the singular values of each matrix (..., rows, columns), rows >= columns, by values near 1.

    A quintic Newton–Schulz iteration `X ← aX + X (b A + c A²)`, `A = XᵀX`, in bfloat16, after scaling X by its
    Frobenius norm. Its coefficients trade exactness for speed: the singular values land in about [0.7, 1.2].
    Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks".
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x: Tensor = (matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + 1e-7)).bfloat16()
    x = x.reshape(-1, *x.shape[-2:])
    for _ in range(iterations):
        gram = x.mT @ x
        x = torch.baddbmm(x, x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), beta=a)
    return x.to(matrices.dtype).reshape(matrices.shape)


NARROW = 16
"""Channels below which an end of a convolution is no map of features."""


class Muon:
    """Momentum, orthogonalised: `M ← μM + G`, `W ← W - lr · 0.2 sqrt(max(rows, columns)) · orthogonalise(G + μM)`.

    The factor gives every update the root mean square 0.2 that Adam's have, so that one learning rate fits all shapes.
    Fused projections (q, k and v; gate and up) are orthogonalised part by part, and all parts of equal shape at once;
    the weights of a convolution as the matrix (out, in · height · width).

    Sources: Jordan et al. 2024; the scale: Liu et al. 2025 ("Muon is scalable", arXiv 2502.16982), equation 4.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], momentum: float) -> None:
        self.parameters = dict(parameters)
        self.momentum = momentum
        self.buffers = {name: torch.zeros_like(p) for name, p in self.parameters.items()}

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """One update with the learning rate `lr`, from the parameters' gradients."""
        groups: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = {}
        if not self.parameters:
            return
        gradients, buffers = [_gradient(p) for p in self.parameters.values()], list(self.buffers.values())
        torch._foreach_mul_(buffers, self.momentum)
        torch._foreach_add_(buffers, gradients)
        moved = torch._foreach_add(gradients, buffers, alpha=self.momentum)
        for (name, parameter), update in zip(self.parameters.items(), moved, strict=True):
            for part, piece in zip(_parts(name, parameter.data), _parts(name, update), strict=True):
                rows, columns = max(piece.shape), min(piece.shape)
                groups.setdefault((rows, columns), []).append((part, piece))
        for (rows, _), pairs in groups.items():
            tall = torch.stack([u if u.shape[0] == rows else u.mT for _, u in pairs])
            updates = orthogonalise(tall)
            steps = [u if piece.shape[0] == rows else u.mT for (_, piece), u in zip(pairs, updates, strict=True)]
            torch._foreach_add_([part for part, _ in pairs], steps, alpha=-lr * 0.2 * math.sqrt(rows))


def _parts(name: str, matrix: Tensor) -> Iterable[Tensor]:
    """The matrices that a weight holds, as views."""
    if matrix.ndim == 4:
        return (matrix.view(matrix.shape[0], -1),)
    if name.endswith("qkv.weight"):
        return matrix.chunk(3)
    if name.endswith("gate_up.weight"):
        return matrix.chunk(2)
    return (matrix,)


def _between_maps(weight: nn.Parameter) -> bool:
    """Whether a weight is that of a convolution whose both ends are maps of features, not pixels or answers."""
    return weight.ndim == 4 and min(weight.shape[:2]) >= NARROW


def _gradient(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None, "a parameter that the loss does not reach"
    return parameter.grad


class Adam:
    """Adam (Kingma & Ba 2014, algorithm 1) without weight decay; betas: what it keeps of its two moments."""

    def __init__(self, parameters: Mapping[str, nn.Parameter], betas: Sequence[float] = (0.9, 0.95)) -> None:
        self.parameters = dict(parameters)
        self.betas = tuple(betas)
        self.first = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        self.second = {name: torch.zeros_like(p) for name, p in self.parameters.items()}

    @torch.no_grad()
    def step(self, lr: float, count: int) -> None:
        """Update number `count` (from 1) with the learning rate `lr`."""
        gradients = [_gradient(p) for p in self.parameters.values()]
        first, second = list(self.first.values()), list(self.second.values())
        a, b = self.betas
        torch._foreach_lerp_(first, gradients, 1 - a)
        torch._foreach_mul_(second, b)
        torch._foreach_addcmul_(second, gradients, gradients, 1 - b)
        scale = torch._foreach_sqrt(second)
        torch._foreach_div_(scale, math.sqrt(1 - b**count))
        torch._foreach_add_(scale, 1e-10)
        torch._foreach_addcdiv_(list(self.parameters.values()), first, scale, -lr / (1 - a**count))


class Optimizer:
    """Muon on the matrices of the blocks and the convolutions between wide maps, Adam on the rest."""

    def __init__(self, network: nn.Module, config: OptimConfig) -> None:
        self.config = config
        named = dict(network.named_parameters())
        matrices = {n: p for n, p in named.items() if (p.ndim == 2 and "blocks." in n) or _between_maps(p)}
        matrices = matrices if config.muon else {}
        self.network = network
        self.muon = Muon(matrices, config.momentum)
        self.adam = Adam({n: p for n, p in named.items() if n not in matrices}, config.betas)

    def step(self, step: int, steps: int, norm: Tensor | None = None) -> Tensor:
        """Update number `step` (from 1) of `steps`; returns the global norm () of the gradient before clipping, on the
        device that computes it, so that nothing has to wait for it.

        norm: what `gradient_norm` gave, where it was asked for already. A norm that is not finite spoils weights and
        moments; it is for the caller to look.
        """
        norm = self.gradient_norm() if norm is None else norm
        # by 1 where it is not above the limit, which changes no bit
        shrink = (self.config.clip / norm).clamp_max(1.0)
        torch._foreach_mul_([_gradient(p) for p in self.network.parameters()], shrink)
        factor = self.config.factor(step, steps)
        self.muon.step(self.config.muon_lr * factor)
        self.adam.step(self.config.adam_lr * factor, step)
        return norm

    def gradient_norm(self) -> Tensor:
        """Euclidean norm () of all gradients together."""
        gradients = [_gradient(p) for p in self.network.parameters()]
        norm: Tensor = torch.stack(list(torch._foreach_norm(gradients))).norm()
        return norm

    def state(self) -> dict[str, Tensor]:
        """Every moment, under `muon.`, `first.` and `second.`"""
        groups = {"muon": self.muon.buffers, "first": self.adam.first, "second": self.adam.second}
        return {f"{group}.{name}": value for group, values in groups.items() for name, value in values.items()}

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state` gave. Raises `TrainingError` for the moments of another network or optimiser."""
        own = self.state()
        if own.keys() != state.keys():
            raise TrainingError(
                "The checkpoint's optimiser is of another kind than this version's; begin the run anew, with a warm "
                "start from its packed weights."
            )
        for name, value in state.items():
            own[name].copy_(value)
