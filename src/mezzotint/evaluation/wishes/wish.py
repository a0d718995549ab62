"""A wish: things, how many, in which colours, where, and what is written; and whether a sight fulfils it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mezzotint.evaluation.detector import Sight, SightOf
from mezzotint.evaluation.iconeval.prompts import Wanted
from mezzotint.evaluation.iconeval.verdict import DEFAULT, Thresholds, Verdict, relations

__all__ = ["Wish", "fulfilled"]

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Wish:
    """wanted: what is named, in its order; a thing may be named twice, in two colours.

    exact: of each, whether its count was said, so that more would be wrong too. relations: (place in `wanted`, "left
    of" or another, place): the first as seen from the second. word: what must be written, or "". words: what the
    prompt says of each, such as "a shiny red apple".
    """

    wanted: tuple[Wanted, ...] = ()
    exact: tuple[bool, ...] = ()
    relations: tuple[tuple[int, str, int], ...] = ()
    word: str = ""
    words: tuple[str, ...] = field(default=(), compare=False)

    @property
    def sentences(self) -> tuple[str, ...]:
        """In words, one a fact; empty if there is nothing to check."""
        said = []
        for wanted, exact in zip(self.wanted, self.exact, strict=True):
            count = f"exactly {wanted.count}" if exact else f"at least {wanted.count}"
            said.append(f"{count} {wanted.thing}" + (f" in {wanted.colour}" if wanted.colour else ""))
        said += [f"{self.wanted[a].thing} {word} {self.wanted[b].thing}" for a, word, b in self.relations]
        return (*said, *([f'the text "{self.word}"'] if self.word else []))


def fulfilled(wish: Wish, sight: Sight, thresholds: Thresholds = DEFAULT) -> Verdict:
    """Whether what was seen is what was wished for: `iconeval.verdict`'s rules, all at once.

    All that is said of one thing is taken together: "one red apple and one green apple" is two apples, of which one is
    red and one is green. If every count of it was said, there must be no more of it.
    """
    faults = [
        fault
        for thing in dict.fromkeys(w.thing for w in wish.wanted)
        for fault in _faults(thing, wish, sight, thresholds)
    ]
    for a, word, b in wish.relations:
        first, second = (_place(wish.wanted[i], sight, thresholds) for i in (a, b))
        if first and second and word not in relations(first, second):
            faults.append(f"the {wish.wanted[a].thing} is not {word} the {wish.wanted[b].thing}")
    if wish.word and sight.text != wish.word:
        faults.append(f'it says "{sight.text}", not "{wish.word}"')
    return Verdict(not faults, tuple(faults))


def _faults(thing: str, wish: Wish, sight: Sight, thresholds: Thresholds) -> list[str]:
    """What is wrong with the number and the colours of one thing."""
    mine = [(wanted, exact) for wanted, exact in zip(wish.wanted, wish.exact, strict=True) if wanted.thing == thing]
    total, exact = sum(wanted.count for wanted, _ in mine), all(exact for _, exact in mine)
    least = thresholds.counting if exact and total > 1 else thresholds.presence
    seen = [one for one in sight.things if one.thing == thing and one.score >= least]
    if len(seen) < total or (exact and len(seen) > total):
        return [f"it shows {len(seen)} of {thing}, not {total}"]
    faults = []
    for colour in dict.fromkeys(wanted.colour for wanted, _ in mine if wanted.colour):
        asked = sum(wanted.count for wanted, _ in mine if wanted.colour == colour)
        have = sum(one.colour == colour for one in seen)
        if have < asked and len(seen) == 1:
            faults.append(f"the {thing} is {seen[0].colour}, not {colour}")
        elif have < asked:
            faults.append(f"{have} of {thing} {'is' if have == 1 else 'are'} {colour}, not {asked}")
    return faults


def _place(wanted: Wanted, sight: Sight, thresholds: Thresholds) -> Box | None:
    """The box around the surest of what is wanted, those in its colour first; None if too few are seen."""
    seen = [one for one in sight.things if one.thing == wanted.thing and one.score >= thresholds.presence]
    seen.sort(key=lambda one: (bool(wanted.colour) and one.colour != wanted.colour, -one.score))
    return _hull(seen[: wanted.count]) if len(seen) >= wanted.count else None


def _hull(things: Sequence[SightOf]) -> Box:
    left, top, right, bottom = zip(*(thing.box for thing in things), strict=True)
    return min(left), min(top), max(right), max(bottom)
