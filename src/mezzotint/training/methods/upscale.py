"""Training to enlarge: diffusion of the large picture, told the small one."""

import contextlib
from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor, nn

from mezzotint.diffusion.noise import Purpose, normal_at
from mezzotint.diffusion.objective import loss, velocity_weight
from mezzotint.diffusion.process import PLAIN
from mezzotint.families.pixel_upscaler import PixelUpscaler, SmallPicture
from mezzotint.training.config import UpscalerRun

__all__ = ["Upscale", "upscaling_losses"]


class Pairs(Protocol):
    """Large pictures with small ones."""

    @property
    def pictures(self) -> Tensor: ...

    @property
    def small(self) -> Tensor: ...

    @property
    def t(self) -> Tensor: ...

    @property
    def draws(self) -> Tensor: ...


def upscaling_losses(
    network: nn.Module, run: UpscalerRun, x0: Tensor, small: Tensor, eps: Tensor, t: Tensor
) -> tuple[Tensor, Tensor]:
    """The loss of every picture, (B,), and the x_0 that the network says at x_t = (1 − t) x_0 + t eps.

    The loss is |x̂_0 − x_0|² / max(t, floor)², the velocity's. A plain regression has no x_t and no t: it is shown
    zeros at t = 1.
    """
    if run.regression:
        t, eps = torch.ones_like(t), torch.zeros_like(eps)
    level = PLAIN.schedule(t)
    half = torch.autocast(x0.device.type, torch.bfloat16) if run.precision == "bf16" else contextlib.nullcontext()
    with half:
        said: Tensor = network(level.noised(x0, eps), t, SmallPicture(small, run.network.scale))
    return loss(said, x0, level, lambda at: velocity_weight(at, run.floor)), said


class Upscale:
    """The losses of a batch of large pictures with small ones; noise is drawn inside the compiled step on a CPU."""

    def __init__(self, run: UpscalerRun, network: PixelUpscaler) -> None:
        self.run, self.network = run, network
        self._compiled = torch.compile(self._losses, dynamic=False) if run.compiled else self._losses

    def losses(self, batch: Pairs) -> Tensor:
        """Loss of every picture, (B,), with gradients."""
        # Triton refuses the generator's constants, which are above 2^31: there, noise is drawn before the step
        noise = None if batch.draws.device.type == "cpu" else self._noise(batch.draws, batch.pictures)
        result: Tensor = self._compiled(batch.pictures, batch.small, batch.t, batch.draws, noise)
        return result

    def step(self, lr: float, count: int) -> None:
        """Nothing is trained beside the network."""

    def state(self) -> Mapping[str, Tensor]:
        """Empty."""
        return {}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Nothing to restore."""

    def _losses(self, x0: Tensor, small: Tensor, t: Tensor, draws: Tensor, noise: Tensor | None) -> Tensor:
        eps = self._noise(draws, x0) if noise is None else noise
        return upscaling_losses(self.network, self.run, x0, small, eps, t)[0]

    @torch.no_grad()
    def _noise(self, draws: Tensor, x0: Tensor) -> Tensor:
        return normal_at(self.run.seed, draws, Purpose.TRAIN_NOISE, x0.shape[1:])
