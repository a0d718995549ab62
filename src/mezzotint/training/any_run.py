"""What every training run has: its data, its numbers, and the checks that several sorts of runs share."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mezzotint.errors import InvalidOption
from mezzotint.families.pixel_dit import PixelDiTConfig
from mezzotint.families.twin_encoder import TwinEncoderConfig
from mezzotint.training.optim import OptimConfig

__all__ = ["AnyRun", "DataConfig", "check_counts", "check_draws_nothing", "check_patch", "check_shares"]


MOST_ECHOES = 16


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Where the pictures come from.

    source    "icons": the house data set; "folder": the pictures of `path` with their captions
    path      the folder; None = the house data set's place in the user's cache folder
    limit     use only so many training pictures (0 = all), for tests
    scenes    share of the pictures seen that are scenes composed of the others, with exact captions
    avatars   share of the rest that are faces and busts of the avatar set; for runs that draw
    hands     share of the scenes that are hands holding up fingers; the other scenes stay what they are
    echo      how many updates in a row see the same scenes, with other captions of theirs, other times and other noise;
              for runs that draw, where composing is slower than learning (Choi et al. 2019, "Faster neural network
              training with data echoing", arXiv 1907.05550). The times of a scene are frac(batch (√5 − 1)/2) apart:
              nearly alike for a batch of 144, 233 or 610
    """

    source: Literal["icons", "folder"] = "icons"
    path: str | None = None
    limit: int = 0
    scenes: float = 0.0
    avatars: float = 0.0
    hands: float = 0.0
    echo: int = 1


@dataclass(frozen=True, kw_only=True)
class AnyRun:
    """What every training run has, whatever it trains. Everything that decides its result is here; two runs that are
    equal here are equal bit for bit on the same machine, with the same number of threads and the same torch.

    steps, batch       updates, and pictures in each
    seed               of the initial weights, the data's order and all noise
    ema                relative widths of the averages of the weights that are kept
    keep_ema           updates between averages that are stored for good, to make one of any width of later; 0: none are
    compiled           whether the step is compiled (faster after a minute of warm-up)
    precision          "bf16": matrix products in bfloat16; "fp32". Master weights are float32 in both
    checkpoint_every   updates between checkpoints; `keep` of them are kept
    validate_every     updates between measurements on held-out pictures, `validation` pictures in each
    """

    name: str
    steps: int
    batch: int
    data: DataConfig = field(default_factory=DataConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    seed: int = 0
    ema: tuple[float, ...] = (0.05, 0.10)
    compiled: bool = False
    precision: Literal["bf16", "fp32"] = "fp32"
    checkpoint_every: int = 200
    keep: int = 2
    validate_every: int = 400
    validation: int = 256
    keep_ema: int = 0

    def __post_init__(self) -> None:
        if self.keep_ema < 0:
            raise InvalidOption(f"keep_ema is {self.keep_ema}; it must be a number of updates, or 0 for never.")
        check_counts(self, ("steps", "batch", "checkpoint_every", "keep", "validate_every", "validation"))
        check_shares("data", self.data, ("scenes", "avatars", "hands"))
        if not 1 <= self.data.echo <= MOST_ECHOES:
            raise InvalidOption(
                f"data.echo is {self.data.echo}; it is a number of updates from 1 to {MOST_ECHOES}, whose "
                "pictures each worker holds at once."
            )
        if self.data.echo > 1 and not self.data.scenes:
            raise InvalidOption(
                f"data.echo is {self.data.echo}, but data.scenes is 0, and only scenes come more than once; "
                "leave it at 1."
            )

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return dataclasses.asdict(self)


def check_counts(run: AnyRun, names: Sequence[str]) -> None:
    """Raises `InvalidOption` for a number below 1."""
    for name in names:
        if getattr(run, name) < 1:
            raise InvalidOption(f"{name} is {getattr(run, name)}; a run needs at least 1.")


def check_draws_nothing(run: AnyRun) -> None:
    """Raises `InvalidOption` for a run that learns from avatars, or from scenes more than once, which is for those that
    draw."""
    if run.data.echo > 1:
        raise InvalidOption(
            f"data.echo is {run.data.echo}, but the run {run.name} draws nothing, and only runs that draw show scenes "
            "more than once; leave it at 1."
        )
    if run.data.avatars:
        # short captions are true of many avatars, which what measures would be taught to tell apart
        raise InvalidOption(
            f"data.avatars is {run.data.avatars}, but the run {run.name} draws nothing, and only runs that draw learn "
            "from avatars; leave it at 0."
        )


def check_patch(network: PixelDiTConfig | TwinEncoderConfig) -> None:
    """Raises `InvalidOption` for patches that do not fill the picture."""
    if network.patch < 1 or network.size % network.patch:
        raise InvalidOption(
            f"network.patch {network.patch} does not divide network.size {network.size}; choose one that does."
        )


def check_shares(path: str, part: Any, names: Sequence[str]) -> None:
    """Raises `InvalidOption` for a share that is none; path: what the settings before its name are."""
    for name in names:
        if not 0 <= getattr(part, name) <= 1:
            where = f"{path}.{name}" if path else name
            raise InvalidOption(f"{where} is {getattr(part, name)}; it is a share from 0 to 1.")
