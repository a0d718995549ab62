"""Several edits of one picture, as one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.sampling import pure_noise
from mezzotint.editing.edit import Canvas, Edit

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Composed"]


@dataclass(frozen=True, slots=True)
class Composed(Edit):
    """Edits in their order: each wraps what those before it made, and begins with the noise that they left.

    Sampling starts where the last of them says that has a say, else from pure noise, `x_t = sigma_t eps`: without any
    edit this is text to image.
    """

    edits: tuple[Edit, ...] = ()

    def noise(self, noise: Noise) -> Noise:
        for edit in self.edits:
            noise = edit.noise(noise)
        return noise

    def start(self, canvas: Canvas, noise: Noise) -> Tensor:
        for edit in reversed(self.edits):
            if (start := edit.start(canvas, noise)) is not None:
                return start
        return pure_noise(canvas.schedule, canvas.shape, noise, canvas.start)

    def wrap(self, denoiser: Denoiser[Any]) -> Denoiser[Any]:
        for edit in self.edits:
            denoiser = edit.wrap(denoiser)
        return denoiser

    def unguided(self, denoiser: Denoiser[Any]) -> Denoiser[Any]:
        for edit in self.edits:
            denoiser = edit.unguided(denoiser)
        return denoiser

    def condition(self, branches: Mapping[str, Any], canvas: Canvas, noise: Noise) -> Mapping[str, Any]:
        for edit in self.edits:
            branches = edit.condition(branches, canvas, noise)
        return branches

    def finished(self, image: "Image") -> "Image":
        for edit in self.edits:
            image = edit.finished(image)
        return image
