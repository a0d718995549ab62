"""The grammar of prompts, and its parser.

    prompt = part {"AND" part} | part {"::" [number] part}       text between brackets cannot hold AND or ::
    part   = chunk {"BREAK" chunk} [":" number]                  the number only where there is AND
    chunk  = {item}
    item   = "(" chunk [":" number] ")"                          weight 1.1 if none is given
           | "[" chunk "]"                                       weight 1 / 1.1
           | "[" [chunk ":"] chunk ":" number "]"                first, then, from when on
           | "[" chunk {"|" chunk} "]"                           in turn
           | words
    flags  = {"--" name [value]}                                 at the very end

The notation of weights, of `[a:b:0.5]`, AND and BREAK is AUTOMATIC1111's, that of :: and flags Midjourney's. A
backslash makes the next mark mean itself. Brackets that do not close are refused with their place, not guessed at.
"""

import math
import re
from dataclasses import dataclass, replace
from functools import lru_cache

from mezzotint.conditioning.prompt.flags import split_flags
from mezzotint.conditioning.prompt.scan import ESCAPE, NUMBER, complaint, unescaped
from mezzotint.conditioning.prompt.tree import Alternate, Item, Items, Part, Prompt, Span, Switch, Weighted, Words
from mezzotint.errors import InvalidOption

__all__ = ["DEEPEST", "STRONGER", "parse"]

STRONGER = 1.1
"""The weight of `(x)`; that of `[x]` is its reciprocal."""
DEEPEST = 20
"""How many brackets may stand inside one another."""
HEAVIEST = 100.0
_SPLIT = re.compile(rf"(?P<word>(?<!\S)(?:AND|BREAK)(?!\S))|(?P<shares>::)(?P<number>{NUMBER})?")
_CLOSED = re.compile(rf":\s*(?P<number>{NUMBER})\s*\)")
_WHEN = re.compile(rf":\s*(?P<number>{NUMBER})\s*\]")
_TAIL = re.compile(rf"(?<!\\):\s*(?P<number>{NUMBER})\s*\Z")


