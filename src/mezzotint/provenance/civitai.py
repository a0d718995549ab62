"""Find what Civitai adds: resources in an A1111 text, and "extraMetadata" beside the graph of ComfyUI.

Its lines of pairs hold JSON without quotes around it, `Civitai resources: [{"type":"checkpoint",…}]`, which A1111's
own grammar (`infotext`) takes apart at every comma; so does "Hashes" with several entries. JSON is taken out first.
Source: the readers of Civitai, `utils/metadata/automatic.metadata.ts` and `comfy.metadata.ts` of github.com/civitai.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from mezzotint.provenance.jsontext import object_of, text_of, texts_of

__all__ = ["read_extra", "take_json", "with_resources"]

FIELDS = {"negativePrompt": "negative", "cfgScale": "guidance", "sampler": "solver", "denoise": "strength"}
"""Keys of extraMetadata under our option names; prompt, seed and steps are the same words."""
RESOURCES = "Civitai resources"
PAIR = re.compile(r"(?:^|, *)(\w[\w \-/]+): *(?=[\[{])")
MOST = 16
"""JSON values that are taken out of a line."""


def take_json(text: str) -> tuple[str, dict[str, Any]]:
    """A text without the pairs of its last line whose value is JSON, and these by their keys."""
    head, newline, line = text.rstrip().rpartition("\n")
    decoder, found, at = json.JSONDecoder(), dict[str, Any](), 0
    for _ in range(MOST):
        if (pair := PAIR.search(line, at)) is None:
            break
        try:
            value, end = decoder.raw_decode(line, pair.end())
        except (ValueError, RecursionError):
            at = pair.end()
            continue
        found[pair[1]] = value
        line = line[: pair.start()] + line[end:]
        at = pair.start()
    return f"{head}{newline}{line.removeprefix(', ')}", found


def with_resources(found: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, str]:
    """The pairs of a text with its JSON values as text; a checkpoint among the resources is the model."""
    told = dict(found)
    for key, value in values.items():
        told[key] = _resources(value) if key == RESOURCES and isinstance(value, list) else _compact(value)
    resources = values.get(RESOURCES)
    for one in resources if isinstance(resources, list) else ():
        if isinstance(one, dict) and one.get("type") == "checkpoint" and one.get("modelName"):
            told.setdefault("model", text_of(one["modelName"]))
    return {key: value for key, value in told.items() if value or key in found}


def read_extra(texts: Mapping[str, str]) -> dict[str, str]:
    """What "extraMetadata" says, under our option names where they mean the same; empty if there is none."""
    values = object_of(texts.get("extraMetadata"))
    if "prompt" not in values:
        return {}
    resources = values.pop("resources", None)
    if isinstance(resources, list):
        values[RESOURCES] = _resources(resources)
    return texts_of(values, FIELDS)


def _compact(value: Any) -> str:
    return "" if value in ([], {}) else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _resources(values: list[Any]) -> str:
    """type, name, version, number and weight of each."""
    told = []
    for one in values:
        if not isinstance(one, dict):
            continue
        names = (text_of(one.get(key)) for key in ("type", "modelName", "modelVersionName"))
        number, weight = (text_of(one.get(key)) for key in ("modelVersionId", "weight"))
        weight = weight or text_of(one.get("strength"))
        facts = [fact for fact in (number and f"number {number}", weight and f"weight {weight}") if fact]
        told.append(" ".join(filter(None, (*names, f"({', '.join(facts)})" if facts else ""))))
    return "; ".join(told)
