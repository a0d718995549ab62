"""What is asked and what comes back: `Request`, `Recipe`, `Result`. Plain data with a JSON round trip.

A `Request` is what somebody asks for; `None` in it means "the model's own default". A `Recipe` is what one
picture was made from: the same request with nothing left open, plus the digests and versions that decided its
pixels. Every field is checked when the object is made, so an object that exists is valid; a bad value raises
`InvalidOption` with one sentence. This module imports neither torch nor Pillow.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, Self

from mezzotint.checked import Checked
from mezzotint.errors import InvalidOption
from mezzotint.options import (
    MAX_STEPS,
    canonical,
    further_prompts,
    interval,
    listed,
    loras,
    methods,
    mixtures,
    parse_aspect,
    parse_size,
    references,
    share_of_moves,
    spatial,
    steps_of,
    time_grid,
)
from mezzotint.values import check_choice, check_digest, check_name, check_text, integer, known_keys, real, show, texts

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "DTYPES",
    "RECIPE_VERSION",
    "SEEDS",
    "Batching",
    "Environment",
    "Recipe",
    "Request",
    "Result",
    "parse_size",
    "random_seed",
]

RECIPE_VERSION = 1
"""Version of the recipe's JSON schema. A new optional key keeps it; a changed meaning raises it."""
SEEDS = 2**64
"""How many seeds there are: 0 … 2^64 - 1. The seed is the 64-bit key of the noise generator."""
DTYPES = ("auto", "bfloat16", "float16", "float32")
"""What the network computes in. Solver state is float32 whatever is chosen."""

Batching = Literal["exact", "fast"]


