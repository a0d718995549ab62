"""A conditioning that is a blend of several: the mean of what is predicted under each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import Probe
from mezzotint.diffusion.schedule import Schedule

__all__ = ["Blended", "Blending"]

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Blended(Generic[C]):
    """Conditionings of the same pictures, and their weights, which sum to 1.

    Its `cat` is for blends with the same weights: what guidance evaluates besides it is evaluated apart from it.
    """

    each: tuple[C, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        assert len(self.each) == len(self.weights) > 1, self.weights
        assert abs(sum(self.weights) - 1) < 1e-9, self.weights

    def cat(self, other: "Blended[C]") -> "Blended[C]":
        """Both batches, one after the other, member by member; they have the same weights."""
        assert self.weights == other.weights, "blends of different weights"
        pairs: Any = zip(self.each, other.each, strict=True)
        return Blended(tuple(one.cat(another) for one, another in pairs), self.weights)


@dataclass(frozen=True, slots=True)
class Blending(Generic[C]):
    """A leaf that predicts `x_0 = sum_k w_k x_0(c_k)` where its conditioning is `Blended`, all c_k in one call.

    The score of the product of the densities p(x | c_k)^w_k at each noise level: Liu et al. 2022, arXiv 2206.01714,
    section "Composed Diffusion Models", with weights of sum 1. It holds for every text encoder, which a mean of
    the encoded texts does not: these differ in length, and a mean of token i and token i of another text is no token.
    Guidance around it sees one prompt.
    """

    denoiser: Denoiser[C]

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(
        self,
        x_t: Tensor,
        t: Tensor,
        cond: Mapping[str, Any],
        *,
        to: Tensor | None = None,
        probe: Probe | None = None,
    ) -> Prediction:
        (blend,) = cond.values()
        if not isinstance(blend, Blended):
            return self.denoiser(x_t, t, cond, to=to, probe=probe)
        joined, count = blend.each[0], len(blend.each)
        for other in blend.each[1:]:
            joined = joined.cat(other)
        both = self.denoiser(
            torch.cat([x_t] * count), _times(t, count), {"cond": joined}, to=_times(to, count), probe=probe
        )
        level, parts = self.schedule(t), torch.split(both.x0, len(x_t))
        x0 = blend.weights[0] * parts[0]
        for weight, part in zip(blend.weights[1:], parts[1:], strict=True):
            x0 = x0 + weight * part
        each = {f"blend-{k}": Prediction(x_t, level, part) for k, part in enumerate(parts)}
        # under the name that modifiers look for, so that they find the mean and not a part of it
        return Prediction(x_t, level, x0, branches={"cond": Prediction(x_t, level, x0, branches=each)})


def _times(t: Tensor | None, count: int) -> Any:
    return t if t is None or t.ndim == 0 else torch.cat([t] * count)
