"""How different the pictures of one prompt are, how evenly one becomes another, and how steady a training is."""

import itertools
import statistics
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

__all__ = ["collapsed", "evenness", "over_seeds", "variety"]

LEAST = 0.1
"""A run is collapsed below this share of what training pictures have."""


def variety(features: Tensor) -> float:
    """The mean distance between two pictures of one prompt; features (prompts, pictures, width)."""
    pairs = [
        (features[:, a] - features[:, b]).norm(dim=-1) for a, b in itertools.combinations(range(features.shape[1]), 2)
    ]
    return float(torch.stack(pairs).mean())


def evenness(features: Tensor) -> float:
    """The longest step on a way from one picture to another, as a multiple of its mean step; the mean over ways.

    features (ways, points, width). 1: all steps are alike; points − 1: all of the change is in one step. A way without
    any change counts as 1.
    """
    steps = (features[:, 1:] - features[:, :-1]).norm(dim=-1)
    mean = steps.mean(dim=1)
    return float(torch.where(mean > 0, steps.amax(dim=1) / mean.clamp_min(1e-12), torch.ones_like(mean)).mean())


def collapsed(found: Mapping[str, float | None], real: Mapping[str, float], ended: str | None) -> str | None:
    """Why a run counts as collapsed, or None: decided before any was trained.

    Its training ended early; its coverage is below a tenth of that of training pictures; or so is the variety of its
    pictures of one prompt, beside that of real pictures of one concept.
    """
    if ended is not None:
        return ended
    for name in ("coverage", "variety"):
        value = found.get(name)
        if value is not None and value < LEAST * real[name]:
            return f"{name} {value:.3f}, real pictures {real[name]:.3f}"
    return None


def over_seeds(rows: Sequence[Mapping[str, float | None]]) -> dict[str, dict[str, float]]:
    """Mean, least and greatest of every number over the seeds that have it."""
    summary = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [value for row in rows if (value := row.get(name)) is not None]
        if values:
            summary[name] = {"mean": statistics.fmean(values), "min": min(values), "max": max(values)}
    return summary
