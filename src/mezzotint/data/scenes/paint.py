"""Giving an object one named colour, so that its light and dark parts stay, and measuring that it has it.

Every pixel's lightness (OKLab's, of the grey with the same luminance) is moved towards that of the wanted colour and
looked up on a ramp of constant OKLab hue from black to white. White parts, greys and dark outlines stay where that is
enough; else only dark outlines do. What results counts only if `mezzotint.data.colours` calls most of it by the name.
"""

from functools import cache
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from mezzotint.data.colours import ANCHORS, colour_name, dominant_colours, oklab
from mezzotint.data.pixels import Bytes, premultiply, straight
from mezzotint.data.scenes.scene import Shade

__all__ = ["COLOURS", "one_colour", "painted", "ramps_digest", "shades", "vivid", "way_of"]

COLOURS: dict[str, str] = {
    "red": "#e02f2f", "orange": "#ff8a1c", "yellow": "#ffd21f", "green": "#3aa655", "teal": "#0f9d92",
    "blue": "#2f7cf0", "purple": "#8e44c9", "pink": "#ff62a4", "brown": "#87512f", "black": "#232326",
    "white": "#f6f6f6", "grey": "#8b949c",
}  # fmt: skip
"""The colours that objects are given: names, and their shade of middle lightness."""

_Ints = npt.NDArray[np.int32]
_SHARE, _NEXT = 0.6, 0.25  # least share of the colour, greatest share of any other
_BEYOND = {"black": 36}  # how far (of 255) lightness may leave the part of the ramp that bears the name; else 14


def _bytes(text: str) -> Shade:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def vivid(name: str) -> Shade:
    """The shade of middle lightness of a colour of `COLOURS`."""
    return _bytes(COLOURS[name])


@cache
def shades(name: str) -> tuple[Shade, ...]:
    """Shades that `mezzotint.data.colours` calls by this name."""
    return tuple(shade for shade in map(_bytes, ANCHORS[name]) if colour_name(*shade) == name)


@cache
def _lightness() -> npt.NDArray[np.uint8]:
    """OKLab lightness times 255 of greys, by luminance in 1/4095."""
    out = np.floor(np.cbrt(np.arange(4096) / 4095) * 255 + 0.5).astype(np.uint8)
    out.setflags(write=False)
    return out


@cache
def _luminance() -> npt.NDArray[np.int64]:
    """Luminance of each byte of each channel in 1/4095 of white, times 4096, shape (3, 256) (sRGB, BT.709)."""
    c = np.arange(256) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    out = np.floor(np.array([0.2126, 0.7152, 0.0722])[:, None] * linear * 4095 * 4096 + 0.5).astype(np.int64)
    out.setflags(write=False)
    return out


