"""Premultiplied RGBA bytes: from straight alpha, and fitted onto a square."""

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["Bytes", "fit", "premultiply", "straight"]

Bytes = npt.NDArray[np.uint8]


def premultiply(rgba: Bytes) -> Bytes:
    """Straight RGBA (H, W, 4) to premultiplied, rounded to nearest; every colour channel is then at most alpha."""
    wide = rgba.astype(np.uint16)
    colour = (wide[..., :3] * wide[..., 3:] + 127) // 255
    out: Bytes = np.concatenate([colour, wide[..., 3:]], axis=-1).astype(np.uint8)
    return out


def straight(picture: Bytes) -> Bytes:
    """Undo the premultiplication: the colour channels divided by alpha, (H, W, 3); black where alpha is 0."""
    alpha = np.maximum(picture[..., 3:].astype(np.int64), 1)
    out: Bytes = np.minimum((picture[..., :3].astype(np.int64) * 255 + alpha // 2) // alpha, 255).astype(np.uint8)
    return out


def fit(
    image: Image.Image, size: int, part: float = 1.0, resample: Image.Resampling = Image.Resampling.LANCZOS
) -> Bytes:
    """Scale a picture to fit a square of `size` times `part`, centred on a transparent (size, size, 4) canvas.

    Premultiplied before it is filtered, so that the colour of transparent pixels does not bleed in.
    """
    wide = premultiply(np.asarray(image.convert("RGBA"), dtype=np.uint8))
    inner = max(1, round(size * part))
    scale = inner / max(image.width, image.height)
    width, height = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    planes = [np.asarray(Image.fromarray(wide[..., i]).resize((width, height), resample)) for i in range(4)]
    small = np.stack(planes, -1)
    small[..., :3] = np.minimum(small[..., :3], small[..., 3:])
    out = np.zeros((size, size, 4), dtype=np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    out[top : top + height, left : left + width] = small
    return out
