"""A run of a minute, for tests and newcomers."""

from mezzotint.families.pixel_dit import PixelDiTConfig
from mezzotint.training.config import DataConfig, RunConfig


def tiny() -> RunConfig:
    """A network of 0.2 M parameters on 256 pictures, not compiled: it shows that training works, not what it can do."""
    return RunConfig(
        name="tiny",
        network=PixelDiTConfig(width=64, depth=3, heads=2, hidden=168, bottleneck=32, text_depth=1),
        data=DataConfig(limit=256),
        steps=200,
        batch=16,
        checkpoint_every=50,
        validate_every=100,
        validation=32,
        sample_every=200,
    )
