"""Find the settings of NovelAI: in the texts of a file, or hidden in the last bits of its alpha channel.

The texts of a PNG are "Software", "Description" (the prompt), "Source" (the model) and "Comment", which is JSON; in a
WebP file the EXIF comment holds all of them as one JSON object. Hidden, the bits run down the columns from the left:
the letters `stealth_pngcomp`, the length in bits (32 bits, the highest first), and that JSON object with gzip.
Source of the hidden form: `nai_meta.py` of github.com/NovelAI/novelai-image-metadata; with `stealth_pnginfo` for
letters and without gzip other programs hide the "parameters" text (sd_webui_stealth_pnginfo).
"""

import re
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from mezzotint.provenance.chunks import MAX_TEXT_BYTES
from mezzotint.provenance.jsontext import object_of, text_of, texts_of
from mezzotint.values import MAX_TEXT

__all__ = ["hidden_text", "our_weights", "read_novelai", "without_pushes"]

FIELDS = {"uc": "negative", "scale": "guidance", "sampler": "solver", "noise_schedule": "grid"}
"""Their keys under our option names; prompt, seed, steps and strength are the same words."""
STEP = 1.05
"""What a pair of braces multiplies the weight by; square brackets divide."""
DEEPEST = 40
"""How many braces may stand inside one another: a weight of 7."""
PACKED, PLAIN = b"stealth_pngcomp", b"stealth_pnginfo"
NUMBERED = re.compile(r"(?<![\w.])(-?\d{1,3}(?:\.\d{1,4})?)::(.*?)(?:::|\Z)")
"""`1.5::x::`, the numbered weights of version 4: up to the next mark, or the end."""


def read_novelai(texts: Mapping[str, str]) -> dict[str, str]:
    """Option names and values as text; what has no counterpart here keeps its own key. Empty if there is nothing."""
    comment = object_of(texts.get("Comment"))
    if not comment or not ("NovelAI" in texts.get("Software", "") or {"uc", "sampler"} <= comment.keys()):
        return {}
    values: dict[str, Any] = {"prompt": texts.get("Description", ""), "uc": "", **comment}
    captions = _characters(comment.get("v4_prompt")), _characters(comment.get("v4_negative_prompt"))
    for key, words in zip(("v4_prompt", "v4_negative_prompt"), captions, strict=True):
        if isinstance(values.get(key), dict):
            values[key] = " | ".join(words)  # the base caption is the prompt; those of characters are told beside it
    found = texts_of(values, FIELDS)
    for key, ours in (("Source", "model"), ("Software", "Software")):
        if texts.get(key):
            found[ours] = texts[key]
    return found


def _characters(prompt: Any) -> list[str]:
    """The captions of single characters in a prompt of version 4."""
    caption = prompt.get("caption") if isinstance(prompt, dict) else None
    listed = caption.get("char_captions") if isinstance(caption, dict) else None
    return [text_of(one.get("char_caption")) for one in listed or () if isinstance(one, dict)]


def hidden_text(image: Image.Image) -> str:
    """What is hidden in the alpha channel, at most `MAX_TEXT_BYTES` of it; "" if there is nothing."""
    bits = (np.asarray(image.convert("RGBA"))[:, :, 3].T & 1).reshape(-1)
    head = len(PACKED) * 8
    if len(bits) < head + 32:
        return ""
    letters = np.packbits(bits[:head]).tobytes()
    if letters not in (PACKED, PLAIN):
        return ""
    length = int.from_bytes(np.packbits(bits[head : head + 32]).tobytes(), "big")
    data = np.packbits(bits[head + 32 : head + 32 + min(length, MAX_TEXT_BYTES * 8)]).tobytes()
    if len(data) * 8 < length:
        return ""
    try:
        if letters == PACKED:
            data = zlib.decompressobj(wbits=31).decompress(data, MAX_TEXT_BYTES)
        return data.decode("utf-8")
    except (zlib.error, UnicodeDecodeError):
        return ""


def our_weights(prompt: str) -> str | None:
    """A prompt of theirs in our language: `{x}` is `(x:1.05)`, `[x]` is `(x:0.952)`, and they multiply; `1.5::x::` is
    `(x:1.5)`.

    Round brackets and the like, which mean nothing there, are escaped. None where that is not the whole: braces that do
    not match or are more than `DEEPEST`, prompts longer than ours may be, and numbered weights not above 0.
    """
    if len(prompt) > MAX_TEXT:
        return None
    parts, at = list[str | None](), 0
    for one in NUMBERED.finditer(prompt):
        words = _braces(one[2].strip())
        numbered = None if words is None or float(one[1]) <= 0 else words and f" ({words}:{float(one[1]):g}) "
        parts += [_braces(prompt[at : one.start()]), numbered]
        at = one.end()
    parts.append(_braces(prompt[at:]))
    if None in parts:
        return None
    whole = "".join(map(str, parts))
    return " ".join(whole.split()) if at else whole


def without_pushes(prompt: str) -> tuple[str, tuple[str, ...]]:
    """A prompt of theirs without what has a numbered weight not above 0, and what that is."""
    away = [one[0] for one in NUMBERED.finditer(prompt) if float(one[1]) <= 0]
    for text in away:
        prompt = prompt.replace(text, " ", 1)
    return prompt, tuple(away)


def _braces(prompt: str) -> str | None:
    """A prompt without numbered weights in our language; None where its braces do not match or are too many."""
    parts: list[tuple[int, list[str]]] = []
    opened: list[str] = []
    depth = 0
    for letter in prompt:
        if letter in "{[":
            opened.append(letter)
            depth += 1 if letter == "{" else -1
        elif letter in "}]":
            if not opened or opened.pop() + letter not in ("{}", "[]"):
                return None
            depth -= 1 if letter == "}" else -1
        else:
            letter = f"\\{letter}" if letter in "()\\|<" else letter
            if parts and parts[-1][0] == depth:
                parts[-1][1].append(letter)
            else:
                parts.append((depth, [letter]))
    if opened or any(abs(inside) > DEEPEST for inside, _ in parts):
        return None
    texts = (("".join(letters), depth) for depth, letters in parts)
    return "".join(text if not depth else f"({text}:{STEP**depth:.3g})" for text, depth in texts)
