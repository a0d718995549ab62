"""Are two pictures the same? A hash for "to the bit", and PSNR for "how near".

Pictures are Pillow images; they are compared as RGBA with 8 bits a channel and straight alpha, as a PNG stores them.
"""

import hashlib
import math

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["pixel_sha256", "premultiplied", "psnr"]


def pixel_sha256(image: Image.Image) -> str:
    """SHA-256 over the line `WIDTHxHEIGHT RGBA8` + LF and the RGBA bytes, row by row; lower-case hex.

    It depends on the decoded pixels alone, so another PNG compression or other metadata leaves it as it is.
    """
    digest = hashlib.sha256(f"{image.width}x{image.height} RGBA8\n".encode())
    digest.update(image.convert("RGBA").tobytes())
    return digest.hexdigest()


def premultiplied(image: Image.Image) -> npt.NDArray[np.float64]:
    """The picture as (H, W, 4) in [0, 255] with `rgb * alpha / 255`, so that the colour of clear pixels is 0."""
    rgba = np.asarray(image.convert("RGBA"), dtype=np.float64)
    rgba[..., :3] *= rgba[..., 3:] / 255
    return rgba


def psnr(first: Image.Image, second: Image.Image) -> float:
    """Peak signal-to-noise ratio in dB over premultiplied RGBA; infinite for equal pictures.

    `10 log10(255² / mse)`, where mse is the mean over all H·W·4 values of the squared difference of the two
    `premultiplied` pictures. They must have one size.
    """
    assert first.size == second.size, f"psnr of {first.size} and {second.size}"
    mse = float(np.mean((premultiplied(first) - premultiplied(second)) ** 2))
    return math.inf if mse == 0 else 10 * math.log10(255**2 / mse)
