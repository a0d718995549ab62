"""A second network that a method trains beside the first: a critic, with an optimiser and a state of its own."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mezzotint.training.optim import Adam

__all__ = ["Beside"]


class Beside:
    """A network and Adam; a method's own `state` and `load` are made of theirs, so that a resumed run has its bits."""

    def __init__(self, network: nn.Module, betas: Sequence[float] = (0.9, 0.95)) -> None:
        self.network = network
        self.adam = Adam(dict(network.named_parameters()), betas)

    def step(self, lr: float, count: int) -> None:
        """Update number `count` (from 1) from the gradients, which are gone then."""
        self.adam.step(lr, count)
        self.network.zero_grad(set_to_none=True)

    def state(self, name: str = "critic") -> dict[str, Tensor]:
        """Weights and their moments, under `NAME.`, `first.` and `second.`"""
        weights = {key: value.detach() for key, value in self.network.named_parameters()}
        groups = {name: weights, "first": self.adam.first, "second": self.adam.second}
        return {f"{group}.{key}": value for group, values in groups.items() for key, value in values.items()}

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor], name: str = "critic") -> None:
        """Restore what `state` gave."""
        own = self.state(name)
        assert own.keys() == state.keys(), "the state of another network"
        for key, value in state.items():
            own[key].copy_(value)
