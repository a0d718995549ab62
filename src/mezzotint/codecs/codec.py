"""What a codec is."""

from typing import Protocol

from torch import Tensor

from mezzotint.diffusion.noise import Noise


class Codec(Protocol):
    """Maps pixels (B, C, T, H, W) in [-1, 1] to latents (B, C', T', H', W') and back."""

    @property
    def name(self) -> str:
        """Its name in a recipe."""
        ...

    @property
    def channels(self) -> int:
        """Channels of a latent."""
        ...

    @property
    def factors(self) -> tuple[int, int, int]:
        """How many pixels a latent's element spans, along (T, H, W)."""
        ...

    def encode(self, pixels: Tensor, noise: Noise) -> Tensor:
        """Pixels to latents; a codec that samples its latents draws from `noise`."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Latents to pixels."""
        ...
