"""Training and held-out pictures, divided by concept and never by row."""

from collections.abc import Iterable

from mezzotint.data.draws import fraction
from mezzotint.data.icons.job import Job
from mezzotint.data.icons.nouns import TRAINED, has_noun, names_held_out

__all__ = ["HELD_OUT_PART", "held_out_concepts"]

HELD_OUT_PART = 0.04

# Drawings that show a held-out thing without naming it.
_SHOWN = frozenset(
    (
        "camping", "desert", "camp", "startup", "product launch laptop", "launch", "launch go", "beach with umbrella",
        "acoustic", "menorah", "space shuttle",
    )
)  # fmt: skip


def held_out_concepts(jobs: Iterable[Job]) -> frozenset[str]:
    """The concepts kept out of training: about 4 % by hash, and all that any picture names with a held-out noun.

    Concepts of the nouns that must be trained are never chosen by the hash.
    """
    held: set[str] = set()
    for job in jobs:
        title = job.title
        said = " ; ".join((title.name, *title.others, title.concept))
        named = names_held_out(said) or title.concept in _SHOWN or title.name in _SHOWN
        everyday = any(has_noun(title.concept, noun) for noun in TRAINED)
        if named or (not everyday and fraction("held out", title.concept) < HELD_OUT_PART):
            held.add(title.concept)
    return frozenset(held)
