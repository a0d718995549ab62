"""The training pictures that a picture is nearest to, with whom they are from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mezzotint.codecs.images import from_image
from mezzotint.data.manifest import Record
from mezzotint.data.pixels import Bytes
from mezzotint.data.sources import PictureSet

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Neighbour", "nearest_pictures"]

COARSE = 16
"""Side at which pictures are compared, so that a shift by a pixel matters little."""
_CHUNK = 2048


@dataclass(frozen=True)
class Neighbour:
    """A training picture, its record, and its distance: the root mean square at 16×16 pixels, of values 0 to 1. of: the
    prompt of the part that it is near to, "" for the whole picture."""

    record: Record
    picture: Bytes
    distance: float
    of: str = ""


def nearest_pictures(image: "Image", pictures: PictureSet, count: int = 4, of: str = "") -> list[Neighbour]:
    """The `count` nearest of the training split, the nearest first; premultiplied RGBA is compared."""
    wanted = _coarse((from_image(image)[:, 0] + 1)[None] / 2)
    rows = pictures.split("train")
    distances = np.concatenate(
        [_to(wanted, pictures.pictures[rows[i : i + _CHUNK]]) for i in range(0, len(rows), _CHUNK)]
    )
    best = np.argsort(distances, kind="stable")[:count]
    return [
        Neighbour(pictures.records[int(rows[i])], np.asarray(pictures.pictures[rows[i]]), float(distances[i]), of)
        for i in best
    ]


def _to(wanted: Tensor, pictures: Bytes) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    unit = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 255
    return (_coarse(unit) - wanted).double().square().flatten(1).mean(1).sqrt().numpy()


def _coarse(unit: Tensor) -> Tensor:
    return torch.nn.functional.adaptive_avg_pool2d(unit.float(), COARSE)
