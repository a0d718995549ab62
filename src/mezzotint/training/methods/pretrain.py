"""Plain diffusion training: predict the picture behind the noise, or what else says it."""

import contextlib
from collections.abc import Mapping
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.diffusion.noise import Purpose, normal_at
from mezzotint.diffusion.objective import loss, perturbed, velocity_weight
from mezzotint.diffusion.prediction import Prediction, Target
from mezzotint.diffusion.process import PLAIN, Process
from mezzotint.diffusion.schedule import Level
from mezzotint.training.batches import Batch
from mezzotint.training.config import RunConfig
from mezzotint.training.methods.learned_weight import LearnedWeight
from mezzotint.training.objective import picture_losses, weighting_of

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
    """`x_t = alpha x_0 + sigma eps` at t of the run's schedule; the loss is a weight times `|x̂_0 - x_0|²`
    (`objective.picture_losses`), with x̂_0 what the network's output says of x_0, whatever its target (`believed`).

    By default the schedule is rectified flow, `(1 - t) x_0 + t eps`, the target x_0, and the weight the velocity's,
    1 / max(t, floor)² (JiT, section 3).
    With `objective.perturbation` the network is shown `x_t + sigma perturbation eps'`, eps' fresh, and judged by the
    same.
    With `objective.learned_weight` the loss is divided by what it is expected to be at its t (`LearnedWeight`).
    On a CPU noise is drawn inside the compiled step, so that it costs no memory traffic.
    """

    def __init__(self, run: RunConfig, network: nn.Module) -> None:
        objective = run.objective
        self.network = network
        self.process = run.process
        self.seed = run.seed
        self.weighting = weighting_of(objective)
        self.contrastive, self.perturbation = objective.contrastive, objective.perturbation
        self.precision = run.precision
        self.weight = LearnedWeight(next(network.parameters()).device) if objective.learned_weight else None
        self._compiled = torch.compile(self._losses, dynamic=False) if run.compiled else self._losses

    def losses(self, batch: Batch) -> Tensor:
        """Loss of every picture, (B,), with gradients."""
        cond = batch.cond
        given = (cond.tokens, cond.mask, cond.style, cond.letters, cond.augment)
        # Triton refuses the generator's constants, which are above 2^31: there, noise is drawn before the step
        noise = None if batch.draws.device.type == "cpu" else self._noise(batch.draws, batch.pictures)
        result: Tensor = self._compiled(batch.pictures, batch.t, batch.draws, noise, *given)
        return result if self.weight is None else self.weight(result, self.process.schedule(batch.t))

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
        noise: Tensor | None,
        tokens: Tensor,
        mask: Tensor,
        style: Tensor,
        letters: Tensor | None,
        augment: Tensor | None,
    ) -> Tensor:
        noise = self._noise(draws, x0) if noise is None else noise
        eps = noise[:, 0] if self.perturbation else noise
        given = perturbed(eps, noise[:, 1], self.perturbation) if self.perturbation else eps
        cond = Conditioning(tokens, mask, style, letters, augment)
        level = self.process.schedule(t)
        output = _output(self.network, level.noised(x0, given), t, cond, self.precision)
        predicted = believed(output, self.process.target, x0, eps, level)
        return picture_losses(predicted, x0, eps, level, self.weighting, self.contrastive)

    @torch.no_grad()
    def _noise(self, draws: Tensor, x0: Tensor) -> Tensor:
        """eps like x0; with perturbation (B, 2, ...), whose first half is that eps, and the other as much again."""
        shape = x0.shape[1:] if not self.perturbation else (2, *x0.shape[1:])
        return normal_at(self.seed, draws, Purpose.TRAIN_NOISE, shape)


def believed(output: Tensor, target: Target, x0: Tensor, eps: Tensor, level: Level) -> Tensor:
    """The x_0 that an output says at x_t = alpha x_0 + sigma eps, of the shape of x0.

    `Prediction.from_output` at the level: an error in eps, v or velocity becomes −sigma / alpha, −sigma / (alpha² +
    sigma²) or −sigma / (alpha + sigma) times it in x_0, and the weights `eps`, `v` and `velocity` undo just that. x_t
    is the one without perturbation, so that its target stays that of eps (Ning et al. 2023, arXiv 2301.11706).
    Raises `InvalidOption` for an eps target at alpha = 0, unless compiled; a run cannot have it (`RunConfig`).
    """
    if target == "x0":
        return output
    x_t = level.noised(x0, eps)
    return Prediction.from_output(output.to(x_t.dtype), target, x_t, level).x0


def _output(network: nn.Module, x_t: Tensor, t: Tensor, cond: Conditioning, precision: str) -> Tensor:
    autocast = torch.autocast(x_t.device.type, torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()
    with autocast:
        output: Tensor = network(x_t, t, cond)
    return output


def noised_loss(
    network: nn.Module,
    x0: Tensor,
    eps: Tensor,
    t: Tensor,
    cond: Conditioning,
    precision: str,
    floor: float,
    process: Process = PLAIN,
) -> Tensor:
    """The velocity's loss (B,) at given noise and times of a process: what validation measures, whatever a run
    minimises and whatever its network predicts."""
    level = process.schedule(t)
    output = _output(network, level.noised(x0, eps), t, cond, precision)
    predicted = believed(output, process.target, x0, eps, level)
    return loss(predicted, x0, level, lambda at: velocity_weight(at, floor))
