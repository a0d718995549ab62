"""What a request gets that leaves it open, and in which drawing style it is drawn if it names none."""

import re
from dataclasses import replace

from mezzotint.conditioning.letters import quoted
from mezzotint.guiding import until_chaos
from mezzotint.model import Model
from mezzotint.request import NO_STYLE, Request

__all__ = ["plain_style", "styled_from", "usual", "with_style_start"]

_OPENS = re.compile(r"(?<!\d)[\"“„«‘]|(?<!\w)'")
"""A quotation mark that may open; one right after a digit is a unit, as in 8"."""


def usual(request: Request, model: Model) -> Request:
    """The model's defaults for this request: DDIM to draw what DDIM inverted; and where something else says how things
    are to look, the style "none". That is a picture or a LoRA that is drawn after, letters in quotation marks (no
    drawing style has any), a style named in words, and a word that the model knows in other styles only (`Model.open`).
    Of a picture that is edited at strength 1 nothing is left to draw after, unless more of it is asked for.
    A tile is a pattern, and drawing styles are of single things.
    What has no weight or no strength says nothing.
    """
    defaults = replace(model.defaults, solver="ddim") if request.invert else model.defaults
    if defaults.style is None or not _look_is_said(request, model):
        return defaults
    return replace(defaults, style=NO_STYLE)


def plain_style(request: Request, model: Model) -> Request:
    """A resolved request, whose style is "none" only where that is not what a model draws in anyway, so that a recipe
    that says none draws the same again."""
    return replace(request, style=None) if request.style == NO_STYLE and model.defaults.style is None else request


def styled_from(request: Request) -> float | None:
    """The time from which on a resolved request is told its style; None where it is always, or has none."""
    return request.style_start if request.styled else None


def with_style_start(request: Request, asked: Request, theirs: Request) -> Request:
    """A request whose style is decided, with the time from which on it is told: as `asked`, or of a style that was left
    open as the model's defaults `theirs` have it; with chaos no earlier than guidance begins to act (`until_chaos`)."""
    if asked.style is not None or asked.style_start is not None or not request.styled or request.steps == 1:
        return request
    starts = [theirs.style_start] if theirs.style_start is not None else []
    starts += [until_chaos(asked.chaos)] if asked.chaos else []
    return replace(request, style_start=min(starts, default=None))


def _look_is_said(request: Request, model: Model) -> bool:
    names = "style", "image", "structure"
    references = ((getattr(request, f"{name}_ref"), getattr(request, f"{name}_weight")) for name in names)
    if request.image is not None and not _drawn_anew(request):
        return True
    if any(digest is not None and weight != 0 for digest, weight in references):
        return True
    if request.tile is not None:
        return True
    if any(strength for _, strength in request.lora):
        return True
    texts = [request.prompt]
    texts += [text for text, weight in (*request.also, *request.blend) if weight > 0]
    texts += [text for _, text in (*request.region, *request.region_masks)]
    texts += [text for _, text in request.detail if request.detail_strength != 0]
    spells = model.conditioner.letters is not None
    return any(_says_look(text, model, spells) for text in texts)


def _drawn_anew(request: Request) -> bool:
    """Whether a picture that is edited is drawn from pure noise, all of it, so that it is what its prompt gives."""
    kept = request.mask is not None or request.invert or bool(request.keep_layout)
    around = request.drawn_around or request.aspect is not None
    return request.strength == 1 and not kept and not around


def _says_look(text: str, model: Model, spells: bool) -> bool:
    if spells and quoted(text) and _OPENS.search(text):
        return True
    words = re.findall(r"\w+", text.lower())
    # "a sharp knife" and "a big smile" ask for no style, though styles have these names
    return "style" in words or " pixel art " in f" {' '.join(words)} " or not model.open.isdisjoint(words)
