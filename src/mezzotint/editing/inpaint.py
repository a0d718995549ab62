"""Inpainting: a part of a picture is drawn anew, the rest stays, byte for byte."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from mezzotint.diffusion.denoiser import Denoiser, Revised
from mezzotint.diffusion.guidance.base import steered
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.prediction import Prediction
from mezzotint.editing.edit import Canvas, Edit
from mezzotint.editing.img2img import Img2Img

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Inpaint", "Keep", "over"]


@dataclass(frozen=True, eq=False)
class Keep:
    """`x_0 + (1 − m)(z − x_0)`: what the mask m does not cover is known to be z, in every prediction.

    A projection onto the known part (Wang, Yu & Zhang 2022, DDNM, arXiv 2212.00490, section 3): for a hard mask it is
    `diffusion.inverse.Projected` with the operator `Mask(1 − m)`; values between 0 and 1 blend.
    m: (1, 1, 1, H, W) of the latents, z: of their shape, or (1, ...).
    """

    known: Tensor
    mask: Tensor

    def __call__(self, prediction: Prediction) -> Prediction:
        known, mask = self.known.to(prediction.x0), self.mask.to(prediction.x0)
        return steered(prediction, prediction.x0.lerp(known, 1 - mask))


@dataclass(frozen=True)
class Inpaint(Edit):
    """Draws where the mask is 1, keeps the picture where it is 0, and blends in between.

    source: the picture (Pillow, RGBA), or None where somebody else keeps its bytes; pixels: the same, (C, 1, H, W) in
    [-1, 1]; mask: (1, H, W) in [0, 1]; latents: the picture as latents (1, C', 1, H', W'); whole: see `Img2Img`. With a
    mask of ones this is `Img2Img`, bit for bit.
    """

    source: "Image | None"
    pixels: Tensor
    mask: Tensor
    latents: Tensor
    whole: bool

    def start(self, canvas: Canvas, noise: Noise) -> Tensor:
        """As `Img2Img` starts."""
        return Img2Img(self.pixels, self.whole).start(canvas, noise)

    def wrap(self, denoiser: Denoiser[Any]) -> Denoiser[Any]:
        """The denoiser, told what is known."""
        if bool((self.mask == 1).all()):
            return denoiser
        small = F.adaptive_avg_pool2d(self.mask[None], (self.latents.shape[-2], self.latents.shape[-1]))
        return Revised(denoiser, Keep(self.latents, small[:, :, None]))

    def finished(self, image: "Image") -> "Image":
        """The drawn picture over the source, by the mask."""
        return image if self.source is None else over(image, self.source, self.mask)


def over(image: "Image", source: "Image", share: Tensor) -> "Image":
    """A picture over another one, RGBA, premultiplied meanwhile, by a share (1, H, W): where it is 0, the bytes of
    `source`, where it is 1, those of `image`."""
    from PIL import Image

    part = share[0].double().numpy()[..., None]
    drawn, own = (np.asarray(one.convert("RGBA"), dtype=np.float64) for one in (image, source))
    alpha = part * drawn[..., 3:] + (1 - part) * own[..., 3:]
    colour = part * drawn[..., :3] * drawn[..., 3:] + (1 - part) * own[..., :3] * own[..., 3:]
    mixed = np.concatenate([colour / np.maximum(alpha, 1e-9), alpha], axis=-1).round()
    chosen = np.where(part == 0, own, np.where(part == 1, drawn, mixed))
    return Image.fromarray(chosen.clip(0, 255).astype(np.uint8), "RGBA")
