"""Prompts in the languages of other programs, as prompts in ours.

    AUTOMATIC1111, Civitai   (x) [x] (x:1.3) [a:b:0.5] [a|b] AND BREAK mean the same here; all other marks are words
    ComfyUI                  (x) (x:1.3); a number stands for itself, whatever brackets are around it
    InvokeAI                 x++ (x y)- (x)1.2: times 1.1 for a plus, times 0.9 for a minus
    NovelAI                  {x} [x] 1.5::x::: times and divided by 1.05, (x:1.5) (`provenance.novelai.our_weights`)

Whatever the text, what comes out is one prompt that `parse` reads, without choices, wildcards, flags and LoRAs.
Sources: AUTOMATIC1111's wiki page "Features"; `token_weights` of ComfyUI's `comfy/sd1_clip.py`; the syntax page of
compel, which InvokeAI reads prompts with.
"""

import re
from collections.abc import Iterator
from itertools import groupby

from mezzotint.conditioning.prompt import Item, Part, Prompt, Weighted, Words, escaped, parse, written
from mezzotint.conditioning.prompt.scan import ESCAPE
from mezzotint.errors import InvalidOption
from mezzotint.provenance.novelai import our_weights, without_pushes

__all__ = ["our_prompt", "plain"]

Note = tuple[str, str]
"""What of a prompt is not carried over, and why."""
Run = tuple[str, float]
UP, DOWN = 1.1, 0.9
HEAVIEST = 100.0
_CLOSERS = {"(": ")", "[": "]"}
_MARKS = r"(?<!\S)(?:--|[—–])(?=[A-Za-z])|__|<(?=lora\b)"
_WORDS = r"\b(?:AND|BREAK)\b|::"
_NETWORK = re.compile(r"<(\w{1,20}):([^<>]{1,200})>")
_SUFFIX = re.compile(r"\++|-+|\d{1,6}(?:\.\d{0,6})?|\.\d{1,6}")
_WORD = re.compile(r"[^\s()\"\\,;]+")
_RAISED = re.compile(r"(?P<word>.*[^+\-.:!?])(?P<signs>\++|-+)(?P<rest>[.:!?]*)")
_SHARE = re.compile(r":(\d{1,6}(?:\.\d{1,6})?)(?=\s|\Z)")
_CALL = re.compile(r"\.(?:and|blend|swap)\(")


def our_prompt(program: str, text: str) -> tuple[str, tuple[Note, ...]]:
    """A prompt of a program (a name in `provenance.read`) in our language, and what of it is left out."""
    text = plain(text)
    notes: list[Note] = []
    found: str | None
    match program:
        case "comfyui":
            found = _written(_of_comfyui(text), notes)
        case "invokeai":
            found = _of_invokeai(text, notes)
        case "novelai":
            ours = _of_novelai(text, notes)
            found = None if ours is None else _guarded(ours, f"{_MARKS}|{_WORDS}")
        case _:
            found = _of_a1111(text, notes)
    try:
        if found is not None:
            parse(found)
            return found, tuple(notes)
        why = "they cannot be told in our language"
    except InvalidOption as error:
        why = f"our language cannot say them ({str(error).rstrip('.')})"
    return escaped(_bare(text)), (*notes, ("weights in the prompt", f"{why}; its words are taken without them"))


def _of_novelai(text: str, notes: list[Note]) -> str | None:
    """Its prompts, without what has no weight above 0, which is noted."""
    rest, away = without_pushes(text)
    notes += [(one, "a weight that is not above 0 takes it away: put it into the negative prompt") for one in away]
    return our_weights(plain(rest))


def plain(text: str) -> str:
    """A text of a stranger on one line, with single blanks and without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _bare(text: str) -> str:
    """A text without brackets and the numbers in them."""
    text = re.sub(r":\s{0,9}[-+]?[\d.]{1,20}\s{0,9}(?=[)\]])|(?<=\))[\d.]{1,20}|\d{1,9}(?:\.\d{1,9})?::", "", text)
    return " ".join(re.sub(r"\\(?=[()\[\]{}\\])|[()\[\]{}]|::|(?<=\w)(?:\++|--+)(?=\s|$)", " ", text).split())


def _guarded(text: str, marks: str) -> str:
    """A text of ours in which these marks, where they are not escaped, mean themselves."""

    def behind(match: re.Match[str]) -> str:
        hit = match["hit"]
        return match[0] if hit is None else f"\\{hit}" if hit[0].isalpha() else "".join(f"\\{mark}" for mark in hit)

    return re.sub(f"{ESCAPE.pattern}|(?P<hit>{marks})", behind, text)


def _of_a1111(text: str, notes: list[Note]) -> str:
    """Additional networks are taken out; brackets that do not close reach to the end of their part, as there."""
    for kind, name in _NETWORK.findall(text):
        notes.append((f"{kind} {name}", "it was made for another network"))
    text = " ".join(_NETWORK.sub(" ", text).split())
    parts = re.split(r"(?<!\S)AND(?!\S)", text)
    return " AND ".join(_guarded(_balanced(part.strip()), _MARKS) for part in parts).strip()


def _balanced(text: str) -> str:
    found: list[str] = []
    due: list[str] = []
    at = 0
    while at < len(text):
        mark = text[at]
        size = 1
        if mark == "\\":
            size = 2 if text[at + 1 : at + 2] in tuple("()[]\\") else 1
            mark = text[at : at + 2] if size == 2 else r"\\"
        elif mark in _CLOSERS:
            due.append(_CLOSERS[mark])
        elif mark in ")]" and due and due[-1] == mark:
            due.pop()
        elif mark in ")]{}":
            mark = f"\\{mark}"
        elif not due and text.startswith("::", at):
            mark, size = r"\:\:", 2
        found.append(mark)
        at += size
    return "".join((*found, *reversed(due)))


def _pairs(text: str) -> dict[int, int]:
    """The round brackets that belong together: where they open -> where they close."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for match in re.finditer(r"\\.|[()]", text):
        if match[0] == "(":
            opened.append(match.start())
        elif match[0] == ")" and opened:
            found[opened.pop()] = match.start()
    return found


