"""From a mask to the curves around it, with vtracer, and from curves to the shortest text of a path."""

import io
import math
import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mezzotint.errors import MissingDependency

__all__ = ["Outline", "Shape", "path_text", "require_vtracer", "traced"]

_PATH = re.compile(r'<path d="([^"]*)"[^>]*transform="translate\(([^,)]*),([^)]*)\)"')
_PART = re.compile(r"([MCLZ])([^MCLZ]*)")
CORNER, LENGTH, SPLICE = 60, 4, 45
"""Degrees from which vtracer keeps a corner; the shortest piece of a curve, in pixels of the mask; degrees at which it
begins another curve."""


@dataclass(frozen=True)
class Outline:
    """A closed curve: its first point, (2,), and cubic Bézier curves, (N, 3, 2), each two handles and an end."""

    start: npt.NDArray[np.float64]
    curves: npt.NDArray[np.float64]

    def points(self, each: int = 4) -> list[tuple[float, float]]:
        """Points along it, `each` a curve."""
        found, here = [], self.start
        for one, two, end in self.curves:
            for t in np.linspace(0, 1, each, endpoint=False):
                u = 1 - t
                x, y = u**3 * here + 3 * u * u * t * one + 3 * u * t * t * two + t**3 * end
                found.append((float(x), float(y)))
            here = end
        return found


@dataclass(frozen=True)
class Shape:
    """An area: the outline around it, and those of its holes."""

    around: Outline
    holes: tuple[Outline, ...]


def require_vtracer() -> None:
    """Raise MissingDependency if vtracer is not installed."""
    try:
        import vtracer  # noqa: F401
    except ImportError as error:
        raise MissingDependency(
            "Vector output needs the package vtracer; install it with `pip install 'mezzotint[svg]'`."
        ) from error


def traced(mask: npt.NDArray[np.bool_]) -> tuple[Shape, ...]:
    """The shapes of a mask (H, W), in its own coordinates, where pixel (0, 0) is the square from 0 to 1.

    Raises MissingDependency.
    """
    require_vtracer()
    import vtracer
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.where(mask, 0, 255).astype(np.uint8)).convert("RGB").save(stream, "PNG", compress_level=1)
    svg = vtracer.convert_raw_image_to_svg(
        stream.getvalue(), img_format="png", colormode="binary", mode="spline", filter_speckle=0,
        corner_threshold=CORNER, length_threshold=LENGTH, splice_threshold=SPLICE, path_precision=3,
    )  # fmt: skip
    shapes = (_shape(*match) for match in _PATH.findall(svg))
    return tuple(shape for shape in shapes if shape is not None)


def _shape(text: str, x: str, y: str) -> Shape | None:
    """A path of vtracer's; None for one with nothing in it, which it writes for what it smoothed away."""
    moved = np.array([float(x), float(y)])
    outlines, start, curves = [], moved, [np.zeros((0, 3, 2))]
    for command, numbers in _PART.findall(text):
        values = np.array(numbers.replace(",", " ").split(), dtype=np.float64).reshape(-1, 2) + moved
        match command:
            case "M":
                start, curves = values[0], []
            case "C":
                curves.append(values.reshape(-1, 3, 2))
            case "L":  # a straight line is a curve with its handles on it
                here = curves[-1][-1, 2] if curves else start
                curves += [np.array([[here, end, end]]) for here, end in zip([here, *values], values, strict=False)]
            case _:
                outlines.append(Outline(start, np.concatenate(curves)))
    return Shape(outlines[0], tuple(outlines[1:])) if outlines else None


def path_text(outlines: list[Outline], scale: float, decimals: int) -> str:
    """The `d` of a path: outlines divided by scale and rounded, in relative commands, straight pieces as lines."""
    parts = []
    here = np.zeros(2, dtype=np.int64)
    for outline in outlines:
        start = _grid(outline.start, scale, decimals)
        body = _body(start, _grid(outline.curves, scale, decimals), decimals)
        if body:
            parts.append("m" + _numbers((start - here).tolist(), decimals) + body + "z")
            here = start  # z goes back to it
    return "".join(parts)


def _grid(points: npt.NDArray[np.float64], scale: float, decimals: int) -> npt.NDArray[np.int64]:
    return np.asarray(np.rint(points / scale * 10**decimals), dtype=np.int64)


def _body(here: npt.NDArray[np.int64], curves: npt.NDArray[np.int64], decimals: int) -> str:
    text, before, start = "", "", here
    for number, (one, two, end) in enumerate(curves):
        step = end - here
        if _straight(one - here, two - here, step):
            last = number == len(curves) - 1 and bool((end == start).all())
            if not step.any() or (last and text):  # what z draws
                continue
            command, numbers = _line(int(step[0]), int(step[1]))
        else:
            command, numbers = "c", [*(one - here).tolist(), *(two - here).tolist(), *step.tolist()]
        told = _numbers(numbers, decimals)
        joint = "" if told.startswith("-") else " "
        text += f"{joint}{told}" if command == before else f"{command}{told}"
        before, here = command, end
    return text


def _line(x: int, y: int) -> tuple[str, list[int]]:
    if y == 0:
        return "h", [x]
    return ("v", [y]) if x == 0 else ("l", [x, y])


def _straight(one: npt.NDArray[np.int64], two: npt.NDArray[np.int64], step: npt.NDArray[np.int64]) -> bool:
    """Whether a curve is a line within a unit of the grid."""
    length = math.hypot(*step.tolist())
    if length == 0:
        return not one.any() and not two.any()
    for handle in (one, two):
        along = float(handle @ step) / length
        if abs(int(handle[0]) * int(step[1]) - int(handle[1]) * int(step[0])) / length > 1:
            return False
        if not -1 <= along <= length + 1:
            return False
    return True


def _numbers(values: list[int], decimals: int) -> str:
    """Numbers of a grid with no sign of separation that a reader can do without."""
    text = ""
    for value in values:
        told = _number(value, decimals)
        needs_none = not text or told.startswith("-") or (told.startswith(".") and "." in _last(text))
        text += told if needs_none else f" {told}"
    return text


def _last(text: str) -> str:
    """The last number of some text."""
    return re.split(r"[ -]", text)[-1]


def _number(value: int, decimals: int) -> str:
    sign, digits = "-" if value < 0 else "", str(abs(value)).rjust(decimals + 1, "0")
    if decimals == 0:
        return sign + digits
    whole, rest = digits[:-decimals].lstrip("0"), digits[-decimals:].rstrip("0")
    return f"{sign}{whole}.{rest}" if rest else f"{sign}{whole or '0'}" if whole else "0"
