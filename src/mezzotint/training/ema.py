"""Averages of the weights over training."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mezzotint.errors import InvalidOption


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


@dataclass(frozen=True, slots=True)
class Profile:
    """Which average of a run's weights something is: the update it ended at, and its relative width."""

    step: int
    sigma_rel: float


def overlap(a: Profile, b: Profile) -> float:
    """The integral of the product of two profiles p(τ) = (γ + 1) τ^γ / step^(γ + 1), 0 < τ <= step.

    (γ_a + 1)(γ_b + 1) / (γ_a + γ_b + 1) · m^(γ_a + γ_b + 1) / (step_a^(γ_a + 1) step_b^(γ_b + 1)), m the smaller step.
    Source: Karras et al. 2024 (EDM2), appendix C.3.
    """
    ga, gb, low = gamma_of(a.sigma_rel), gamma_of(b.sigma_rel), min(a.step, b.step)
    # as powers of ratios below 1, which cannot overflow
    shape: float = (low / a.step) ** (ga + 1) * (low / b.step) ** (gb + 1) / low
    return (ga + 1) * (gb + 1) / (ga + gb + 1) * shape


def reconstruction_shares(stored: Sequence[Profile], wanted: Profile) -> list[float]:
    """The shares x of stored averages whose sum is nearest to the wanted one: min |sum_i x_i p_i − p|² in closed form.

    Solves A x = b, A_ij = overlap(p_i, p_j), b_i = overlap(p_i, p), in float64. Source: Karras et al. 2024 (EDM2),
    section 3.2 and algorithm 3. Raises `InvalidOption` without stored averages, for one stored twice, and for a
    wanted step after the last stored one: nothing stored has seen it.
    """
    if not stored or len(set(stored)) < len(stored):
        raise InvalidOption("Reconstructing an average needs stored averages, each of them once.")
    last = max(profile.step for profile in stored)
    if not 0 < wanted.step <= last:
        raise InvalidOption(
            f"An average that ends at update {wanted.step} cannot be reconstructed: those stored end at update {last}."
        )
    a = torch.tensor([[overlap(p, q) for q in stored] for p in stored], dtype=torch.float64)
    b = torch.tensor([overlap(p, wanted) for p in stored], dtype=torch.float64)
    scale = a.diagonal().rsqrt()  # profiles of unit length: a far better condition
    solution = torch.linalg.solve(scale[:, None] * a * scale, scale * b)
    return [float(x) for x in scale * solution]


def reconstruction_error(stored: Sequence[Profile], wanted: Profile) -> float:
    """How far the best sum of stored averages is from the wanted one: |sum_i x_i p_i − p| / |p|, of their profiles.

    0 if it is among them; 1 if they say nothing of it. The square is 1 − x · b / overlap(p, p) at the least-squares x.
    Raises `InvalidOption` where `reconstruction_shares` does.
    """
    shares = reconstruction_shares(stored, wanted)
    part = sum(share * overlap(profile, wanted) for share, profile in zip(shares, stored, strict=True))
    return math.sqrt(max(0.0, 1 - part / overlap(wanted, wanted)))


def reconstruct(stored: Sequence[tuple[Profile, Mapping[str, Tensor]]], wanted: Profile) -> dict[str, Tensor]:
    """The wanted average of the weights, from stored ones, by parameter name; summed in float64.

    A few averages of two widths, stored along a run (EDM2 stores 0.05 and 0.1), give any width afterwards.
    Raises `InvalidOption` where `reconstruction_shares` does, and for averages of different networks.
    """
    shares = reconstruction_shares([profile for profile, _ in stored], wanted)
    first = stored[0][1]
    if any(weights.keys() != first.keys() for _, weights in stored):
        raise InvalidOption("The stored averages belong to different networks.")
    return {
        name: sum(
            (share * weights[name].double() for share, (_, weights) in zip(shares, stored, strict=True)),
            start=torch.zeros_like(value, dtype=torch.float64),
        ).to(value.dtype)
        for name, value in first.items()
    }
