"""Everyday nouns with which the house model is tested, and the words that give them away.

`HELD_OUT` are never drawn or named in training, in any drawing style; `TRAINED` are all well represented in it.
A word is forbidden in training captions when it is one of `FORBIDDEN` (the held-out nouns, their plurals and synonyms).
"""

import re

__all__ = ["FORBIDDEN", "HELD_OUT", "TRAINED", "has_noun", "names_held_out"]

HELD_OUT: tuple[str, ...] = (
    "cactus", "guitar", "penguin", "umbrella", "pizza", "snail", "rocket", "crown", "anchor", "banana",
    "mushroom", "turtle", "lamp", "candle", "butterfly", "carrot", "key", "tent", "owl", "drum",
)  # fmt: skip

TRAINED: tuple[str, ...] = (
    "apple", "cat", "dog", "car", "house", "tree", "heart", "star", "sun", "fish",
    "flower", "cake", "book", "bell", "clock", "bird", "boat", "cup", "ball", "gift",
)  # fmt: skip

_EXTRA = (
    "cacti", "butterflies", "tortoise", "lampshade", "lamplight", "floorlamp", "candlestick", "candelabra",
    "candelabrum", "rockets", "tents", "parasol", "toadstool", "fungus", "drumstick", "drummer", "drumming",
    "drumkit", "crowned", "keys", "guitarist", "ukulele", "mushrooms", "anchors", "drumroll", "bananas", "carrots",
    "owls", "lamps", "pizzas",
)  # fmt: skip

FORBIDDEN: frozenset[str] = frozenset(word for noun in (*HELD_OUT, *_EXTRA) for word in (noun, noun + "s", noun + "es"))

_WORD = re.compile(r"[a-z]+")


def names_held_out(text: str) -> bool:
    """Whether a lower-case text has a forbidden word."""
    return any(word in FORBIDDEN for word in _WORD.findall(text))


def has_noun(text: str, noun: str) -> bool:
    """Whether a lower-case text has the noun or its plural as a word."""
    plurals = {noun, noun + "s", noun + "es", noun[:-1] + "ies" if noun.endswith("y") else noun}
    return any(word in plurals for word in _WORD.findall(text))
