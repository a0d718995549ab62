"""Perp-Neg: negative prompts that cannot take away from the positive one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mezzotint.diffusion.guidance.base import GuidanceRecord, check_number, dot
from mezzotint.diffusion.prediction import Prediction
from mezzotint.errors import InvalidOption

__all__ = ["RECORD", "PerpNeg"]


def _none() -> Mapping[str, float]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PerpNeg:
    """x_0 = uncond + guidance (p − sum_k weights_k (n_k − ⟨n_k, p⟩/|p|² p)),   p = cond − uncond, n_k = neg_k − uncond.

    "uncond" is the empty prompt here, and each negative prompt a conditioning of its own, named in `weights`.
    Guidance 1 without negative prompts = off. Armandpour et al. 2023, arXiv 2304.04968, the section on the
    Perp-Neg algorithm (in eps there; the differences of eps are those of x_0 times −alpha/sigma). Raises InvalidOption
    for a guidance or weight below 0.
    """

    guidance: float = 1.0
    weights: Mapping[str, float] = field(default_factory=_none)

    def __post_init__(self) -> None:
        check_number("perp-neg", "guidance", self.guidance)
        if not isinstance(self.weights, Mapping) or {"cond", "uncond"} & set(self.weights):
            raise InvalidOption(
                "The option weights of the guidance perp-neg must name negative prompts, which cond and uncond are "
                f"not, such as {{'negative': 1}}; not {self.weights!r}."
            )
        for name, weight in self.weights.items():
            check_number("perp-neg", f"weights[{name!r}]", weight)
        object.__setattr__(self, "weights", MappingProxyType(dict(self.weights)))

    @property
    def branches(self) -> tuple[str, ...]:
        negatives = tuple(name for name, weight in self.weights.items() if weight != 0)
        return ("cond",) if self.guidance == 1 and not negatives else ("cond", *negatives, "uncond")

    def combine(self, branches: Mapping[str, Prediction]) -> Prediction:
        cond, uncond = branches["cond"], branches["uncond"].x0
        positive = cond.x0 - uncond
        length = dot(positive, positive).clamp_min(1e-30)
        x0 = uncond.lerp(cond.x0, self.guidance)
        for name in self.branches[1:-1]:
            negative = branches[name].x0 - uncond
            across = negative - (dot(negative, positive) / length).to(positive) * positive
            x0 = x0 - self.guidance * self.weights[name] * across
        return cond.replace(x0=x0, branches=branches)


RECORD = GuidanceRecord(
    "perp-neg",
    "rule",
    PerpNeg,
    evaluations=2,
    source="Armandpour et al. 2023, arXiv 2304.04968",
    for_each_prompt=1,
    needs=("a conditioning for each negative prompt",),
)
