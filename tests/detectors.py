"""A small detector for tests, and what it is trained from."""

from pathlib import Path

from mezzotint.families.icon_detector import IconDetectorConfig
from mezzotint.load import HOUSE, load_text
from mezzotint.training.config import DetectorRun
from mezzotint.training.export import export
from mezzotint.training.features import embed_captions
from mezzotint.training.scene_feed import scene_feeds
from mezzotint.training.task import Supplies
from mezzotint.training.trainer import Trainer
from tests.data.scenes.toy import fonts, pictures

NETWORK = IconDetectorConfig(widths=(8, 8, 8, 8), blocks=1)
RUN = DetectorRun(name="detector", network=NETWORK, steps=2, batch=4, validate_every=2, validation=8)


def supplies_of(run: DetectorRun, captions: Path) -> Supplies:
    """The toy set and fonts, for a run; `captions` is a folder to cache in."""
    text, digest = load_text(run.text_length)
    features = embed_captions(text, [""], captions, digest)
    return Supplies(pictures(), features, text, digest, scene_feeds(run, pictures(), fonts(), text))


def trained_detector(root: Path) -> Trainer:
    """`RUN`, done."""
    trainer = Trainer(RUN, supplies_of(RUN, root / "captions"), root / "run")
    list(trainer.steps())
    return trainer


def packed_detector(trainer: Trainer, out: Path) -> Path:
    """Its folder, as `mezzotint pack` makes it, in full precision."""
    return export(trainer.folder, out, name="d", text=HOUSE / "text", storage="fp32", defaults={})
