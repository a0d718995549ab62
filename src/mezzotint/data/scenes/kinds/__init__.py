"""The kinds of scenes. A new kind is a file with a `KIND`, and a line here.

Those of `APART` come only when they are asked for by name, or by a share of their own: one more among `KINDS` would
change every scene of every seed.
"""

from mezzotint.data.scenes.kinds import attribution, colour, counting, groups, hands, lettering, relations, single
from mezzotint.data.scenes.kinds.kind import Kind

__all__ = ["APART", "KINDS", "Kind"]

KINDS: tuple[Kind, ...] = (
    single.KIND,
    counting.KIND,
    relations.KIND,
    colour.KIND,
    attribution.KIND,
    groups.KIND,
    lettering.KIND,
)
APART: tuple[Kind, ...] = (hands.KIND,)
