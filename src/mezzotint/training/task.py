"""What a run trains: its configuration's type says it, and everything that the training loop need not know is here."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mezzotint.conditioning.letters import ALPHABET
from mezzotint.conditioning.text import TextConditioner
from mezzotint.data.sources import PictureSet
from mezzotint.families.icon_detector import FAMILY as DETECTOR_FAMILY
from mezzotint.families.icon_detector import IconDetector, initialise_detector
from mezzotint.families.pixel_dit import PixelDiT, initialise
from mezzotint.families.pixel_gan import FAMILY as GAN_FAMILY
from mezzotint.families.pixel_gan import PixelCritic, PixelGAN, initialise_critic, initialise_generator
from mezzotint.families.pixel_upscaler import FAMILY as UPSCALER_FAMILY
from mezzotint.families.pixel_upscaler import PixelUpscaler, initialise_upscaler
from mezzotint.families.twin_encoder import FAMILY, TwinEncoder
from mezzotint.families.twin_encoder import initialise as initialise_encoder
from mezzotint.training.ahead import Source
from mezzotint.training.avatar_feed import AvatarFeed
from mezzotint.training.batches import Batches
from mezzotint.training.config import DetectorRun, EncoderRun, GanRun, Run, RunConfig, UpscalerRun
from mezzotint.training.distilling import StudentCheck, Taught, lesson_of, method_of, teacher_of
from mezzotint.training.drawn import DrawnCheck
from mezzotint.training.enlarging import EnlargingBatches, EnlargingCheck
from mezzotint.training.features import CaptionFeatures
from mezzotint.training.marks import COLOUR_NAMES
from mezzotint.training.methods import Adversarial, Contrast, Detect, Method, Pretrain, Upscale
from mezzotint.training.pairs import PairBatches
from mezzotint.training.retrieval import Retrieval
from mezzotint.training.scene_feed import CaptionReader, SceneFeed
from mezzotint.training.sightings import SightingBatches, SightingCheck, things_of
from mezzotint.training.student import StudentRun
from mezzotint.training.validation import Validation

__all__ = ["BatchSource", "Rowed", "Supplies", "Task", "task_of"]


class Rowed(Protocol):
    """A batch of any sort. rows (B,): what each picture is, for messages."""

    @property
    def rows(self) -> NDArray[np.int64]: ...


B = TypeVar("B", bound=Rowed, covariant=True)


class BatchSource(Source[B], Protocol[B]):
    """The batches of a run, each a pure function of how many pictures came before it."""

    def at(self, counter: int) -> B:
        """The batch that starts with picture number `counter` since training began: `ready(raw(counter))`."""
        ...

    def named(self, row: int) -> str:
        """What the picture of a batch's row is called, for messages."""
        ...


@dataclass(frozen=True)
class Supplies:
    """What a run learns from.

    features: the captions of the pictures, embedded by `text`, whose weights have the sha256 `text_digest`.
    scenes: the feeds of both splits, if the run asks for scenes (`scene_feeds`); avatars: the same (`avatar_feeds`).
    """

    pictures: PictureSet
    features: CaptionFeatures
    text: TextConditioner
    text_digest: str
    scenes: Mapping[str, SceneFeed] = field(default_factory=dict)
    avatars: Mapping[str, AvatarFeed] = field(default_factory=dict)

    @property
    def styles(self) -> tuple[str, ...]:
        """The drawing styles of everything, in the order of their numbers."""
        return self.avatars["train"].styles if self.avatars else self.pictures.styles


@dataclass(frozen=True)
class Task:
    """A network, batches for it, how they become losses, and what is measured on the way.

    validation: numbers by name, the loss under "mean"; facts: what checkpoints say of the network besides the run.
    """

    network: nn.Module
    batches: BatchSource[Any]
    method: Method[Any]
    validation: Callable[[nn.Module], dict[str, float]]
    facts: Mapping[str, Any] = field(default_factory=dict)


def task_of(
    run: Run,
    supplies: Supplies,
    device: torch.device,
    network: nn.Module | None = None,
    teacher: PixelDiT | None = None,
) -> Task:
    """The task of a run.

    network: with the weights to begin with; fresh ones from the run's seed if not given. teacher: what a student learns
    from, which is not trained; what it begins as if not given.
    """
    rows = supplies.pictures.split("train")[: run.data.limit or None]
    if isinstance(run, DetectorRun):
        return _detecting(run, supplies, device, network)
    if isinstance(run, EncoderRun):
        return _matching(run, supplies, rows, device, network)
    if isinstance(run, UpscalerRun):
        return _enlarging(run, supplies, rows, device, network)
    if isinstance(run, GanRun):
        return _generating(run, supplies, rows, device, network)
    if isinstance(run, StudentRun):
        return _teaching(run, supplies, rows, device, network, teacher)
    return _drawing(run, supplies, rows, device, network)


def _denoiser(run: RunConfig, network: nn.Module | None) -> PixelDiT:
    """The network given, or a fresh one."""
    if network is None:
        network = PixelDiT(run.network)
        initialise(network, run.seed)
    assert isinstance(network, PixelDiT), "a network of another family"
    return network


