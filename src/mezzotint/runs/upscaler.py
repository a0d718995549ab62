"""The run of the network that enlarges pictures."""

from mezzotint.families.pixel_upscaler import PixelUpscalerConfig
from mezzotint.training.config import UpscalerRun
from mezzotint.training.optim import OptimConfig


def upscaler() -> UpscalerRun:
    """The upscaler on two CPU cores: 1.7 M parameters, 320 thousand parts of 128 pixels of the large pictures."""
    return UpscalerRun(
        name="upscaler",
        network=PixelUpscalerConfig(),
        steps=10_000,
        batch=32,
        optim=OptimConfig(muon_lr=2e-3, adam_lr=5e-4, warmup=0.02),
        compiled=True,
        precision="bf16",
        checkpoint_every=200,
        validate_every=600,
        validation=64,
    )
