"""Whether what a benchmark measured is of the weights that are shipped now, and by the detector of now."""

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

__all__ = ["MEASURED", "by_detector", "detectors", "digests", "remark"]

MEASURED: Mapping[str, str] = MappingProxyType(
    {
        "caption-gain": "caption_gain",
        "references": "references",
        "chaos": "chaos",
        "keep-layout": "keep_layout",
        "fix-gain": "fix_gain",
        "blends": "blends",
        "panorama": "panorama",
        "seams": "seams",
        "strength-cost": "strength_cost",
        "regions": "regions",
        "layout": "layout",
        "few-steps": "few_steps",
        "solver-benchmark": "solvers",
        "precision": "precision",
        "speed": "speed",
        "svg": "svg",
        "usual-style": "usual_style",
        "phrasings": "phrasings",
    }
)
"""The benchmark's file, by the block that shows it."""


def digests(data: Any) -> Iterator[str]:
    """Every `weights_sha256` in a measurement."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            if key == "weights_sha256":
                yield value
            else:
                yield from digests(value)


def remark(data: Any, current: Collection[str]) -> str:
    """What is to be said under a measurement whose weights are not the current ones; "" where they are, or are not
    named."""
    found = sorted(set(digests(data)) - set(current))
    if not found:
        return ""
    return f"Measured with earlier weights than those of now (`{'`, `'.join(one[:8] for one in found)}`)."


def detectors(data: Any) -> Iterator[str]:
    """The digest of every detector that a measurement names; not of a second one, which is not shipped."""
    if isinstance(data, Mapping):
        yield from (data[key] for key in ("detector", "detector_sha256") if isinstance(data.get(key), str))
        for key in ("instruments", "detectors"):
            named = data.get(key)
            if isinstance(named, Mapping):
                yield from (named[name] for name in ("detector", "first", "the shipped detector") if name in named)


def by_detector(data: Any, current: str | None) -> str:
    """What is to be said under a measurement by another detector than the current one; "" else."""
    found = sorted(set(detectors(data)) - {current})
    return (
        f"Judged by an earlier detector than the one of now (`{'`, `'.join(one[:8] for one in found)}`)."
        if found
        else ""
    )
