"""Soft inpainting: a grey mask says for every pixel by how much it may change."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import Probe
from mezzotint.diffusion.sampling import Step, pure_noise
from mezzotint.diffusion.schedule import Schedule
from mezzotint.diffusion.timegrid import Renoise, TimeGrid, last_part, times_of
from mezzotint.editing.edit import Canvas, Edit
from mezzotint.editing.img2img import noised
from mezzotint.editing.inpaint import Keep, over

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["SoftInpaint", "released"]

NEVER = -1.0


def released(strength: Tensor, grid: TimeGrid) -> Tensor:
    """For each strength the time at which an edit of it begins on a whole grid: that of the first move of
    `last_part(grid, strength)`; NEVER for 0. float64, of the shape of strength.

    Raises InvalidOption for a grid that jumps, if a strength is neither 0 nor 1.
    """
    share = strength.double()
    if bool(((share > 0) & (share < 1)).any()):
        times_of(grid)
    moves = (share * len(grid) + 0.5).floor().clamp(1, len(grid)).long()
    begins = torch.tensor([NEVER, *(move.t for move in reversed(grid))], dtype=torch.float64)
    return begins[moves.where(share > 0, 0)]


@dataclass(frozen=True, eq=False)
class SoftInpaint(Edit):
    """Redraws every pixel with the strength that the mask has there.

    Until the time T(m) at which an edit of strength m begins (`released`), a pixel is held: whatever is believed of it,
    the prediction says the source z, so that solvers keep it on `x_t = alpha_t z + sigma_t eps`, with the noise that it
    began with. From then on it is free. (Levin & Fried 2023, Differential Diffusion, arXiv 2306.00950, algorithm 1,
    which puts the noised source into x_t instead.) What is held counts for whole moves, of whatever order, since T(m)
    is compared with the time at which the move begins.

    source: the picture (Pillow, RGBA), or None where somebody else keeps its bytes; pixels: the same, (C, 1, H, W) in
    [-1, 1]; mask: (1, H, W) in [0, 1]; latents: the picture as latents (1, C', 1, H', W'). strength: the share of the
    grid that is taken, which bounds that of every pixel; grid: the whole one. Where the mask is the strength all over,
    this is `Img2Img`, bit for bit, and so is white at strength 1 drawing from nothing; where it is 0, the source's
    bytes stay. Raises InvalidOption as `released` does.
    """

    source: "Image | None"
    pixels: Tensor
    mask: Tensor
    latents: Tensor
    strength: float
    grid: TimeGrid

    def __post_init__(self) -> None:
        released(self._small, self.grid)

    @property
    def _small(self) -> Tensor:
        """The mask of the latents, (1, 1, 1, H', W')."""
        return F.adaptive_avg_pool2d(self.mask[None], (self.latents.shape[-2], self.latents.shape[-1]))[:, :, None]

    def start(self, canvas: Canvas, noise: Noise) -> Tensor:
        """The noised picture; pure noise where all of it is drawn anew."""
        held = noised(self.pixels, canvas, noise)
        if self.strength < 1:
            return held
        return pure_noise(canvas.schedule, canvas.shape, noise, canvas.start).where(self._small == 1, held)

    def wrap(self, denoiser: Denoiser[Any]) -> Denoiser[Any]:
        """The denoiser, told what is held."""
        until, taken = released(self._small, self.grid), last_part(self.grid, self.strength)
        if not taken or bool((until >= taken[0].t).all()):
            return denoiser
        return _Held(denoiser, self.latents, until, taken[0].t)

    def finished(self, image: "Image") -> "Image":
        """The drawn picture, with the source's bytes where the mask is 0."""
        return image if self.source is None else over(image, self.source, (self.mask > 0).float())


@dataclass(slots=True)
class _Held:
    """A denoiser that holds pixels to what is known of them, `until` their times; `now` is where the move begins."""

    denoiser: Denoiser[Any]
    known: Tensor
    until: Tensor
    now: float

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, Any], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        believed, free = self.denoiser(x_t, t, cond, to=to, probe=probe), self.until >= self.now
        found = Keep(self.known, free.float())(believed)
        if believed.eps_for_update is None:
            return found
        # a rule that asks for another noise (CFG++) has no say in what is held
        return replace(found, eps_for_update=believed.eps_for_update.where(free.to(x_t.device), found.eps))

    def accepted(self, step: Step) -> None:
        """Where the next move begins."""
        self.now = step.move.t if isinstance(step.move, Renoise) else step.move.s
