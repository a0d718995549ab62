"""LoRA: low-rank changes of a network's linear layers.

    y = W x + s (alpha / r) B A x        A (r, inputs), B (outputs, r), s the strength

Source: Hu et al. 2021, arXiv 2106.09685, section 4.1. A fused projection (q, k and v; gate and up) has factors for each
of its parts, as separate projections would. Which layers: attention and feed-forward of every transformer block.
"""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mezzotint.adapters.merge import Merged
from mezzotint.errors import InvalidCheckpoint
from mezzotint.nn import Attention, BlankLinear, SwiGLU

__all__ = ["Factors", "LoRA", "Target", "fresh_factors", "shared_copy", "targets"]


@dataclass(frozen=True, slots=True)
class Target:
    """A linear layer that can be adapted, and how many projections of equal size it holds."""

    layer: BlankLinear
    parts: int

    @property
    def outputs(self) -> int:
        """Outputs of each part."""
        return self.layer.out_features // self.parts


@dataclass(frozen=True, slots=True)
class Factors:
    """The factors of one layer: down (parts, rank, inputs) is A, up (parts, outputs / parts, rank) is B."""

    down: Tensor
    up: Tensor

    @property
    def rank(self) -> int:
        """The rank r."""
        return self.down.shape[1]

    def product(self) -> Tensor:
        """B A of all parts, one below the other, (outputs, inputs), in float64."""
        return torch.bmm(self.up.detach().double(), self.down.detach().double()).flatten(0, 1)

    def fit(self, target: Target) -> bool:
        """Whether they are factors of this layer."""
        if self.down.ndim != 3 or self.up.ndim != 3 or self.rank < 1:
            return False
        down = (target.parts, self.rank, target.layer.in_features)
        return tuple(self.down.shape) == down and tuple(self.up.shape) == (target.parts, target.outputs, self.rank)


def targets(network: nn.Module) -> dict[str, Target]:
    """The linear layers of a network that can be adapted, by name: those of its attention and feed-forward layers."""
    found: dict[str, Target] = {}
    for name, module in network.named_modules():
        if isinstance(module, Attention):
            found |= {f"{name}.qkv": Target(module.qkv, 3), f"{name}.out": Target(module.out, 1)}
        elif isinstance(module, SwiGLU):
            found |= {f"{name}.gate_up": Target(module.gate_up, 2), f"{name}.out": Target(module.out, 1)}
    return found


def fresh_factors(network: nn.Module, rank: int, seed: int) -> dict[str, Factors]:
    """Factors that change nothing yet: A normal with variance 1 / inputs, B zero (section 4.1), for every target.

    They are drawn on the CPU from a generator of their own.
    """
    generator = torch.Generator().manual_seed(seed)
    made: dict[str, Factors] = {}
    for name, target in targets(network).items():
        inputs = target.layer.in_features
        down = torch.empty(target.parts, rank, inputs).normal_(0.0, inputs**-0.5, generator=generator)
        made[name] = Factors(down, torch.zeros(target.parts, target.outputs, rank))
    return made


class LowRank(nn.Module):
    """`scale · s · B A x` of one adapter, part by part, for the outputs from number `first` on."""

    def __init__(self, factors: Factors, scale: float, trained: bool) -> None:
        super().__init__()
        self.down = nn.Parameter(factors.down, requires_grad=trained)
        self.up = nn.Parameter(factors.up, requires_grad=trained)
        self.scale = scale

    @property
    def factors(self) -> Factors:
        """Its factors as they are now."""
        return Factors(self.down, self.up)

    def forward(self, x: Tensor, strength: Tensor, first: int) -> Tensor:
        part, within = divmod(first, self.up.shape[1])
        assert within == 0, "a fused projection is used by whole parts"
        down, up = self.down[part:], self.up[part:]
        small = F.linear(x, down.flatten(0, 1)).view(*x.shape[:-1], *down.shape[:2])  # (B, ..., parts, rank)
        scale = (strength.to(small.dtype) * self.scale).view(-1, *[1] * (small.ndim - 1))
        return torch.einsum("...pr,por->...po", small * scale, up).flatten(-2)


