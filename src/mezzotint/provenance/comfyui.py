"""Find prompt and settings in the graph that ComfyUI stores as JSON in the PNG text "prompt". Nothing is executed."""

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["read_graph"]

FIELDS = {
    "seed": "seed",
    "noise_seed": "seed",
    "steps": "steps",
    "cfg": "guidance",
    "sampler_name": "solver",
    "scheduler": "grid",
    "denoise": "strength",
}
"""Inputs of its sampler nodes under our option names."""
MAX_LINKS = 64


def read_graph(text: str) -> dict[str, str]:
    """Option names and values as text, of the first node that has a seed and steps; empty if there is none."""
    try:
        graph = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(graph, Mapping):
        return {}
    nodes = {str(key): node["inputs"] for key, node in graph.items() if _is_node(node)}
    samplers = (inputs for inputs in nodes.values() if "steps" in inputs and {"seed", "noise_seed"} & inputs.keys())
    sampler = next(samplers, None)
    if sampler is None:
        return {}
    found: dict[str, str] = {}
    for own, ours in (("positive", "prompt"), ("negative", "negative")):
        words = _follow(nodes, sampler.get(own), "text", own)
        if words is not None:
            found[ours] = words
    for own, ours in FIELDS.items():
        if isinstance(sampler.get(own), int | float | str):
            found.setdefault(ours, str(sampler[own]))
    model = _follow(nodes, sampler.get("model"), "ckpt_name", "model")
    if model is not None:
        found["model"] = model
    return found


def _is_node(node: object) -> bool:
    return isinstance(node, Mapping) and isinstance(node.get("inputs"), Mapping)


def _follow(nodes: Mapping[str, Mapping[str, Any]], link: object, name: str, via: str) -> str | None:
    """The text input `name` of the node that `link` = [node, output] leads to, through nodes that only pass it on.

    A node with an input `via` of its own (one that alters "positive" and "negative" together) is left by that one.
    """
    queue = [link]
    for _ in range(MAX_LINKS):
        if not queue:
            return None
        here = queue.pop(0)
        if not isinstance(here, list) or not here or str(here[0]) not in nodes:
            continue
        inputs = nodes[str(here[0])]
        if isinstance(inputs.get(name), str):
            return str(inputs[name])
        ways = [inputs[via]] if via in inputs else inputs.values()
        queue += [way for way in ways if isinstance(way, list)]
    return None