def _drawn_batches(run: RunConfig, supplies: Supplies, rows: NDArray[np.int64], device: torch.device) -> Batches:
    """Batches of pictures with captions, and of scenes and avatars if the run asks for them."""
    scenes, avatars = supplies.scenes.get("train"), supplies.avatars.get("train")
    return Batches(run, supplies.pictures, supplies.features, rows, device, scenes, avatars)


def _drawing(
    run: RunConfig, supplies: Supplies, rows: NDArray[np.int64], device: torch.device, network: nn.Module | None
) -> Task:
    """Drawing: a denoiser of pictures."""
    network, scenes, avatars = _denoiser(run, network), supplies.scenes.get("heldout"), supplies.avatars.get("heldout")
    return Task(
        network.to(device),
        _drawn_batches(run, supplies, rows, device),
        Pretrain(run, network),
        Validation(run, supplies.pictures, supplies.features, scenes=scenes, avatars=avatars),
    )


def _teaching(
    run: StudentRun,
    supplies: Supplies,
    rows: NDArray[np.int64],
    device: torch.device,
    network: nn.Module | None,
    teacher: PixelDiT | None,
) -> Task:
    """Drawing in few evaluations: a student of a teacher, or of the network that it begins as."""
    network, pictures, features = _denoiser(run, network).to(device), supplies.pictures, supplies.features
    teacher = teacher_of(network if teacher is None else teacher.to(device))
    lesson = lesson_of(run, teacher, features, device, compiled=run.compiled)
    plain = lesson_of(run, teacher, features, device, compiled=False)  # what is measured has batches of other sizes
    return Task(
        network,
        _drawn_batches(run, supplies, rows, device),
        Taught(method_of(run, network, lesson), teacher),
        StudentCheck(run, plain, Validation(run, pictures, features)),
    )


def _matching(
    run: EncoderRun, supplies: Supplies, rows: NDArray[np.int64], device: torch.device, network: nn.Module | None
) -> Task:
    """Matching pictures and captions: an encoder of both."""
    pictures, scenes = supplies.pictures, supplies.scenes
    if network is None:
        network = TwinEncoder(run.network)
        # of a batch's captions one belongs to a picture: the odds that a fresh network should give
        initialise_encoder(network, run.seed, scale=run.scale, offset=-math.log(run.batch))
    assert isinstance(network, TwinEncoder), "a network of another family"
    return Task(
        network.to(device),
        PairBatches(run, pictures, supplies.features, rows, device, scenes.get("train")),
        Contrast(run, network),
        Retrieval(run, pictures, CaptionReader(run, supplies.text), scenes.get("heldout")),
        {"family": FAMILY},
    )


def _detecting(run: DetectorRun, supplies: Supplies, device: torch.device, network: nn.Module | None) -> Task:
    """Detecting: what stands where in composed scenes, and what is written there."""
    things = things_of(supplies.scenes)
    if network is None:
        counts = len(things), len(COLOUR_NAMES), len(ALPHABET)
        network = IconDetector(replace(run.network, things=counts[0], colours=counts[1], letters=counts[2]))
        initialise_detector(network, run.seed)
    assert isinstance(network, IconDetector), "a network of another family"
    return Task(
        network.to(device),
        SightingBatches(run, supplies.scenes, things, device),
        Detect(run, network),
        SightingCheck(run, supplies.scenes, things),
        {"family": DETECTOR_FAMILY, "things": list(things)},
    )


def _enlarging(
    run: UpscalerRun, supplies: Supplies, rows: NDArray[np.int64], device: torch.device, network: nn.Module | None
) -> Task:
    """Enlarging: a denoiser of large pictures that is told the small ones."""
    if network is None:
        network = PixelUpscaler(run.network)
        initialise_upscaler(network, run.seed)
    assert isinstance(network, PixelUpscaler), "a network of another family"
    return Task(
        network.to(device),
        EnlargingBatches(run, supplies.pictures, rows, device),
        Upscale(run, network),
        EnlargingCheck(run, supplies.pictures),
        {"family": UPSCALER_FAMILY},
    )


def _generating(
    run: GanRun, supplies: Supplies, rows: NDArray[np.int64], device: torch.device, network: nn.Module | None
) -> Task:
    """Drawing in one evaluation: a generator, and a critic beside it."""
    if network is None:
        network = PixelGAN(run.network)
        initialise_generator(network, run.seed)
    assert isinstance(network, PixelGAN), "a network of another family"
    critic = PixelCritic(run.network)
    initialise_critic(critic, run.seed)
    method = Adversarial(
        network,
        network,
        critic.to(device),
        run.adversarial,
        steps=run.steps,
        seed=run.seed,
        betas=run.optim.betas,
        precision=run.precision,
    )
    return Task(
        network.to(device),
        Batches(run.feed, supplies.pictures, supplies.features, rows, device),
        method,
        DrawnCheck(run, supplies.pictures, supplies.features),
        {"family": GAN_FAMILY},
    )
