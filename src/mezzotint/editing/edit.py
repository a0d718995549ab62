"""What a task is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor

from mezzotint.codecs.codec import Codec
from mezzotint.diffusion.denoiser import Bound, BoundDenoiser, Denoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.schedule import Schedule
from mezzotint.diffusion.solvers import Solver
from mezzotint.diffusion.timegrid import TimeGrid

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(slots=True)
class Plain:
    """The denoiser without guidance, for edits that need it before sampling starts, and what that has cost.

    branches: the conditionings, by name. evaluations: network forwards per picture until now.
    """

    leaf: Denoiser[Any]
    branches: Mapping[str, Any]
    evaluations: int = 0

    def told(self, branch: str) -> BoundDenoiser:
        """The denoiser under what a branch says."""
        return _Counting(Bound(self.leaf, {"cond": self.branches[branch]}), self)


@dataclass(frozen=True, slots=True)
class _Counting:
    denoise: BoundDenoiser
    plain: Plain

    @property
    def schedule(self) -> Schedule:
        return self.denoise.schedule

    def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
        prediction = self.denoise(x_t, t, to=to)
        self.plain.evaluations += prediction.evaluations
        return prediction


@dataclass(frozen=True, slots=True)
class Canvas:
    """What a task draws on.

    shape   of the latents, (B, C, T, H, W)
    start   the time at which sampling begins, the first of the time grid; 0 where no step is left
    plain   the denoiser without guidance; None where no step is left
    grid    the moves of sampling
    solver  what takes them; None where no step is left
    x       x_t at the start, of that shape; None until `Edit.start` has said it
    """

    schedule: Schedule
    codec: Codec
    shape: tuple[int, int, int, int, int]
    start: float = 1.0
    plain: Plain | None = None
    grid: TimeGrid = ()
    solver: Solver[Any] | None = None
    x: Tensor | None = None


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

    def unguided(self, denoiser: Denoiser[Any]) -> Denoiser[Any]:
        """What surrounds the denoiser without guidance, which other edits may call (`Canvas.plain`)."""
        return denoiser

    def condition(self, branches: Mapping[str, Any], canvas: Canvas, noise: Noise) -> Mapping[str, Any]:
        """What the named conditionings become."""
        return branches

    def finished(self, image: "Image") -> "Image":
        """What becomes of a picture that was drawn."""
        return image
