"""What comes back: `Recipe`, `Result`. Plain data with a JSON round trip.

A `Recipe` is what one picture was made from: its request with nothing left open, plus the digests and versions that
decided its pixels. Every field is checked when the object is made; a bad value raises `InvalidOption` with one
sentence. This module imports neither torch nor Pillow.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from mezzotint.checked import Checked
from mezzotint.errors import InvalidOption
from mezzotint.request import Request
from mezzotint.values import check_digest, check_name, integer, known_keys, show, texts

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["RECIPE_VERSION", "Environment", "Recipe", "Result"]

RECIPE_VERSION = 1
"""Version of the recipe's JSON schema. A new optional key keeps it; a changed meaning raises it."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What, besides the request and the weights, can move the last bits of a picture.

    `processor` is the name of what computed it, CPU or GPU, with the instruction set. It never holds a host name
    or a path. `pillow` is the version that read and scaled pictures, "" where it was not recorded. `compiled`: the
    network's blocks were compiled (`mezzotint.compiled`). JSON has these two where they say something.
    """

    mezzotint: str
    torch: str
    threads: int
    processor: str
    compiled: bool = False
    pillow: str = ""

    def __post_init__(self) -> None:
        for name in ("mezzotint", "torch", "processor", *(["pillow"] if self.pillow != "" else [])):
            check_name(name, getattr(self, name))
        object.__setattr__(self, "threads", integer("threads", self.threads, 1))
        if not isinstance(self.compiled, bool):
            raise InvalidOption(f"compiled is {show(self.compiled)}; it must be true or false.")

    def to_json_dict(self) -> dict[str, Any]:
        """Plain JSON values under the field names."""
        facts = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: fact for name, fact in facts.items() if fact or name not in ("compiled", "pillow")}

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
    none), of the weights of the weak model and of the upscaler (`None` where none took part), of the LoRA files in the
    request's order, of the pixels (`provenance.pixels.pixel_sha256`).
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
    upscaler_weights_sha256: str | None = None
    lora_sha256: tuple[str, ...] = ()
    check: Checked | None = None

    def __post_init__(self) -> None:
        _check_resolved(self.request)
        optional = ("text_encoder_sha256", "weak_weights_sha256", "upscaler_weights_sha256")
        for name in ("weights_sha256", "pixels_sha256", *optional):
            if getattr(self, name) is not None or name not in optional:
                check_digest(name, getattr(self, name))
        for name, which, other in (
            ("weak_weights_sha256", "a weak_model", self.request.weak_model),
            ("upscaler_weights_sha256", "an upscaler", self.request.upscaler),
        ):
            if (getattr(self, name) is None) != (other is None):
                raise InvalidOption(f"a recipe states {name} if, and only if, its request has {which}.")
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
            "upscaler_weights_sha256": self.upscaler_weights_sha256,
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
    if request.upscale_to is not None and request.upscaler is None:
        raise InvalidOption("upscale_to is given; a recipe also says which upscaler enlarged the picture.")
    if request.n != 1:
        raise InvalidOption(f"n is {request.n}; a recipe is of one picture, so it must be 1.")
    for name in ("model", "weak_model", "upscaler"):
        value = getattr(request, name) or ""
        if re.match(r"[/~.]|[A-Za-z]:[\\/]", value) or "\\" in value:
            raise InvalidOption(f"{name} is {show(value)}; a recipe holds the model's name, not its folder.")
    for value, _ in request.lora:
        if "/" in value or "\\" in value:
            raise InvalidOption(f"lora is {show(value)}; a recipe holds the LoRA's name, not its file.")
