"""Find prompt and settings in the graph that ComfyUI stores as JSON in the PNG text "prompt". Nothing is executed.

Sources: the node classes in its `nodes.py`, `comfy_extras/nodes_custom_sampler.py` and `comfy_extras/nodes_flux.py`.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mezzotint.provenance.jsontext import text_of

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
PARTS = ("noise", "guider", "sampler", "sigmas")
"""Inputs of a custom sampler, whose nodes have what the plain one has itself."""
TEXTS = ("text", "text_g", "text_l", "t5xxl", "clip_l", "prompt", "string", "value")
"""Inputs of nodes that read a prompt or hold a text."""
NUMBERS = ("value", "seed", "noise_seed", "int", "float", "number")
"""Inputs of nodes that hold a number for others."""
ELSEWHERE = {"vae_name": "vae", "stop_at_clip_layer": "stop_at_clip_layer", "control_net_name": "control_net_name"}
"""Inputs of any node that say something of the picture, and what they are called."""
READ = frozenset(
    {
        *("KSampler", "KSamplerAdvanced", "SamplerCustom", "SamplerCustomAdvanced", "KSamplerSelect", "BasicScheduler"),
        *("RandomNoise", "BasicGuider", "CFGGuider", "CLIPTextEncode", "CLIPTextEncodeFlux", "CLIPTextEncodeSDXL"),
        *("FluxGuidance", "RescaleCFG", "CheckpointLoaderSimple", "UNETLoader", "VAELoader", "VAEDecode", "CLIPLoader"),
        *("DualCLIPLoader", "TripleCLIPLoader", "CLIPSetLastLayer", "LoraLoader", "LoraLoaderModelOnly"),
        *("EmptyLatentImage", "EmptySD3LatentImage", "SaveImage", "PreviewImage", "Note", "MarkdownNote"),
    }
)
"""Classes of nodes of which nothing is lost that makes the picture. Those that hold a text or a number are read too."""
MAX_NAMES = 20
MAX_LINKS = 64
MAX_LORAS = 32
_Nodes = Mapping[str, Mapping[str, Any]]


def read_graph(text: str) -> dict[str, str]:
    """Option names and values as text, of the first node that has a seed and steps; empty if there is none.

    The nodes of a custom sampler count as one. What has no counterpart here keeps its own key.
    """
    try:
        graph = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(graph, Mapping):
        return {}
    nodes = {str(key): node["inputs"] for key, node in graph.items() if _is_node(node)}
    sampler = next(_samplers(nodes), None)
    if sampler is None:
        return {}
    found: dict[str, str] = {}
    for own, ours in (("positive", "prompt"), ("negative", "negative")):
        words = _texts(nodes, sampler.get(own), TEXTS, own)
        found |= {ours: words[0]} if words else {}
        found |= {f"further_{ours}": " | ".join(words[1:])} if len(words) > 1 else {}
    for own, ours in FIELDS.items():
        value = _held(nodes, sampler.get(own))
        if isinstance(value, int | float | str):
            found.setdefault(ours, str(value))
    model = _texts(nodes, sampler.get("model"), ("ckpt_name", "unet_name"), "model")
    found |= {"model": model[0]} if model else {}
    if "prompt" not in found:
        found["no_prompt"] = "could be read from the graph"
    return found | _size(nodes, sampler) | _elsewhere(nodes, graph) | _unread(graph)


def _is_node(node: object) -> bool:
    return isinstance(node, Mapping) and isinstance(node.get("inputs"), Mapping)


def _samplers(nodes: _Nodes) -> Iterator[dict[str, Any]]:
    """The inputs of each node that samples; of a custom one, with those of the nodes that it is put together from."""
    for inputs in nodes.values():
        parts = [_node(nodes, inputs.get(name)) for name in PARTS if name in inputs]
        joined = {key: value for part in parts for key, value in part.items()} | dict(inputs)
        if "steps" in joined and {"seed", "noise_seed"} & joined.keys():
            joined.setdefault("positive", joined.get("conditioning"))  # of a guider without a negative prompt
            yield joined


def _node(nodes: _Nodes, link: object) -> Mapping[str, Any]:
    """The inputs of the node that a link = [node, output] leads to; none if it leads nowhere."""
    return nodes.get(str(link[0]), {}) if isinstance(link, list) and link else {}


def _held(nodes: _Nodes, value: object) -> object:
    """A value, or that of the node that holds it."""
    node = _node(nodes, value)
    held = next((node[name] for name in NUMBERS if isinstance(node.get(name), int | float | str)), None)
    return held if isinstance(value, list) else value


def _size(nodes: _Nodes, sampler: Mapping[str, Any]) -> dict[str, str]:
    latents = _node(nodes, sampler.get("latent_image"))
    width, height = (_held(nodes, latents.get(side)) for side in ("width", "height"))
    return {"size": f"{width}x{height}"} if isinstance(width, int) and isinstance(height, int) else {}


def _elsewhere(nodes: _Nodes, graph: Mapping[Any, Any]) -> dict[str, str]:
    """What nodes besides the sampler say: LoRAs, VAE, control, rescaled and distilled guidance."""
    found: dict[str, str] = {}
    loras: list[str] = []
    for key, inputs in nodes.items():
        if isinstance(inputs.get("lora_name"), str) and len(loras) < MAX_LORAS:
            loras.append(":".join(filter(None, (inputs["lora_name"], text_of(inputs.get("strength_model"))))))
        for own, ours in ELSEWHERE.items():
            if isinstance(inputs.get(own), int | str):
                found.setdefault(ours, str(inputs[own]))
        kind = graph[key].get("class_type") if key in graph else None
        for name, own, ours in (
            ("RescaleCFG", "multiplier", "cfg_rescale"),
            ("FluxGuidance", "guidance", "distilled_guidance"),
        ):
            if kind == name and isinstance(inputs.get(own), int | float):
                found.setdefault(ours, str(inputs[own]))
    return found | ({"loras": ", ".join(loras)} if loras else {})


def _unread(graph: Mapping[Any, Any]) -> dict[str, str]:
    """The classes of nodes that are neither read nor hold a text or a number for others."""
    names: list[str] = []
    for node in graph.values():
        kind = node.get("class_type") if _is_node(node) else None
        if (
            isinstance(kind, str)
            and kind not in READ
            and not any(name in node["inputs"] for name in (*TEXTS, *NUMBERS))
        ):
            names.append(kind)
    return {"nodes": ", ".join(sorted(set(names))[:MAX_NAMES])} if names else {}


def _texts(nodes: _Nodes, link: object, names: tuple[str, ...], via: str) -> list[str]:
    """The text inputs of `names` of the nodes that a link leads to, through nodes that only pass it on, each once.

    A node with an input `via` of its own (one that alters "positive" and "negative" together) is left by that one.
    """
    queue, found = [link], list[str]()
    for _ in range(MAX_LINKS):
        if not queue:
            break
        inputs = _node(nodes, queue.pop(0))
        held = [str(inputs[name]) for name in names if isinstance(inputs.get(name), str)]
        found = list(dict.fromkeys((*found, *held)))
        if held:  # what leads into it is no text of its own
            continue
        ways = [inputs[via]] if via in inputs else inputs.values()
        queue += [way for way in ways if isinstance(way, list)]
    return found