def _srgb(lab: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """sRGB of OKLab, shape (..., 3); outside [0, 1] where the colour is out of gamut."""
    roots = lab @ np.array(
        [
            [1.0, 1.0, 1.0],
            [0.3963377774, -0.1055613458, -0.0894841775],
            [0.2158037573, -0.0638541728, -1.2914855480],
        ]
    )
    linear = roots**3 @ np.array(
        [
            [4.0767416621, -1.2684380046, -0.0041960863],
            [-3.3077115913, 2.6097574011, -0.7034186147],
            [0.2309699292, -0.3413193965, 1.7076147010],
        ]
    )
    curve = 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055
    out: npt.NDArray[np.float64] = np.where(np.abs(linear) <= 0.0031308, 12.92 * linear, np.sign(linear) * curve)
    return out


@cache
def _ramp(name: str) -> tuple[npt.NDArray[np.uint8], int, int, int]:
    """The ramp of a colour by lightness, shape (256, 3); where it is in the middle, first and last bears the name.

    Chroma falls in proportion towards black and white, and as far as it must to stay in gamut.
    """
    light, a, b = oklab(np.array(vivid(name)) / 255)
    level = np.arange(256) / 255
    fall = np.minimum(np.minimum(level / light, (1 - level) / (1 - light)), 1.0)
    chosen = np.zeros((256, 3))
    for part in np.arange(20, -1, -1) / 20:  # the largest chroma in gamut wins
        rgb = _srgb(np.stack([level, part * fall * a, part * fall * b], -1))
        inside = ((rgb > -0.002) & (rgb < 1.002)).all(-1) & ~chosen.any(-1)
        chosen[inside] = rgb[inside]
    ramp = np.floor(np.clip(chosen, 0, 1) * 255 + 0.5).astype(np.uint8)
    ramp.setflags(write=False)
    middle = round(float(light) * 255)
    named = [colour_name(*map(int, shade)) == name for shade in ramp]
    low = high = middle
    while low > 0 and named[low - 1]:
        low -= 1
    while high < 255 and named[high + 1]:
        high += 1
    return ramp, middle, low, high


def ramps_digest() -> str:
    """SHA-256 over the ramps: machines that agree in it paint the same bits."""
    tables = b"".join(_ramp(name)[0].tobytes() for name in COLOURS)
    return sha256(tables + _lightness().tobytes() + _luminance().tobytes()).hexdigest()


def one_colour(picture: Bytes) -> str:
    """The name that at least 60 % of the opaque pixels bear while no other has more than 25 %; "" if there is none."""
    found = dominant_colours(picture)
    clear = bool(found) and found[0][1] >= _SHARE and all(share <= _NEXT for _, share in found[1:])
    return found[0][0] if clear else ""


def _rising(values: _Ints, low: int, high: int) -> _Ints:
    """0 up to `low`, 255 from `high`, straight between."""
    return np.clip((values - low) * 255 // (high - low), 0, 255)


def _light_of(rgb: Bytes) -> _Ints:
    """Lightness, 0 to 255, of sRGB bytes (N, 3), shape (N,)."""
    table = _luminance()
    luminance = table[0][rgb[:, 0]] + table[1][rgb[:, 1]] + table[2][rgb[:, 2]]
    out: _Ints = _lightness()[np.minimum(luminance // 4096, 4095)].astype(np.int32)
    return out


def _moved(light: _Ints, chosen: npt.NDArray[np.bool_], name: str) -> _Ints:
    """Lightness around that of the colour; what deviates is shrunk so that most of it still bears the name."""
    _, middle, low, high = _ramp(name)
    total = np.cumsum(np.bincount(light[chosen], minlength=256))
    tenth, centre, most = (int(np.searchsorted(total, (total[-1] * part + 9) // 10)) for part in (1, 5, 9))
    room = 205  # in 1/256: deviations shrink to 80 % at least
    if most > centre:
        room = min(room, (high - middle) * 256 // (most - centre))
    if centre > tenth:
        room = min(room, (middle - low) * 256 // (centre - tenth))
    moved = middle + (light - centre) * max(room, 64) // 256
    beyond = _BEYOND.get(name, 14)
    return np.clip(moved, max(low - beyond, 0), min(high + beyond, 255))


def way_of(picture: Bytes, name: str) -> int:
    """How a picture, premultiplied RGBA (H, W, 4), takes a colour of `COLOURS`: 1 with its greys left, 2 with them
    coloured too, 0 if what results could not be told to have it."""
    pixels = picture[picture[..., 3] > 0][None]
    for way in (1, 2):
        result = _recoloured(pixels, name, way)
        if result is not None and one_colour(result) == name:
            return way
    return 0


def painted(picture: Bytes, name: str, way: int) -> Bytes:
    """The picture in a colour, in the way that `way_of` says."""
    shows = picture[..., 3] > 0
    result = _recoloured(picture[shows][None], name, way)
    assert result is not None
    out = picture.copy()
    out[shows] = result[0]
    return out


def _recoloured(pixels: Bytes, name: str, way: int) -> Bytes | None:
    """Pixels (1, N, 4) in a colour; None if that cannot become most of them."""
    rgb = straight(pixels)[0]
    light, wide = _light_of(rgb), rgb.astype(np.int32)
    weight = _rising(light, 70, 110)
    if way == 1:
        weight = weight * _rising(wide.max(-1) - wide.min(-1), 20, 60) // 255
    opaque = pixels[0, :, 3] >= 160
    chosen = opaque & (weight > 127)
    if chosen.sum() < 0.5 * opaque.sum() or not chosen.any():
        return None
    target = _ramp(name)[0][_moved(light, chosen, name)].astype(np.int32)
    mixed = (wide * (255 - weight[:, None]) + target * weight[:, None] + 127) // 255
    return premultiply(np.concatenate([mixed, pixels[0, :, 3:]], -1).astype(np.uint8)[None])
