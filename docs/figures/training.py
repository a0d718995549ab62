"""Figures of a training run: its losses, and what it drew on the way."""

import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from docs.figures import history
from docs.figures.desk import Desk
from docs.figures.page import FAINT, INK, MARGIN, PAPER, QUIET, Page, table
from mezzotint.data.icons import TRAINED
from mezzotint.interfaces.samples import COLUMNS
from mezzotint.interfaces.sheets import GAP, LABEL

__all__ = ["loss", "progress"]

CHART, LEFT, RIGHT, TOP, BELOW = (1500, 1040), 220, 290, 170, 200
"""Width and height of one chart's inside, and the room around it, before it is reduced to half."""
LARGE, SMALL = 54, 48
COLOURS = ((190, 30, 45), (214, 120, 30), (60, 140, 70), (40, 110, 190), (110, 60, 160))
SMOOTH = 100
SHOWN = 6
"""Rows of the progress figure."""

Curve = tuple[str, Sequence[tuple[float, float]], tuple[int, int, int]]
"""Name, points (pictures, loss), colour."""


def loss(desk: Desk) -> Image.Image:
    """The training loss, smoothed, beside the loss on held-out concepts by noise level."""
    rows = history.rows(desk.runs)
    smooth = [(row["pictures"], mean) for row, mean in zip(rows, running([r["loss"] for r in rows]), strict=True)]
    measured = [row for row in rows if row.get("validation")]
    levels = (
        [level for level in measured[0]["validation"] if level not in ("mean", "scenes", "avatars")] if measured else []
    )
    held_out: list[Curve] = [
        (f"t = {level}", [(row["pictures"], row["validation"][level]) for row in measured], colour)
        for level, colour in zip(levels, COLOURS, strict=False)
    ]
    mean = [(row["pictures"], row["validation"]["mean"]) for row in measured]
    train: list[Curve] = [("training", smooth, (40, 110, 190)), ("held out", mean, (190, 30, 45))]
    left = chart("loss: training and held-out concepts", [curve for curve in train if curve[1]])
    if not held_out:
        return left
    right = chart("held-out loss by noise level t", held_out)
    page = Image.new("RGB", (left.width + right.width, left.height), PAPER)
    page.paste(left, (0, 0))
    page.paste(right, (left.width, 0))
    return page


def running(values: Sequence[float]) -> list[float]:
    """The mean of each value and those before it, at most SMOOTH of them, fewer at the beginning."""
    means = []
    for index in range(1, len(values) + 1):
        window = values[max(0, index - max(1, min(SMOOTH, index // 3))) : index]
        means.append(sum(window) / len(window))
    return means


def chart(title: str, curves: Sequence[Curve]) -> Image.Image:
    """Curves over the pictures seen, both axes logarithmic, each curve named at its end.

    It is drawn at twice its size and reduced, because Pillow draws lines without smoothing.
    """
    page = Page(LEFT + CHART[0] + RIGHT, TOP + CHART[1] + BELOW)
    xs = [x for _, points, _ in curves for x, _ in points]
    ys = [y for _, points, _ in curves for _, y in points]
    across, up = (min(xs), max(max(xs), min(xs) * 2)), (min(ys) * 0.9, max(ys) * 1.1)

    def at(x: float, y: float) -> tuple[float, float]:
        return LEFT + share(x, *across) * CHART[0], TOP + (1 - share(y, *up)) * CHART[1]

    page.write(title, LEFT, MARGIN + 40, "lm", LARGE)
    for x in ticks(*across):
        page.pen.line((at(x, up[0]), at(x, up[1])), FAINT, 3)
        page.write(count(x), at(x, up[0])[0], TOP + CHART[1] + 52, "mm", SMALL, QUIET)
    for y in ticks(*up):
        page.pen.line((at(across[0], y), at(across[1], y)), FAINT, 3)
        page.write(f"{y:g}", LEFT - 32, at(across[0], y)[1], "rm", SMALL, QUIET)
    page.write("pictures seen, every view counted", LEFT + CHART[0] / 2, TOP + CHART[1] + 136, "mm", SMALL, QUIET)
    ends = apart([(at(*points[-1])[1], index) for index, (_, points, _) in enumerate(curves)])
    for index, (name, points, colour) in enumerate(curves):
        line = [at(x, y) for x, y in points]
        if len(line) > 1:
            page.pen.line(line, colour, 7, joint="curve")
        x, y = line[-1]
        page.pen.ellipse((x - 12, y - 12, x + 12, y + 12), colour)
        page.write(name, LEFT + CHART[0] + 36, ends[index], "lm", SMALL, colour)
    corner = (LEFT, TOP + CHART[1])
    page.pen.line(((LEFT, TOP), corner, (LEFT + CHART[0], corner[1])), INK, 4)
    return page.image.resize((page.image.width // 2, page.image.height // 2), Image.Resampling.LANCZOS)


def share(value: float, low: float, high: float) -> float:
    """Where a value lies between two others, by ratio: 0 at `low`, 1 at `high`."""
    return math.log(value / low) / math.log(high / low)


def ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten inside a range; powers of ten alone if that is enough."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1,), (1, 2, 5)):
        inside = [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]
        if len(inside) > 2:
            break
    return inside


def count(number: float) -> str:
    """A round count as it is said: 500, 20 k, 1 M."""
    for unit, name in ((1e6, " M"), (1e3, " k")):
        if number >= unit:
            return f"{number / unit:g}{name}"
    return f"{number:g}"


def apart(heights: Sequence[tuple[float, int]], least: float = 60) -> dict[int, float]:
    """Places for labels near their heights, none closer than `least` to the next."""
    placed: dict[int, float] = {}
    last = -math.inf
    for height, index in sorted(heights):
        last = max(height, last + least)
        placed[index] = last
    return placed


def progress(desk: Desk) -> Image.Image:
    """The first row of sample sheets of runs on the icon set, early to late, their times spread evenly by ratio."""
    chosen = spread(history.sheets(desk.runs))
    rows = [first_row(path) for _, path in chosen]
    left = [f"{count(float(f'{views:.2g}'))} views" for views, _ in chosen]
    return table(rows, above=TRAINED[:COLUMNS], left=left, gap=10)


def spread(sheets: Sequence[tuple[int, Path]]) -> list[tuple[int, Path]]:
    """At most SHOWN of the sheets: the first, the last, and those nearest to equal ratios of views between."""
    first, last = sheets[0][0], sheets[-1][0]
    wanted = [first * (last / first) ** (i / (SHOWN - 1)) for i in range(SHOWN)]
    nearest = [min(sheets, key=lambda sheet: abs(math.log(sheet[0] / views))) for views in wanted]
    return list(dict.fromkeys(nearest))


def first_row(path: Path) -> list[Image.Image]:
    """The pictures of the first row of a sheet, as `interfaces.sheets.contact_sheet` lays them out."""
    with Image.open(path) as sheet:
        page = sheet.convert("RGB")
    side = (page.width - GAP) // COLUMNS - GAP
    assert page.height >= GAP + side + LABEL, f"{path} is no sheet of samples"
    corners = [GAP + column * (side + GAP) for column in range(COLUMNS)]
    return [page.crop((x, GAP, x + side, GAP + side)) for x in corners]
