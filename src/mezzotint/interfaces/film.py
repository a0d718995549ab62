"""From the steps of a drawing to the frames that show it."""

from typing import TYPE_CHECKING

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
        here = self._here if self._here is not None else _start(pipe, preview)
        believed = pixels_of(preview.x0) if preview.step.prediction is not None else self._frames[-1].x0
        self._frames.append(Frame(begin, here, believed))
        self._here = pixels_of(preview.x)
        if preview.image is not None:
            self._frames.append(Frame(end, self._here, self._here))

    @property
    def frames(self) -> tuple[Frame, ...]:
        """What was collected, from noise to the picture."""
        return tuple(self._frames)


def _start(pipe: "Pipeline", preview: "Preview") -> Pixels:
    """The sample before the first move. Pictures that share calls are rows of one tensor, in order."""
    from mezzotint.pipeline import FAST_BATCH

    prediction = preview.step.prediction
    assert prediction is not None, "a drawing begins by denoising"
    rows = prediction.x_t.shape[0]
    row = preview.picture % FAST_BATCH if rows > 1 else 0
    return pixels_of(pipe.model.codec.decode(prediction.x_t[row : row + 1])[0])
