"""What a request gets that leaves it open, and in which drawing style it is drawn if it names none."""

import re
from dataclasses import replace

from mezzotint.conditioning.letters import quoted
from mezzotint.model import Model
from mezzotint.request import Request

__all__ = ["NO_STYLE", "plain_style", "usual"]

NO_STYLE = "none"
"""A request's style if it wants none, also of a model that has a usual one."""


def usual(request: Request, model: Model) -> Request:
    """The model's defaults for this request: DDIM to draw what DDIM inverted; and where something else says how things
    are to look, no drawing style. That is a picture or a LoRA that is drawn after, letters in quotation marks (no
    drawing style has any), a style named in words, and a word that the model knows in other styles only (`Model.open`).
    """
    defaults = replace(model.defaults, solver="ddim") if request.invert else model.defaults
    if defaults.style is None or not _look_is_said(request, model):
        return defaults
    return replace(defaults, style=None)


def plain_style(request: Request, model: Model) -> Request:
    """A resolved request, whose style is "none" only where that is not what a model draws in anyway, so that a recipe
    that says none draws the same again."""
    return replace(request, style=None) if request.style == NO_STYLE and model.defaults.style is None else request


def _look_is_said(request: Request, model: Model) -> bool:
    pictures = request.image, request.style_ref, request.image_ref
    if request.lora or any(picture is not None for picture in pictures):
        return True
    parts = (*request.also, *request.blend)
    texts = [request.prompt, *(text for text, _ in parts)]
    texts += [text for _, text in (*request.region, *request.region_masks, *request.detail)]
    spells = model.conditioner.letters is not None
    return any(_says_look(text, model, spells) for text in texts)


def _says_look(text: str, model: Model, spells: bool) -> bool:
    words = re.findall(r"\w+", text.lower())
    if spells and quoted(text):
        return True
    said = f" {' '.join(words)} "
    named = (style.replace("-", " ") for style in model.conditioner.styles)
    # "a sharp knife" asks for no style, though one has this name
    return (
        "style" in words
        or any(f" {name} " in said for name in named if " " in name)
        or not model.open.isdisjoint(words)
    )
