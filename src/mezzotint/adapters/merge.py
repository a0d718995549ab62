"""Changes of weights that can be undone to the bit."""

import torch
from torch import Tensor, nn

__all__ = ["Merged"]


class Merged:
    """Sums in the place of weights, and the way back: a sum is a new tensor, and the old one is kept as it was.

    Networks that share the old tensors do not see the change.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[nn.Linear, nn.Parameter, nn.Parameter]] = []

    def add(self, layer: nn.Linear, delta: Tensor) -> None:
        """`W ← W + delta`, summed in float64 and rounded once."""
        old = layer.weight
        assert isinstance(old, nn.Parameter)
        total = (old.detach().double() + delta.to(old.device, torch.float64)).to(old.dtype)
        new = nn.Parameter(total, requires_grad=old.requires_grad)
        layer.weight = new
        self._kept.append((layer, old, new))

    def undo(self) -> None:
        """Put the old tensors back; what was merged last is undone first."""
        for layer, old, new in reversed(self._kept):
            assert layer.weight is new, "something was merged after this; undo that first"
            layer.weight = old
        self._kept.clear()
