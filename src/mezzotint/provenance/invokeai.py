"""Find the settings that InvokeAI stores as JSON in the PNG texts "invokeai_metadata" and, before 3.0, "sd-metadata".

Sources: `CoreMetadataInvocation` in its `invokeai/app/invocations/metadata.py`, and for the older form
`parameters_to_generated_image_metadata` in the web server of version 2.
"""

import re
from collections.abc import Mapping
from typing import Any

from mezzotint.provenance.jsontext import object_of, text_of, texts_of

__all__ = ["read_invokeai"]

FIELDS = {
    "positive_prompt": "prompt",
    "negative_prompt": "negative",
    "cfg_scale": "guidance",
    "scheduler": "solver",
    "sampler": "solver",
}
"""Their keys under our option names; seed, steps and strength are the same words."""
BRACKETS = re.compile(r"\[([^\[\]]*)\]")


def read_invokeai(texts: Mapping[str, str]) -> dict[str, str]:
    """Option names and values as text; what has no counterpart here keeps its own key. Empty if there is nothing."""
    if values := object_of(texts.get("invokeai_metadata")):
        return _current(values)
    values = object_of(texts.get("sd-metadata") or texts.get("Sd-metadata"))
    return _before_3(values) if isinstance(values.get("image"), dict) else {}


def _current(values: dict[str, Any]) -> dict[str, str]:
    values = {**values, "model": _name(values.get("model")), "vae": _name(values.get("vae"))}
    loras = values.get("loras")
    if isinstance(loras, list):
        values["loras"] = ", ".join(filter(None, map(_lora, loras)))
    return texts_of(values, FIELDS)


def _name(model: Any) -> Any:
    """A model's name, which has been called so and `model_name`."""
    if isinstance(model, dict):
        return model.get("name") or model.get("model_name") or model
    return model


def _lora(item: Any) -> str:
    """name:strength."""
    if not isinstance(item, dict):
        return ""
    name = text_of(_name(item.get("model") or item.get("lora")))
    return f"{name}:{text_of(item.get('weight')) or '1'}" if name else ""


def _before_3(values: dict[str, Any]) -> dict[str, str]:
    image, rest = dict(values["image"]), {key: value for key, value in values.items() if key != "image"}
    prompt = image.pop("prompt", "")
    if isinstance(prompt, list):
        parts = [part for part in prompt if isinstance(part, dict)]
        weights = [part.get("weight", 1) for part in parts]
        whole = [text_of(part.get("prompt")) for part in parts]
        if any(weight != 1 for weight in weights):
            whole = [f"{text}:{text_of(weight)}" for text, weight in zip(whole, weights, strict=True)]
        prompt = " ".join(whole)
    prompt = text_of(prompt)
    negative = ", ".join(BRACKETS.findall(prompt))  # then, what stands in brackets was the negative prompt
    rest["model"] = rest.pop("model_weights", None) or rest.get("model")
    told = {"prompt": " ".join(BRACKETS.sub("", prompt).split()), "negative": negative}
    return texts_of({**told, **image, **rest}, FIELDS)
