"""Guidance by name: one rule and any modifiers, checked against the one list of what does not go together."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mezzotint.diffusion.guidance.base import GuidanceRecord, Modifier, Rule
from mezzotint.errors import InvalidOption

__all__ = ["ILLEGAL", "build_stack"]


def _alternatives(records: Sequence[GuidanceRecord]) -> str | None:
    rules = [record.name for record in records if record.kind == "rule"]
    if len(set(rules)) > 1:
        return f"The guidances {' and '.join(rules)} are alternatives, since both combine the branches; choose one."
    return None


def _repeated(records: Sequence[GuidanceRecord]) -> str | None:
    names = [record.name for record in records]
    for name in names:
        if names.count(name) > 1:
            return f"The guidance {name} is asked for {names.count(name)} times; ask for it once."
    return None


ILLEGAL: Mapping[str, Callable[[Sequence[GuidanceRecord]], str | None]] = {
    "two rules": _alternatives,
    "a guidance twice": _repeated,
}
"""What does not go together, by name: a sentence that refuses it, or None. All other stacks are legal."""


def build_stack(
    chosen: Sequence[tuple[GuidanceRecord, Mapping[str, Any]]], default: GuidanceRecord
) -> tuple[Rule, tuple[Modifier, ...]]:
    """The rule and the modifiers, in their order; the rule is `default`, off, if none is chosen.

    Raises InvalidOption for what is in `ILLEGAL` and for options that a guidance refuses.
    """
    for refuse in ILLEGAL.values():
        sentence = refuse([record for record, _ in chosen])
        if sentence is not None:
            raise InvalidOption(sentence)
    rule: Rule = default.make()
    modifiers: list[Modifier] = []
    for record, options in chosen:
        if record.kind == "rule":
            rule = record.make(options)
        else:
            modifiers.append(record.make(options))
    return rule, tuple(modifiers)
