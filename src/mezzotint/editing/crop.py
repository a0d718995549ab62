"""A part of a picture, drawn at the size of the canvas and put back: what a mask covers, at full resolution."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from mezzotint.editing.edit import Edit
from mezzotint.editing.enlarge import Box, Enlarge, enlarged
from mezzotint.editing.inpaint import over
from mezzotint.editing.outpaint import Margins, extended
from mezzotint.errors import InvalidOption

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Crop", "around"]

BoxOfShares = tuple[float, float, float, float]


def around(bounds: Box, picture: tuple[int, int], canvas: tuple[int, int], padding: int) -> tuple[Box, Margins]:
    """The part of a picture that is drawn, and what is left over on the canvas around it, in pixels of the canvas.

    bounds: what the mask covers; picture, canvas: (width, height). The part is the bounds with so many pixels around
    them, grown along one axis to the shape of the canvas, and moved to lie inside of the picture. Where the picture is
    too short for that, the part ends with it, in the middle of the canvas.
    """
    starts = [max(0, bounds[k] - padding) for k in (0, 1)]
    sides = [min(picture[k], bounds[k + 2] + padding) - starts[k] for k in (0, 1)]
    wanted = [max(sides[k], -(-sides[1 - k] * canvas[k] // canvas[1 - k])) for k in (0, 1)]
    found = [min(wanted[k], picture[k]) for k in (0, 1)]
    starts = [min(max(0, starts[k] - (found[k] - sides[k]) // 2), picture[k] - found[k]) for k in (0, 1)]
    filled = [canvas[k] if found[k] == wanted[k] else max(1, round(found[k] * canvas[k] / wanted[k])) for k in (0, 1)]
    before = [(canvas[k] - filled[k]) // 2 for k in (0, 1)]
    after = [canvas[k] - filled[k] - before[k] for k in (0, 1)]
    box = (starts[0], starts[1], starts[0] + found[0], starts[1] + found[1])
    return box, (before[0], before[1], after[0], after[1])


@dataclass(frozen=True, eq=False)
class Crop(Edit):
    """Puts what was drawn on the canvas back into its place, scaled (Lanczos, premultiplied) to the size it has there.

    source: the whole picture (Pillow, RGBA). share: (1, H, W) of it in [0, 1]: where it is 0, the source's own bytes
    stay, where it is 1, they are what was drawn, in between both are blended. size: (width, height) of the canvas.
    box, margins: see `around`. A part as large as the canvas is not scaled. enlarge: what scales instead of the filter.
    """

    source: "Image"
    share: Tensor
    size: tuple[int, int]
    box: Box
    margins: Margins
    enlarge: Enlarge = enlarged

    @classmethod
    def of(
        cls,
        source: "Image",
        cover: "Image",
        share: Tensor,
        size: tuple[int, int],
        padding: int,
        enlarge: Enlarge = enlarged,
    ) -> "Crop":
        """The part around what a mask covers (L, of the source's size); where it covers nothing, all of the picture."""
        bounds = cover.getbbox() or (0, 0, *source.size)
        box, margins = around(bounds, source.size, size, padding)
        return cls(source, share, size, box, margins, enlarge)

    @property
    def _filled(self) -> tuple[int, int]:
        left, top, right, bottom = self.margins
        return self.size[0] - left - right, self.size[1] - top - bottom

    def seen(self, image: "Image") -> "Image":
        """The part of a picture, RGBA, on the canvas; over the margins its outermost pixels are repeated."""
        return extended(enlarged(image.crop(self.box), self._filled), self.margins)

    def seen_mask(self, mask: "Image") -> "Image":
        """The part of a mask, L, on the canvas: means of its pixels, so that black stays black; the margins too."""
        from PIL import Image
        from PIL.Image import Resampling

        whole = Image.new("L", self.size)
        whole.paste(mask.crop(self.box).resize(self._filled, Resampling.BOX), self.margins[:2])
        return whole

    def seen_region(self, region: BoxOfShares) -> BoxOfShares:
        """Where a box of the picture, in shares of it, lies on the canvas, in shares of that.

        Raises `InvalidOption` for one that lies beside the part.
        """
        edges = []
        for k, share in enumerate(region):
            axis = k % 2
            side = self.box[axis + 2] - self.box[axis]
            inside = (share * self.source.size[axis] - self.box[axis]) / side
            edges.append(min(1.0, max(0.0, (self.margins[axis] + inside * self._filled[axis]) / self.size[axis])))
        left, top, right, bottom = edges
        if not (left < right and top < bottom):
            there, here = (",".join(f"{one:g}" for one in box) for box in (region, self._shares))
            raise InvalidOption(
                f"region {there} lies beside what crop_to_mask draws, {here}; move it there, or leave it out."
            )
        return left, top, right, bottom

    @property
    def _shares(self) -> tuple[float, ...]:
        return tuple(round(self.box[k] / self.source.size[k % 2], 3) for k in range(4))

    def finished(self, image: "Image") -> "Image":
        """The source, with what was drawn; where nothing was, no part is scaled."""
        if not self.share.any():
            return self.source.copy()
        left, top, right, bottom = self.box
        first, filled = self.margins[:2], self._filled
        part = image.convert("RGBA").crop((*first, first[0] + filled[0], first[1] + filled[1]))
        own, share = self.source.crop(self.box), self.share[:, top:bottom, left:right]
        whole = self.source.copy()
        whole.paste(over(self.enlarge(part, own.size, (False, False)), own, share), (left, top))
        return whole
