"""A terse prompt with what the training captions say of its thing: "apple" is "an apple, fruit, mostly red"."""

from dataclasses import replace

from mezzotint.conditioning.prompt import escaped, plain_words
from mezzotint.data.captions import article
from mezzotint.data.colours import ANCHORS
from mezzotint.data.icons.lexicon import Entry, lexicon
from mezzotint.data.icons.words import MASS
from mezzotint.data.scenes.nouns import nouns
from mezzotint.request import Request

__all__ = ["enhanced", "enhanced_request"]

TERSE = 4
"""Most words of a prompt that is expanded, without its article."""
ARTICLES = ("a", "an", "the")
COLOURS = frozenset(word for name in ANCHORS for word in name.split())


def enhanced(prompt: str) -> str:
    """The prompt with the kind and the colours that most captions of its thing have, as those captions are written.

    Its thing is its longest end that the data set has a name for; words before it stay, and where they name a colour
    none is added. A prompt that is not terse, or has weights, flags or commas, or no known thing, stays as it is.
    """
    words = plain_words(prompt)
    if words is None or "--" in prompt or "," in words or '"' in words:
        return prompt
    parts = words.lower().split()
    if parts[:1] and parts[0] in ARTICLES:
        parts = parts[1:]
    starts = range(len(parts)) if len(parts) <= TERSE else ()
    entry = next(filter(None, (_entry(" ".join(parts[start:])) for start in starts)), None)
    if entry is None:
        return prompt
    kind = "" if not entry.kind or entry.kind in parts else entry.kind
    colours = "" if COLOURS & set(parts) else entry.colours
    whole = article(" ".join(parts), MASS.__contains__)
    return escaped(", ".join(filter(None, (whole, kind, colours)))) if kind or colours else prompt


def _entry(thing: str) -> Entry | None:
    """What is known of a thing: by this name, or by those that its pictures have in scenes ("car", "automobile")."""
    known = lexicon()
    if thing in known:
        return known[thing]
    others = (name for noun in nouns() if noun.one == thing for name in noun.names if name in known)
    return max((known[name] for name in others), key=lambda entry: entry.pictures, default=None)


def enhanced_request(request: Request) -> Request:
    """The request with the prompt expanded and the one before beside it; the same request if nothing is added."""
    revised = enhanced(request.prompt)
    return request if revised == request.prompt else replace(request, prompt=revised, original_prompt=request.prompt)
