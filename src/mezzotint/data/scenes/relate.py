"""When one box is left of, above, ... another: a rule in whole numbers, with a margin that leaves no doubt.

With o = centre of the subject - centre of the object, sizes w and h:
"left of" holds when -o_x >= (w_s + w_o)/2 + 0.1 (w_s + w_o) and |o_y| <= 0.4 |o_x|, and likewise for the others.
GenEval (Ghosh et al. 2023, "An object-focused framework for evaluating text-to-image alignment") asks that
|o| exceeds 0.1 (w_s + w_o) in one coordinate and that what remains points more than half that way; every pair that
holds here holds there, and in one direction only.
"""

from mezzotint.data.scenes.scene import Box

__all__ = ["OPPOSITE", "POSITIONS", "distance", "holds"]

OPPOSITE = {
    "left of": "right of", "right of": "left of", "above": "below", "below": "above", "behind": "in front of",
    "in front of": "behind",
}  # fmt: skip
POSITIONS = ("left of", "right of", "above", "below")


def distance(first: int, second: int) -> int:
    """The least distance of two centres, doubled, for boxes of these extents: 1.2 times their sum, rounded up."""
    return -(-12 * (first + second) // 10)


def holds(word: str, subject: Box, other: Box) -> bool:
    """Whether the relation of places holds between two boxes. Raises KeyError for another word."""
    across = {"left of": (0, -1), "right of": (0, 1), "above": (1, -1), "below": (1, 1)}
    axis, sign = across[word]
    offset = [a - b for a, b in zip(subject.middle, other.middle, strict=True)]
    extent = (subject.width, other.width) if axis == 0 else (subject.height, other.height)
    along, off = sign * offset[axis], abs(offset[1 - axis])
    return along >= distance(*extent) and 5 * off <= 2 * along
