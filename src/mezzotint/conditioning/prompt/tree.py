"""What a prompt means: parts that are drawn together, of chunks that are read apart, of words with weights.

Positions (`span`, in characters of the text) are there to show and to complain; they play no part in equality.
"""

from dataclasses import dataclass, field

__all__ = ["Alternate", "Flag", "Item", "Items", "Part", "Prompt", "Span", "Switch", "Weighted", "Words"]

Span = tuple[int, int]
_NOWHERE: Span = (0, 0)


@dataclass(frozen=True, slots=True)
class Words:
    """Words as they are read, without escapes."""

    text: str
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Weighted:
    """`(x:1.3)`: what is inside acts so many times as strongly; weights inside one another multiply."""

    inside: "Items"
    weight: float
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Switch:
    """`[a:b:0.5]`: first `before`, then `after`; either may be empty.

    when  the share of the steps that are drawn with `before`, or with `in_steps` their number
    """

    before: "Items"
    after: "Items"
    when: float
    in_steps: bool = False
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Alternate:
    """`[a|b]`: in turn, another one every step."""

    options: tuple["Items", ...]
    span: Span = field(default=_NOWHERE, compare=False)


Item = Words | Weighted | Switch | Alternate
Items = tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What one evaluation reads. Chunks are read by the text encoder apart, and by the network together."""

    chunks: tuple[Items, ...] = ()
    weight: float = 1.0
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Flag:
    """`--name value`, as Midjourney writes options."""

    name: str
    value: str = ""
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A whole prompt.

    shared  whether the parts were written with `::`, whose weights are shares of the whole; with AND each counts alone
    """

    parts: tuple[Part, ...]
    shared: bool = False
    flags: tuple[Flag, ...] = ()

    @property
    def weights(self) -> tuple[float, ...]:
        """What each part's pull is multiplied with: of `::`, shares that sum up to 1."""
        if not self.shared:
            return tuple(part.weight for part in self.parts)
        total = sum(part.weight for part in self.parts)
        return tuple(part.weight / total for part in self.parts)
