"""What the branches of a request read, and at which step: from prompts to the conditionings of a drawing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import starmap
from types import MappingProxyType
from typing import Any

from mezzotint.conditioning.prompt import FLAGS, Reading, lifted, never_read, parse, readings, wildcards
from mezzotint.conditioning.text import TextConditioner
from mezzotint.diffusion.blending import Blended, Blending
from mezzotint.diffusion.bytime import ByTime, Timeline
from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.guidance.base import Calls
from mezzotint.diffusion.timegrid import Denoise, TimeGrid
from mezzotint.errors import InvalidOption
from mezzotint.guiding import Guidance, Prompt
from mezzotint.request import Request
from mezzotint.values import check_text

ALONE: Mapping[str, float] = MappingProxyType({"cond": 1.0})
"""The prompt that is not blended with others."""

__all__ = ["Script", "make_request", "script_of", "unheard"]


@dataclass(frozen=True, slots=True)
class Script:
    """What each branch reads, step by step.

    prompts   the branches that are read
    lines     for each of them what is read at each step, from noise to data; None is a prompt at random
    times     where the steps after the first begin, falling
    blend     the branches that are averaged in place of "cond", with weights of sum 1
    unstyled  the first steps, so many, in which no branch is told the drawing style
    """

    prompts: Mapping[str, Prompt]
    lines: Mapping[str, tuple[Reading | None, ...]]
    times: tuple[float, ...]
    blend: Mapping[str, float]
    unstyled: int = 0

    @property
    def changes(self) -> bool:
        """Whether a branch is told something else at some step."""
        return any(len(set(self._line(name))) > 1 for name in self.lines)

    @property
    def empty(self) -> bool:
        """Whether the prompt never says anything."""
        read = [reading for branch in self.blend for reading in self.lines[branch] if reading]
        return not any(text for reading in read for text in reading.texts)

    @property
    def calls(self) -> Calls:
        """How guidance evaluates its branches: a blend has a call of its own."""
        return "together" if len(self.blend) == 1 else "apart"

    def told(self, branch: str, condition: Callable[[Reading | None, bool], Any]) -> Any:
        """A branch's conditioning: where nothing changes as `condition` makes it, else a `Timeline` of such.

        condition: of what is read, and whether in the drawing style.
        """
        if branch == "cond":
            each = [self._told(name, condition) for name in self.blend]
            return each[0] if len(each) == 1 else Blended(tuple(each), tuple(self.blend.values()))
        return self._told(branch, condition)

    def _told(self, branch: str, condition: Callable[[Reading | None, bool], Any]) -> Any:
        line = self._line(branch)
        if not self.changes:
            return condition(*line[0])
        each = list(dict.fromkeys(line))
        return Timeline(tuple(starmap(condition, each)), tuple(map(each.index, line)), self.times)

    def _line(self, branch: str) -> list[tuple[Reading | None, bool]]:
        """What a branch is told at each step: what it reads, and whether in the drawing style."""
        styled = self.prompts[branch].styled
        return [(reading, styled and k >= self.unstyled) for k, reading in enumerate(self.lines[branch])]

    def leaf(self, denoiser: Denoiser[Any]) -> Denoiser[Any]:
        """The leaf that takes what `told` gives."""
        timed: Denoiser[Any] = ByTime(denoiser) if self.changes else denoiser
        return timed if len(self.blend) == 1 else Blending(timed)

    def pieces(self, conditioner: TextConditioner) -> Iterator[str]:
        """The word pieces and letters that have no number. Raises InvalidOption for a prompt that is too long."""
        for line in self.lines.values():
            for reading in dict.fromkeys(line):
                yield from () if reading is None else conditioner.report(reading).ignored


def make_request(prompt: str | Request, options: Mapping[str, Any]) -> Request:
    """A request from a prompt and options by name; a whole request may be given, whose fields the options replace.

    What the prompt says of options, as flags and `<lora:name:0.8>`, becomes options, but no file that it names is read.
    """
    if isinstance(prompt, Request):
        own = prompt.to_json_dict()
        if isinstance(prompt.grid, tuple) and "grid" in options:
            del own["steps"]  # they were those of its grid
        options = {**own, **options}
        prompt = str(options["prompt"])
    check_text("prompt", prompt)
    found = lifted(prompt, options)
    if (file := found.get("style_ref")) != options.get("style_ref"):
        raise InvalidOption(f"The prompt has --sref {file}, and only commands read files; give the picture: style_ref.")
    return Request.from_json_dict(found)


def script_of(
    guidance: Guidance,
    grid: TimeGrid,
    further: Mapping[str, Prompt] = MappingProxyType({}),
    blend: Mapping[str, float] = ALONE,
    style_start: float | None = None,
) -> Script:
    """The script of a request's guidance, and of further prompts that edits read, over its grid; `blend` as there.

    On one that jumps back, times that come again read the same. style_start: steps that begin above are not told the
    drawing style, but the last is.

    Step k of the K different times where a denoising move begins reads what `readings(part, K)[k]` says.
    """
    starts = sorted({move.t for move in grid if isinstance(move, Denoise)}, reverse=True)
    count = max(1, len(starts))
    prompts = {**guidance.read, **further}
    lines = {name: _line(prompt, count) for name, prompt in prompts.items()}
    unstyled = 0 if style_start is None else sum(t > style_start for t in starts[:-1])
    return Script(prompts, lines, tuple(starts[1:]), blend, unstyled)


def unheard(script: Script, prompt: str) -> Iterator[str]:
    """The texts that no step reads, the flags without a meaning, and the wildcards that are read as they stand."""
    steps = len(script.times) + 1
    for one in script.prompts.values():
        for text, (begin, end) in () if one.part is None else never_read(one.part, steps):
            count = f"{steps} step{'s' if steps > 1 else ''}"
            yield f"{one.source[begin:end]}: {text!r} is never reached with {count}"
    for flag in parse(prompt).flags:
        record = FLAGS[flag.name]
        why = "only a prompt that is given as a text has it" if record.meaning else "it has no meaning here"
        why += f"; {record.instead}" if record.instead else ""
        yield f"{f'--{flag.name} {flag.value}'.rstrip()}: {why}"
    for name in wildcards(prompt):
        yield f"__{name}__: read as it stands; mezzotint imagine --wildcards puts a line of {name}.txt in its place"


def _line(prompt: Prompt, steps: int) -> tuple[Reading | None, ...]:
    return (None,) * steps if prompt.part is None else readings(prompt.part, steps)
