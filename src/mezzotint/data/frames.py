"""What people write around what they want to see: "draw a fox, please", "only a fox", "a picture of a fox"."""

import re
from dataclasses import replace

from mezzotint.data.captions import NUMBERS
from mezzotint.data.sources import PictureSet

__all__ = ["FRAMES", "framed", "framed_captions", "unframed"]

FRAMES: tuple[tuple[str, str], ...] = (
    ("a picture of", ""), ("a drawing of", ""), ("an icon of", ""), ("an emoji of", ""), ("an image of", ""),
    ("a simple drawing of", ""), ("a picture with", ""), ("draw", ""), ("please draw", ""), ("show me", ""),
    ("I want", ""), ("this is", ""), ("give me", ""), ("make", ""), ("can you draw", "?"), ("I would like", ""),
    ("clip art of", ""), ("only", ""), ("nothing but", ""), ("there should be", ""), ("", ", please"),
    ("", ", nothing else"), ("", " and nothing else"), ("", ", as an icon"), ("", ", that is all"),
)  # fmt: skip
"""Before and after what is seen. None asks for anything else to be seen."""
_DETERMINED = ("a", "an", "the", *NUMBERS)
_SENTENCE = re.compile(r"[.;:]| is (?:to the|above|below)| times the same |^\w+ o'clock")
_EACH = 2  # captions of a picture that get a frame


def framed(text: str, number: int) -> str:
    """The text in the frame of this number, counted round; "" if it is not things alone, the first with its article or
    number."""
    if text.partition(" ")[0] not in _DETERMINED or _SENTENCE.search(text):
        return ""
    before, after = FRAMES[number % len(FRAMES)]
    return f"{before} {text}{after}".strip()


def unframed(caption: str) -> str:
    """What a caption says, without its frame."""
    for before, after in FRAMES:
        if (not before or caption.startswith(f"{before} ")) and caption.endswith(after):
            return caption.removeprefix(f"{before} ").removesuffix(after)
    return caption


def framed_captions(pictures: PictureSet, longest: int) -> PictureSet:
    """The set with two captions more for most training pictures: those they have, in frames that the row chooses.

    Only things with their article or number get one, and nothing that has a comma, as keywords and facts have. longest:
    words of a caption at most.
    """
    records = []
    for row, record in enumerate(pictures.records):
        if record.split == "train":
            short = [text for text in record.captions if "," not in text and framed(text, 0)]
            tried = [framed(text, _EACH * row + turn) for turn, text in enumerate((short * _EACH)[:_EACH])]
            more = [text for text in tried if len(text.split()) <= longest]
            record = replace(record, captions=tuple(dict.fromkeys((*record.captions, *more))))
        records.append(record)
    return replace(pictures, records=records)
