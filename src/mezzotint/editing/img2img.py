"""Image to image: sampling starts in the middle of the way, from a picture with noise."""

from dataclasses import dataclass

from torch import Tensor

from mezzotint.diffusion.noise import Noise, Purpose
from mezzotint.diffusion.sampling import pure_noise
from mezzotint.editing.edit import Canvas, Edit

__all__ = ["Img2Img", "noised"]


def noised(pixels: Tensor, canvas: Canvas, noise: Noise) -> Tensor:
    """`x_t = alpha_t z + sigma_t eps` at the canvas's first time, z the picture as latents.

    eps is the noise that a drawing from nothing starts from. pixels: (C, 1, H, W).
    """
    latents = canvas.codec.encode(pixels[None], noise).expand(canvas.shape)
    return canvas.schedule(canvas.start).noised(latents, noise.normal(canvas.shape, Purpose.START, 0))


@dataclass(frozen=True, slots=True)
class Img2Img(Edit):
    """Starts from a picture, noised to where the grid begins; wraps nothing; conditions on the prompt alone.

    pixels: (C, 1, H, W) in [-1, 1]. whole: the grid is whole (strength 1), so that nothing of the picture is left and
    sampling starts from pure noise, as without an edit, also where alpha is not quite 0 there.
    Source: Meng et al. 2021 (SDEdit, arXiv 2108.01073), algorithm 1.
    """

    pixels: Tensor
    whole: bool

    def start(self, canvas: Canvas, noise: Noise) -> Tensor:
        """The noised picture."""
        if self.whole:
            return pure_noise(canvas.schedule, canvas.shape, noise, canvas.start)
        return noised(self.pixels, canvas, noise)
