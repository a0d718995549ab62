"""What drawings of one thing share: the key by which training and held-out pictures are divided."""

import re

__all__ = ["COLOUR_WORDS", "concept_key", "singular", "words_of"]

COLOUR_WORDS = frozenset(
    (
        "beige", "black", "blue", "brown", "dark", "gold", "golden", "gray", "green", "grey", "light", "orange",
        "pink", "purple", "red", "silver", "teal", "white", "yellow",
    )
)  # fmt: skip

_TONE = re.compile(r"\b(medium-light|medium-dark|light|medium|dark) skin tone\b")
_GENDER = {
    "man": "person", "woman": "person", "men": "people", "women": "people", "male": "person", "female": "person",
    "businessman": "businessperson", "businesswoman": "businessperson", "policeman": "police officer",
    "policewoman": "police officer",
}  # fmt: skip
_KEEP_S = ("ss", "us", "is", "news", "dress", "glasses", "jeans", "shorts", "scissors", "gas", "lens", "bus")


def words_of(text: str) -> list[str]:
    """The words of a text: runs of a-z, 0-9 and apostrophes, in lower case."""
    return re.findall(r"[a-z0-9']+", text.lower())


def singular(word: str) -> str:
    """The singular of a regular English plural; other words unchanged."""
    if len(word) < 4 or word.endswith(_KEEP_S):
        return word
    if word.endswith("ies") and len(word) > 5:
        return word[:-3] + "y"
    if word.endswith(("shes", "ches", "xes", "sses", "zes")):
        return word[:-2]
    return word.removesuffix("s")


def concept_key(name: str) -> str:
    """The name without skin tone, gender, colour and number, last word singular, or "" if it has no words.

    "Green apples" and "red apple" share "apple"; "woman singing" and "man singing" share "person singing"; an animal's
    face shares the animal.
    """
    words = [_GENDER.get(word, word) for word in words_of(_TONE.sub("", name.lower()))]
    plain = [word for word in words if word not in COLOUR_WORDS and not word.isdigit()] or words
    if not plain:
        return ""
    plain[-1] = singular(plain[-1])
    if len(plain) == 2 and plain[1] == "face" and plain[0] != "clown":
        plain = plain[:1]
    return " ".join(plain)