def _of_comfyui(text: str) -> Iterator[Run]:
    pairs = _pairs(text)
    closing = {end: begun for begun, end in pairs.items()}
    tails: dict[int, int] = {}  # where the ":" of a number stands -> where its bracket closes
    weights = [1.0]
    at = 0
    while at < len(text):
        if at in pairs:
            end = pairs[at]
            colon = text.rfind(":", max(at, end - 20), end)
            number = _number(text[colon + 1 : end]) if colon > at else None
            weights.append(weights[-1] * UP if number is None else number)
            if number is not None:
                tails[colon] = end
        elif at in closing:
            weights.pop()
        elif at in tails:
            at = tails[at]
            continue
        else:
            size = 2 if text[at : at + 2] in (r"\(", r"\)") else 1
            yield text[at + size - 1], weights[-1]
            at += size - 1
        at += 1


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*[-+]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})\s*", text) else None


def _of_invokeai(text: str, notes: list[Note]) -> str | None:
    """None for what has no form here: blends, conjunctions and swaps, and brackets that do not match."""
    if _CALL.search(text):
        return None
    if (shares := _shares(text)) is not None:
        notes.append(("weights of its parts", "they average what the text encoder reads, and ours what is drawn"))
        return shares
    pairs = _pairs(text)
    if sum(match[0] in "()" for match in re.finditer(r"\\.|[()]", text)) != 2 * len(pairs):
        return None
    return _written(_of_compel(text, pairs), notes)


def _shares(text: str) -> str | None:
    """`a cat:1 fog:0.25`, as version 2 wrote the weights of parts."""
    marks = list(_SHARE.finditer(text))
    if len(marks) < 2 or len(marks) != text.count(":") or text[marks[-1].end() :].strip():
        return None
    begins = (0, *(mark.end() for mark in marks))
    parts = [(text[begun : mark.start()].strip(), mark[1]) for begun, mark in zip(begins, marks, strict=False)]
    return " ".join(f"{escaped(words)}::{weight}" for words, weight in parts) if all(w for w, _ in parts) else None


def _of_compel(text: str, pairs: dict[int, int]) -> Iterator[Run]:
    ends = {end: _SUFFIX.match(text, end + 1) for end in pairs.values()}
    weights = [1.0]
    at = 0
    while at < len(text):
        if at in pairs:
            weights.append(weights[-1] * _raised(ends[pairs[at]]))
            at += 1
        elif at in ends:
            weights.pop()
            suffix = ends[at]
            at = at + 1 if suffix is None else suffix.end()
        elif text[at] == '"' and (end := text.find('"', at + 1)) > 0 and text[end + 1 : end + 2] in ("+", "-"):
            suffix = _SUFFIX.match(text, end + 1)
            assert suffix is not None, "a sign follows"
            yield text[at + 1 : end], weights[-1] * _raised(suffix)
            at = suffix.end()
        elif text[at] == "\\" and at + 1 < len(text):
            yield text[at + 1], weights[-1]
            at += 2
        elif word := _WORD.match(text, at):
            signs = _RAISED.fullmatch(word[0])
            yield (signs["word"] if signs else word[0]), weights[-1] * (_raised(signs, "signs") if signs else 1.0)
            yield (signs["rest"] if signs else ""), weights[-1]
            at = word.end()
        else:
            yield text[at], weights[-1]
            at += 1


def _raised(match: re.Match[str] | None, group: int | str = 0) -> float:
    """What a suffix multiplies the weight by."""
    suffix = "" if match is None else match[group]
    if not suffix or suffix[0] in "+-":
        return float((UP if suffix[:1] == "+" else DOWN) ** min(len(suffix), 40))
    return float(suffix)


def _written(runs: Iterator[Run], notes: list[Note]) -> str:
    """The text for words with weights, of which ours must be from 0 to `HEAVIEST`."""
    items: list[Item] = []
    for weight, group in groupby(runs, key=lambda run: run[1]):
        text = "".join(words for words, _ in group)
        inner = text.strip()
        kept = round(min(max(weight, 0.0), HEAVIEST), 4)
        if kept != round(weight, 4) and not notes:  # of thousands, one is enough
            notes.append((f"weight {weight:g}", f"weights are from 0 to {HEAVIEST:g} here, so it is {kept:g}"))
        if kept == 1 or not inner:
            items.append(Words(text))
            continue
        begun = text.index(inner)  # brackets would take the blanks at the ends away
        items += (Words(text[:begun]), Weighted((Words(inner),), kept), Words(text[begun + len(inner) :]))
    return written(Prompt((Part((tuple(items),)),)))
