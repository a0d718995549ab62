"""Whether a compiled step gives every weight the gradient that the plain one gives it."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def gradients(network: nn.Module, answer: Callable[[Tensor], Tensor], given: Tensor) -> dict[str, Tensor]:
    """The gradient of each weight that the answer reaches, flat."""
    network.zero_grad()
    torch.autograd.backward(answer(given))
    return {name: p.grad.flatten() for name, p in network.named_parameters() if p.grad is not None}


def eager_and_compiled(
    network: nn.Module, answer: Callable[[Tensor], Tensor], given: Tensor
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """`gradients` of the answer as it is, and of the answer compiled."""
    return gradients(network, answer, given), gradients(network, torch.compile(answer, dynamic=False), given)


def unlike(eager: dict[str, Tensor], compiled: dict[str, Tensor], names: list[str], least: float = 0.98) -> list[str]:
    """Those of the names whose two gradients point elsewhere: their cosine is not above `least`."""
    return [n for n in names if not torch.cosine_similarity(eager[n], compiled[n], dim=0) > least]
