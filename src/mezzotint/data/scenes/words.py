"""What lettering says: everyday words, words of signs, random letters, and numbers, of 1 to 8 characters."""

import re
from collections import defaultdict
from string import ascii_uppercase

from mezzotint.data.icons.nouns import names_held_out
from mezzotint.data.scenes.nouns import nouns
from mezzotint.data.scenes.rolls import Rolls
from mezzotint.data.sources import PictureSet

__all__ = ["LONGEST_WORD", "gives_away", "text_of", "vocabulary"]

LONGEST_WORD = 8
_WIDESPREAD = 3  # a word of picture names is everyday if so many concepts have it
_SIGNS = """
hello hi bye welcome open closed sale sold free new now yes no ok wow hey stop go wait slow push pull enter exit in out
danger caution help love peace hope joy happy lucky smile thanks please sorry party birthday today tomorrow weekend
summer winter spring autumn monday friday sunday good best super cool nice great big hot cold fresh sweet coffee tea
milk juice bakery cafe bar pub diner grill hotel motel taxi bus metro park zoo school shop store market bank post
cinema museum library beach pool gym spa doctor police fire water gas oil electric private parking toilet lost found
win bonus extra gift deal offer only half double top first last up down left right north south east west home work
play pause start finish ready team club vote news book read write draw paint dance sing run jump fly swim sleep dream
king queen star moon sun magic secret power energy light dark red green blue black white gold silver quiet silence
pardon bravo cheers congrats goal score level bingo quiz test
"""
_AVOIDED = frozenset(
    (
        "ass", "cock", "cum", "cunt", "damn", "dick", "die", "fag", "fuck", "hell", "kkk", "nazi", "nig", "porn",
        "rape", "sex", "shit", "slut", "tit", "whore",
    )
)  # fmt: skip


def vocabulary(pictures: PictureSet) -> tuple[str, ...]:
    """Words of 2 to 8 letters of the names of training pictures that several concepts share, the things of scenes,
    and words of signs; sorted."""
    shared: dict[str, set[str]] = defaultdict(set)
    for record in pictures.records:
        if record.split == "train":
            for word in re.findall(r"[a-z]+", record.name.lower()):
                shared[word].add(record.concept)
    words = {word for word, concepts in shared.items() if len(concepts) >= _WIDESPREAD}
    words |= {noun.one for noun in nouns()} | set(_SIGNS.split())
    return tuple(sorted(w for w in words if 2 <= len(w) <= LONGEST_WORD and w.isalpha() and w not in _AVOIDED))


def text_of(rolls: Rolls, words: tuple[str, ...], *, capitals: bool) -> str:
    """A text: a word in two thirds of the cases, else letters at random, or digits.

    capitals: in capital letters only; else capitals are the rule, small letters and a capital initial the exceptions.
    """
    what = rolls.below(100)
    if what < 68:
        text = rolls.choice(words)
    elif what < 90:
        text = "".join(rolls.choice(ascii_uppercase) for _ in range(rolls.between(1, rolls.between(2, LONGEST_WORD))))
    else:
        text = "".join(str(rolls.below(10)) for _ in range(rolls.between(1, 4)))
    if any(bad in text.lower() for bad in _AVOIDED if len(bad) > 2) and what >= 68:
        text = text[:2]
    if capitals:
        return text.upper()
    return rolls.weighted(((text.upper(), 50), (text.lower(), 25), (text.capitalize(), 25)))


def gives_away(text: str) -> bool:
    """Whether a text names one of the nouns that are held out of all training."""
    return names_held_out(text.lower())