def random_seed() -> int:
    """A seed from the operating system: 0 … 2^32 - 1, short to type and exact in every JSON reader."""
    return secrets.randbelow(2**32)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to draw. `None` stands for the model's own default, which is resolved when the picture is drawn.

    `prompt` may be empty (drawn without a prompt). `guidance` 1 is off. `guidance_interval` is the part of t in [0, 1]
    (0 = data, 1 = noise) where guidance acts; (0, 1) is everywhere. `chaos`, 0 to 100, ends it the earlier in the
    noise, so that pictures differ more. `guidance_methods` are specs of at most one rule, which takes the place of
    classifier-free guidance and gets `guidance` as its scale, and of modifiers, the first innermost. `also` are further
    prompts, (text, weight), whose weights count in units of `guidance`; a negative one repels. `blend` are prompts,
    (text, weight), that are averaged with the first, whose weight is 1 if it has words. `lora` are LoRAs, (name or
    file, strength); a name alone has the strength 1. `weak_model` is the model that autoguidance steers away from.
    `solver` and `grid` are specs, `NAME` or `NAME:option=value,option=value` (see `mezzotint.spec`); `grid` may also be
    the times themselves, which fall from at most 1 to 0, and then decides `steps`. `eta` is 0 for the deterministic and
    1 for the ancestral form of a solver that has both: the same as its option eta. `image` is the SHA-256 of a picture
    that is edited (`provenance.pixels.pixel_sha256`); `strength` is the share of the steps that draw on it, 0 (none) to
    1 (all, from pure noise); `mask` is the SHA-256 of the picture whose brightness says where is drawn; `invert_mask`
    draws where it is dark, `feather` softens its edge by so many pixels. `invert` begins from the noise that the
    picture came from under `source_prompt`; `blend_images` are up to four more that are mixed with it there,
    `blend_weights` one weight for each picture, equal ones if None. `vary` are variations, (share, seed): from none, 0,
    to that seed's noise, 1. `size` is (width, height); the constructor also takes `64` or `"64x48"`. `aspect` (width,
    height), also `"3:2"`, asks for the model's size of that shape, and is None once that is found. A size above the
    model's is drawn in windows, at most `window_stride` pixels apart. `tile` (x, y, both) lets the picture go on over
    its edges. `region` are boxes with prompts of their own, ((left, top, right, bottom), text) in shares of the
    picture. `expand` draws so many pixels (left, top, right, bottom) around an image, `zoom` shrinks it on its canvas
    so many times, and `aspect` puts it into the middle of one of this shape. `style_ref`, `image_ref` and
    `structure_ref` are the SHA-256 of pictures whose manner, content, and edges or layout (`structure`) are taken up,
    as much as `style_weight`, `image_weight` and `structure_weight` say; 0 is off. `stop` is the share of the moves
    that are taken, above 0; the last of them goes to t = 0. `prompt`, `negative` and the texts of `also` are in the
    language of `mezzotint.conditioning.prompt`. Picture i of `n` has the seed `seed + i mod 2^64`, and so have its
    variations. `original_prompt` is what `prompt` was expanded from, and has no effect. Raises `InvalidOption`.
    """

    prompt: str
    negative: str = ""
    also: tuple[tuple[str, float], ...] = ()
    blend: tuple[tuple[str, float], ...] = ()
    style: str | None = None
    n: int = 1
    seed: int = 0
    vary: tuple[tuple[float, int], ...] = ()
    steps: int | None = None
    guidance: float | None = None
    guidance_interval: tuple[float, float] | None = None
    chaos: float | None = None
    guidance_methods: tuple[str, ...] = ()
    solver: str | None = None
    eta: float | None = None
    grid: str | tuple[float, ...] | None = None
    stop: float | None = None
    size: tuple[int, int] | None = None
    aspect: tuple[int, int] | None = None
    tile: str | None = None
    window_stride: int | None = None
    region: tuple[tuple[tuple[float, float, float, float], str], ...] = ()
    image: str | None = None
    strength: float | None = None
    mask: str | None = None
    invert_mask: bool = False
    feather: float = 0.0
    expand: tuple[int, int, int, int] | None = None
    zoom: float | None = None
    invert: bool = False
    source_prompt: str = ""
    blend_images: tuple[str, ...] = ()
    blend_weights: tuple[float, ...] | None = None
    style_ref: str | None = None
    style_weight: float | None = None
    image_ref: str | None = None
    image_weight: float | None = None
    structure_ref: str | None = None
    structure_weight: float | None = None
    structure: str | None = None
    original_prompt: str | None = None
    model: str = "house"
    lora: tuple[tuple[str, float], ...] = ()
    weak_model: str | None = None
    batching: Batching = "exact"
    device: str = "auto"
    dtype: str = "auto"

    def __post_init__(self) -> None:
        check_text("prompt", self.prompt)
        check_text("negative", self.negative)
        if self.original_prompt is not None:
            check_text("original_prompt", self.original_prompt)
        for name in ("model", "device"):
            check_name(name, getattr(self, name))
        for name in ("style", "weak_model"):
            if getattr(self, name) is not None:
                check_name(name, getattr(self, name))
        check_choice("batching", self.batching, ("exact", "fast"))
        check_choice("dtype", self.dtype, DTYPES)
        store = object.__setattr__  # the only way to normalise a field of a frozen dataclass
        store(self, "n", integer("n", self.n, 1))
        store(self, "seed", integer("seed", self.seed, 0, SEEDS - 1, "2^64 - 1"))
        if self.steps is not None:
            store(self, "steps", integer("steps", self.steps, 1, MAX_STEPS))
        if self.solver is not None:
            store(self, "solver", canonical("solver", self.solver))
        if self.grid is not None:
            store(self, "grid", time_grid(self.grid))
        if isinstance(self.grid, tuple):
            store(self, "steps", steps_of(self.grid, self.steps))
        if self.guidance is not None:
            store(self, "guidance", real("guidance", self.guidance, 0.0, 100.0))
        if self.eta is not None:
            store(self, "eta", real("eta", self.eta, 0.0, 1.0))
        if self.guidance_interval is not None:
            store(self, "guidance_interval", interval(self.guidance_interval))
        if self.chaos is not None:
            store(self, "chaos", real("chaos", self.chaos, 0.0, 100.0))
        store(self, "guidance_methods", methods(self.guidance_methods))
        store(self, "also", further_prompts(self.also))
        store(self, "lora", loras(self.lora))
        if self.size is not None:
            store(self, "size", parse_size(self.size))
        if self.aspect is not None:
            store(self, "aspect", parse_aspect(self.aspect))
        if self.size is not None and self.aspect is not None:
            width, height = self.size
            raise InvalidOption(
                f"size is {width}x{height} and aspect {':'.join(map(str, self.aspect))}; leave out one of them."
            )
        if self.stop is not None:
            store(self, "stop", share_of_moves(self.stop))
        self._check_edit()

    def _check_edit(self) -> None:
        store = object.__setattr__
        for name in ("image", "mask"):
            if getattr(self, name) is not None:
                check_digest(name, getattr(self, name))
        if not isinstance(self.invert_mask, bool):
            raise InvalidOption(f"invert_mask is {show(self.invert_mask)}; it must be true or false.")
        store(self, "feather", real("feather", self.feather, 0.0, 1024.0))
        if self.strength is not None:
            store(self, "strength", real("strength", self.strength, 0.0, 1.0))
        if self.image is None and (self.strength is not None or self.mask is not None):
            raise InvalidOption("strength and mask are for editing a picture; give an image too.")
        if self.mask is None and (self.invert_mask or self.feather):
            raise InvalidOption("invert_mask and feather change a mask; give a mask too.")
        for name, value in (mixtures(self, SEEDS) | spatial(self) | references(self)).items():
            store(self, name, value)

    def picture(self, index: int) -> Self:
        """The request for picture `index` (from 0) alone: `n` = 1 and that picture's own seed."""
        assert 0 <= index < self.n, f"picture {index} of {self.n}"
        return replace(self.with_seed(self.seed + index), n=1)

    def with_seed(self, seed: int) -> Self:
        """The request with another seed, taken mod 2^64; the seeds of its variations move as far."""
        vary = tuple((share, (toward + seed - self.seed) % SEEDS) for share, toward in self.vary)
        return replace(self, seed=seed % SEEDS, vary=vary)

    def to_json_dict(self) -> dict[str, Any]:
        """Plain JSON values under the option names."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: listed(value) for name, value in values.items()}

    @classmethod
    def from_json_dict(cls, data: object) -> Self:
        """The inverse of `to_json_dict`. An unknown, missing or bad key raises `InvalidOption`."""
        return cls(**known_keys(cls, "request option", data))


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What, besides the request and the weights, can move the last bits of a picture.

    `processor` is the name of what computed it, CPU or GPU, with the instruction set. It never holds a host name
    or a path.
    """

    mezzotint: str
    torch: str
    threads: int
    processor: str

    def __post_init__(self) -> None:
        for name in ("mezzotint", "torch", "processor"):
            check_name(name, getattr(self, name))
        object.__setattr__(self, "threads", integer("threads", self.threads, 1))

    def to_json_dict(self) -> dict[str, Any]:
        """Plain JSON values under the field names."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_json_dict(cls, data: object) -> Self:
        """The inverse of `to_json_dict`. An unknown, missing or bad key raises `InvalidOption`."""
        return cls(**known_keys(cls, "environment fact", data))


RESOLVED = ("steps", "guidance", "guidance_interval", "solver", "grid", "size")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What one picture was made from; enough to draw it again.

    `request` has `n` = 1, the picture's own seed, and nothing left open: no `None` for steps, guidance,
    guidance_interval, solver, grid or size, no "auto" for device or dtype, and a model name instead of a folder.
    Digests are SHA-256 in lower-case hex: of the weights file, of the text encoder's (`None` where the model has
    none), of the weak model's weights (`None` where none took part), of the LoRA files in the request's order, of the
    pixels (`provenance.pixels.pixel_sha256`).
    `evaluations` counts network forwards for this picture. `ignored` names everything that was asked for and had no
    effect. `check` is what was found in the picture, if somebody looked. Raises `InvalidOption`.
    """

    request: Request
    weights_sha256: str
    text_encoder_sha256: str | None
    schedule: str
    codec: str
    noise_version: int
    environment: Environment
    pixels_sha256: str
    evaluations: int
    ignored: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    weak_weights_sha256: str | None = None
    lora_sha256: tuple[str, ...] = ()
    check: Checked | None = None

    def __post_init__(self) -> None:
        _check_resolved(self.request)
        optional = ("text_encoder_sha256", "weak_weights_sha256")
        for name in ("weights_sha256", "pixels_sha256", *optional):
            if getattr(self, name) is not None or name not in optional:
                check_digest(name, getattr(self, name))
        if (self.weak_weights_sha256 is None) != (self.request.weak_model is None):
            raise InvalidOption("a recipe states weak_weights_sha256 if, and only if, its request has a weak_model.")
        for name in ("schedule", "codec"):
            check_name(name, getattr(self, name))
        store = object.__setattr__
        store(self, "lora_sha256", texts("lora_sha256", self.lora_sha256))
        for digest in self.lora_sha256:
            check_digest("lora_sha256", digest)
        if len(self.lora_sha256) != len(self.request.lora):
            raise InvalidOption("a recipe states one digest in lora_sha256 for each LoRA of its request.")
        store(self, "noise_version", integer("noise_version", self.noise_version, 1))
        store(self, "evaluations", integer("evaluations", self.evaluations, 0))
        for name in ("ignored", "warnings"):
            store(self, name, texts(name, getattr(self, name)))
        if not isinstance(self.check, Checked | None):
            raise InvalidOption(f"check is {show(self.check)}; a recipe needs a Checked, or None.")

    def to_json_dict(self) -> dict[str, Any]:
        """Plain JSON values; the first key is `recipe_version`."""
        return {
            "recipe_version": RECIPE_VERSION,
            "request": self.request.to_json_dict(),
            "weights_sha256": self.weights_sha256,
            "text_encoder_sha256": self.text_encoder_sha256,
            "schedule": self.schedule,
            "codec": self.codec,
            "noise_version": self.noise_version,
            "environment": self.environment.to_json_dict(),
            "pixels_sha256": self.pixels_sha256,
            "evaluations": self.evaluations,
            "ignored": list(self.ignored),
            "warnings": list(self.warnings),
            "weak_weights_sha256": self.weak_weights_sha256,
            "lora_sha256": list(self.lora_sha256),
            "check": None if self.check is None else self.check.to_json_dict(),
        }

    @classmethod
    def from_json_dict(cls, data: object) -> Self:
        """The inverse of `to_json_dict`. A newer version, an unknown, missing or bad key raises `InvalidOption`."""
        if not isinstance(data, Mapping):
            raise InvalidOption(f"a recipe must be a JSON object, not {show(data)}.")
        version = integer("recipe_version", data.get("recipe_version"), 1)
        if version > RECIPE_VERSION:
            raise InvalidOption(
                f"recipe_version is {version}, but this mezzotint reads up to {RECIPE_VERSION}; install a newer one."
            )
        rest = {key: value for key, value in data.items() if key != "recipe_version"}
        values = dict(known_keys(cls, "recipe key", rest))
        values["request"] = Request.from_json_dict(values["request"])
        values["environment"] = Environment.from_json_dict(values["environment"])
        if values.get("check") is not None:
            values["check"] = Checked.from_json_dict(values["check"])
        return cls(**values)


