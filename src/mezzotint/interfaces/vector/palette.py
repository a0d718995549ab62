"""The few colours of a picture: clusters in premultiplied OKLab, as many as an error asks for.

A pixel that only softens the edge between two areas counts little, so that no colour is spent on it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mezzotint.data.colours import oklab

__all__ = ["ENOUGH", "MOST", "Palette", "features", "find_palette", "on_edges"]

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.uint8]

ENOUGH = 0.025
"""A root-mean-square distance in premultiplied OKLab (black to white is 1) at which there are colours enough; two
colours at half of it can hardly be told apart side by side."""
MOST = 24
"""Colours where nobody asks for a number."""
FAR, SMALL = 0.12, 0.001
"""A colour of its own is for all that is FAR from the others and covers a SMALL share of the picture."""
ON_EDGE = 0.02
"""What a pixel on a soft edge counts."""
STEP, BETWEEN = 0.1, 0.05
"""Two sides of an edge are at least STEP apart, and a pixel on it is at most BETWEEN (and a tenth of the step) off the
line between their colours."""
VEIL = 0.15
"""Half clear pixels among which alpha differs by no more are an area; others are an edge, and have no colour."""
BINS = 63
ROUNDS = 4


@dataclass(frozen=True)
class Palette:
    """Colours, (K, 4) premultiplied RGBA in [0, 1], the first of them clear, and `error`, the root-mean-square distance
    of the picture's pixels from the nearest one in `features`; pixels on edges hardly count."""

    colours: Floats
    error: float

    def nearest(self, rgba: Floats) -> npt.NDArray[np.intp]:
        """The colour that is nearest to each pixel of (..., 4)."""
        points, centres = features(rgba), features(self.colours)
        distance = (centres**2).sum(-1) - 2 * points @ centres.T
        return np.asarray(distance.argmin(-1))


def features(rgba: Floats) -> Floats:
    """Premultiplied RGBA in [0, 1], (..., 4), to (alpha L, alpha a, alpha b, alpha), where L, a, b is OKLab."""
    alpha = rgba[..., 3:]
    colour = np.clip(rgba[..., :3] / np.maximum(alpha, 1e-6), 0, 1)
    return np.concatenate([oklab(colour) * alpha, alpha], -1)


