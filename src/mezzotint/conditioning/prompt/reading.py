"""What a text encoder reads: texts whose words have weights, and which of them at which step."""

from collections.abc import Iterator
from dataclasses import dataclass

from mezzotint.conditioning.prompt.grammar import parse
from mezzotint.conditioning.prompt.tree import Alternate, Item, Items, Part, Span, Switch, Weighted, Words

__all__ = ["Reading", "meant", "never_read", "plain_words", "readings", "worded"]

_LATE = 1000
"""Steps of a drawing that is long enough for every switch."""

Run = tuple[str, float]


@dataclass(frozen=True, slots=True)
class Reading:
    """Chunks of (text, weight): each chunk is one text, of which every run of words has a weight.

    Words of weight 0 are not there. A chunk that is one run of weight 1 is a plain text.
    """

    chunks: tuple[tuple[Run, ...], ...] = ()

    @classmethod
    def of(cls, text: str) -> "Reading":
        """A plain text, taken as it is."""
        return cls((((text, 1.0),),))

    @property
    def texts(self) -> tuple[str, ...]:
        """The chunks without weights; at least one."""
        return tuple("".join(text for text, _ in chunk) for chunk in self.chunks) or ("",)

    @property
    def weights(self) -> tuple[tuple[float, ...], ...]:
        """The weight of each character of `texts`."""
        return tuple(tuple(w for text, w in chunk for _ in text) for chunk in self.chunks) or ((),)

    @property
    def plain(self) -> bool:
        """Whether all weights are 1."""
        return all(weight == 1 for chunk in self.chunks for _, weight in chunk)


def readings(part: Part, steps: int) -> tuple[Reading, ...]:
    """What is read at each of so many steps."""
    assert steps > 0, steps
    count = steps if _changes(part) else 1
    found = (Reading(tuple(filter(None, (_runs(chunk, n, steps) for chunk in part.chunks)))) for n in range(count))
    return tuple(found) * (steps // count)


def never_read(part: Part, steps: int) -> tuple[tuple[str, Span], ...]:
    """The texts of a part that no step reads, because a switch comes too early or too late, or steps are too few.

    Each with the place of the outermost brackets around it.
    """
    if not _changes(part):
        return ()
    read = {span for step in range(steps) for chunk in part.chunks for span in _spans(chunk, step, steps)}
    every = ((words, item.span) for chunk in part.chunks for item in chunk for words in _every((item,)))
    return tuple((words.text.strip(), span) for words, span in every if words.span not in read and words.text.strip())


def meant(prompt: str) -> str:
    """The words of a prompt that say what a finished picture is to show: of every part with a weight above 0, what is
    read last, without weights. Of a plain prompt, its words."""
    parsed = parse(prompt)
    kept = (part for part, weight in zip(parsed.parts, parsed.weights, strict=True) if weight > 0)
    texts = (text for part in kept for text in readings(part, _LATE)[-1].texts)
    return ", ".join(text for text in texts if text)


def plain_words(prompt: str) -> str | None:
    """The words of a prompt that is only words (and flags); None for one with weights, brackets, AND or BREAK."""
    match parse(prompt).parts:
        case (Part(()),):
            return ""
        case (Part(((Words(text),),)),):
            return text
    return None


def worded(prompt: str) -> bool:
    """Whether a prompt has words, at whichever step they are read: flags and empty brackets are none."""
    chunks = (chunk for part in parse(prompt).parts for chunk in part.chunks)
    return any(words.text.strip() for chunk in chunks for words in _every(chunk))


def _changes(part: Part) -> bool:
    """Whether anything in a part depends on the step."""
    stack = [item for chunk in part.chunks for item in chunk]
    while stack:
        item = stack.pop()
        if isinstance(item, Switch | Alternate):
            return True
        stack += item.inside if isinstance(item, Weighted) else ()
    return False


def _runs(items: Items, step: int, steps: int) -> tuple[Run, ...]:
    """Words and weights, neighbours of the same weight as one, without white space at the ends or left double."""
    found: list[Run] = []
    for words, weight in _now(items, 1.0, step, steps):
        text = words.text.lstrip() if not found or found[-1][0][-1].isspace() else words.text
        if weight and text:
            joined = found.pop()[0] + text if found and found[-1][1] == weight else text
            found.append((joined, weight))
    while found and not found[-1][0].strip():
        found.pop()
    return (*found[:-1], (found[-1][0].rstrip(), found[-1][1])) if found else ()


def _now(items: Items, weight: float, step: int, steps: int) -> Iterator[tuple[Words, float]]:
    """The words of a step with their weights."""
    for item in items:
        if isinstance(item, Words):
            yield item, weight
        else:
            yield from _now(_chosen(item, step, steps), weight * getattr(item, "weight", 1.0), step, steps)


def _chosen(item: Item, step: int, steps: int) -> Items:
    match item:
        case Weighted(inside):
            return inside
        case Switch(before, after, when, in_steps):
            return before if step < int(when if in_steps else when * steps + 1e-9) else after
        case Alternate(options):
            return options[step % len(options)]
        case Words():
            return (item,)


def _spans(items: Items, step: int, steps: int) -> Iterator[tuple[int, int]]:
    return (words.span for words, _ in _now(items, 1.0, step, steps))


def _every(items: Items) -> Iterator[Words]:
    for item in items:
        match item:
            case Words():
                yield item
            case Weighted(inside):
                yield from _every(inside)
            case Switch(before, after):
                yield from _every((*before, *after))
            case Alternate(options):
                yield from (words for option in options for words in _every(option))
