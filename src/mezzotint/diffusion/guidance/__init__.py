"""The guidance methods. A new one is a file with a RECORD, and a line here."""

from collections.abc import Mapping
from types import MappingProxyType

from mezzotint.diffusion.guidance import cfg, interval
from mezzotint.diffusion.guidance.base import GuidanceRecord, guided
from mezzotint.errors import unknown_name

__all__ = ["GUIDANCES", "GuidanceRecord", "find_guidance", "guided"]

_RECORDS = (
    cfg.RECORD,
    interval.RECORD,
)

GUIDANCES: Mapping[str, GuidanceRecord] = MappingProxyType({record.name: record for record in _RECORDS})


def find_guidance(name: str) -> GuidanceRecord:
    """The record of this name. Raises InvalidOption with the nearest names."""
    if name not in GUIDANCES:
        raise unknown_name("guidance", name, GUIDANCES)
    return GUIDANCES[name]