@lru_cache(maxsize=16)  # every picture asks for that of its prompts some forty times
def parse(text: str) -> Prompt:
    """The meaning of a prompt. Raises InvalidOption with the place of what cannot be read."""
    body, flags = split_flags(text)
    return replace(_Reader(body).prompt(), flags=flags)


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0
    depth: int = 0

    def prompt(self) -> Prompt:
        """The whole text."""
        parts: list[Part] = []
        chunks: list[Items] = []
        begun, how = 0, ""
        while True:
            chunks.append(stripped(self.items("")))
            split = _SPLIT.match(self.text, self.at)
            ended = self.at
            if split is None:
                if chunks != [()] or not (parts and how == "::"):  # nothing need follow the last ::
                    parts.append(self.part(chunks, 1.0, (begun, ended)))
                break
            kind = split["word"] or "::"
            self.at = split.end()
            if kind == "BREAK":
                continue
            if how and how != kind:
                raise self.wrong(ended, "both AND and ::; use one of them")
            how = kind
            weight = self.number(split, -HEAVIEST) if split["number"] else 1.0
            parts.append(self.part(chunks, weight, (begun, ended)))
            chunks, begun = [], self.at
        if how == "AND":
            parts = [self.and_weight(part) for part in parts]
        if how == "::" and sum(part.weight for part in parts) <= 0:
            raise InvalidOption("The weights after :: in the prompt sum up to 0 or less; their sum must be above 0.")
        parts = [replace(part, chunks=tuple(map(_joined, part.chunks))) for part in parts]
        return Prompt(tuple(parts), shared=how == "::")

    def part(self, chunks: list[Items], weight: float, span: Span) -> Part:
        """A part; chunks without words are left out, the last one of all excepted."""
        kept = tuple(chunk for chunk in chunks if chunk)
        return Part(kept, weight, span)

    def and_weight(self, part: Part) -> Part:
        """`a cat :1.2` before or after AND: the number is the part's weight."""
        if not part.chunks or not isinstance(last := part.chunks[-1][-1], Words):
            return part
        source = self.text[slice(*last.span)]
        tail = _TAIL.search(source)
        if tail is None:
            return part
        weight = float(tail["number"])
        if abs(weight) > HEAVIEST:
            raise self.wrong(last.span[0], f"the weight {weight:g}, beyond {HEAVIEST:g}")
        before = source[: tail.start()].rstrip()
        words = Words(unescaped(before), (last.span[0], last.span[0] + len(before)))
        rest = stripped((*part.chunks[-1][:-1], *((words,) if words.text else ())))
        chunks = (*part.chunks[:-1], *((rest,) if rest else ()))
        return replace(part, chunks=chunks, weight=weight)

    def items(self, stops: str) -> Items:
        """What stands here, up to one of `stops`, or outside of brackets up to AND, BREAK, :: or the end."""
        found: list[Item] = []
        begun = self.at
        while self.at < len(self.text) and self.text[self.at] not in stops:
            letter = self.text[self.at]
            if escape := ESCAPE.match(self.text, self.at):
                self.at = escape.end()
                continue
            if split := self.splits():
                if not self.depth:
                    break
                raise self.wrong(self.at, f"{split} inside brackets, where it has no meaning")
            if letter in ")]":
                raise self.wrong(self.at, f'a "{letter}" that closes nothing; write \\{letter} for the mark itself')
            if letter in "{}":
                raise self.wrong(
                    self.at,
                    f'a "{letter}", and braces stand for several prompts: mezzotint imagine and '
                    f"mezzotint.expanded_prompts() take them; write \\{letter} for the mark itself",
                )
            if letter not in "([":
                if stops == ")" and _CLOSED.match(self.text, self.at):
                    break
                self.at += 1
                continue
            found += self.words(begun)
            found += self.round() if letter == "(" else self.square()
            begun = self.at
        return (*found, *self.words(begun))

    def splits(self) -> str:
        """AND, BREAK or :: if one of them stands here; inside brackets :: belongs to `[a::0.5]`."""
        split = _SPLIT.match(self.text, self.at)
        if split is None or (self.depth and split["shares"]):
            return ""
        return split["word"] or split["shares"]

    def words(self, begun: int) -> list[Item]:
        """The words since `begun`."""
        return [Words(unescaped(self.text[begun : self.at]), (begun, self.at))] if begun < self.at else []

    def round(self) -> list[Item]:
        """`(x)` or `(x:1.3)`."""
        begun, weight = self.at, STRONGER
        self.open()
        inside = stripped(self.items(")"))
        if number := _CLOSED.match(self.text, self.at):
            weight = self.number(number, 0.0)
            self.at = number.end() - 1
        self.close(begun, ")")
        return [Weighted(inside, weight, (begun, self.at))] if inside else []

    def square(self) -> list[Item]:
        """`[x]`, `[a:b:0.5]`, `[b:0.5]`, `[a::0.5]` or `[a|b]`."""
        begun = self.at
        self.open()
        kind, number = self.kind_of_square(begun)
        if kind == "|":
            options = [stripped(self.items("|]"))]
            while self.at < len(self.text) and self.text[self.at] == "|":
                self.at += 1
                options.append(stripped(self.items("|]")))
            self.close(begun, "]")
            return [Alternate(tuple(options), (begun, self.at))] if any(options) else []
        if kind == ":":
            sides = [stripped(self.items(":]"))]
            while self.at < number.start():
                self.at += 1
                sides.append(stripped(self.items(":]")))
            if len(sides) > 2:
                raise self.wrong(begun, "more than two texts and a number in square brackets")
            self.at = number.end() - 1
            self.close(begun, "]")
            before, after = sides if len(sides) == 2 else ((), sides[0])
            when, in_steps = self.when(number)
            return [Switch(before, after, when, in_steps, (begun, self.at))] if before or after else []
        inside = stripped(self.items("]"))
        self.close(begun, "]")
        return [Weighted(inside, 1 / STRONGER, (begun, self.at))] if inside else []

    def kind_of_square(self, begun: int) -> tuple[str, re.Match[str]]:
        """What the square brackets that were opened here are: "|" or ":" or ""; and of ":" the number at the end."""
        nothing = re.compile("").match("")
        assert nothing is not None
        depth, at = 0, self.at
        number: re.Match[str] | None = None
        while at < len(self.text):
            if escape := ESCAPE.match(self.text, at):
                at = escape.end()
                continue
            letter = self.text[at]
            if letter in "([":
                depth += 1
            elif letter in ")]" and depth:
                depth -= 1
            elif letter == "]":
                return (":", number) if number is not None else ("", nothing)
            elif letter == "|" and not depth:
                return "|", nothing
            elif letter == ":" and not depth:
                number = _WHEN.match(self.text, at)
            at += 1
        raise self.wrong(begun, 'a "[" that is not closed; write \\[ for the mark itself')

    def when(self, match: re.Match[str]) -> tuple[float, bool]:
        """When a switch is: a share of the steps, or a whole number of them."""
        number = match["number"]
        value = float(number)
        in_steps = "." not in number and value >= 1
        if value < 0 or (not in_steps and value > 1):
            raise self.wrong(
                match.start(), f"the time {number}; it must be a share of the steps from 0 to 1, or a number of steps"
            )
        return value, in_steps

    def number(self, match: re.Match[str], low: float) -> float:
        """A weight."""
        value = float(match["number"])
        if not low <= value <= HEAVIEST or not math.isfinite(value):
            raise self.wrong(match.start(), f"the weight {value:g}; it must be from {low:g} to {HEAVIEST:g}")
        return value

    def open(self) -> None:
        """Into brackets."""
        if self.depth == DEEPEST:
            raise self.wrong(self.at, f"more than {DEEPEST} brackets inside one another")
        self.depth += 1
        self.at += 1

    def close(self, begun: int, mark: str) -> None:
        """Out of brackets that were opened at `begun`."""
        if self.at >= len(self.text) or self.text[self.at] != mark:
            letter = self.text[begun]
            raise self.wrong(begun, f'a "{letter}" that is not closed; write \\{letter} for the mark itself')
        self.depth -= 1
        self.at += 1

    def wrong(self, at: int, what: str) -> InvalidOption:
        """The error for what stands at `at`."""
        return complaint(self.text, at, what)


def _joined(items: Items) -> Items:
    """The same with neighbouring words as one, where brackets without words stood between them."""
    found: list[Item] = []
    for item in items:
        match item:
            case Words(text, span) if found and isinstance(before := found[-1], Words):
                found[-1] = Words(before.text + text, (before.span[0], span[1]))
            case Weighted(inside):
                found.append(replace(item, inside=_joined(inside)))
            case Switch(before_it, after_it):
                found.append(replace(item, before=_joined(before_it), after=_joined(after_it)))
            case Alternate(options):
                found.append(replace(item, options=tuple(map(_joined, options))))
            case _:
                found.append(item)
    return tuple(found)


def stripped(items: Items) -> Items:
    """Without white space at both ends."""
    found = list(items)
    for end, strip in ((0, str.lstrip), (-1, str.rstrip)):
        while found and isinstance(found[end], Words):
            words = found[end]
            assert isinstance(words, Words)
            if text := strip(words.text):
                found[end] = replace(words, text=text)
                break
            del found[end]
    return tuple(found)
