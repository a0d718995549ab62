"""A detector's maps of a picture, looked at three times."""

import torch
from torch import Tensor

from mezzotint.families.icon_detector.decode import CELL
from mezzotint.families.icon_detector.model import IconDetector, Maps

__all__ = ["looked"]

MOVES = ((0, 0), (0, 1), (1, 0))
"""Cells down and to the right by which the looks differ."""


def looked(network: IconDetector, pictures: Tensor) -> Maps:
    """The mean of a network's maps over three looks, the second and third a cell of 2 pixels further right and down.

    Chances of peaks, reaches of boxes and features are averaged where they lie on the picture; what is moved over an
    edge comes back at the other. Layers of stride 2 see a picture differently at every place of an 8 by 8 grid
    (Zhang 2019, "Making convolutional networks shift-invariant again", arXiv 1904.11486), so that a copy of a thing may
    be missed where another is found; the mean is wrong less often, at three times the cost.
    Shapes: (B, channels, 1, size, size), premultiplied, in [-1, 1] -> `Maps`.
    """
    looks = [_look(network, pictures, down, right) for down, right in MOVES]
    chances = torch.stack([maps.peaks.sigmoid() for maps in looks]).mean(0)
    boxes = torch.stack([maps.boxes for maps in looks]).mean(0)
    features = torch.stack([maps.features for maps in looks]).mean(0)
    return Maps(torch.logit(chances, eps=1e-6), boxes, features)


def _look(network: IconDetector, pictures: Tensor, down: int, right: int) -> Maps:
    maps = network(pictures.roll((CELL * down, CELL * right), (-2, -1)))
    return Maps(*(part.roll((-down, -right), (-2, -1)) for part in (maps.peaks, maps.boxes, maps.features)))
