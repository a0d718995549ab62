"""How IconEval's scores grow while a model learns, from what `benchmarks.iconeval_curve` measured."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image

from docs.figures.desk import ROOT, Desk
from docs.figures.page import FAINT, INK, MARGIN, QUIET, Page
from docs.figures.training import count, share, ticks
from mezzotint.errors import InvalidFile
from mezzotint.evaluation.iconeval import TASKS

__all__ = ["iconeval_curve"]

PANEL, LEFT, TOP, COLUMNS = (520, 400), 130, 110, 5
"""Width and height of one panel's inside, the room at its left and above, and how many stand side by side, before the
page is reduced to half."""
WIDE, TALL = LEFT + PANEL[0] + 40, TOP + PANEL[1] + 90
LARGE, SMALL = 46, 36
DOTS = 24
"""The most points of a curve that are drawn as dots."""
LINE, BAND, LOSS = (40, 110, 190), (204, 222, 242), (190, 30, 45)

Point = tuple[float, float, float, float]
"""Views, value, and the ends of its interval."""
Height = Callable[[float], float]
"""From a value to where it lies in a panel: 0 is its foot, 1 its top."""


def iconeval_curve(desk: Desk) -> Image.Image:
    """A panel for the mean of the six tasks and for every task, with intervals over prompts, and the held-out loss.

    Raises `InvalidFile` if it was not measured.
    """
    path = ROOT / "benchmarks" / "iconeval_curve.json"
    if not path.is_file():
        raise InvalidFile(f"There is no {path}; run python -m benchmarks.iconeval_curve with the folder of a run.")
    return page(json.loads(path.read_text("utf-8")))


def page(found: Mapping[str, Any]) -> Image.Image:
    """The panels of a measurement. A task that no state was measured in has none, nor has a loss that is not there."""
    curves = {task: points(found["states"], task) for task in ("overall", *TASKS)}
    losses: list[Point] = [(views, loss, loss, loss) for views, loss in found["held_out_loss"]]
    drawn = [(title, those) for title, those in curves.items() if those]
    all_views = [point[0] for those in (*curves.values(), losses) for point in those]
    across = min(all_views) / 1.1, max(all_views) * 1.1
    number = len(drawn) + bool(losses)
    columns = min(COLUMNS, number)
    sheet = Page(columns * WIDE + MARGIN, -(-number // columns) * TALL + 60)
    for place, (title, those) in enumerate(drawn):
        corner = place % columns * WIDE + LEFT, place // columns * TALL + TOP
        named = "mean of the first six" if title == "overall" else title
        panel(sheet, corner, named, those, across, lambda share: share, {0: "0", 0.5: "50 %", 1: "100 %"}, LINE)
    if losses:
        values = [loss for _, loss, _, _ in losses]
        low, high = min(values) * 0.98, max(values) * 1.02
        corner = len(drawn) % columns * WIDE + LEFT, len(drawn) // columns * TALL + TOP
        marks = {value: f"{value:.3g}" for value in (min(values), max(values))}
        panel(sheet, corner, "held-out loss", losses, across, lambda loss: share(loss, low, high), marks, LOSS)
    foot = "pictures seen, every view counted; bands: 95 % intervals over prompts"
    sheet.write(foot, sheet.image.width / 2, sheet.image.height - 46, "mm", SMALL, QUIET)
    return sheet.image.resize((sheet.image.width // 2, sheet.image.height // 2), Image.Resampling.LANCZOS)


def points(states: Sequence[Mapping[str, Any]], task: str) -> list[Point]:
    """The scores of one task over the views, early to late."""
    mine = [(one["views"], one["scores"][task]) for one in states if task in one["scores"]]
    return sorted((views, score["score"], score["low"], score["high"]) for views, score in mine)


def panel(
    sheet: Page,
    corner: tuple[int, int],
    title: str,
    those: Sequence[Point],
    across: tuple[float, float],
    height: Height,
    marks: Mapping[float, str],
    colour: tuple[int, int, int],
) -> None:
    """One curve with its band; views are on a logarithmic axis."""
    left, top = corner
    foot, right = top + PANEL[1], left + PANEL[0]

    def at(views: float, value: float) -> tuple[float, float]:
        return left + share(views, *across) * PANEL[0], foot - height(value) * PANEL[1]

    sheet.write(title, left, top - 44, "lm", LARGE)
    if len(those) > 1:  # one alone has a line for its interval
        band = [at(x, low) for x, _, low, _ in those] + [at(x, high) for x, _, _, high in reversed(those)]
        sheet.pen.polygon(band, BAND)
    for value, text in marks.items():
        y = at(across[0], value)[1]
        sheet.pen.line((left, y, right, y), FAINT, 3)
        sheet.write(text, left - 14, y, "rm", SMALL, QUIET)
    for x in marked(*across):
        sheet.write(count(x), at(x, those[0][1])[0], foot + 36, "mm", SMALL, QUIET)
    line = [at(x, value) for x, value, _, _ in those]
    if len(line) > 1:
        sheet.pen.line(line, colour, 7, joint="curve")
    else:
        sheet.pen.line([at(those[0][0], end) for end in those[0][2:]], colour, 3)
    for x, y in line if len(line) <= DOTS else ():
        sheet.pen.ellipse((x - 8, y - 8, x + 8, y + 8), colour)
    sheet.pen.line(((left, top), (left, foot), (right, foot)), INK, 4)


def marked(low: float, high: float) -> list[float]:
    """At most three of the round counts in a range."""
    inside = ticks(low, high)
    return inside[:: max(1, math.ceil(len(inside) / 3))]
