"""What a task is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor

from mezzotint.codecs.codec import Codec
from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.schedule import Schedule

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Canvas:
    """What a task draws on.

    shape   of the latents, (B, C, T, H, W)
    start   the time at which sampling begins, the first of the time grid; 0 where no step is left
    """

    schedule: Schedule
    codec: Codec
    shape: tuple[int, int, int, int, int]
    start: float = 1.0


class Edit(Protocol):
    """A task, as three choices, and what becomes of noise and picture. Edits compose (`Composed`): each wraps what
    those before it made. What an edit does not say, it leaves as it is.
    """

    def noise(self, noise: Noise) -> Noise:
        """The noise of all pictures that share network calls."""
        return noise

    def start(self, canvas: Canvas, noise: Noise) -> Tensor | None:
        """x_t at the canvas's first time, of its shape; None where that is not this edit's business."""
        return None

    def wrap(self, denoiser: Denoiser[Any]) -> Denoiser[Any]:
        """What surrounds the guided denoiser."""
        return denoiser

    def condition(self, branches: Mapping[str, Any], canvas: Canvas, noise: Noise) -> Mapping[str, Any]:
        """What the named conditionings become."""
        return branches

    def finished(self, image: "Image") -> "Image":
        """What becomes of a picture that was drawn."""
        return image