class Added(nn.Module):
    """What the adapters of a network add to one of its layers: each with the strengths in its own column."""

    def __init__(self) -> None:
        super().__init__()
        self.branches = nn.ModuleDict()

    def forward(self, x: Tensor, strengths: Tensor, first: int) -> Tensor:
        parts = [branch(x, strengths[:, int(column)], first) for column, branch in self.branches.items()]
        total: Tensor = sum(parts[1:], start=parts[0])
        return total


class LoRA:
    """An `Adapter` of low-rank factors, by the names of the layers that they belong to (see `targets`).

    column: which of the strengths is its own. trained: whether the factors have gradients.
    """

    def __init__(self, factors: Mapping[str, Factors], alpha: float, *, column: int = 0, trained: bool = False) -> None:
        self.alpha, self._column, self.trained = alpha, column, trained
        self._own = dict(factors)
        self._in: dict[str, tuple[BlankLinear, LowRank]] = {}
        self._merged: Merged | None = None

    @property
    def column(self) -> int:
        """Which of the strengths is its own."""
        return self._column

    def factors(self) -> dict[str, Factors]:
        """The factors as they are now: those in the network, if it is injected."""
        return {name: branch.factors for name, (_, branch) in self._in.items()} or dict(self._own)

    def parameters(self) -> dict[str, nn.Parameter]:
        """What is trained, by name; empty unless injected."""
        branches = {name: branch for name, (_, branch) in self._in.items()}
        return {f"{name}.{part}": p for name, branch in branches.items() for part, p in branch.named_parameters()}

    def inject(self, network: nn.Module) -> None:
        """Enter a network, with factors of its dtype on its device; its own tensors are not touched.

        Raises `InvalidCheckpoint` if the network lacks a layer that there are factors for, or has it in another size.
        """
        assert not self._in, "injected already"
        known = targets(network)
        self._check(known)
        for name, factors in self._own.items():
            layer = known[name].layer
            down, up = (part.detach().to(layer.weight, copy=True) for part in (factors.down, factors.up))
            branch = LowRank(Factors(down, up), self.alpha / factors.rank, self.trained)
            if layer.added is None:
                layer.added = Added()
            _branches(layer)[str(self.column)] = branch
            self._in[name] = (layer, branch)

    def eject(self) -> None:
        """Leave the network: the layers are plain again, with the tensors that they had."""
        self._own = self.factors()
        if self._merged is not None:
            self._merged.undo()
            self._merged = None
        else:
            self._leave()
        self._in.clear()

    def merge(self, strength: float = 1.0) -> None:
        """`W ← W + strength (alpha / r) B A` in every layer; the strengths of conditionings no longer reach it."""
        assert self._in, "inject it first"
        assert self._merged is None, "merged already"
        self._leave()
        self._merged = Merged()
        for layer, branch in self._in.values():
            self._merged.add(layer, strength * branch.scale * branch.factors.product())

    def _leave(self) -> None:
        for layer, _ in self._in.values():
            branches = _branches(layer)
            del branches[str(self.column)]
            if not len(branches):
                layer.added = None

    def _check(self, known: Mapping[str, Target]) -> None:
        unknown = sorted(self._own.keys() - known.keys())
        if unknown:
            raise InvalidCheckpoint(
                f"The LoRA changes {_listed(unknown)}, which this network does not have; use it with the model that it "
                "was made for."
            )
        misfits = sorted(name for name, factors in self._own.items() if not factors.fit(known[name]))
        if misfits:
            raise InvalidCheckpoint(
                f"The LoRA changes {_listed(misfits)} in other sizes than this network has; use it with the model that "
                "it was made for."
            )


def _branches(layer: BlankLinear) -> nn.ModuleDict:
    assert isinstance(layer.added, Added)
    return layer.added.branches


def _listed(names: Iterable[str]) -> str:
    first, *rest = names
    return f"{first} and {len(rest)} other layers" if rest else first


def shared_copy(network: nn.Module) -> nn.Module:
    """The same network as another object: the modules are copied, and every tensor is shared.

    Adapters that enter the copy leave the original as it is, so that it may serve meanwhile.
    """
    kept = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    return copy.deepcopy(network, kept)
