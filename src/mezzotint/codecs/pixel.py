"""The codec of pixel-space models."""

from dataclasses import dataclass

from torch import Tensor

from mezzotint.diffusion.noise import Noise


@dataclass(frozen=True, slots=True)
class PixelCodec:
    """The identity: a latent is a picture, premultiplied RGBA for four channels."""

    channels: int = 4
    name: str = "pixel"
    factors: tuple[int, int, int] = (1, 1, 1)

    def encode(self, pixels: Tensor, noise: Noise) -> Tensor:
        """The pixels themselves."""
        return pixels

    def decode(self, latents: Tensor) -> Tensor:
        """The latents themselves."""
        return latents