def on_edges(rgba: Floats) -> npt.NDArray[np.bool_]:
    """Whether each pixel of (H, W, 4) lies between two others, one or two pixels away on opposite sides, and its colour
    on the line between theirs: `|b - a| > STEP`, `x = a + t (b - a)` with t in (0.08, 0.92)."""
    height, width = rgba.shape[:2]
    found = np.zeros((height, width), dtype=bool)
    for reach in (1, 2):
        padded = np.pad(rgba, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
        for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
            y, x = reach * dy, reach * dx
            a = padded[reach - y : reach - y + height, reach - x : reach - x + width]
            b = padded[reach + y : reach + y + height, reach + x : reach + x + width]
            across = b - a
            square = (across**2).sum(-1)
            t = ((rgba - a) * across).sum(-1) / np.maximum(square, 1e-9)
            off = np.sqrt(((rgba - a - t[..., None] * across) ** 2).sum(-1))
            step = np.sqrt(square)
            found |= (step > STEP) & (t > 0.08) & (t < 0.92) & (off < BETWEEN + 0.1 * step)
    return found


def find_palette(rgba: Floats, most: int = MOST) -> Palette:
    """The colours of a picture (H, W, 4), premultiplied RGBA in [0, 1]: as many as bring the error down to ENOUGH, and
    at most `most` besides the clear one.

    One cluster is split after another, that with the greatest sum of squares along its principal axis, and k-means
    follows each split; nothing in it is random.
    """
    seen, weights = _histogram(rgba)
    clear = seen[:, 3] < 0.03
    seen, weights = seen[~clear], weights[~clear]
    colours = np.zeros((1, 4))
    if not len(seen):
        return Palette(colours, 0.0)
    points, total = features(seen), float(weights.sum())
    centres = np.average(points, axis=0, weights=weights)[None]
    labels = np.zeros(len(points), dtype=np.intp)
    while True:
        sums = _squares(points, weights, centres, labels)
        error = float(np.sqrt(sums.sum() / total))
        if len(centres) >= min(most, len(points)):
            break
        far = np.where(((points - centres[labels]) ** 2).sum(-1) > FAR**2, weights, 0.0)
        apart = np.bincount(labels, far, minlength=len(centres))
        if error > ENOUGH:
            centres = _split(points, weights, centres, labels, int(sums.argmax()))
        elif apart.max() > SMALL * rgba.shape[0] * rgba.shape[1]:  # a small thing in a colour of its own
            own = labels == apart.argmax()
            centres = np.concatenate([centres, np.average(points[own], axis=0, weights=far[own])[None]])
        else:
            break
        for _ in range(ROUNDS):
            labels = ((centres**2).sum(-1) - 2 * points @ centres.T).argmin(-1)
            used = np.unique(labels)
            centres = np.stack([np.average(points[labels == k], axis=0, weights=weights[labels == k]) for k in used])
            labels = np.searchsorted(used, labels)
    found = [_colour(seen, weights, points, centres[k], labels == k) for k in range(len(centres))]
    return Palette(np.unique(np.concatenate([colours, *found]), axis=0), error)


def _histogram(rgba: Floats) -> tuple[Floats, Floats]:
    """The colours that there are, (N, 4), each the mean of a bin, with what its pixels count."""
    counts = np.where(on_edges(rgba), ON_EDGE, 1.0)
    alpha = rgba[..., 3]
    counts[(alpha > 0.03) & (alpha < 0.97) & (_spread(alpha) > VEIL)] = ON_EDGE / 100
    counts = counts.ravel()
    flat = rgba.reshape(-1, 4)
    bins = np.rint(flat * BINS).astype(np.int64) @ np.array([64**3, 64**2, 64, 1])
    _, where = np.unique(bins, return_inverse=True)
    weights = np.bincount(where, counts)
    sums = np.stack([np.bincount(where, counts * flat[:, channel]) for channel in range(4)], -1)
    return sums / weights[:, None], np.asarray(weights, dtype=np.float64)


def _spread(plane: Floats) -> Floats:
    """The greatest difference among a pixel of (H, W) and its eight neighbours."""
    padded = np.pad(plane, 1, mode="edge")
    height, width = plane.shape
    around = np.stack([padded[y : y + height, x : x + width] for y in range(3) for x in range(3)])
    return np.asarray(around.max(0) - around.min(0))


def _squares(points: Floats, weights: Floats, centres: Floats, labels: npt.NDArray[np.intp]) -> Floats:
    """The weighted sum of squared distances in each cluster."""
    square = ((points - centres[labels]) ** 2).sum(-1)
    return np.bincount(labels, weights * square, minlength=len(centres)).astype(np.float64)


def _split(points: Floats, weights: Floats, centres: Floats, labels: npt.NDArray[np.intp], which: int) -> Floats:
    """The centres with one of them replaced by two, a standard deviation to both sides along its principal axis."""
    own = labels == which
    apart = (points[own] - centres[which]) * np.sqrt(weights[own])[:, None]
    values, axes = np.linalg.eigh(apart.T @ apart / weights[own].sum())
    step = np.sqrt(max(float(values[-1]), 0.0)) * axes[:, -1]
    rest = np.delete(centres, which, axis=0)
    return np.concatenate([rest, [centres[which] - step, centres[which] + step]])


def _colour(seen: Floats, weights: Floats, points: Floats, centre: Floats, own: npt.NDArray[np.bool_]) -> Floats:
    """The colour of a cluster, (1, 4): the mean of the nearer half of it, opaque where it is nearly so, in 8 bits."""
    distance = ((points[own] - centre) ** 2).sum(-1)
    order = distance.argsort()
    part = np.cumsum(weights[own][order])
    near = order[: int(np.searchsorted(part, part[-1] / 2)) + 1]
    mean = np.average(seen[own][near], axis=0, weights=weights[own][near])
    alpha = 1.0 if mean[3] > 0.97 else round(float(mean[3]), 2)
    straight = np.rint(np.clip(mean[:3] / mean[3], 0, 1) * 255) / 255
    return np.array([[*(straight * alpha), alpha]])
