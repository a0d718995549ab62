"""How a generator and its critic are set against each other: the settings."""

import math
from dataclasses import dataclass

from mezzotint.values import integer, real

__all__ = ["AdversarialConfig"]


@dataclass(frozen=True, kw_only=True)
class AdversarialConfig:
    """Settings of `methods.adversarial.Adversarial`.

    penalty, penalty_end   weight gamma of both gradient penalties, at the start and from `anneal` on
    anneal                 share of the run over which it goes from one to the other, along a cosine
    critic_lr              the critic's learning rate, as a multiple of the generator's
    critic_updates         updates of the critic for each of the generator, each with noise of its own

    In Huang et al. 2024 (R3GAN, arXiv 2501.05441) gamma falls to a tenth along a cosine, and is the larger the more
    pixels there are; the values here are theirs for ImageNet at 64 pixels. Raises `InvalidOption` for values out of
    range.
    """

    penalty: float = 1.0
    penalty_end: float = 0.1
    anneal: float = 0.3
    critic_lr: float = 1.0
    critic_updates: int = 1

    def __post_init__(self) -> None:
        for name in ("penalty", "penalty_end"):
            real(f"adversarial.{name}", getattr(self, name), 0.0, 1e6)
        real("adversarial.anneal", self.anneal, 0.0, 1.0)
        real("adversarial.critic_lr", self.critic_lr, 0.0, 1e6)
        integer("adversarial.critic_updates", self.critic_updates, 1)

    def gamma(self, progress: float) -> float:
        """The weight of the penalties when a share `progress` of the run is done."""
        done = 1.0 if progress >= self.anneal else progress / self.anneal
        return self.penalty_end + (self.penalty - self.penalty_end) * (1 + math.cos(math.pi * done)) / 2
