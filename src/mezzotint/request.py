"""What is asked: `Request`. Plain data with a JSON round trip.

`None` in it means "the model's own default". Every field is checked when the object is made, so an object that exists
is valid; a bad value raises `InvalidOption` with one sentence. This module imports neither torch nor Pillow.
"""

import secrets
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self

from mezzotint.edit_options import edits
from mezzotint.errors import InvalidOption
from mezzotint.foreign.options import OPTIONS
from mezzotint.options import (
    MAX_STEPS,
    canonical,
    further_prompts,
    interval,
    learned_scale,
    listed,
    loras,
    methods,
    parse_aspect,
    parse_size,
    share_of_moves,
    steps_of,
    time_grid,
)
from mezzotint.values import check_choice, check_name, check_text, integer, known_keys, real

__all__ = [
    "DTYPES",
    "NO_STYLE",
    "SEEDS",
    "Batching",
    "Request",
    "parse_size",
    "random_seed",
]

SEEDS = 2**64
"""How many seeds there are: 0 … 2^64 - 1. The seed is the 64-bit key of the noise generator."""
DTYPES = ("auto", "bfloat16", "float16", "float32")
"""What the network computes in. Solver state is float32 whatever is chosen."""

Batching = Literal["exact", "fast"]


def random_seed() -> int:
    """A seed from the operating system: 0 … 2^32 - 1, short to type and exact in every JSON reader."""
    return secrets.randbelow(2**32)


