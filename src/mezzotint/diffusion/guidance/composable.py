"""Composable guidance: several prompts, each with its own weight."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mezzotint.diffusion.guidance.base import GuidanceRecord, check_number
from mezzotint.diffusion.prediction import Prediction
from mezzotint.errors import InvalidOption

__all__ = ["RECORD", "Composable"]


def _one() -> Mapping[str, float]:
    return MappingProxyType({"cond": 1.0})


@dataclass(frozen=True, slots=True)
class Composable:
    """x_0 = uncond + sum_k weights_k (cond_k − uncond), over the named conditionings; a negative weight repels.

    {"cond": 1} = off; {"cond": w} is CFG. A weight of 0 is not evaluated, but for that of "cond".
    Liu et al. 2022, arXiv 2206.01714, sections "Concept Conjunction" and "Concept Negation" (a negative weight), in eps
    there: differences of eps are those of x_0 times −alpha/sigma. Raises InvalidOption for weights without "cond",
    with "uncond", or that are not numbers from −100 to 100.
    """

    weights: Mapping[str, float] = field(default_factory=_one)

    def __post_init__(self) -> None:
        if not isinstance(self.weights, Mapping) or "cond" not in self.weights or "uncond" in self.weights:
            raise InvalidOption(
                "The option weights of the guidance composable must name the prompts to combine, cond among them and "
                f"uncond not, such as {{'cond': 5, 'second': 3}}; not {self.weights!r}."
            )
        for name, weight in self.weights.items():
            check_number("composable", f"weights[{name!r}]", weight, low=-100, high=100)
        object.__setattr__(self, "weights", MappingProxyType(dict(self.weights)))

    @property
    def branches(self) -> tuple[str, ...]:
        others = tuple(name for name, weight in self.weights.items() if name != "cond" and weight != 0)
        return ("cond",) if self.weights["cond"] == 1 and not others else ("cond", *others, "uncond")

    def combine(self, branches: Mapping[str, Prediction]) -> Prediction:
        uncond = branches["uncond"].x0
        # as a lerp, so that one prompt is bitwise CFG
        x0 = uncond.lerp(branches["cond"].x0, self.weights["cond"])
        for name in self.branches[1:-1]:
            x0 = x0 + self.weights[name] * (branches[name].x0 - uncond)
        return branches["cond"].replace(x0=x0, branches=branches)


RECORD = GuidanceRecord(
    "composable",
    "rule",
    Composable,
    evaluations=2,
    source="Liu et al. 2022, arXiv 2206.01714",
    for_each_prompt=1,
    needs=("a conditioning for each further prompt",),
)
