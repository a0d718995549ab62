"""Averages of the weights over training."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def gamma_of(sigma_rel: float) -> float:
    """The exponent whose power-function average has the relative width `sigma_rel`.

    Solves `sigma_rel = sqrt(γ + 1) / ((γ + 2) sqrt(γ + 3))` by bisection; the right side falls as γ grows.
    Source: Karras et al. 2024 (EDM2, arXiv 2312.02696), equation 126 and algorithm 2.
    """
    low, high = 0.0, 1e4
    for _ in range(200):
        middle = (low + high) / 2
        width = (middle + 1) ** 0.5 / ((middle + 2) * (middle + 3) ** 0.5)
        low, high = (middle, high) if width > sigma_rel else (low, middle)
    return (low + high) / 2


class PowerEMA:
    """`θ̂_n = β_n θ̂_{n-1} + (1 - β_n) θ_n` with `β_n = (1 - 1/n)^(γ + 1)`: weights in the average grow as n^γ.

    Its width is a constant share of the training so far, so it serves short and long runs alike, and it forgets the
    initial weights. Source: Karras et al. 2024 (EDM2), section 3.1, equation 123.
    """

    def __init__(self, network: nn.Module, sigma_rel: float) -> None:
        self.sigma_rel = sigma_rel
        self.gamma = gamma_of(sigma_rel)
        self.weights = {name: p.detach().clone() for name, p in network.named_parameters()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after update number `step` (the first is 1)."""
        beta = (1 - 1 / step) ** (self.gamma + 1)
        torch._foreach_lerp_(list(self.weights.values()), [p.detach() for p in network.parameters()], 1 - beta)

    def state(self) -> Mapping[str, Tensor]:
        """The averaged weights, by parameter name."""
        return self.weights

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state` gave."""
        assert state.keys() == self.weights.keys(), "an EMA of another network"
        for name, value in state.items():
            self.weights[name].copy_(value)
