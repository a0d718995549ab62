"""What is written in pictures, read by a program that is not ours: a second witness beside our own detector."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mezzotint.data.scenes.glyphs import CHARACTERS
from mezzotint.errors import MissingDependency

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Line", "Reader", "installed", "load_reader"]

ENLARGED = 4
"""OCR is made for letters of 20 pixels and more; those of a word in 64 pixels have from 7."""
GROUNDS = ((255, 255, 255), (48, 48, 52))
"""What pictures are laid on in turn, until something is read: white, and for light letters a dark grey."""
_SIDE = 256
"""The shorter side to which the program enlarges smaller pictures, which is that of 64 pixels here. Its own 736 reads
no more of them and takes six times as long."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, and the box around it (left, top, right, bottom) in pixels of the enlarged picture."""

    text: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Reader:
    """A reader by name and version: what two readers or versions read must not be mixed.

    lines: from an opaque picture (RGB) to the lines of text in it, in any order.
    """

    name: str
    version: str
    lines: "Callable[[Image], Sequence[Line]]"

    def read(self, images: "Sequence[Image]") -> list[str]:
        """The text of every picture, "" if none is found: letters, digits, ! and ?, without spaces.

        Each picture is laid on white and enlarged four times (Lanczos); where that reads nothing, it is laid on dark
        grey. Lines are joined row by row from the top, and from the left within a row.
        """
        return [next(filter(None, self._texts(image)), "") for image in images]

    def _texts(self, image: "Image") -> Iterator[str]:
        for ground in GROUNDS:
            found = "".join(line.text for line in _in_order(self.lines(_on(image, ground))))
            # full-width forms, which a program that also reads Chinese gives at times, become plain ones
            yield "".join(letter for letter in unicodedata.normalize("NFKC", found) if letter in CHARACTERS)


def _on(image: "Image", ground: tuple[int, int, int]) -> "Image":
    """The picture on a ground, enlarged, RGB."""
    from PIL import Image

    over = image.convert("RGBA")
    whole = Image.alpha_composite(Image.new("RGBA", over.size, (*ground, 255)), over).convert("RGB")
    return whole.resize((over.width * ENLARGED, over.height * ENLARGED), Image.Resampling.LANCZOS)


def _in_order(lines: Sequence[Line]) -> Iterator[Line]:
    """Lines as they are read. A line is in the row before if its middle is higher than the end of that row's first."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.box[1] + line.box[3]):
        if rows and (line.box[1] + line.box[3]) / 2 < rows[-1][0].box[3]:
            rows[-1].append(line)
        else:
            rows.append([line])
    for row in rows:
        yield from sorted(row, key=lambda line: line.box[0])


def installed() -> bool:
    """Whether `load_reader` finds what it needs."""
    return all(find_spec(name) is not None for name in ("rapidocr", "onnxruntime"))


def load_reader() -> Reader:
    """The reader rapidocr: PP-OCRv6 (small), whose weights come with the package, so that nothing is fetched.

    It runs in one thread, so that what it reads does not depend on how many there are. Raises `MissingDependency`.

    Source: https://github.com/RapidAI/RapidOCR; the networks are PaddleOCR's (Cui et al. 2025, "PaddleOCR 3.0 Technical
    Report", arXiv 2507.05595, and later versions).
    """
    missing = MissingDependency(
        "Reading words in pictures needs the packages rapidocr and onnxruntime in the versions of the extra ocr; "
        "install them with `pip install 'mezzotint[ocr]'`."
    )
    if not installed():
        raise missing
    try:
        import rapidocr

        program = rapidocr.RapidOCR
    except ImportError as error:
        raise missing from error
    models = Path(rapidocr.__file__).parent / "models"
    detect, recognise = (models / f"PP-OCRv6_{part}_small.onnx" for part in ("det", "rec"))
    if not (detect.is_file() and recognise.is_file()):  # of another version; without a path it would fetch them
        raise missing
    settings = {
        "Global.log_level": "critical",
        "Global.use_cls": False,  # no word of ours stands upside down
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        "Det.model_path": str(detect),
        "Det.limit_side_len": _SIDE,
        "Rec.model_path": str(recognise),
    }
    engine = program(params=settings)
    return Reader("rapidocr", version("rapidocr"), lambda image: _lines(engine(image)))


def _lines(found: Any) -> list[Line]:
    """Lines from the program's answer, whose boxes are four corners each, (lines, 4, 2), or None."""
    if found.txts is None or found.boxes is None:
        return []
    lines = []
    for text, corners in zip(found.txts, found.boxes, strict=True):
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        lines.append(Line(text, (float(left), float(top), float(right), float(bottom))))
    return lines
