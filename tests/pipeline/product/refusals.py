"""What does not go together: what the product refuses, and what it draws and says is without effect.

Everything that is not listed here must be drawn with nothing ignored, and everything that is must be refused, or told,
in these words.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from mezzotint.diffusion.guidance import GUIDANCES
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.diffusion.solvers.adaptive import Adaptive
from mezzotint.diffusion.solvers.base import least_moves
from mezzotint.diffusion.solvers.consistency import TCD
from tests.pipeline.product.asking import Choice, Row
from tests.pipeline.product.levels import LEVELS

__all__ = ["ATTENTIVE", "CLASHES", "TELLING", "Clash", "clashes", "listed", "sentence"]


@dataclass(frozen=True)
class Clash:
    """Levels of a factor that do not go together with levels of another, or of the same.

    words: parts of the sentence that says so. told: the row is drawn, and the sentence is in what is ignored; otherwise
    it is refused.
    """

    one: tuple[str, Sequence[str]]
    other: tuple[str, Sequence[str]]
    words: tuple[str, ...]
    told: bool = False

    def holds(self, a: Choice, b: Choice) -> bool:
        """Whether two choices are such."""
        return any(
            x[0] == self.one[0] and x[1] in self.one[1] and y[0] == self.other[0] and y[1] in self.other[1]
            for x, y in ((a, b), (b, a))
        )


AROUND = ("expansion", "zoom", "aspect")
ON_PICTURES = ("picture", "mask", "soft mask", "crop to mask", *AROUND, "inversion", "blend of pictures")
RULES = [name for name in LEVELS["rule"] if name != "no guidance"]
MODIFIERS = [name for name in LEVELS["modifier"] if name != "no modifier"]
EDITS = [name for name in LEVELS["edit"] if name != "text to image"]
ATTENTIVE = [name for name in MODIFIERS if "attention" in GUIDANCES[name].needs]
COMBINE = ("composable", "perp-neg")
TELLING = [name for name in SOLVERS if isinstance(SOLVERS[name].make(), TCD)]
OTHERS = [name for name in SOLVERS if name not in TELLING]
SLOW = [name for name in OTHERS if least_moves(SOLVERS[name].make(), pure_noise=True) > 1]
ADAPTIVE = [name for name in SOLVERS if isinstance(SOLVERS[name].make(), Adaptive)]
LARGE = ("larger size", "second pass")
WORDED = ("weights", "switch", "in turn", "BREAK", "letters")
FAMILIES = list(LEVELS["family"])
MEANS = [name for name in FAMILIES if name != "pixel_dit, flow map"]

CLASHES: tuple[Clash, ...] = (
    Clash(("edit", ["second pass"]), ("edit", sorted({*ON_PICTURES} - {"aspect"})), ("hires", "leave out hires, or")),
    Clash(("edit", ["second pass"]), ("edit", ["aspect"]), ("size is 32x32 and aspect 3:2",)),
    Clash(("edit", ["crop to mask"]), ("edit", ["tile"]), ("crop_to_mask", "tile is about all")),
    Clash(("edit", ["crop to mask"]), ("edit", ["expansion"]), ("crop_to_mask", "expand is about all")),
    Clash(("edit", ["crop to mask"]), ("edit", ["zoom", "aspect"]), ("crop_to_mask", "{other} is about all")),
    Clash(("edit", ["expansion"]), ("edit", ["zoom", "aspect"]), ("expand and {other} each say",)),
    Clash(("edit", ["zoom"]), ("edit", ["aspect"]), ("zoom and aspect each say",)),
    Clash(("edit", ["larger size"]), ("edit", ["aspect"]), ("size is 24x16 and aspect 3:2",)),
    Clash(("edit", ["crop to mask"]), ("edit", ["detail"]), ("crop_to_mask", "detail is about all")),
    Clash(("edit", ["kept layout"]), ("solver", ADAPTIVE), ("keep_layout", "chooses its steps by the picture")),
    Clash(("prompt", ["AND"]), ("rule", sorted({*RULES} - {*COMBINE})), ("Several prompts (AND or ::)", "not {other}")),
    Clash(("prompt", ["shares"]), ("rule", sorted({*RULES} - {*COMBINE})), ("(AND or ::)", "not {other}")),
    Clash(("prompt", ["shares"]), ("rule", ["perp-neg"]), ("perp-neg takes", "use composable")),
    Clash(("prompt", ["negative"]), ("rule", ["no guidance", "icg"]), ("negative: a dog",), told=True),
    Clash(("modifier", ["interval", "rescale"]), ("rule", ["no guidance"]), ("guidance_methods: {one}",), told=True),
    Clash(("family", ["without attention"]), ("modifier", ATTENTIVE), ("{other}", "needs a network with attention")),
    Clash(
        ("family", ["without attention"]), ("edit", ["kept layout"]), ("keep_layout needs a network with attention",)
    ),
    Clash(("family", ["without attention"]), ("edit", ["style reference"]), ("style_ref needs a network with",)),
    Clash(("family", ["without attention"]), ("edit", ["image reference"]), ("image_ref needs a network with",)),
    Clash(("family", ["pixel_dit, distilled"]), ("rule", RULES), ("guidance", "learned its guidance")),
    Clash(
        ("family", ["pixel_dit, distilled"]), ("modifier", MODIFIERS), ("guidance_methods is {other}", "learned its")
    ),
    Clash(("family", ["pixel_dit, distilled"]), ("prompt", ["AND", "shares"]), ("AND, ::", "learned its guidance")),
    Clash(("family", ["pixel_gan"]), ("edit", sorted({*EDITS} - {"variation"})), ("draws in one evaluation",)),
    Clash(("family", ["pixel_gan"]), ("rule", RULES), ("guidance", "draws in one evaluation")),
    Clash(("family", ["pixel_gan"]), ("modifier", MODIFIERS), ("guidance_methods {other}", "draws in one evaluation")),
    Clash(("family", ["pixel_gan"]), ("prompt", ["AND", "shares"]), ("composable", "draws in one evaluation")),
    Clash(("family", ["pixel_gan"]), ("prompt", ["blend"]), ("blend is given", "draws in one evaluation")),
    Clash(("family", ["pixel_gan"]), ("prompt", ["switch", "in turn"]), ("is never reached",), told=True),
    Clash(("family", ["pixel_gan"]), ("prompt", ["late style"]), ("style_start: a single step is told",), told=True),
    Clash(("family", ["pixel_gan"]), ("solver", SLOW), ("solver: {other}", "steps"), told=True),
    Clash(
        ("family", ["pixel_upscaler"]),
        ("edit", sorted({*EDITS} - {*LARGE, "tile", "aspect"})),
        ("only enlarges a picture",),
    ),
    Clash(("family", ["pixel_upscaler"]), ("edit", ["larger size"]), ("size is 24x16", "of 8x8 pixels becomes 32x32")),
    Clash(("family", ["pixel_upscaler"]), ("edit", ["aspect"]), ("size is 32x32 and aspect 3:2",)),
    Clash(("family", ["pixel_upscaler"]), ("edit", ["second pass"]), ("hires", "leave out hires, or the image")),
    Clash(("family", ["pixel_upscaler"]), ("rule", RULES), (" is given", "only enlarges a picture")),
    Clash(("family", ["pixel_upscaler"]), ("modifier", MODIFIERS), ("guidance_methods", "only enlarges a picture")),
    Clash(
        ("family", ["pixel_upscaler"]),
        ("prompt", ["style", "late style", "flags"]),
        ("style is given", "only enlarges a picture"),
    ),
    Clash(
        ("family", ["pixel_upscaler"]), ("prompt", ["AND", "shares"]), ("guidance_methods", "only enlarges a picture")
    ),
    Clash(("family", ["pixel_upscaler"]), ("prompt", ["blend"]), ("blend is given", "only enlarges a picture")),
    Clash(("family", ["pixel_upscaler"]), ("prompt", WORDED), ("a",), told=True),
    Clash(("family", MEANS), ("solver", TELLING), ("The solver {other}:", "tells the network")),
    Clash(
        ("family", ["pixel_dit, flow map"]),
        ("solver", OTHERS),
        ("solver: {other}", "does not tell this network"),
        told=True,
    ),
)


def clashes(row: Row) -> Iterator[tuple[Clash, Choice, Choice]]:
    """What does not go together in a row, with the two choices."""
    for a, b in combinations(row.choices, 2):
        for one in CLASHES:
            if one.holds(a, b):
                yield one, a, b


def sentence(clash: Clash, a: Choice, b: Choice) -> tuple[str, ...]:
    """What is said of two choices."""
    one, other = (a, b) if a[0] == clash.one[0] and a[1] in clash.one[1] else (b, a)
    return tuple(words.format(one=one[1], other=other[1]) for words in clash.words)


def listed() -> Iterator[tuple[Clash, Choice, Choice]]:
    """Every two choices that do not go together."""
    for one in CLASHES:
        (factor, names), (beside, others) = one.one, one.other
        yield from ((one, (factor, name), (beside, other)) for name, other in product(names, others))
