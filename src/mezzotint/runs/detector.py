"""The runs of the detectors that measure what a picture shows."""

from dataclasses import replace

from mezzotint.families.icon_detector import IconDetectorConfig
from mezzotint.training.config import DetectorRun
from mezzotint.training.optim import OptimConfig


def detector() -> DetectorRun:
    """The detector on two CPU cores: 4.3 M parameters, 400 thousand composed scenes."""
    return DetectorRun(
        name="detector",
        network=IconDetectorConfig(),
        steps=6_250,
        batch=64,
        optim=OptimConfig(muon_lr=5e-3, adam_lr=1e-3, warmup=0.02),
        compiled=True,
        precision="bf16",
        checkpoint_every=200,
        validate_every=400,
    )


def second_detector() -> DetectorRun:
    """Another detector, of other sizes, from other weights and scenes: the judge of what the first one chose."""
    first = detector()
    return replace(first, name="second_detector", network=replace(first.network, widths=(40, 80, 128, 256)), seed=1)
