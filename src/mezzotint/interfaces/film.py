"""From the steps of a drawing to the frames that show it."""

from typing import TYPE_CHECKING

import numpy as np

from mezzotint.codecs.images import from_image
from mezzotint.interfaces.sheets import Frame, Pixels, pixels_of

if TYPE_CHECKING:
    from mezzotint.pipeline import Pipeline, Preview


class Film:
    """Collects the moments of one picture: its noise at the first time, where each move ended, and the picture."""

    def __init__(self) -> None:
        self._frames: list[Frame] = []
        self._here: Pixels | None = None

    def add(self, pipe: "Pipeline", preview: "Preview") -> None:
        """Take in a step."""
        move = preview.step.move
        begin, end = (move.t, move.s) if preview.step.prediction is not None else (move.s, move.t)
        now, told = pixels_of(preview.x), preview.step.prediction is not None
        here = self._here
        if here is None or not preview.step.index:  # the first step of the picture, or of a pass
            here = _start(pipe, preview) if told else now
        believed = pixels_of(preview.x0) if told or not preview.step.index else self._frames[-1].x0
        self._frames.append(Frame(begin, here, believed))
        self._here = now
        if preview.image is not None:
            if preview.recipe is not None and preview.recipe.request.upscale_to is not None:
                self._here = pixels_of(from_image(preview.image))  # brought to its size, without what is over its edges
            self._frames.append(Frame(end, self._here, self._here))

    @property
    def frames(self) -> tuple[Frame, ...]:
        """What was collected, from noise to the picture; all as large as the largest, by repeating pixels."""
        height, width = (max(frame.x.shape[axis] for frame in self._frames) for axis in (0, 1))
        return tuple(
            Frame(one.t, _stretched(one.x, height, width), _stretched(one.x0, height, width)) for one in self._frames
        )


def _stretched(pixels: Pixels, height: int, width: int) -> Pixels:
    rows, columns = (np.arange(new) * old // new for new, old in zip((height, width), pixels.shape, strict=False))
    found: Pixels = pixels[rows[:, None], columns]
    return found


def _start(pipe: "Pipeline", preview: "Preview") -> Pixels:
    """The sample before the first move. Pictures that share calls are rows of one tensor, in order."""
    from mezzotint.pipeline import FAST_BATCH

    prediction = preview.step.prediction
    assert prediction is not None, "a drawing begins by denoising"
    rows = prediction.x_t.shape[0]
    row = preview.picture % FAST_BATCH if rows > 1 else 0
    return pixels_of(pipe.model.codec.decode(prediction.x_t[row : row + 1])[0])
