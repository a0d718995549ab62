"""Another program's settings as a request of ours, as far as they go; and a request as a command.

What has no counterpart here is listed with the reason, so that nothing is lost in silence. The picture that is drawn is
another one in any case: it comes from another network and other noise.
"""

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from math import gcd
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.foreign_prompts import our_prompt, plain
from mezzotint.interfaces.left_out import OFF, reason
from mezzotint.request import Request
from mezzotint.values import MAX_TEXT

if TYPE_CHECKING:
    from mezzotint.provenance.read import Metadata

__all__ = ["LeftOut", "Translation", "command_of", "translated"]

LONGEST = 16
"""How many times as long as wide a picture may be: the house model's side and the longest that is drawn."""
WITH_ETA = frozenset(
    {
        *("ddim", "dpm-2-ancestral", "dpmpp-2m-sde", "dpmpp-2m-sde-heun", "dpmpp-2s-ancestral", "dpmpp-3m-sde"),
        *("dpmpp-sde", "euler-ancestral", "seeds-2", "seeds-3"),
    }
)
"""Solvers that have the option eta; the registry itself would load torch."""
SHOWN = 120
_NOISE = "the number is kept, and stands for other noise here than in another program"
_SIZE = (
    "only its shape is kept: the model draws it in the least size that it has for that; --size asks for a larger one"
)
_EDITED = "the picture that was drawn over is not in the file; `mezzotint edit IMAGE` has the same option"


