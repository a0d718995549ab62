"""Runs of networks that measure pictures: encoders and detectors."""

from dataclasses import dataclass, field

from mezzotint.errors import InvalidOption
from mezzotint.families.icon_detector import IconDetectorConfig
from mezzotint.families.twin_encoder import TwinEncoderConfig
from mezzotint.training.any_run import AnyRun, DataConfig, check_draws_nothing, check_patch, check_shares

__all__ = ["DetectorRun", "EncoderRun", "JitterConfig"]


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
        check_draws_nothing(self)
        check_patch(self.network)
        check_shares("jitter", self.jitter, JITTERS)
        check_shares("", self, ("wrong",))
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
        check_draws_nothing(self)
        check_shares("jitter", self.jitter, JITTERS)
        if self.data.scenes != 1 or self.jitter.moved:
            raise InvalidOption(
                f"data.scenes is {self.data.scenes} and jitter.moved {self.jitter.moved}; they must be 1 and 0, since "
                "a detector is told where everything is, which only scenes know."
            )

    @property
    def text_length(self) -> int:
        """Most word pieces of a caption; it reads none."""
        return 32
