"""Teaching a model a word from a few pictures: LoRA, with other pictures beside them so that the rest is kept.

    loss = mean over the user's pictures + mean over other pictures with their own captions

The second part is the prior preservation of Ruiz et al. 2022 (DreamBooth, arXiv 2208.12242, section 3.3) with weight 1;
the loss of a picture is that of pretraining. Only the factors are trained (Hu et al. 2021, arXiv 2106.09685).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from mezzotint.adapters import Factors, LoRA, fresh_factors
from mezzotint.codecs.images import to_signed
from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.conditioning.text import TextConditioner
from mezzotint.data.order import rows_at
from mezzotint.diffusion.noise import Purpose, normal_at, philox_uniform
from mezzotint.diffusion.process import PLAIN, Process
from mezzotint.errors import InvalidOption, TrainingError
from mezzotint.training.batches import times_at
from mezzotint.training.config import JitterConfig
from mezzotint.training.jitter import jittered
from mezzotint.training.lesson import Examples, Lesson
from mezzotint.training.methods.pretrain import noised_loss
from mezzotint.training.objective import ObjectiveConfig, density_of
from mezzotint.training.optim import Adam, OptimConfig
from mezzotint.training.scene_feed import Served
from mezzotint.training.validation import mean_losses

__all__ = ["Check", "TeachConfig", "TeachStep", "Teacher"]

LOOKS = 16
"""At least so many noised pictures, at each of five times, are behind a held-out loss."""
CHECKED_PART = 8
"""One in so many of the other pictures is not trained on, and shows whether they are kept."""


@dataclass(frozen=True, kw_only=True)
class TeachConfig:
    """How a word is taught.

    steps        the most updates; `batch` pictures in each, half of them the user's
    rank         of the factors; alpha is the rank, so that they act with 1
    check_every  updates between measurements; after `patience` of them without a better one it ends
    better       a loss counts as better if it is lower by this share
    dropped      share of the other pictures that come without caption and style: what guidance leans on
    objective    of it, the density of times and the floor; the loss is the velocity's, schedule and target the model's
    """

    steps: int = 400
    batch: int = 16
    rank: int = 8
    seed: int = 0
    check_every: int = 20
    patience: int = 4
    better: float = 0.002
    dropped: float = 0.1
    optim: OptimConfig = field(default_factory=lambda: OptimConfig(adam_lr=1e-3, warmup=0.05, decay=0.5))
    objective: ObjectiveConfig = field(default_factory=lambda: ObjectiveConfig(time_mean=0.8, time_std=1.2))
    jitter: JitterConfig = field(default_factory=lambda: JitterConfig(moved=0.5, tint=0.0, backed=0.0))

    def __post_init__(self) -> None:
        asked = self.objective
        plain = asked.weighting == "velocity" and asked.target == "x0"
        if not plain or asked.contrastive or asked.perturbation or asked.learned_weight:
            raise InvalidOption(
                f"A word is taught with the loss of the velocity and the model's own target, not with {asked}; leave "
                "all of it at its default but the density of times and the floor."
            )


@dataclass(frozen=True, slots=True)
class Check:
    """The losses after an update, at noise that never changes. held: of the held-out pictures, or of all if none is
    held out; prior: of other pictures that are not trained on."""

    step: int
    held: float
    prior: float


@dataclass(frozen=True, slots=True)
class TeachStep:
    """An update: its loss, and what was measured after it, if it was."""

    step: int
    loss: float
    check: Check | None = None


class Shelf:
    """Pictures with embedded captions; a batch of them is a function of a seed and a counter."""

    def __init__(self, examples: Examples, text: TextConditioner, seed: int) -> None:
        self.examples, self.seed = examples, seed
        pairs = [(c, s) for captions, s in zip(examples.captions, examples.styles, strict=True) for c in captions]
        # the last row is the empty prompt
        self.cond = text([*(caption for caption, _ in pairs), ""], [*(style for _, style in pairs), None])
        self.counts = torch.tensor([len(captions) for captions in examples.captions])
        self.first = torch.cumsum(self.counts, 0) - self.counts

    def at(self, counter: int, count: int, draws: Tensor, dropped: float) -> tuple[Tensor, Conditioning]:
        """Pictures uint8 number `counter` to `counter + count - 1`, with prompts chosen by their draws (count,)."""
        rows = torch.from_numpy(rows_at(self.seed, counter, count, len(self.examples)))
        choice = philox_uniform(self.seed, draws, Purpose.CAPTION)
        prompts = self.first[rows] + (choice * self.counts[rows]).long()
        bare = philox_uniform(self.seed, draws, Purpose.DROPOUT) < dropped
        return self.examples.pictures[rows], self.cond[torch.where(bare, len(self.cond.mask) - 1, prompts)]

    def served(self, looks: int) -> list[Served]:
        """Every picture with its first caption, as often as it takes to look `looks` times."""
        once = Served(self.examples.pictures, acting(self.cond[self.first]))
        return [once] * math.ceil(looks / len(self.examples))


class Teacher:
    """Trains the factors of a LoRA in a network that is otherwise frozen; `best` are those with the lowest held-out
    loss so far, and `checks` all measurements.

    Everything is a function of the configuration and the pictures. process: what the network was trained on. Raises
    `InvalidOption` for a network without layers that can be adapted.
    """

    def __init__(
        self,
        network: nn.Module,
        text: TextConditioner,
        config: TeachConfig,
        lesson: Lesson,
        prior: Examples,
        device: torch.device | str = "cpu",
        process: Process = PLAIN,
    ) -> None:
        self.network, self.config, self.device = network.requires_grad_(False), config, device
        self.process = process
        kept = len(prior) // CHECKED_PART
        self.own = Shelf(lesson.taught, text, config.seed)
        self.prior = Shelf(prior.some(range(kept, len(prior))), text, config.seed + 1)
        self._held = (Shelf(lesson.held, text, 0) if len(lesson.held) else self.own).served(LOOKS)
        self._kept = Shelf(prior.some(range(max(1, kept))), text, 0).served(LOOKS)
        self._ends = len(lesson.held) > 0  # a loss of trained pictures says nothing about when to end
        fresh = fresh_factors(network, config.rank, config.seed)
        if not fresh:
            raise InvalidOption("This model has no attention or feed-forward layers, so it cannot be taught by LoRA.")
        self.lora = LoRA(fresh, alpha=config.rank, trained=True)
        self.lora.inject(network)
        self.optimiser = Adam(self.lora.parameters())
        self.checks: list[Check] = []
        self.best: dict[str, Factors] = {}

    @property
    def before(self) -> Check:
        """The losses of the model as it was."""
        return self.checks[0]

    @property
    def kept(self) -> Check:
        """The losses of `best`."""
        lowest = self.checks[0]
        for check in self.checks[1:]:
            lowest = check if self._better(check, lowest) else lowest
        return lowest

    @property
    def exhausted(self) -> bool:
        """Whether the held-out loss has not fallen for so long that it ends."""
        since = len(self.checks) - 1 - self.checks.index(self.kept)
        return self._ends and since >= self.config.patience

    def steps(self) -> Iterator[TeachStep]:
        """Train to the end, an update at a time; the first one that comes is no update, but what was before."""
        yield TeachStep(0, math.nan, self._check(0))
        for step in range(1, self.config.steps + 1):
            loss = self._update(step)
            due = step % self.config.check_every == 0 or step == self.config.steps
            yield TeachStep(step, loss, self._check(step) if due else None)
            if due and self.exhausted:
                return

    def _update(self, step: int) -> float:
        config, half = self.config, self.config.batch // 2
        draws = (step - 1) * 2 * half + torch.arange(2 * half)
        counter = (step - 1) * half
        pictures, cond = self.own.at(counter, half, draws[:half], 0.0)
        still = torch.zeros(half, dtype=torch.bool)
        own = jittered(to_signed(pictures), config.seed, draws[:half], config.jitter, still)
        others, told = self.prior.at(counter, half, draws[half:], config.dropped)
        x0 = torch.cat([own, to_signed(others)]).to(self.device)
        eps = normal_at(config.seed, draws.to(self.device), Purpose.TRAIN_NOISE, x0.shape[1:])
        t = times_at(config.seed, draws, density_of(config.objective, self.process.schedule))
        given = acting(cond.cat(told)).to(torch.device(self.device))
        times = t.float().to(self.device)
        losses = noised_loss(self.network, x0, eps, times, given, "fp32", config.objective.floor, self.process)
        loss = losses[:half].mean() + losses[half:].mean()
        parameters = self.lora.parameters().values()
        for parameter in parameters:
            parameter.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(parameters, config.optim.clip)
        if not bool((loss + norm).isfinite()):
            what = "gradient" if bool(loss.isfinite()) else "loss"
            raise TrainingError(
                f"The {what} is not finite at step {step}, and nothing was learned; check the pictures."
            )
        self.optimiser.step(config.optim.adam_lr * config.optim.factor(step, config.steps), step)
        return float(loss.detach())

    def _check(self, step: int) -> Check:
        floor = self.config.objective.floor
        held, prior = (
            mean_losses(self.network, some, "fp32", floor, self.process) for some in (self._held, self._kept)
        )
        check = Check(step, sum(held.values()) / len(held), sum(prior.values()) / len(prior))
        self.checks.append(check)
        if self.kept is check:
            factors = self.lora.factors()
            self.best = {n: Factors(one.down.detach().clone(), one.up.detach().clone()) for n, one in factors.items()}
        return check

    def _better(self, check: Check, than: Check) -> bool:
        return check.held < than.held * (1 - self.config.better)


def acting(cond: Conditioning) -> Conditioning:
    """The same prompts with the first adapter at strength 1."""
    return replace(cond, adapters=torch.ones(len(cond), 1))
