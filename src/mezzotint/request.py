"""What is asked and what comes back: `Request`, `Recipe`, `Result`. Plain data with a JSON round trip.

A `Request` is what somebody asks for; `None` in it means "the model's own default". A `Recipe` is what one
picture was made from: the same request with nothing left open, plus the digests and versions that decided its
pixels. Every field is checked when the object is made, so an object that exists is valid; a bad value raises
`InvalidOption` with one sentence. This module imports neither torch nor Pillow.
"""

import math
import operator
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, Self

from mezzotint.errors import InvalidOption, unknown_name

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
MAX_TEXT = 100_000
MAX_SIDE = 16_384

Batching = Literal["exact", "fast"]


def random_seed() -> int:
    """A seed from the operating system: 0 … 2^32 - 1, short to type and exact in every JSON reader."""
    return secrets.randbelow(2**32)


def parse_size(value: object) -> tuple[int, int]:
    """A picture size as (width, height) in pixels, from `64`, `"64"`, `"64x48"` or `(64, 48)`.

    Raises `InvalidOption` for anything else, and for sides outside 1 … 16384.
    """
    sides: Sequence[object]
    if isinstance(value, str):
        match = re.fullmatch(r"\s*([0-9]{1,6})(?:\s*[xX×]\s*([0-9]{1,6}))?\s*", value)
        sides = () if match is None else (int(match[1]), int(match[2] or match[1]))
    elif isinstance(value, Sequence):
        sides = tuple(value)
    else:
        sides = (value, value)
    numbers = [_whole(side) for side in sides]
    match numbers:
        case [int(width), int(height)] if 1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE:
            return width, height
    raise InvalidOption(
        f"size is {_show(value)}; it must be one side or WIDTHxHEIGHT in pixels, each from 1 to {MAX_SIDE}, "
        "such as 64 or 64x48."
    )


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to draw. `None` stands for the model's own default, which is resolved when the picture is drawn.

    `prompt` may be empty (drawn without a prompt). `guidance` 1 is off. `guidance_interval` is the part of t in
    [0, 1] (0 = data, 1 = noise) where guidance acts; (0, 1) is everywhere. `eta` is 0 for the deterministic and 1
    for the ancestral form of a solver that has both. `size` is (width, height); the constructor also takes `64` or
    `"64x48"`. Picture i of `n` has the seed `seed + i mod 2^64`. Raises `InvalidOption`.
    """

    prompt: str
    negative: str = ""
    style: str | None = None
    n: int = 1
    seed: int = 0
    steps: int | None = None
    guidance: float | None = None
    guidance_interval: tuple[float, float] | None = None
    solver: str | None = None
    eta: float | None = None
    grid: str | None = None
    size: tuple[int, int] | None = None
    model: str = "house"
    batching: Batching = "exact"
    device: str = "auto"
    dtype: str = "auto"

    def __post_init__(self) -> None:
        _check_text("prompt", self.prompt)
        _check_text("negative", self.negative)
        for name in ("model", "device"):
            _check_name(name, getattr(self, name))
        for name in ("style", "solver", "grid"):
            if getattr(self, name) is not None:
                _check_name(name, getattr(self, name))
        _check_choice("batching", self.batching, ("exact", "fast"))
        _check_choice("dtype", self.dtype, DTYPES)
        store = object.__setattr__  # the only way to normalise a field of a frozen dataclass
        store(self, "n", _integer("n", self.n, 1))
        store(self, "seed", _integer("seed", self.seed, 0, SEEDS - 1, "2^64 - 1"))
        if self.steps is not None:
            store(self, "steps", _integer("steps", self.steps, 1, 1000))
        if self.guidance is not None:
            store(self, "guidance", _real("guidance", self.guidance, 0.0, 100.0))
        if self.eta is not None:
            store(self, "eta", _real("eta", self.eta, 0.0, 1.0))
        if self.guidance_interval is not None:
            store(self, "guidance_interval", _interval(self.guidance_interval))
        if self.size is not None:
            store(self, "size", parse_size(self.size))

    def picture(self, index: int) -> Self:
        """The request for picture `index` (from 0) alone: `n` = 1 and that picture's own seed."""
        assert 0 <= index < self.n, f"picture {index} of {self.n}"
        return replace(self, n=1, seed=(self.seed + index) % SEEDS)

    def to_json_dict(self) -> dict[str, Any]:
        """Plain JSON values under the option names."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_json_dict(cls, data: object) -> Self:
        """The inverse of `to_json_dict`. An unknown, missing or bad key raises `InvalidOption`."""
        return cls(**_known_keys(cls, "request option", data))


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
            _check_name(name, getattr(self, name))
        object.__setattr__(self, "threads", _integer("threads", self.threads, 1))

    def to_json_dict(self) -> dict[str, Any]:
        """Plain JSON values under the field names."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_json_dict(cls, data: object) -> Self:
        """The inverse of `to_json_dict`. An unknown, missing or bad key raises `InvalidOption`."""
        return cls(**_known_keys(cls, "environment fact", data))


