"""Plain diffusion training: predict the picture behind the noise."""

import contextlib
from collections.abc import Mapping
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.diffusion.noise import Purpose, normal_at
from mezzotint.diffusion.objective import loss, velocity_weight
from mezzotint.diffusion.schedule import RectifiedFlow
from mezzotint.training.batches import Batch
from mezzotint.training.config import RunConfig
from mezzotint.training.methods.learned_weight import LearnedWeight

B = TypeVar("B", contravariant=True)


class Method(Protocol[B]):
    """Turns a batch into one loss a picture; its networks are fields."""

    def losses(self, batch: B) -> Tensor:
        """Loss of every picture, (B,), with gradients."""
        ...

    def step(self, lr: float, count: int) -> None:
        """Update number `count` (from 1) of what the method trains beside the network."""
        ...

    def state(self) -> Mapping[str, Tensor]:
        """What the method trains beside the network, to be resumed from; empty if nothing."""
        ...

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state` gave."""
        ...


class Pretrain:
    """`x_t = (1 - t) x_0 + t eps`; the loss is `|x̂_0 - x_0|² / max(t, floor)²`, the velocity's (JiT, section 3).

    With `objective.learned_weight` it is divided by what it is expected to be at its t (`LearnedWeight`).
    On a CPU noise is drawn inside the compiled step, so that it costs no memory traffic.
    """

    def __init__(self, run: RunConfig, network: nn.Module) -> None:
        self.network = network
        self.schedule = RectifiedFlow()
        self.seed = run.seed
        self.floor = run.objective.floor
        self.precision = run.precision
        self.weight = LearnedWeight(next(network.parameters()).device) if run.objective.learned_weight else None
        self._compiled = torch.compile(self._losses, dynamic=False) if run.compiled else self._losses

    def losses(self, batch: Batch) -> Tensor:
        """Loss of every picture, (B,), with gradients."""
        cond = batch.cond
        given = (cond.tokens, cond.mask, cond.style, cond.letters, cond.augment)
        # Triton refuses the generator's constants, which are above 2^31: there, noise is drawn before the step
        eps = None if batch.draws.device.type == "cpu" else self._noise(batch.draws, batch.pictures)
        result: Tensor = self._compiled(batch.pictures, batch.t, batch.draws, eps, *given)
        return result if self.weight is None else self.weight(result, self.schedule(batch.t))

    def step(self, lr: float, count: int) -> None:
        """Update number `count` (from 1) of the learned weighting, if there is one."""
        if self.weight is not None:
            self.weight.step(lr, count)

    def state(self) -> Mapping[str, Tensor]:
        """The learned weighting; empty if there is none."""
        return {} if self.weight is None else self.weight.state()

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state` gave."""
        if self.weight is not None:
            self.weight.load(state)

    def _losses(
        self,
        x0: Tensor,
        t: Tensor,
        draws: Tensor,
        eps: Tensor | None,
        tokens: Tensor,
        mask: Tensor,
        style: Tensor,
        letters: Tensor | None,
        augment: Tensor | None,
    ) -> Tensor:
        eps = self._noise(draws, x0) if eps is None else eps
        cond = Conditioning(tokens, mask, style, letters, augment)
        return noised_loss(self.network, x0, eps, t, cond, self.precision, self.floor)

    @torch.no_grad()
    def _noise(self, draws: Tensor, x0: Tensor) -> Tensor:
        return normal_at(self.seed, draws, Purpose.TRAIN_NOISE, x0.shape[1:])


def noised_loss(
    network: nn.Module, x0: Tensor, eps: Tensor, t: Tensor, cond: Conditioning, precision: str, floor: float
) -> Tensor:
    """The loss (B,) at given noise and times; also what validation measures."""
    level = RectifiedFlow()(t)
    x_t = level.noised(x0, eps)
    autocast = torch.autocast(x0.device.type, torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()
    with autocast:
        predicted = network(x_t, t, cond)
    return loss(predicted, x0, level, lambda at: velocity_weight(at, floor))