@dataclass(frozen=True)
class LeftOut:
    """A setting that is not in the request, or not wholly, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Translation:
    """A request of ours, and what of the settings it does not say."""

    request: Request
    left_out: tuple[LeftOut, ...]

    def to_json_dict(self) -> dict[str, Any]:
        """Plain JSON values under the field names."""
        return {
            "request": self.request.to_json_dict(),
            "left_out": [{"what": one.what, "why": one.why} for one in self.left_out],
        }


def translated(metadata: "Metadata") -> Translation | None:
    """What a picture's settings of another program ask for here; None for a picture of ours, or without settings.

    The prompt is in our language, with the same weights; solver and grid are those that `foreign` names; the size
    becomes an aspect; everything else keeps its value where one of our options means the same.
    """
    if metadata.source in (None, "mezzotint"):
        return None
    work = _Work(metadata, dict(metadata.found))
    for step in (_prompts, _solver, _numbers, _noise, _shape, _guidance, _rest):
        step(work)
    return Translation(work.request, tuple(dict.fromkeys(work.left)))


@dataclass
class _Work:
    """What is still to be translated, and what came of the rest."""

    metadata: "Metadata"
    given: dict[str, str]
    request: Request = field(default_factory=lambda: Request(prompt=""))
    left: list[LeftOut] = field(default_factory=list)

    @property
    def ours(self) -> bool:
        """Whether we wrote the text ourselves, and the picture lost its recipe."""
        return self.metadata.found.get("Version", "").startswith("mezzotint")

    def leave(self, name: str, value: str, why: str) -> None:
        """List a setting."""
        shown = " ".join(f"{name} {value}".split())
        self.left.append(LeftOut(shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 3]}...", why))

    def put(self, option: str, value: Any, name: str, text: str) -> bool:
        """Set an option, or list the setting that it comes from with what `Request` says of it; whether it was set."""
        try:
            self.request = replace(self.request, **{option: value})
        except InvalidOption as error:
            self.leave(name, text, str(error).rstrip("."))
            return False
        return True

    def take(self, *names: str) -> Iterator[tuple[str, str]]:
        """The settings of these names, whatever their case, taken out of what is to be translated."""
        for key in [key for key in self.given if key.lower() in names]:
            yield key, self.given.pop(key)


def _prompts(work: _Work) -> None:
    program = str(work.metadata.source)
    for name in ("prompt", "negative"):
        text = work.given.pop(name, "")
        if len(text) > MAX_TEXT:
            work.leave(name, text, f"it has {len(text)} characters, and at most {MAX_TEXT} are read")
            continue
        found, notes = (plain(text), ()) if work.ours else our_prompt(program, text)
        if work.put(name, found, name, text):
            for what, why in notes:
                work.leave(what, "" if name == "prompt" else "(of the negative prompt)", why)


def _solver(work: _Work) -> None:
    names: dict[str, str] = {name: work.given.pop(name) for name in ("solver", "grid") if name in work.given}
    if work.ours:
        _our_solver(work, names)
        return
    words = work.metadata.in_our_words()
    for option, value in words.here.items():
        if option in ("solver", "grid", "guidance_methods"):
            own = (value,) if option == "guidance_methods" else value
            work.put(option, own, option, value)
    for name, value in names.items():
        if name in words.differs:
            work.leave(name, value, words.differs[name])
        elif name not in words.here:
            work.leave(name, value, f"no {name} here is known under that name, so the model's own is taken")
    theirs = _number(work.given.get("guidance", ""))
    if words.scale != 1 and not isinstance(theirs, str):
        work.given["guidance"] = repr(theirs * words.scale)


def _our_solver(work: _Work, names: Mapping[str, str]) -> None:
    """From a text that `provenance.infotext` wrote: their name of a solver where they have one, and our grid."""
    from mezzotint.foreign import ours

    for name, text in names.items():
        value: Any = text
        if name == "solver":
            try:
                value = ours("a1111", text).spec
            except InvalidOption:
                value = text
        elif "," in text and ":" not in text:
            value = [_number(part) for part in text.split(",")]
        work.put(name, value, name, text)
    for key, text in work.take("guidance methods"):
        work.put("guidance_methods", text.split(", "), key, text)
    for key, text in work.take("style"):
        work.put("style", text, key, text)
    for key, text in work.take("lora"):
        pairs = [part.rpartition(":") for part in text.split(", ")]
        work.put("lora", [(name, _number(strength)) for name, _, strength in pairs], key, text)


def _numbers(work: _Work) -> None:
    for key, text in work.take("steps", "guidance"):
        work.put(key, _number(text), key, text)
    for key, text in work.take("eta", "eta ddim"):
        name = (work.request.solver or "").partition(":")[0]
        if name in WITH_ETA and "eta=" not in str(work.request.solver):
            work.put("eta", _number(text), key, text)
        else:
            work.leave(key, text, f"the solver {name or 'of the model'} takes no eta here")


def _noise(work: _Work) -> None:
    for key, text in work.take("seed"):
        if work.put("seed", _number(text), key, text) and not work.ours:
            work.leave(key, text, _NOISE)
    toward = dict(work.take("variation seed", "variation seed strength"))
    shares = {key.lower(): _number(text) for key, text in toward.items()}
    if share := shares.get("variation seed strength"):
        told = ", ".join(f"{key} {text}" for key, text in toward.items())
        work.put("vary", [(share, shares.get("variation seed"))], "", told)
    for key, text in work.take("variations"):
        try:
            pairs = [(share, seed) for seed, share in json.loads(text)]
        except (TypeError, ValueError, RecursionError):
            pairs = [(text, None)]
        work.put("vary", pairs, key, text)


def _shape(work: _Work) -> None:
    for key, text in work.take("size"):
        sides = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
        if sides is None or not int(sides[1]) or not int(sides[2]):
            work.leave(key, text, "it is no width and height in pixels")
            continue
        width, height = int(sides[1]), int(sides[2])
        if work.ours:
            work.put("size", (width, height), key, text)
        elif max(width, height) > LONGEST * min(width, height):
            work.leave(key, text, f"no model here draws pictures that are more than {LONGEST} times as long as wide")
        elif work.put("aspect", (width // gcd(width, height), height // gcd(width, height)), key, text):
            work.leave(key, text, _SIZE)
    ways = set()
    for key, text in work.take("tiling", "seamless", "seamless_x", "seamless_y"):
        if text.lower() == "true":
            ways.add(key.lower()[-1] if key.lower().startswith("seamless_") else "both")
        elif text.lower() not in OFF:
            work.leave(key, text, "it is neither true nor false")
    if ways:
        work.put("tile", ways.pop() if len(ways) == 1 else "both", "seamless", "")


def _guidance(work: _Work) -> None:
    """`cfg_rescale` of NovelAI and ComfyUI, and InvokeAI's multiplier, are the share of Lin et al. 2023."""
    for key, text in work.take("cfg_rescale", "cfg_rescale_multiplier"):
        share = _number(text)
        if share == 0:
            continue
        if isinstance(share, int | float) and 0 < share <= 1:
            work.put("guidance_methods", (*work.request.guidance_methods, f"rescale:amount={share:g}"), key, text)
        else:
            work.leave(key, text, "it is no share from 0 to 1")


