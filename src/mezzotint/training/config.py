"""What a training run is: one complete, typed, immutable description."""

import dataclasses
import json
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from mezzotint.errors import InvalidOption, unknown_name
from mezzotint.families.icon_detector import IconDetectorConfig
from mezzotint.families.pixel_dit import PixelDiTConfig
from mezzotint.families.twin_encoder import TwinEncoderConfig
from mezzotint.training.objective import ObjectiveConfig, check_given
from mezzotint.training.optim import OptimConfig


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Where the pictures come from.

    source    "icons": the house data set; "folder": the pictures of `path` with their captions
    path      the folder; None = the house data set's place in the user's cache folder
    limit     use only so many training pictures (0 = all), for tests
    scenes    share of the pictures seen that are scenes composed of the others, with exact captions
    avatars   share of the rest that are faces and busts of the avatar set; for runs that draw
    """

    source: Literal["icons", "folder"] = "icons"
    path: str | None = None
    limit: int = 0
    scenes: float = 0.0
    avatars: float = 0.0


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
        _check_counts(self, ("steps", "batch", "checkpoint_every", "keep", "validate_every", "validation"))
        _check_shares("data", self.data, ("scenes", "avatars"))

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, kw_only=True)
class RunConfig(AnyRun):
    """A training run of a network that draws.

    sample_every   updates between sheets of samples
    """

    network: PixelDiTConfig
    conditions: ConditionConfig = field(default_factory=ConditionConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    sample_every: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_counts(self, ("sample_every",))
        _check_patch(self.network)
        _check_shares("conditions", self.conditions, ("drop_both", "drop_text", "drop_style"))
        _check_shares("augment", self.augment, ("share", "octaves", "shift"))
        if self.objective.contrastive and self.batch < 2:
            raise InvalidOption(
                f"objective.contrastive is {self.objective.contrastive} and batch {self.batch}; it compares the "
                "pictures of a batch, and needs at least 2."
            )
        if self.augment.share and not self.network.augments:
            raise InvalidOption(
                f"augment.share is {self.augment.share}, but the network is told nothing of it; set network.augments=4."
            )

    @property
    def text_length(self) -> int:
        """Most word pieces of a caption."""
        return self.conditions.text_length


@dataclass(frozen=True, kw_only=True)
class JitterConfig:
    """How a picture is changed before it is measured in training, so that nothing depends on exact pixels.

    moved          share of the pictures that are shifted and scaled; the rest keep their sharp edges
    shift, scale   largest shift (a share of the side) and largest change of the size (a share of it)
    tint           largest change of a colour channel (a share of it): too little to change a colour's name
    backed         share of the pictures that get a colour behind what is transparent
    soft           share of the pictures that are blurred, up to the mean of 3 by 3 pixels, as what a model draws is
    """

    moved: float = 0.7
    shift: float = 0.04
    scale: float = 0.1
    tint: float = 0.05
    backed: float = 0.3
    soft: float = 0.0


JITTERS = ("moved", "shift", "scale", "tint", "backed", "soft")


@dataclass(frozen=True, kw_only=True)
class EncoderRun(AnyRun):
    """A training run of an image–text encoder.

    text_length   most word pieces of a caption, its two boundary pieces included
    wrong         at most so many captions that are wrong in one fact join a batch, as a share of it; scenes have them
    scale         what products of features are multiplied with at first
    validation    how many held-out pictures, each of another concept, are told apart
    """

    network: TwinEncoderConfig
    text_length: int = 32
    wrong: float = 0.25
    scale: float = 10.0
    jitter: JitterConfig = field(default_factory=JitterConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_no_avatars(self)
        _check_patch(self.network)
        _check_shares("jitter", self.jitter, JITTERS)
        _check_shares("", self, ("wrong",))
        if self.batch < 2 or not self.scale > 0:
            raise InvalidOption(
                f"batch is {self.batch} and scale {self.scale}; an encoder needs at least 2 pictures to tell apart, "
                "and a scale above 0."
            )


@dataclass(frozen=True, kw_only=True)
class DetectorRun(AnyRun):
    """A training run of a detector, on composed scenes of both splits.

    network      `things`, `colours` and `letters` are read from the scenes
    validation   how many scenes it is measured on
    """

    network: IconDetectorConfig
    data: DataConfig = field(default_factory=lambda: DataConfig(scenes=1.0))
    jitter: JitterConfig = field(default_factory=lambda: JitterConfig(moved=0.0, soft=0.5))

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_no_avatars(self)
        _check_shares("jitter", self.jitter, JITTERS)
        if self.data.scenes != 1 or self.jitter.moved:
            raise InvalidOption(
                f"data.scenes is {self.data.scenes} and jitter.moved {self.jitter.moved}; they must be 1 and 0, since "
                "a detector is told where everything is, which only scenes know."
            )

    @property
    def text_length(self) -> int:
        """Most word pieces of a caption; it reads none."""
        return 32


Run = RunConfig | EncoderRun | DetectorRun
"""A run of any sort; its type says what is trained."""
R = TypeVar("R", bound=Run)


def _check_counts(run: AnyRun, names: Sequence[str]) -> None:
    for name in names:
        if getattr(run, name) < 1:
            raise InvalidOption(f"{name} is {getattr(run, name)}; a run needs at least 1.")


def _check_no_avatars(run: AnyRun) -> None:
    if run.data.avatars:
        # short captions are true of many avatars, which what measures would be taught to tell apart
        raise InvalidOption(
            f"data.avatars is {run.data.avatars}, but the run {run.name} draws nothing, and only runs that draw learn "
            "from avatars; leave it at 0."
        )


def _check_patch(network: PixelDiTConfig | TwinEncoderConfig) -> None:
    if network.size % network.patch:
        raise InvalidOption(
            f"network.patch {network.patch} does not divide network.size {network.size}; choose one that does."
        )


def _check_shares(path: str, part: Any, names: Sequence[str]) -> None:
    for name in names:
        if not 0 <= getattr(part, name) <= 1:
            where = f"{path}.{name}" if path else name
            raise InvalidOption(f"{where} is {getattr(part, name)}; it is a share from 0 to 1.")


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


def override(run: R, settings: Sequence[str]) -> R:
    """Apply settings of the form `a.b=value` to a run. Raises `InvalidOption` for unknown names and wrong types."""
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals:
            raise InvalidOption(f"--set {setting!r} has no value; write it as name=value, for example steps=60.")
        run = _replaced(run, path.split("."), text, path)
    if isinstance(run, RunConfig):
        check_given(run.objective, [setting.partition("=")[0] for setting in settings])
    return run


def _replaced(config: Any, path: Sequence[str], text: str, whole: str) -> Any:
    names = {f.name for f in dataclasses.fields(config)}
    if path[0] not in names:
        raise unknown_name("setting", whole, (f"{whole.removesuffix(path[-1])}{name}" for name in names))
    value = getattr(config, path[0])
    if len(path) > 1:
        if not dataclasses.is_dataclass(value):
            raise InvalidOption(f"{whole} does not exist: {path[0]} has no parts.")
        new = _replaced(value, path[1:], text, whole)
    else:
        new = _parsed(typing.get_type_hints(type(config))[path[0]], text, whole)
    return dataclasses.replace(config, **{path[0]: new})


def _parsed(hint: Any, text: str, name: str) -> Any:
    """A value of the hinted type from its text: JSON where it is JSON, else a plain word."""
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    value = tuple(value) if isinstance(value, list) else value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not _fits(hint, value):
        raise InvalidOption(f"{name}={text} does not fit: {name} is of type {getattr(hint, '__name__', hint)}.")
    return value


def _fits(hint: Any, value: Any) -> bool:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return value in arguments
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(arguments[0], v) for v in value)
    if arguments:  # a union
        return any(_fits(argument, value) for argument in arguments)
    return type(value) is hint
