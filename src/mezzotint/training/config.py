"""What a training run is: one complete, typed, immutable description."""

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from mezzotint.diffusion.process import Process, known_target, schedule_of
from mezzotint.errors import InvalidOption, unknown_name
from mezzotint.families.pixel_dit import PixelDiTConfig
from mezzotint.families.pixel_gan import PixelGANConfig
from mezzotint.families.pixel_upscaler import PixelUpscalerConfig
from mezzotint.spec import Spec
from mezzotint.training.adversarial import AdversarialConfig
from mezzotint.training.any_run import AnyRun, DataConfig, check_counts, check_draws_nothing, check_patch, check_shares
from mezzotint.training.degrade import SHARES, DegradeConfig
from mezzotint.training.measuring_runs import DetectorRun, EncoderRun, JitterConfig
from mezzotint.training.objective import ObjectiveConfig, check_given
from mezzotint.training.optim import OptimConfig
from mezzotint.training.settings import with_setting

__all__ = [
    "AnyRun",
    "AugmentConfig",
    "ConditionConfig",
    "DataConfig",
    "DetectorRun",
    "EncoderRun",
    "GanRun",
    "JitterConfig",
    "Run",
    "RunConfig",
    "UpscalerRun",
    "from_dict",
    "override",
    "process_names",
]


