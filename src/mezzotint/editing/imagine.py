"""Text to image: the task that changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.sampling import pure_noise
from mezzotint.editing.edit import Canvas

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Imagine:
    """Starts from pure noise, `x_t = sigma_t eps`; wraps nothing; conditions on the prompt alone."""

    def start(self, canvas: Canvas, noise: Noise) -> Tensor:
        """Pure noise at the canvas's first time."""
        return pure_noise(canvas.schedule, canvas.shape, noise, canvas.start)

    def wrap(self, denoiser: Denoiser[Any]) -> Denoiser[Any]:
        """The denoiser itself."""
        return denoiser

    def condition(self, branches: Mapping[str, Any], canvas: Canvas, noise: Noise) -> Mapping[str, Any]:
        """The branches themselves."""
        return branches

    def finished(self, image: "Image") -> "Image":
        """The picture as it was drawn."""
        return image
