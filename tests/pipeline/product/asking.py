"""From a row of the product to what `Pipeline.generate` is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from mezzotint.diffusion.guidance.cfg_zero import CFGZero
from mezzotint.diffusion.schedule import RectifiedFlow
from mezzotint.diffusion.shortfall import shortfall
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.diffusion.timegrid import last_part, times_of, uniform
from tests.pipeline.product.levels import BASE, LEVELS, Level, Mask, Picture
from tests.pipeline.product.models import SIDE

__all__ = ["Row", "options"]

SETTLING = 6
"""Steps from which on the inversions of these networks settle."""
Choice = tuple[str, str]
"""A factor, and one of its levels."""


@dataclass(frozen=True, order=True)
class Row:
    """One level of each factor; of edits and modifiers one or two."""

    family: str = "pixel_dit"
    edits: tuple[str, ...] = ("text to image",)
    solver: str = "ddim"
    rule: str = "cfg"
    modifiers: tuple[str, ...] = ("no modifier",)
    prompt: str = "plain"
    batch: str = "one"

    @property
    def choices(self) -> tuple[Choice, ...]:
        """All that is chosen."""
        return (
            ("family", self.family),
            *(("edit", name) for name in self.edits),
            ("solver", self.solver),
            ("rule", self.rule),
            *(("modifier", name) for name in self.modifiers),
            ("prompt", self.prompt),
            ("batch", self.batch),
        )

    def __str__(self) -> str:
        return ", ".join(name for _, name in self.choices)

    def alone(self) -> "Row":
        """The same of one picture."""
        return replace(self, batch="one")


def options(row: Row, off: Choice | None = None) -> dict[str, Any]:
    """The options of a row; where one choice is switched off, with what it has then (`Level.without`).

    Steps are as many as the solver needs for its whole formula in the row, whatever is switched off.
    """
    found = joined(level_options(row, None))
    whole = joined(level_options(row, off)) if off else found
    share = min(float(found.get(name, 1.0)) for name in ("strength", "hires_strength"))
    zeroed = row.rule == "cfg-zero" and "interval" not in row.modifiers
    steps, spec = stepping(row.solver, share, zeroed, SETTLING if found.get("invert") else 3)
    solver = whole["solver"] if off == ("solver", row.solver) else spec or whole["solver"]
    return placed({"steps": steps, **whole, "solver": solver})


def level_options(row: Row, off: Choice | None) -> list[Mapping[str, Any]]:
    """What each choice of a row asks for."""
    levels: list[tuple[Choice, Level]] = [(one, LEVELS[one[0]][one[1]]) for one in row.choices]
    return [level.without if choice == off else level.options for choice, level in levels]


def joined(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All options together. A later one counts where two give the same; guidance methods and further prompts add up."""
    found: dict[str, Any] = dict(BASE)
    for part in parts:
        rows = {name: (*found.get(name, ()), *part[name]) for name in ("guidance_methods", "also") if name in part}
        found |= {**part, **rows}
    return found


@cache
def stepping(solver: str, share: float, zeroed: bool, least: int) -> tuple[int, str]:
    """The fewest steps, at least so many, of which a share is enough for a solver's whole formula; and a spec that is
    made for these, empty if none is. zeroed: whether CFG-Zero* moves nothing at first."""
    schedule = RectifiedFlow()
    still = (lambda t: bool(CFGZero(3.0).still(schedule(t)))) if zeroed else lambda _: False
    for steps in range(least, 20):
        grid = last_part(uniform(steps, schedule), share)
        moving = len(grid) - sum(still(t) for t in times_of(grid))
        if solver == "fitted-2m" and moving > 3:
            return steps, f"fitted-2m:strengths={'+'.join(['0.3'] * (moving - 2))}"
        if solver != "fitted-2m" and shortfall(solver, SOLVERS[solver].make(), grid, schedule, still) is None:
            return steps, ""
    raise AssertionError(f"{solver} needs more than 20 steps")


def placed(asked: dict[str, Any]) -> dict[str, Any]:
    """The options with pictures in the sizes that they need together."""
    margin = 8 if "expand" in asked or "aspect" in asked else 0
    width, height = asked.get("size", (SIDE + margin, SIDE))
    whole, source = (width, height), (width - margin, height)
    for name, value in asked.items():
        if name in ("style_ref", "image_ref"):
            asked[name] = picture(value, (SIDE, SIDE))
        elif name in ("image", "structure_ref"):
            asked[name] = picture(value, source if name == "image" else whole)
        elif name == "mask":
            asked[name] = mask(value, source)
        elif name == "blend_images":
            asked[name] = [picture(one, whole) for one in value]
        elif name == "region_masks":
            asked[name] = [(mask(made, whole), text) for made, text in value]
    return asked


@cache
def picture(made: Picture, size: tuple[int, int]) -> Image.Image:
    """Noise with all sorts of alpha."""
    width, height = size if made.side is None else (made.side, made.side)
    values = np.random.default_rng(made.seed).integers(0, 256, (height, width, 4), dtype=np.uint8)
    return Image.fromarray(values, "RGBA")


@cache
def mask(made: Mask, size: tuple[int, int]) -> Image.Image:
    """Black, a quarter grey, and a quarter white at the end of an axis; across, black above too."""
    width, height = size
    axis = np.repeat(np.array([0, 0, 128, 255], dtype=np.uint8), (height if made.down else width) // 4)
    values = np.tile(axis[:, None], (1, width)) if made.down else np.tile(axis, (height, 1))
    if not made.down:
        values[: 3 * height // 8] = 0
    return Image.fromarray(values, "L")
