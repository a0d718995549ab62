"""How a prompt is understood by a model, as plain data: its tree, what each step reads, its word pieces, its flags."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from mezzotint.conditioning.prompt import (
    FLAGS,
    Alternate,
    Item,
    Items,
    Part,
    Reading,
    Switch,
    Weighted,
    Words,
    lifted,
    parse,
    split_flags,
    written,
)
from mezzotint.errors import InvalidCheckpoint, InvalidOption
from mezzotint.request import Request

if TYPE_CHECKING:
    from mezzotint.pipeline import Pipeline

__all__ = ["lines", "understood"]

_REFERENCES = ("style_ref", "style_weight", "image_weight")


def understood(pipe: "Pipeline", text: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """What a text says, together with options by name. Positions count characters of `prompt`, from 0; `refused` are
    the sentences for LoRAs that cannot be drawn with, which do not change how a prompt is read.

    Raises InvalidOption for what cannot be read, and for options that the model has not.
    """
    asked = lifted(text, options)
    # no reference changes how a prompt is read, and no file is needed to say so
    request = Request.from_json_dict({name: value for name, value in asked.items() if name not in _REFERENCES})
    request, refused = _with_loras_there(pipe, request)
    resolved = pipe.adapted(request).resolve(request)
    script, parsed = pipe.script(resolved), parse(resolved.prompt)
    shown = {name: line for name, line in script.lines.items() if script.prompts[name].source or name == "cond"}
    return {
        "prompt": resolved.prompt,
        "canonical": written(parsed),
        "parts": [
            {"weight": weight, "chunks": [_tree(chunk) for chunk in part.chunks], **_place(part)}
            for part, weight in zip(parsed.parts, parsed.weights, strict=True)
        ],
        "options": {name: value for name, value in asked.items() if name != "prompt" and name not in options},
        "flags": [
            {"name": flag.name, "value": flag.value, "meaning": FLAGS[flag.name].meaning}
            for flag in split_flags(text)[1]
        ],
        "steps": len(script.times) + 1,
        "reads": {name: list(_spells(pipe, line)) for name, line in shown.items()},
        "text_encoders": [{"sha256": pipe.model.text_encoder_sha256, "sentence": pipe.model.conditioner.length}],
        "ignored": list(pipe.ignored(resolved)),
        "refused": refused,
    }


def _with_loras_there(pipe: "Pipeline", request: Request) -> tuple[Request, list[str]]:
    """The request with those of its LoRAs that it could be drawn with, and why it could not with each other one."""
    there, refused = request.lora, []
    for one in request.lora:
        try:
            pipe.adapted(replace(request, lora=(one,)))
        except (InvalidOption, InvalidCheckpoint) as error:
            there = tuple(other for other in there if other != one)
            refused.append(str(error))
    return replace(request, lora=there), refused


def _spells(pipe: "Pipeline", line: tuple[Reading | None, ...]) -> Iterator[dict[str, Any]]:
    """What is read from which step to which, both from 1, with the word pieces of each sentence of the encoder."""
    begin = 1
    for reading, same in groupby(line):
        end = begin + len(list(same)) - 1
        spell: dict[str, Any] = {"from": begin, "to": end, "texts": [], "pieces": []}
        if reading is not None:
            spell["texts"] = list(reading.texts)
            spell["pieces"] = [
                {"piece": one.text, "weight": one.weight, "known": one.known, "sentence": one.window}
                for one in pipe.model.conditioner.read(reading)
            ]
        yield spell
        begin = end + 1


def _place(item: Item | Part) -> dict[str, int]:
    return {"begin": item.span[0], "end": item.span[1]}


def _tree(items: Items) -> list[dict[str, Any]]:
    return [{**_node(item), **_place(item)} for item in items]


def _node(item: Item) -> dict[str, Any]:
    match item:
        case Words(text):
            return {"words": text}
        case Weighted(inside, weight):
            return {"weight": weight, "inside": _tree(inside)}
        case Switch(before, after, when, in_steps):
            return {"before": _tree(before), "after": _tree(after), "steps" if in_steps else "share": when}
        case Alternate(options):
            return {"in_turn": [_tree(option) for option in options]}


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The text form of what `understood` gives."""
    yield f"prompt: {found['prompt']}"
    yield f"  canonical: {found['canonical']}"
    for number, part in enumerate(found["parts"], 1):
        yield f"part {number}: weight {part['weight']:g}, {_characters(part)}"
        for chunk in part["chunks"]:
            if len(part["chunks"]) > 1:
                yield "  chunk, read apart"
            yield from _branches(chunk, "  ")
    for branch, spells in found["reads"].items():
        yield f"{branch}: read by the text encoder, of {found['steps']} steps"
        for spell in spells:
            yield f"  {spell['from']} to {spell['to']}: {' | '.join(spell['texts'])}"
            yield from _sentences(spell["pieces"])
    for name, value in found["options"].items():
        yield f"option {name}: {value}"
    for flag in found["flags"]:
        yield f"flag --{flag['name']}: {flag['meaning'] or 'no meaning here'}"
    if found["ignored"]:
        yield f"ignored: {', '.join(map(repr, found['ignored']))}"
    yield from (f"refused when drawn: {sentence}" for sentence in found["refused"])


def _characters(place: Mapping[str, Any]) -> str:
    return f"characters {place['begin'] + 1} to {place['end']}"


def _branches(nodes: list[dict[str, Any]], indent: str) -> Iterator[str]:
    for node in nodes:
        if "words" in node:
            what, inside = f"words {node['words']!r}", []
        elif "weight" in node:
            what, inside = f"weight {node['weight']:g}", [("", node["inside"])]
        elif "in_turn" in node:
            what, inside = "in turn", [("or", option) for option in node["in_turn"]]
        else:
            when = f"{node['steps']:g} steps" if "steps" in node else f"{node['share']:g} of the steps"
            what, inside = f"change after {when}", [("first", node["before"]), ("then", node["after"])]
        yield f"{indent}{what}, {_characters(node)}"
        for label, children in inside:
            if label:
                yield f"{indent}  {label}{'' if children else ': nothing'}"
            yield from _branches(children, indent + ("    " if label else "  "))


def _sentences(pieces: list[dict[str, Any]]) -> Iterator[str]:
    for _, own in groupby(pieces, lambda piece: piece["sentence"]):
        yield f"    pieces: {' '.join(map(_piece, own))}"


def _piece(piece: Mapping[str, Any]) -> str:
    weight = "" if piece["weight"] == 1 else f":{piece['weight']:g}"
    return f"{piece['piece']}{weight}{'' if piece['known'] else ' (unknown)'}"
