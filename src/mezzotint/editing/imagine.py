"""Text to image: the task that changes nothing."""

from dataclasses import dataclass

from torch import Tensor

from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.sampling import pure_noise
from mezzotint.editing.edit import Canvas, Edit


@dataclass(frozen=True, slots=True)
class Imagine(Edit):
    """Starts from pure noise, `x_t = sigma_t eps`; wraps nothing; conditions on the prompt alone."""

    def start(self, canvas: Canvas, noise: Noise) -> Tensor:
        """Pure noise at the canvas's first time."""
        return pure_noise(canvas.schedule, canvas.shape, noise, canvas.start)