def _rest(work: _Work) -> None:
    again = any(key.lower().startswith("hires") for key in work.given)
    for key, text in work.take("strength"):
        if _number(text) != 1:
            work.leave(key, text, reason("hires") if again else _EDITED)
    for key, text in work.take("model"):
        if not work.ours or text != work.request.model:
            model = work.request.model
            work.leave(key, text, f"its weights are not here, so that the model {model} draws")
    for key, text in work.given.items():
        if text.lower() not in OFF and (key.lower(), text) not in OFF:
            work.leave(key, text, reason(key))


def _number(text: str) -> int | float | str:
    """A number; what is none stays a text, which `Request` refuses."""
    plain_text = text.strip()
    if re.fullmatch(r"[-+]?\d{1,40}", plain_text):
        return int(plain_text)
    real = re.fullmatch(r"[-+]?(?:\d{1,20}\.?\d{0,40}|\.\d{1,40})(?:[eE][-+]?\d{1,3})?", plain_text)
    return float(plain_text) if real else text


# ---- the command


_NAMED: Mapping[str, str] = MappingProxyType({"guidance_methods": "guidance-method"})
_Written = Callable[[Any], list[str]]


def _weighted(pairs: tuple[tuple[str, float], ...]) -> list[str]:
    return [f"{text}:{_figures(weight)}" for text, weight in pairs]


def _figures(number: float) -> str:
    return repr(float(number)).removesuffix(".0")


_TEXTS: Mapping[str, _Written] = MappingProxyType(
    {
        "size": lambda sides: ["x".join(map(str, sides))],
        "aspect": lambda sides: [":".join(map(str, sides))],
        "guidance_interval": lambda ends: [",".join(map(_figures, ends))],
        "guidance_methods": list,
        "grid": lambda grid: [grid if isinstance(grid, str) else ",".join(map(_figures, grid))],
        "also": _weighted,
        "blend": _weighted,
        "lora": _weighted,
        "region": lambda boxes: [f"{','.join(map(_figures, box))}:{text}" for box, text in boxes],
        "vary": lambda pairs: [f"{_figures(share)}:{seed}" for share, seed in pairs],
    }
)
"""How the values of options that are no single number or word are written."""


def command_of(request: Request) -> str:
    """The command that draws a request, quoted for a POSIX shell. It must be one without pictures of its own.

    Its seed is always there, and of the other options those that say something.
    """
    words: list[str] = []
    for item in fields(Request):
        value = getattr(request, item.name)
        if item.name == "prompt" or (value == item.default and item.name != "seed"):
            continue
        write = _TEXTS.get(item.name, lambda one: [_figures(one) if isinstance(one, float) else str(one)])
        option = _NAMED.get(item.name, item.name.replace("_", "-"))
        for text in () if value is True else write(value):
            words += [f"--{option}", text]
        words += [f"--{option}"] if value is True else []
    first, last = ([], ["--", request.prompt]) if request.prompt.startswith("-") else ([request.prompt], [])
    return shlex.join(["mezzotint", "imagine", *first, *words, *last])