NO_STYLE = "none"
"""A request's style if it wants none, also of a model that has a usual one."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to draw. `None` stands for the model's own default, which is resolved when the picture is drawn.

    `prompt` may be empty (drawn without a prompt). `style` is told in the steps that begin at t <= `style_start` (1 =
    noise, 0 = data), in the last one at the latest; None is all of them. `guidance` 1 is off. `guidance_interval` is
    the part of t in [0, 1] where guidance acts; (0, 1) is everywhere. `chaos`, 0 to 100, ends it the earlier in the
    noise, and tells a style that is only usual the later, so that pictures differ more. `guidance_methods` are specs of
    at most one rule, which takes the place of classifier-free guidance and gets `guidance` as its scale, and of
    modifiers, the first innermost. `distilled_guidance` is the scale that a network which learned its guidance takes as
    an input; there is no other guidance then. `also` are further
    prompts, (text, weight), whose weights count in units of `guidance`; a negative one repels. `blend` are prompts,
    (text, weight), that are averaged with the first, whose weight is 1 if it has words. `lora` are LoRAs, (name or
    file, strength); a name alone has the strength 1. `weak_model` is the model that autoguidance steers away from.
    `solver` and `grid` are specs, `NAME` or `NAME:option=value,option=value` (see `mezzotint.spec`); `grid` may also be
    the times themselves, which fall from at most 1 to 0, and then decides `steps`. `eta` is 0 for the deterministic and
    1 for the ancestral form of a solver that has both: the same as its option eta. `image` is the SHA-256 of a picture
    that is edited (`provenance.pixels.pixel_sha256`); `strength` is the share of the steps that draw on it, 0 (none) to
    1 (all, from pure noise); `mask` is the SHA-256 of the picture whose brightness says where is drawn; `invert_mask`
    draws where it is dark, `feather` softens its edge by so many pixels, `soft_mask` makes its brightness the strength
    of every pixel. `crop_to_mask` draws what the mask covers, with `crop_padding` pixels around it, at the size that is
    drawn, and scales it back into a picture of any size. `invert` begins from the noise that the picture came from
    under `source_prompt`; `keep_layout` is the share of the moves, 0 to 1, in which the picture's tokens attend to each
    other as where `source_prompt` is drawn; `blend_images` are up to four more that are mixed with it there,
    `blend_weights` one weight for each picture, equal ones if None. `vary` are variations, (share, seed): from none, 0,
    to that seed's noise, 1. `size` is (width, height); the constructor also takes `64` or `"64x48"`. `aspect` (width,
    height), also `"3:2"`, asks for the model's size of that shape, and is None once that is found. A size above the
    model's is drawn in windows, at most `window_stride` pixels apart. `tile` (x, y, both) lets the picture go on over
    its edges. `region` are boxes with prompts of their own, ((left, top, right, bottom), text) in shares of the
    picture; `region_masks`, above those, are (the SHA-256 of a mask, text). `expand` draws so many pixels (left, top,
    right, bottom) around an image, `zoom` shrinks it on its canvas so many times, and `aspect` puts it into the middle
    of one of this shape. `style_ref`, `image_ref` and `structure_ref` are the SHA-256 of pictures whose manner,
    content, and edges or layout (`structure`) are taken up, as much as `style_weight`, `image_weight` and
    `structure_weight` say; 0 is off. `hires` draws the picture at the
    model's size first, enlarges it, and draws on it with `hires_strength`. `detail` are boxes and texts, as of regions,
    that are redrawn one by one when the picture is there, enlarged to the model's size, with `detail_strength`.
    `upscaler` is the model that enlarges the finished picture, of `size`, up to `upscale_to` (width, height); if one of
    them is given, the other is the one that is installed, or what that makes of `size` at once. `stop` is the share of
    the moves that are taken, above 0; the last of them goes to t = 0. `prompt`, `negative` and the
    texts of `also` are in the language of `mezzotint.conditioning.prompt`. Picture i of `n` has the seed `seed + i mod
    2^64`, and so have its variations. `original_prompt` is what `prompt` was expanded from, and has no effect. Raises
    `InvalidOption`.
    """

    prompt: str
    negative: str = ""
    also: tuple[tuple[str, float], ...] = ()
    blend: tuple[tuple[str, float], ...] = ()
    style: str | None = None
    style_start: float | None = None
    n: int = 1
    seed: int = 0
    vary: tuple[tuple[float, int], ...] = ()
    steps: int | None = None
    guidance: float | None = None
    guidance_interval: tuple[float, float] | None = None
    chaos: float | None = None
    guidance_methods: tuple[str, ...] = ()
    distilled_guidance: float | None = None
    solver: str | None = None
    eta: float | None = None
    grid: str | tuple[float, ...] | None = None
    stop: float | None = None
    size: tuple[int, int] | None = None
    aspect: tuple[int, int] | None = None
    tile: str | None = None
    window_stride: int | None = None
    region: tuple[tuple[tuple[float, float, float, float], str], ...] = ()
    region_masks: tuple[tuple[str, str], ...] = ()
    image: str | None = None
    strength: float | None = None
    mask: str | None = None
    invert_mask: bool = False
    feather: float = 0.0
    soft_mask: bool = False
    crop_to_mask: bool = False
    crop_padding: int | None = None
    expand: tuple[int, int, int, int] | None = None
    zoom: float | None = None
    invert: bool = False
    source_prompt: str = ""
    keep_layout: float | None = None
    blend_images: tuple[str, ...] = ()
    blend_weights: tuple[float, ...] | None = None
    style_ref: str | None = None
    style_weight: float | None = None
    image_ref: str | None = None
    image_weight: float | None = None
    structure_ref: str | None = None
    structure_weight: float | None = None
    structure: str | None = None
    hires: bool = False
    hires_strength: float | None = None
    detail: tuple[tuple[tuple[float, float, float, float], str], ...] = ()
    detail_strength: float | None = None
    upscaler: str | None = None
    upscale_to: tuple[int, int] | None = None
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
        for name in ("style", "weak_model", "upscaler"):
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
        if self.distilled_guidance is not None:
            store(self, "distilled_guidance", learned_scale(self.distilled_guidance))
        if self.guidance_interval is not None:
            store(self, "guidance_interval", interval(self.guidance_interval))
        if self.style_start is not None:
            store(self, "style_start", real("style_start", self.style_start, 0.0, 1.0))
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
        for name, value in edits(self, SEEDS).items():
            store(self, name, value)

    @property
    def asked(self) -> str:
        """What was asked for in words: the prompt, or, where only regions say what is drawn, what they were made of."""
        return self.prompt or self.original_prompt or ""

    @property
    def styled(self) -> bool:
        """Whether it names a drawing style; "none" is none."""
        return self.style not in (None, NO_STYLE)

    @property
    def drawn_around(self) -> bool:
        """Whether something is drawn around its picture, by margins or a zoom; an aspect becomes margins."""
        return any(self.expand or ()) or (self.zoom or 1) > 1

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
        return cls(**known_keys(cls, "request option", data, OPTIONS))
