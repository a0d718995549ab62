"""The captions of one icon: name, skin tone, style, colour and facts put together."""

from mezzotint.data.captions import compose
from mezzotint.data.colours import Facts
from mezzotint.data.concepts import COLOUR_WORDS
from mezzotint.data.icons.job import Job
from mezzotint.data.icons.nouns import names_held_out
from mezzotint.data.icons.table import IconSet
from mezzotint.data.icons.words import MASS

__all__ = ["caption"]

_ONE_COLOUR = 0.62  # a thing with this share of one colour may be called by it
_NO_COLOUR = frozenset(
    (
        "smiley face", "hand", "hands", "person", "person at work", "person doing sport", "people", "fantasy character",
        "body part", "flag", "button", "sign", "letter button", "people symbol", "zodiac sign", "cat face", "monkey",
        "shape", "feeling",
    )
)  # fmt: skip


def _colour(job: Job, facts: Facts) -> str:
    """The one colour of the thing, if it has one and the name does not say it already."""
    if COLOUR_WORDS & set(job.title.name.split()):
        return ""
    if job.hue in facts.colours:
        return job.hue
    if not facts.colours or facts.shares[0] < _ONE_COLOUR or job.title.topic in _NO_COLOUR:
        return ""
    return facts.colours[0]


def caption(job: Job, facts: Facts, icons: IconSet, keywords: tuple[str, ...]) -> tuple[str, ...]:
    """All captions of the job, short to dense."""
    title = job.title
    inside = set(title.name.split())
    related = [k for k in keywords if k not in inside and k not in title.topic.split()]
    return compose(
        title.name,
        others=title.others,
        keywords=related,
        topic="" if names_held_out(title.topic) else title.topic,
        detail=f"with {title.tone} skin tone" if title.tone else "",
        style=icons.style,
        medium=icons.phrase,
        facts=facts,
        countable=job.countable,
        colour=_colour(job, facts),
        uncountable=MASS.__contains__,
    )
