"""From what a prompt says about options, flags and `<lora:name:0.8>`, to the options."""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from mezzotint.conditioning.prompt.flags import FLAGS, split_flags
from mezzotint.conditioning.prompt.scan import NUMBER, complaint, unescaped_matches
from mezzotint.conditioning.prompt.tree import Flag
from mezzotint.errors import InvalidOption
from mezzotint.options import listed
from mezzotint.request import Request

__all__ = ["lifted"]

_LORA = rf"<lora:(?P<name>[^:<>]+)(?::(?P<strength>{NUMBER}))?>"
_OPTION = {
    "no": "negative", "repeat": "n", "raw": "style", "ar": "aspect",
    "sref": "style_ref", "sw": "style_weight", "iw": "image_weight",
}  # fmt: skip
_WEIGHTS = {"sw": (1000, 100, 1.0), "iw": (3, 1, 0.5)}
"""Of Midjourney's weights: the greatest one, its usual one, and what that is here: the weight that a reference has
unless asked otherwise."""
_USUAL = {item.name: listed(item.default) for item in fields(Request)}


def lifted(prompt: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, with those that the prompt states, and `prompt` without them.

    Flags that have no meaning here stay in the prompt. --no joins the negative prompt, LoRAs those that are given.
    What --sref names is the file as it was written: a prompt is text, and whoever may read files reads it.
    An option whose value is the usual one of a `Request` counts as not given, so that both may be. Raises InvalidOption
    for what is given twice, and for numbers that are none.
    """
    found = {name: value for name, value in options.items() if name != "prompt"}
    body, flags = split_flags(prompt)
    body, loras = _loras(body)
    if loras:
        found["lora"] = [*found.get("lora", ()), *loras]
    kept = []
    for flag in flags:
        if not FLAGS[flag.name].meaning:
            kept.append(f"--{flag.name} {flag.value}".rstrip())
            continue
        name, value = _OPTION.get(flag.name, flag.name), _value(flag)
        if name == "negative":
            value = ", ".join(filter(None, (str(found.get("negative", "")), str(value))))
        elif name in found and listed(found[name]) not in (None, _USUAL[name]):
            raise InvalidOption(f"{name} is given twice: by --{flag.name} in the prompt, and beside it; give it once.")
        found[name] = value
    return {"prompt": " ".join(filter(None, (body.strip() if flags or loras else body, *kept))), **found}


def _loras(text: str) -> tuple[str, list[list[Any]]]:
    """A text without its LoRAs, and these with their strengths."""
    kept, found, at = "", [], 0
    for match in unescaped_matches(_LORA, text):
        found.append([match["name"].strip(), float(match["strength"] or 1)])
        before = text[at : match.start()]
        kept += before.rstrip() if text[match.end() :].strip() == "" else before
        at = match.end()
        if kept[-1:].isspace() or not kept:
            at += len(text[at:]) - len(text[at:].lstrip())
    names = [name for name, _ in found]
    for name in names:
        if names.count(name) > 1:
            raise InvalidOption(f"The prompt has the LoRA {name} twice; give it once.")
    if hit := next(unescaped_matches(r"<lora\b", kept + text[at:]), None):
        raise complaint(kept + text[at:], hit.start(), "a LoRA that is not written as <lora:NAME:STRENGTH>")
    return kept + text[at:], found


def _value(flag: Flag) -> Any:
    """What a flag's text is as the value of an option."""
    match flag.name:
        case "no":
            return flag.value
        case "style" | "raw":
            return "none" if flag.value in ("raw", "") else flag.value
        case "tile":
            return "both"
        case "ar":
            width, height = map(int, re.findall(r"\d+", flag.value))
            if not width or not height:
                raise InvalidOption(f"--ar is {flag.value}; it must be two whole numbers above 0, such as 3:2.")
            return [width, height]
        case "sref":
            if "://" in flag.value:
                raise InvalidOption(f"--sref is {flag.value}; it must be a file here, so fetch the picture first.")
            return flag.value
        case "sw" | "iw":
            most, normal, weight = _WEIGHTS[flag.name]
            if not 0 <= (number := float(flag.value)) <= most:
                raise InvalidOption(f"--{flag.name} is {flag.value}; it must be from 0 to {most}, {normal} as usual.")
            return weight * number / normal
        case "stop":
            if not 10 <= (percent := float(flag.value)) <= 100:
                raise InvalidOption(f"--stop is {flag.value}; it must be from 10 to 100.")
            return percent / 100
        case _:
            if not re.fullmatch(r"\d+", flag.value):
                raise InvalidOption(f"--{flag.name} is {flag.value}; it must be a whole number.")
            return int(flag.value)