@dataclass(frozen=True)
class Result:
    """What a request gave: `images[i]` (Pillow, RGBA with straight alpha) and its `recipes[i]`."""

    images: list["Image"] = field(repr=False)
    recipes: list[Recipe]

    def __post_init__(self) -> None:
        assert len(self.images) == len(self.recipes), "one recipe a picture"

    @property
    def ignored(self) -> tuple[str, ...]:
        """What had no effect on any of the pictures, each named once."""
        return tuple(dict.fromkeys(item for recipe in self.recipes for item in recipe.ignored))

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings of all pictures, each once."""
        return tuple(dict.fromkeys(item for recipe in self.recipes for item in recipe.warnings))

    @property
    def evaluations(self) -> int:
        """Network forwards for all pictures together."""
        return sum(recipe.evaluations for recipe in self.recipes)


def _check_resolved(request: object) -> None:
    """A recipe leaves nothing open and names no folder of the machine that drew it."""
    if not isinstance(request, Request):
        raise InvalidOption(f"request is {show(request)}; a recipe needs a Request.")
    still_open = [name for name in RESOLVED if getattr(request, name) is None]
    still_open += [name for name in ("device", "dtype") if getattr(request, name) == "auto"]
    if still_open:
        raise InvalidOption(f"a recipe must state {', '.join(still_open)}; only a request may leave it to the model.")
    if request.n != 1:
        raise InvalidOption(f"n is {request.n}; a recipe is of one picture, so it must be 1.")
    for name in ("model", "weak_model"):
        value = getattr(request, name) or ""
        if re.match(r"[/~.]|[A-Za-z]:[\\/]", value) or "\\" in value:
            raise InvalidOption(f"{name} is {show(value)}; a recipe holds the model's name, not its folder.")
    for value, _ in request.lora:
        if "/" in value or "\\" in value:
            raise InvalidOption(f"lora is {show(value)}; a recipe holds the LoRA's name, not its file.")
