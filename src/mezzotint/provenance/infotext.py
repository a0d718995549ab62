"""The "parameters" text that the AUTOMATIC1111 web UI writes into pictures, and many programs read.

    infotext = prompt [LF "Negative prompt: " negative] LF pairs
    pairs    = pair *(", " pair)
    pair     = key ": " value
    value    = text without "," ":" LF  |  JSON string

Source: `modules/infotext_utils.py` and `processing.create_infotext` of that program. A reader takes the last line as
pairs only if at least three pairs are found in it. The text is not lossless: a prompt line that begins with
"Negative prompt:" ends the prompt, and blanks around lines are lost. The pairs always survive. Our JSON chunk is the
truth; this one is for other programs.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mezzotint.foreign import theirs
from mezzotint.recipe import Recipe
from mezzotint.request import Request
from mezzotint.spec import Spec

__all__ = ["Infotext", "format_infotext", "infotext_of", "parse_infotext"]

NEGATIVE = "Negative prompt:"
SIZE = re.compile(r"^(\d+)x(\d+)$")
KEY_TAIL = re.compile(r"[\w \-/]*")
WORD = re.compile(r"\w")
QUOTED = re.compile(r'("(?:\\.|[^\\"])+")(?:,|$)')
PLAIN = re.compile(r"([^,]*)(?:,|$)")
BLANKS = re.compile(r"\s*")


@dataclass(frozen=True)
class Infotext:
    """A parsed text. A value such as `Size: 64x48` appears as the pairs `Size-1`, `Size-2`, as in the original."""

    prompt: str
    negative: str = ""
    pairs: Mapping[str, str] = field(default_factory=dict)


def infotext_of(recipe: Recipe) -> str:
    """The text for one picture. `Steps` leads the pairs, which is how Civitai knows them."""
    request = recipe.request
    assert request.size is not None
    assert request.solver is not None
    assert request.guidance is not None
    solver = Spec.parse("solver", request.solver)
    model_hash = recipe.weights_sha256[:10]
    pairs = {
        "Steps": str(request.steps),
        "Sampler": _sampler(solver),
        "Schedule type": request.grid if isinstance(request.grid, str) else ", ".join(map(str, request.grid or ())),
        "CFG scale": repr(request.guidance).removesuffix(".0"),
        "Seed": str(request.seed),
        "Size": f"{request.size[0]}x{request.size[1]}",
        "Model hash": model_hash,
        "Model": request.model,
    }
    eta = dict(solver.options).get("eta", request.eta)
    if eta is not None:
        pairs["Eta DDIM" if solver.name == "ddim" else "Eta"] = str(eta).removesuffix(".0")
    if request.upscaler is not None and request.upscale_to is not None:  # there too, Size is that of the first pass
        pairs |= {"Hires resize": "x".join(map(str, request.upscale_to)), "Hires upscaler": request.upscaler}
    if request.guidance_methods:
        pairs["Guidance methods"] = ", ".join(request.guidance_methods)
    if request.lora:
        pairs["LoRA"] = ", ".join(f"{name}:{strength:g}" for name, strength in request.lora)
    if request.style is not None:
        pairs["Style"] = request.style
    # A dictionary, not text: it is written without the quotes of a JSON string, and with one entry it has no comma
    hashes = f'Hashes: {{"model": "{model_hash}"}}'
    version = f"Version: mezzotint {recipe.environment.mezzotint}"
    return f"{format_infotext(_prompt(request), request.negative, pairs)}, {hashes}, {version}"


def _sampler(solver: Spec) -> str:
    """Their first name for it, with its options if they have one for that; a solver that they lack keeps our name."""
    options = {key: value for key, value in solver.options if key != "eta"}  # eta has a pair of its own
    names = theirs("a1111", solver.name, options=options) or theirs("a1111", solver.name)
    return names[0] if names else solver.name


def _prompt(request: Request) -> str:
    """The prompt, with the further ones where the program has the same: "a AND b :w" is composable guidance there."""
    if any(method.startswith("perp-neg") for method in request.guidance_methods):
        return request.asked
    return "".join([request.asked, *(f" AND {text} :{weight:g}" for text, weight in request.also)])


def format_infotext(prompt: str, negative: str, pairs: Mapping[str, str]) -> str:
    """The text for a prompt, a negative prompt and at least three pairs. NUL, which PNG forbids, becomes U+FFFD."""
    assert len(pairs) >= 3, "a reader does not take fewer than three pairs for pairs"
    line = ", ".join(f"{key}: {_quote(value)}" for key, value in pairs.items())
    head = prompt + (f"\n{NEGATIVE} {negative}" if negative else "")
    return f"{head}\n{line}".strip().replace("\0", "\ufffd")


def parse_infotext(text: str) -> Infotext:
    """What the original's `parse_generation_parameters` finds, in linear time for any text."""
    *lines, last = text.strip().split("\n")
    found = list(_pairs(last))
    if len(found) < 3:
        lines.append(last)
        found = []
    prompt: list[str] = []
    negative: list[str] = []
    part = prompt
    for raw in lines:
        line = raw.strip()
        if line.startswith(NEGATIVE):
            part = negative
            line = line[len(NEGATIVE) :].strip()
        if part or line:  # blank lines before the first word are dropped
            part.append(line)
    pairs: dict[str, str] = {}
    for key, value in found:
        if not value:
            continue
        plain = _unquote(value)
        if size := SIZE.match(plain):
            pairs[f"{key}-1"], pairs[f"{key}-2"] = size.groups()
        else:
            pairs[key] = plain
    return Infotext("\n".join(prompt), "\n".join(negative), pairs)


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    r"""All matches of the original's pattern `\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)` in `line`.

    That pattern takes quadratic time on a long line without a colon. Here each colon is found first and its key is
    read backwards from it, so that every character is looked at a fixed number of times.
    """
    start = 0  # where the next match may begin
    while (colon := line.find(":", start)) >= 0:
        tail = KEY_TAIL.match(line[start:colon][::-1])
        assert tail is not None, "the pattern matches the empty text"
        run = tail[0][::-1]
        first = WORD.search(run)
        if first is None or len(run) - first.start() < 2:
            start = colon + 1  # a key holds no colon, so the next one begins behind this
            continue
        blanks = BLANKS.match(line, colon + 1)
        assert blanks is not None, "the pattern matches the empty text"
        value = QUOTED.match(line, blanks.end()) or PLAIN.match(line, blanks.end())
        assert value is not None, "the plain pattern always matches"
        yield run[first.start() :], value[1]
        start = value.end()


def _quote(value: str) -> str:
    """`value`, as a JSON string if it holds a character of the grammar."""
    return json.dumps(value, ensure_ascii=False) if any(c in value for c in ",:\n") else value


def _unquote(value: str) -> str:
    """The inverse of `_quote`. What looks quoted and is not JSON stays as it is."""
    if value[0] != '"' or value[-1] != '"':
        return value
    try:
        plain = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return plain if isinstance(plain, str) else value
