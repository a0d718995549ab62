"""What a drawing gives step by step: `Preview`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from mezzotint.diffusion.sampling import Step
from mezzotint.recipe import Recipe

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Preview"]


@dataclass(frozen=True)
class Preview:
    """One picture after one step.

    picture   its number in the request, from 0
    step      the step, with x_t and the prediction
    x, x0     pixels (4, 1, H, W) of the noised picture and of the prediction of the clean one
    image, recipe   the finished picture, after its last step only
    turn      which pass the step is of, from 0, where a picture is drawn in several; steps are counted in each
    """

    picture: int
    step: Step
    x: Tensor
    x0: Tensor
    image: "Image | None" = None
    recipe: Recipe | None = None
    turn: int = 0