@dataclass(frozen=True, kw_only=True)
class ConditionConfig:
    """How captions reach the network.

    text_length              most word pieces of a prompt, its two boundary pieces included
    drop_both                share of the pictures trained without caption and drawing style: what guidance leans on
    drop_text, drop_style    shares of the rest trained without their caption, without their drawing style
    """

    text_length: int = 32
    drop_both: float = 0.06
    drop_text: float = 0.05
    drop_style: float = 0.1


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How pictures are changed in training, told to the network (`network.augments` labels); scenes never are.

    share     share of the pictures that each sort of change is made to, by itself
    mirror    whether pictures are mirrored, left to right
    octaves   largest change of the size, in octaves: 0.5 is up to 1.41 times as large or as small
    shift     largest shift, a share of the side
    """

    share: float = 0.0
    mirror: bool = True
    octaves: float = 0.4
    shift: float = 0.15


@dataclass(frozen=True, kw_only=True)
class RunConfig(AnyRun):
    """A training run of a network that draws.

    schedule       how pictures are noised (`diffusion.process.SCHEDULES`), with options, as in laplace:width=0.5
    sample_every   updates between sheets of samples
    """

    network: PixelDiTConfig
    conditions: ConditionConfig = field(default_factory=ConditionConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    schedule: str = "rectified_flow"
    sample_every: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "schedule", str(Spec.parse("schedule", self.schedule)))
        _check_process(self)
        check_counts(self, ("sample_every",))
        check_patch(self.network)
        _check_detail(self.network)
        check_shares("conditions", self.conditions, ("drop_both", "drop_text", "drop_style"))
        check_shares("augment", self.augment, ("share", "octaves", "shift"))
        if self.objective.contrastive and self.batch < 2:
            raise InvalidOption(
                f"objective.contrastive is {self.objective.contrastive} and batch {self.batch}; it compares the "
                "pictures of a batch, and needs at least 2."
            )
        if self.augment.share and not self.network.augments:
            raise InvalidOption(
                f"augment.share is {self.augment.share}, but the network is told nothing of it; set network.augments=4."
            )

    def check_given(self, settings: Sequence[str]) -> None:
        """Raises `InvalidOption` if a setting that was given, by its name in the run, has no effect."""
        check_given(self.objective, settings)

    @property
    def process(self) -> Process:
        """The schedule, and what the network predicts."""
        return Process(schedule_of(self.schedule), known_target(self.objective.target))

    @property
    def text_length(self) -> int:
        """Most word pieces of a caption."""
        return self.conditions.text_length


@dataclass(frozen=True, kw_only=True)
class UpscalerRun(AnyRun):
    """A training run of a network that enlarges pictures, on the large set.

    crop         side of the parts of large pictures that it learns from
    time_mean, time_std   logit(t) ~ N(time_mean, time_std²): what small pictures lack is decided where t is small
    floor        the loss is weighted by 1 / max(t, floor)²; with a low one, the times near 0 count for nearly all
    regression   train a plain regression network instead, of the same size, to compare with: it is shown no noise
    """

    network: PixelUpscalerConfig
    crop: int = 128
    degrade: DegradeConfig = field(default_factory=DegradeConfig)
    time_mean: float = -0.3
    time_std: float = 1.5
    floor: float = 0.3
    regression: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_draws_nothing(self)
        check_shares("degrade", self.degrade, SHARES)
        size, scale = self.network.size, self.network.scale
        if scale < 2 or size % scale or self.crop % scale or not scale <= self.crop <= size:
            raise InvalidOption(
                f"network.size is {size}, network.scale {scale} and crop {self.crop}; the scale must be at least 2 and "
                "divide both others, and the crop be no larger than the size."
            )
        if self.data.scenes or not (1 <= self.degrade.worst <= 95 and self.time_std > 0 and self.floor > 0):
            raise InvalidOption(
                f"data.scenes is {self.data.scenes}, degrade.worst {self.degrade.worst}, time_std {self.time_std} and "
                f"floor {self.floor}; they must be 0, from 1 to 95, and above 0."
            )

    @property
    def text_length(self) -> int:
        """Most word pieces of a caption; it reads none."""
        return 32


@dataclass(frozen=True, kw_only=True)
class GanRun(AnyRun):
    """A training run of a generator that draws in one evaluation, and of the critic that it is set against.

    network        sizes of both, which are each other's mirror images
    sample_every   updates between sheets of samples
    """

    network: PixelGANConfig = field(default_factory=PixelGANConfig)
    conditions: ConditionConfig = field(default_factory=ConditionConfig)
    adversarial: AdversarialConfig = field(default_factory=AdversarialConfig)
    optim: OptimConfig = field(default_factory=lambda: OptimConfig(adam_lr=2e-4, muon=False, betas=(0.0, 0.95)))
    sample_every: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, ("sample_every",))
        check_shares("conditions", self.conditions, ("drop_both", "drop_text", "drop_style"))
        if self.compiled or self.data.scenes or self.data.avatars:
            raise InvalidOption(
                f"compiled is {self.compiled}, data.scenes {self.data.scenes} and data.avatars {self.data.avatars}; "
                f"the run {self.name} needs false (compiled code is not differentiated twice), 0 and 0."
            )

    @property
    def feed(self) -> RunConfig:
        """The run of a denoiser that is shown the same pictures and captions, in the same order."""
        shown = PixelDiTConfig(size=self.network.size, patch=self.network.size, styles=self.network.styles)
        names = ("name", "steps", "batch", "data", "seed", "conditions", "validation")
        same = {name: getattr(self, name) for name in names}
        return RunConfig(network=shown, **same)

    @property
    def text_length(self) -> int:
        """Most word pieces of a caption."""
        return self.conditions.text_length


Run = RunConfig | EncoderRun | DetectorRun | UpscalerRun | GanRun
"""A run of any sort; its type says what is trained."""
R = TypeVar("R", bound=Run)


def _check_detail(network: PixelDiTConfig) -> None:
    """Raises `InvalidOption` for a detailer of no possible size."""
    if network.detail < 0 or network.detail % 8:
        raise InvalidOption(f"network.detail is {network.detail}; it must be a multiple of 8, or 0 for no detailer.")
    if network.detail and network.patch % 2:
        raise InvalidOption(
            f"network.detail is {network.detail}, which needs an even network.patch, not {network.patch}; set "
            "network.detail=0 or another patch."
        )
    if network.detail_depth < 0:
        raise InvalidOption(f"network.detail_depth is {network.detail_depth}; it must be 0 or more.")


def _check_process(run: RunConfig) -> None:
    process = run.process
    if process.target == "eps" and float(process.schedule(1.0).alpha) == 0:
        raise InvalidOption(
            f"objective.target is eps, but the schedule {run.schedule} ends in pure noise (alpha = 0), where eps says "
            "nothing of x_0; choose the target x0, v or velocity, or a schedule that ends before, such as vp_linear."
        )


def from_dict(kind: type, values: Mapping[str, Any]) -> Any:
    """A configuration dataclass from plain data, nested ones included. Raises `InvalidOption` for unknown fields."""
    hints = typing.get_type_hints(kind)
    known = {f.name for f in dataclasses.fields(kind)}
    for name in values:
        if name not in known:
            raise unknown_name(f"field of {kind.__name__}", name, known)
    nested = {
        name: from_dict(hints[name], value)
        if dataclasses.is_dataclass(hints[name])
        else tuple(value)
        if isinstance(value, list)
        else value
        for name, value in values.items()
    }
    return kind(**nested)


def process_names(run: Mapping[str, Any]) -> tuple[str, str]:
    """Schedule and target of a run that draws, from its plain data; of one from before there was a choice too."""
    return run.get("schedule", "rectified_flow"), run.get("objective", {}).get("target", "x0")


def override(run: R, settings: Sequence[str]) -> R:
    """Apply settings of the form `a.b=value` to a run. Raises `InvalidOption` for unknown names, wrong types and values
    out of range, in a sentence with the setting's whole name."""
    for setting in settings:
        run = with_setting(run, setting)
    if isinstance(run, RunConfig):
        run.check_given([setting.partition("=")[0] for setting in settings])
    return run
