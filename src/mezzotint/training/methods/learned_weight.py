"""A weighting that training learns: every noise level's loss divided by what it is expected to be."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mezzotint.diffusion.objective import learned_weight
from mezzotint.diffusion.schedule import Level
from mezzotint.training.optim import Adam

__all__ = ["LearnedWeight", "LogVariance"]

# log(sigma/alpha) of ±10 is beyond any noise level that training tells apart; at t = 0 and 1 it is infinite
_REACH = 10.0


class LogVariance(nn.Module):
    """u(c) = sum_k w_k sqrt(2) cos(2π f_k c − φ_k), c = log(sigma/alpha) / 4: a smooth function of the noise level.

    EDM2's network for the logarithm of the loss: Fourier features and one linear layer. Karras et al. 2023,
    arXiv 2312.02696, eqs. 21 and 75, appendix B.2. There the f_k are random, N(0, 1); here they are the quantiles of
    that distribution, each with φ = 0 and π/2, so that nothing is drawn. It starts as u = 0, where the loss is as
    without it. Level of shape (B,) -> (B,) float32.
    """

    frequencies: Tensor

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        assert width % 2 == 0, width
        share = (torch.arange(width // 2, dtype=torch.float64) + 0.5) / (width // 2)
        self.register_buffer("frequencies", torch.special.ndtri(0.5 + share / 2).float(), persistent=False)
        self.weights = nn.Parameter(torch.zeros(width))

    def forward(self, level: Level) -> Tensor:
        c = (-level.log_snr / 2).clamp(-_REACH, _REACH).float() / 4
        angles = 2 * math.pi * c[:, None] * self.frequencies.to(c.device)
        features = math.sqrt(2) * torch.cat([angles.cos(), angles.sin()], dim=-1)
        u: Tensor = features @ self.weights
        return u


class LearnedWeight:
    """losses / exp(u) + u, and the training of u by Adam, beside the network and not part of it.

    u becomes log E[loss] at each noise level. All levels then weigh alike, whatever the weighting of the losses was:
    where training looks is left to the density of times.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.log_variance = LogVariance().to(device)
        self.adam = Adam(dict(self.log_variance.named_parameters()))

    def __call__(self, losses: Tensor, level: Level) -> Tensor:
        """The weighted losses (B,) of pictures at a level of shape (B,)."""
        return learned_weight(losses, self.log_variance(level))

    def step(self, lr: float, count: int) -> None:
        """Update number `count` (from 1) of u, from the gradients of the backward pass, which it then forgets."""
        self.adam.step(lr, count)
        self.log_variance.zero_grad(set_to_none=True)

    def state(self) -> Mapping[str, Tensor]:
        """The weights and their moments."""
        groups = {"first": self.adam.first, "second": self.adam.second}
        moments = {f"{group}.{name}": value for group, values in groups.items() for name, value in values.items()}
        return {"weights": self.log_variance.weights.detach(), **moments}

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state` gave."""
        own = self.state()
        assert own.keys() == state.keys(), "the weighting of another run"
        for name, value in state.items():
            own[name].copy_(value)
