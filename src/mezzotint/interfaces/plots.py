"""Pictures over two or three options: what an axis is, the request of every cell, and the labelled page of all cells.

The idea and the replacing of words in prompts are those of the X/Y/Z plot of the AUTOMATIC1111 web UI
(`scripts/xyz_grid.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from mezzotint.conditioning.prompt import expanded_prompts, lifted
from mezzotint.errors import InvalidOption, MezzotintError, unknown_name
from mezzotint.interfaces.sheets import GAP, INK, PAPER, on_board
from mezzotint.recipe import Recipe
from mezzotint.request import Request

__all__ = ["MOST", "Axis", "Cell", "axis_of", "cells_of", "page"]

MOST = 1024
"""Cells of a page."""
LINES, LINE = 3, 15
"""Most lines of a label, and the height of one in pixels."""
FONT = ImageFont.load_default(12)
LARGEST = 512
"""Longest side of a picture on a page."""
LEFT = 110
"""Width of the labels of rows, in pixels."""
REFUSED = (200, 200, 200)
Read = Callable[[Mapping[str, Any]], dict[str, Any]]
Reader = tuple[str, Callable[[str], Any]]
"""The name of an option in a `Request`, and how one of its values is read."""


@dataclass(frozen=True)
class Axis:
    """An option and its values: `labels` as they were typed, `values` as a `Request` reads them.

    Of the option prompt each value is what takes the place of the first one in the prompt.
    """

    option: str
    labels: tuple[str, ...]
    values: tuple[Any, ...]

    def to_json_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"option": self.option, "values": list(self.labels)}


@dataclass(frozen=True)
class Cell:
    """One place of the page: the number of its value on each axis, and its request, or why there is none."""

    place: tuple[int, ...]
    request: Request | None
    refused: str | None = None
    image: Image.Image | None = None
    recipe: Recipe | None = None

    def to_json_dict(self, axes: Sequence[Axis]) -> dict[str, Any]:
        """Plain JSON values: the cell's value of each axis, and the recipe, or the sentence that says why not."""
        values = {axis.option: axis.labels[number] for axis, number in zip(axes, self.place, strict=True)}
        recipe = None if self.recipe is None else self.recipe.to_json_dict()
        return {"values": values, "refused": self.refused, "recipe": recipe}


def axis_of(name: str, text: str, options: Mapping[str, Reader]) -> Axis:
    """An axis from `OPTION=VALUE,VALUE`; values that have commas are divided by | instead.

    name: what the axis is called where it is asked for; options: what can be one, by all its names. Raises
    InvalidOption for an option that is none, and for no or equal values.
    """
    option, equals, rest = text.partition("=")
    option = option.strip().removeprefix("--").replace("-", "_")
    if not equals or not rest.strip():
        raise InvalidOption(f"{name} is {text!r}; it must be OPTION=VALUE,VALUE, such as guidance=1,3,5.")
    if option not in options:
        typed = {reader[0]: key.replace("_", "-") for key, reader in sorted(options.items(), reverse=True)}
        raise unknown_name(f"option for {name}", option.replace("_", "-"), sorted(typed.values()))
    labels = tuple(part.strip() for part in rest.split("|" if "|" in rest else ","))
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise InvalidOption(f"{name} has the value {twice!r} of {option} twice; give each once.")
    own, read = options[option]
    return Axis(own, labels, tuple(read(label) for label in labels))


def cells_of(prompt: str, options: Mapping[str, Any], axes: Sequence[Axis], read: Read = dict) -> list[Cell]:
    """A cell for every combination of values, the last axis slowest. What cannot be asked for says so in its cell.

    read: from the options of a cell to those of its request, which has digests where options have files.
    Raises InvalidOption for options on two axes, too many cells, and a prompt that stands for several or lacks the
    words that are to be replaced.
    """
    names = [axis.option for axis in axes]
    for name in names:
        if names.count(name) > 1:
            raise InvalidOption(f"The option {name} is on two axes; give it one.")
    count = 1
    for axis in axes:
        count *= len(axis.labels)
        if axis.option == "prompt" and axis.labels[0] not in prompt:
            raise InvalidOption(f"The prompt has no {axis.labels[0]!r}, which prompt={axis.labels[0]}|… would replace.")
    if count > MOST:
        raise InvalidOption(f"There are {count} combinations; at most {MOST} are drawn at once, so leave out values.")
    if len(several := expanded_prompts(prompt)) > 1:
        raise InvalidOption(
            f"The prompt stands for {len(several)} prompts; give one of them, and the choices as an axis, such as "
            "--x 'prompt=red|green'."
        )
    places = product(*(range(len(axis.labels)) for axis in reversed(axes)))
    return [_cell(several[0], options, axes, place[::-1], read) for place in places]


