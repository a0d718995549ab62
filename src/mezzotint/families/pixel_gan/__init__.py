"""The family of generators that draw in one evaluation, and of their critics: see `model.py`."""

from mezzotint.families.pixel_gan.model import (
    FAMILY,
    PixelCritic,
    PixelGAN,
    PixelGANConfig,
    initialise_critic,
    initialise_generator,
)

__all__ = ["FAMILY", "PixelCritic", "PixelGAN", "PixelGANConfig", "initialise_critic", "initialise_generator"]
