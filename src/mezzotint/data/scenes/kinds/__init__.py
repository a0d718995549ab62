"""The kinds of scenes. A new kind is a file with a `KIND`, and a line here."""

from mezzotint.data.scenes.kinds import attribution, colour, counting, groups, lettering, relations, single
from mezzotint.data.scenes.kinds.kind import Kind

__all__ = ["KINDS", "Kind"]

KINDS: tuple[Kind, ...] = (
    single.KIND,
    counting.KIND,
    relations.KIND,
    colour.KIND,
    attribution.KIND,
    groups.KIND,
    lettering.KIND,
)