RESOLVED = ("steps", "guidance", "guidance_interval", "solver", "grid", "size")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What one picture was made from; enough to draw it again.

    `request` has `n` = 1, the picture's own seed, and nothing left open: no `None` for steps, guidance,
    guidance_interval, solver, grid or size, no "auto" for device or dtype, and a model name instead of a folder.
    Digests are SHA-256 in lower-case hex: of the weights file, of the text encoder's (`None` where the model has
    none), of the pixels (`provenance.pixels.pixel_sha256`). `evaluations` counts network forwards for this picture.
    `ignored` names everything that was asked for and had no effect. Raises `InvalidOption`.
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

    def __post_init__(self) -> None:
        _check_resolved(self.request)
        for name in ("weights_sha256", "text_encoder_sha256", "pixels_sha256"):
            if getattr(self, name) is not None or name != "text_encoder_sha256":
                _check_digest(name, getattr(self, name))
        for name in ("schedule", "codec"):
            _check_name(name, getattr(self, name))
        store = object.__setattr__
        store(self, "noise_version", _integer("noise_version", self.noise_version, 1))
        store(self, "evaluations", _integer("evaluations", self.evaluations, 0))
        for name in ("ignored", "warnings"):
            store(self, name, _texts(name, getattr(self, name)))

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
        }

    @classmethod
    def from_json_dict(cls, data: object) -> Self:
        """The inverse of `to_json_dict`. A newer version, an unknown, missing or bad key raises `InvalidOption`."""
        if not isinstance(data, Mapping):
            raise InvalidOption(f"a recipe must be a JSON object, not {_show(data)}.")
        version = _integer("recipe_version", data.get("recipe_version"), 1)
        if version > RECIPE_VERSION:
            raise InvalidOption(
                f"recipe_version is {version}, but this mezzotint reads up to {RECIPE_VERSION}; install a newer one."
            )
        rest = {key: value for key, value in data.items() if key != "recipe_version"}
        values = dict(_known_keys(cls, "recipe key", rest))
        values["request"] = Request.from_json_dict(values["request"])
        values["environment"] = Environment.from_json_dict(values["environment"])
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