def _cell(prompt: str, options: Mapping[str, Any], axes: Sequence[Axis], place: tuple[int, ...], read: Read) -> Cell:
    own = dict(options)
    for axis, number in zip(axes, place, strict=True):
        if axis.option == "prompt":
            prompt = prompt.replace(axis.labels[0], axis.labels[number])
        else:
            own[axis.option] = axis.values[number]
    try:
        request = Request.from_json_dict(read(lifted(prompt, own)))
        if request.n != 1:
            raise InvalidOption(f"n is {request.n}; a cell has one picture, and further seeds are an axis: seed=1,2.")
        return Cell(place, request)
    except MezzotintError as error:
        return Cell(place, None, str(error))


def page(title: str, axes: Sequence[Axis], cells: Sequence[Cell]) -> Image.Image:
    """All cells, labelled: the first axis goes to the right, the second down, the third is a block below the last.

    Pictures stand on a checkerboard, each pixel two wide where all fit into `LARGEST` so, and smaller where one does
    not fit as it is; a refused cell is grey.
    """
    cells = [cell if cell.image is None else replace(cell, image=_within(cell.image)) for cell in cells]
    sizes = [cell.image.size for cell in cells if cell.image is not None] or [(64, 64)]
    scale = 2 if 2 * max(map(max, sizes)) <= LARGEST else 1
    width, height = (max(size[side] for size in sizes) * scale for side in (0, 1))
    columns, rows, blocks = ([len(axis.labels) for axis in axes] + [1, 1])[:3]
    names = ", ".join(f"{way}: {axis.option}" for way, axis in zip("xyz", axes, strict=False))
    across = [_broken(label, width) for label in axes[0].labels]
    head = (LINE + GAP if len(axes) > 2 else 0) + max(map(len, across)) * LINE + GAP
    top, left = 2 * LINE + 2 * GAP, (LEFT if len(axes) > 1 else GAP)
    block = head + rows * (height + GAP) + GAP
    sheet = Image.new("RGB", (left + columns * (width + GAP), top + blocks * block), PAPER)
    pen = ImageDraw.Draw(sheet)
    _write(pen, [*_broken(title, sheet.width, 1), *_broken(names, sheet.width, 1)], (GAP, GAP))
    for number in range(blocks):
        y = top + number * block
        if len(axes) > 2:
            _write(pen, _broken(f"{axes[2].option} {axes[2].labels[number]}", sheet.width, 1), (GAP, y))
        for column, lines in enumerate(across):
            x = left + column * (width + GAP) + width // 2
            _write(pen, lines, (x, y + head - GAP - len(lines) * LINE), "ma")
        for row, label in enumerate(axes[1].labels) if len(axes) > 1 else ():
            lines = _broken(label, LEFT - 2 * GAP)
            _write(pen, lines, (GAP, y + head + row * (height + GAP) + (height - len(lines) * LINE) // 2))
    for cell in cells:
        column, row, number = (*cell.place, 0, 0)[:3]
        place = (left + column * (width + GAP), top + number * block + head + row * (height + GAP))
        sheet.paste(_shown(cell, (width, height), scale), place)
    return sheet


def _within(image: Image.Image) -> Image.Image:
    """The picture, no larger than `LARGEST`."""
    share = LARGEST / max(image.size)
    if share >= 1:
        return image
    width, height = (max(1, round(share * side)) for side in image.size)
    return image.convert("RGBA").resize((width, height), Image.Resampling.BOX)


def _shown(cell: Cell, size: tuple[int, int], scale: int) -> Image.Image:
    """A cell's picture, or grey."""
    if cell.image is None:
        grey = Image.new("RGB", size, REFUSED)
        ImageDraw.Draw(grey).text((size[0] // 2, size[1] // 2), "refused", INK, FONT, anchor="mm")
        return grey
    return on_board(cell.image, scale)


def _broken(text: str, width: int, most: int = LINES) -> list[str]:
    """A text in at most so many lines of a width, broken at blanks where there are any; the last is cut."""
    rest, lines = " ".join(text.split()), list[str]()
    while rest and len(lines) < most:
        size = len(rest)
        while size > 1 and FONT.getlength(rest[:size]) > width - 2 * GAP:
            size -= 1
        if size < len(rest) and len(lines) < most - 1 and (blank := rest.rfind(" ", 0, size + 1)) > 0:
            size = blank
        lines.append(rest[:size].strip())
        rest = rest[size:].lstrip()
    return lines or [""]


def _write(pen: ImageDraw.ImageDraw, lines: Sequence[str], at: tuple[int, int], anchor: str = "la") -> None:
    """Lines below each other."""
    for number, line in enumerate(lines):
        pen.text((at[0], at[1] + number * LINE), line, INK, FONT, anchor=anchor)
