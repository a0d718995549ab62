"""The guidance methods. A new one is a file with a RECORD, and a line here."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mezzotint.diffusion.guidance import (
    apg,
    autoguidance,
    cfg,
    cfg_pp,
    cfg_zero,
    composable,
    icg,
    interval,
    pag,
    perp_neg,
    rescale,
    sag,
    seg,
    slg,
    stack,
    tcfg,
    thresholding,
    token_dropout,
)
from mezzotint.diffusion.guidance.base import GuidanceRecord, Modifier, Rule, guided
from mezzotint.errors import unknown_name

__all__ = ["GUIDANCES", "GuidanceRecord", "describe", "find_guidance", "guidance_stack", "guided"]

_RECORDS = (
    cfg.RECORD,
    cfg_pp.RECORD,
    apg.RECORD,
    cfg_zero.RECORD,
    tcfg.RECORD,
    composable.RECORD,
    perp_neg.RECORD,
    icg.RECORD,
    interval.RECORD,
    rescale.RECORD,
    thresholding.RECORD,
    autoguidance.RECORD,
    pag.RECORD,
    sag.RECORD,
    seg.RECORD,
    slg.RECORD,
    token_dropout.RECORD,
)

GUIDANCES: Mapping[str, GuidanceRecord] = MappingProxyType({record.name: record for record in _RECORDS})


def find_guidance(name: str) -> GuidanceRecord:
    """The record of this name or alias. Raises InvalidOption with the nearest names."""
    names = {known: record for record in _RECORDS for known in (record.name, *record.aliases)}
    if name not in names:
        raise unknown_name("guidance", name, names)
    return names[name]


def describe() -> list[dict[str, Any]]:
    """All guidances as plain data: names, kind, options with their defaults (off), evaluations, needs, source."""
    return [record.describe() for record in _RECORDS]


def guidance_stack(chosen: Sequence[tuple[str, Mapping[str, Any]]]) -> tuple[Rule, tuple[Modifier, ...]]:
    """The rule and modifiers of (name, options) pairs, for `guided`; the first modifier is the innermost.

    Without a rule it is cfg, off. Raises InvalidOption for unknown names and options, and for what `ILLEGAL` lists.
    """
    return stack.build_stack([(find_guidance(name), options) for name, options in chosen], cfg.RECORD)