def _show(value: object) -> str:
    """`value` as it appears in an error: its repr, cut so that the sentence stays readable."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _whole(value: object) -> int | None:
    """`value` as int if its type is one of whole numbers (also NumPy's); `None` for True, 3.0 and "3"."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def _integer(name: str, value: object, low: int, high: int | None = None, high_text: str = "") -> int:
    """`value` as int if it is a whole number in [low, high]."""
    number = _whole(value)
    if number is None or number < low or (high is not None and number > high):
        allowed = f"from {low} to {high_text or high}" if high is not None else f"of {low} or more"
        raise InvalidOption(f"{name} is {_show(value)}; it must be a whole number {allowed}.")
    return number


def _real(name: str, value: object, low: float, high: float) -> float:
    """`value` as float if it is a finite number in [low, high]; True and "3" are not."""
    number = math.nan
    if not isinstance(value, bool | str | bytes | bytearray):
        with suppress(TypeError, ValueError, OverflowError):
            number = float(value)  # type: ignore[arg-type]
    if not low <= number <= high:  # also true for nan
        raise InvalidOption(f"{name} is {_show(value)}; it must be a number from {low:g} to {high:g}.")
    return number


def _interval(value: object) -> tuple[float, float]:
    try:
        low, high = (_real("guidance_interval", end, 0.0, 1.0) for end in value)  # type: ignore[attr-defined]
        if low < high:
            return low, high
    except (TypeError, ValueError):  # not a pair of numbers; InvalidOption is a ValueError too
        pass
    raise InvalidOption(
        f"guidance_interval is {_show(value)}; it must be two times (low, high) with 0 <= low < high <= 1, "
        "where 0 is data and 1 is noise."
    )


def _check_text(name: str, value: object) -> None:
    """Any Unicode text up to MAX_TEXT characters. Half a surrogate pair cannot be stored in a file."""
    if not isinstance(value, str):
        raise InvalidOption(f"{name} is {_show(value)}; it must be text.")
    if len(value) > MAX_TEXT:
        raise InvalidOption(f"{name} has {len(value)} characters; at most {MAX_TEXT} are allowed.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidOption(f"{name} is not valid Unicode at character {error.start}; give it as UTF-8.") from None


def _check_name(name: str, value: object) -> None:
    """One printable line of 1 … 200 characters. Which names exist is for the registries to say."""
    if not isinstance(value, str) or not value.strip() or len(value) > 200 or not value.isprintable():
        raise InvalidOption(f"{name} is {_show(value)}; it must be one line of 1 to 200 printable characters.")


def _check_choice(name: str, value: object, allowed: Sequence[str]) -> None:
    if not isinstance(value, str):
        raise InvalidOption(f"{name} is {_show(value)}; it must be one of {', '.join(allowed)}.")
    if value not in allowed:
        raise unknown_name(name, value, allowed)


def _check_digest(name: str, value: object) -> None:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]{64}", value):
        raise InvalidOption(f"{name} is {_show(value)}; it must be a SHA-256 digest, 64 lower-case hex digits.")


def _texts(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InvalidOption(f"{name} is {_show(value)}; it must be a list of texts.")
    for item in value:
        _check_text(name, item)
    return tuple(value)


def _check_resolved(request: object) -> None:
    """A recipe leaves nothing open and names no folder of the machine that drew it."""
    if not isinstance(request, Request):
        raise InvalidOption(f"request is {_show(request)}; a recipe needs a Request.")
    still_open = [name for name in RESOLVED if getattr(request, name) is None]
    still_open += [name for name in ("device", "dtype") if getattr(request, name) == "auto"]
    if still_open:
        raise InvalidOption(f"a recipe must state {', '.join(still_open)}; only a request may leave it to the model.")
    if request.n != 1:
        raise InvalidOption(f"n is {request.n}; a recipe is of one picture, so it must be 1.")
    if re.match(r"[/~.]|[A-Za-z]:[\\/]", request.model) or "\\" in request.model:
        raise InvalidOption(f"model is {_show(request.model)}; a recipe holds the model's name, not its folder.")


def _known_keys(cls: type[Any], kind: str, data: object) -> Mapping[str, Any]:
    """`data` if its keys are fields of the dataclass `cls` and no required one is missing."""
    if not isinstance(data, Mapping):
        raise InvalidOption(f"the {kind}s must be a JSON object, not {_show(data)}.")
    known = {item.name: item.default is MISSING for item in fields(cls)}
    for key in data:
        if key not in known:
            raise unknown_name(kind, str(key)[:60], known)
    missing = [name for name, required in known.items() if required and name not in data]
    if missing:
        raise InvalidOption(f"the {kind}s lack {', '.join(missing)}.")
    return data
