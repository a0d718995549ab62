"""What can be chosen: the factors of the product and their levels, from the registries as far as there are any."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from mezzotint.diffusion.guidance import GUIDANCES
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.diffusion.solvers.adaptive import Adaptive
from mezzotint.diffusion.solvers.consistency import TCD
from tests.pipeline.product.models import FAMILY, SIDE, WEAK
from tests.pipeline.test_guidance import ON

__all__ = ["BASE", "FACTORS", "KIND", "LEVELS", "Level", "Mask", "Picture", "like_ddim"]


@dataclass(frozen=True)
class Picture:
    """A picture that comes with a request, of the side that it needs unless one is given."""

    seed: int
    side: int | None = None


@dataclass(frozen=True)
class Mask:
    """The mask that comes with a request: black, grey and white, from left to right in its lower part, or downwards."""

    down: bool = False


@dataclass(frozen=True)
class Level:
    """A choice.

    options   what asks for it
    without   the same without what it is about: the pixels must differ from those of `options`
    of        the name in the registry that it is from, empty if in none
    """

    options: Mapping[str, Any]
    without: Mapping[str, Any] = field(default_factory=dict)
    of: str = ""


BASE: Mapping[str, Any] = MappingProxyType({"prompt": "a cat", "seed": 5, "guidance": 3.0})
NONE = Level({})

_ON = {"image": Picture(0), "strength": 0.7}
_MASKED = {**_ON, "mask": Mask()}
_INSIDE_OUT = {"invert_mask": True}
_CROPPED = {**_MASKED, "invert_mask": False, "feather": 0.0}  # else it would be of nearly all
_WIDE = {"size": (SIDE + 8, SIDE)}
_LARGE = {"size": (2 * SIDE, 2 * SIDE), "window_stride": SIDE}
_INVERTED = {"image": Picture(0), "invert": True}
_HAT, _PART = ((0.0, 0.0, 1.0, 0.5), "a hat"), ((0.0, 0.0, 0.5, 0.75), "a bus")
EDITS: Mapping[str, Level] = MappingProxyType(
    {
        "text to image": NONE,
        "variation": Level({"vary": 0.5}, of="vary"),
        "larger size": Level({**_WIDE, "window_stride": 4}, _WIDE, "windows"),
        "tile": Level({"tile": "x"}, of="windows"),
        "region": Level({"region": [_HAT]}, of="regions"),
        "region mask": Level({"region_masks": [(Mask(down=True), "a bus")]}, of="regions"),
        "kept layout": Level({"keep_layout": 0.5, "source_prompt": "a fox"}, of="keep_layout"),
        "style reference": Level(
            {"style_ref": Picture(1)}, {"style_ref": Picture(1), "style_weight": 0}, of="style_ref"
        ),
        "image reference": Level(
            {"image_ref": Picture(2)}, {"image_ref": Picture(2), "image_weight": 0}, of="image_ref"
        ),
        "structure reference": Level(
            {"structure_ref": Picture(3)}, {"structure_ref": Picture(3), "structure_weight": 0}, of="structure"
        ),
        "picture": Level(_ON, of="picture"),
        "mask": Level({**_MASKED, "feather": 1.0}, _ON, of="picture"),
        "soft mask": Level({**_MASKED, **_INSIDE_OUT, "soft_mask": True}, {**_MASKED, **_INSIDE_OUT}, of="picture"),
        "crop to mask": Level({**_CROPPED, "crop_to_mask": True, "crop_padding": 1}, _CROPPED, of="crop"),
        "expansion": Level({"image": Picture(0), "expand": "left=8"}, _WIDE, of="picture"),
        "zoom": Level({"image": Picture(0), "zoom": 2.0}, of="picture"),
        "aspect": Level({"image": Picture(0), "aspect": (3, 2)}, {"aspect": (3, 2)}, of="picture"),
        "inversion": Level(_INVERTED, {"image": Picture(0), "strength": 1.0}, of="invert"),
        "blend of pictures": Level({"image": Picture(0), "blend_images": [Picture(4)]}, _INVERTED, of="invert"),
        "second pass": Level({**_LARGE, "hires": True, "hires_strength": 0.7}, _LARGE),
        "detail": Level({"detail": [_PART]}),
    }
)
"""Every edit of `TASKS`, and what is drawn in several passes. A new edit is a line here."""

PROMPTS: Mapping[str, Level] = MappingProxyType(
    {
        "plain": NONE,
        "negative": Level({"negative": "a dog"}),
        "weights": Level({"prompt": "a (red:1.6) cat"}, {"prompt": "a red cat"}),
        "AND": Level({"prompt": "a cat AND a dog :-0.7"}),
        "shares": Level({"prompt": "a cat::2 a dog::1"}),
        "switch": Level({"prompt": "[a cat:a dog:0.5]"}),
        "in turn": Level({"prompt": "[a cat|a dog]"}),
        "BREAK": Level({"prompt": "a cat BREAK a red hat"}, {"prompt": "a cat a red hat"}),
        "blend": Level({"blend": [("a dog", 1.0)]}),
        "style": Level({"style": "noto"}),
        "late style": Level({"style": "noto", "style_start": 0.5}, {"style": "noto"}),
        "flags": Level({"prompt": "a cat --style flat"}),
        "letters": Level({"prompt": 'a sign "HI"'}, {"prompt": 'a sign "hi"'}),
    }
)
"""What a prompt can say and how, beside words."""

BATCHES: Mapping[str, Level] = MappingProxyType(
    {"one": Level({"n": 1}), "two": Level({"n": 2}), "two in a call": Level({"n": 2, "batching": "fast"})}
)
_FAMILIES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "pixel_dit, distilled": {"guidance": 1.0, "distilled_guidance": 3.0},
        "pixel_gan": {"guidance": 1.0, "steps": 1},
        "pixel_upscaler": {"guidance": 1.0, "prompt": "", "image": Picture(0, SIDE // 2), "size": (32, 32)},
    }
)


def rule(name: str) -> Level:
    """A rule; without it there is classifier-free guidance, and without that none."""
    options = {**ON[name][0], "guidance": ON[name][0].get("guidance", 3.0)}
    return Level(options, {"guidance": 1.0 if name == "cfg" else options["guidance"]}, of=name)


RULES: Mapping[str, Level] = MappingProxyType(
    {
        "no guidance": Level({"guidance": 1.0}),
        **{name: rule(name) for name, record in GUIDANCES.items() if record.kind == "rule"},
    }
)
_LIMITED = {"guidance_methods": ("dynamic-thresholding:limit=0.4,percentile=0.9",)}


def modifier(name: str) -> Level:
    """A modifier as `ON` has it, with the weak model by its name here, and a limit that what these networks say
    reaches."""
    options = _LIMITED if name == "dynamic-thresholding" else ON[name][0]
    return Level({key: WEAK if value == "WEAK" else value for key, value in options.items()}, of=name)


MODIFIERS: Mapping[str, Level] = MappingProxyType(
    {
        "no modifier": NONE,
        **{name: modifier(name) for name, record in GUIDANCES.items() if record.kind == "modifier"},
    }
)

_SPECS: Mapping[str, str] = MappingProxyType(
    {
        "lcm": "lcm:tell=true",
        "tcd": "tcd:gamma=0.3,tell=true",
        "dopri5": "dopri5:tolerance=0.3",
        "adaptive-heun": "adaptive-heun:tolerance=0.3",
    }
)
"""With options: to be told where a jump goes, as the families that need these want it, and to take few steps."""


def like_ddim(name: str) -> bool:
    """Whether a solver takes the steps of DDIM on a falling grid."""
    while (other := SOLVERS[name].same_as) and other in SOLVERS:
        name = other
    return name == "ddim"


SOLVING: Mapping[str, Level] = MappingProxyType(
    {
        name: Level({"solver": _SPECS.get(name, name)}, {"solver": "heun" if like_ddim(name) else "ddim"}, of=name)
        for name in SOLVERS
    }
)


def _kind(name: str) -> tuple[object, ...]:
    """What the rest of the pipeline could notice of a solver."""
    solver = SOLVERS[name].make()
    remembers = solver.ramp is not None and solver.ramp.steps > 0
    own = "tells" if isinstance(solver, TCD) else "adapts" if isinstance(solver, Adaptive) else ""
    return own, solver.stochastic, solver.order is None, SOLVERS[name].evaluations, remembers


_NAMED = {_kind(name): name for name in reversed(SOLVERS)}
KIND: Mapping[str, str] = MappingProxyType({name: _NAMED[_kind(name)] for name in SOLVERS})
"""Of each solver the first that is stochastic or not, has an order or none, takes as many predictions a step, and
remembers earlier ones or not, as it does."""

LEVELS: Mapping[str, Mapping[str, Level]] = MappingProxyType(
    {
        "family": {name: Level(_FAMILIES.get(name, {}), of=family.family) for name, family in FAMILY.items()},
        "edit": EDITS,
        "solver": SOLVING,
        "rule": RULES,
        "modifier": MODIFIERS,
        "prompt": PROMPTS,
        "batch": BATCHES,
    }
)
"""The levels of each factor. A request has one of each; of edits and modifiers it may have two that are something."""
FACTORS = tuple(LEVELS)
