"""Guidance: denoisers around denoisers that steer x_0.

There are two kinds. A *rule* turns the predictions under several conditionings (branches) into one; rules are
alternatives. A *modifier* changes what a guided denoiser says, or when it speaks; modifiers stack. `guided` puts a rule
and modifiers around a denoiser. Whatever is in the rule, solvers see one `Prediction`, and its `branches` tell what
went into it.

Every rule and modifier is off by default: made without options it changes no bit and costs no evaluation.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, Generic, Literal, Protocol, Self, TypeVar, runtime_checkable

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import Probe
from mezzotint.diffusion.sampling import Step
from mezzotint.diffusion.schedule import Level, Schedule
from mezzotint.errors import InvalidOption, unknown_option

__all__ = [
    "Calls",
    "Catable",
    "GuidanceRecord",
    "Guided",
    "Modifier",
    "Remembering",
    "Rule",
    "check_number",
    "conditional",
    "dot",
    "evaluate",
    "guided",
    "only",
    "steered",
]

C = TypeVar("C")

Calls = Literal["together", "apart"]
"""The branches of a picture in one network call, as a larger batch, or each in its own."""


@runtime_checkable
class Catable(Protocol):
    """A conditioning whose pictures can be joined with another's into one batch."""

    def cat(self, other: Self) -> Self:
        """The pictures of self, then those of other."""
        ...


class Rule(Protocol):
    """Combines branches into one prediction."""

    @property
    def branches(self) -> tuple[str, ...]:
        """The conditionings to evaluate, by name, "cond" first; ("cond",) alone where the rule is neutral."""
        ...

    def combine(self, branches: Mapping[str, Prediction]) -> Prediction:
        """One prediction from those of `self.branches`; all have the same x_t and level."""
        ...


@runtime_checkable
class Remembering(Protocol):
    """A rule that learns from the steps of a request."""

    def fresh(self) -> Rule:
        """The same rule with an empty memory of its own, for one request; it has `accepted(step)`."""
        ...


class Modifier(Protocol):
    """Wraps a guided denoiser."""

    def wrap(self, denoiser: Denoiser[C], plain: Denoiser[C]) -> Denoiser[C]:
        """denoiser: what to modify. plain: the same without guidance, to be called with the branch "cond" alone.

        Raises InvalidOption where this denoiser cannot give what the guidance needs.
        """
        ...


def only(cond: Mapping[str, C], name: str = "cond") -> Mapping[str, C]:
    """The conditioning of one branch, as the leaf wants it: under the name "cond"."""
    if name not in cond:
        raise InvalidOption(f"This guidance needs the conditioning {name!r}; there is only {', '.join(sorted(cond))}.")
    return {"cond": cond[name]}


def evaluate(
    denoiser: Denoiser[C],
    x_t: Tensor,
    t: Tensor,
    cond: Mapping[str, C],
    names: Sequence[str],
    calls: Calls,
    *,
    to: Tensor | None = None,
    probe: Probe | None = None,
) -> Mapping[str, Prediction]:
    """The predictions of x_t (B, ...) under the named conditionings.

    With calls "together" and more than one name it is one call on (names × B, ...), picture i of branch k in row
    k B + i; the conditionings must then be `Catable`.
    """
    if calls == "apart" or len(names) == 1:
        return {name: denoiser(x_t, t, only(cond, name), to=to, probe=probe) for name in names}
    joined: Any = only(cond, names[0])["cond"]
    for name in names[1:]:
        other: Any = only(cond, name)["cond"]
        assert isinstance(joined, Catable), f"{type(joined).__name__} has no cat; use calls='apart'"
        joined = joined.cat(other)
    count, batch = len(names), x_t.shape[0]
    both = denoiser(
        torch.cat([x_t] * count),
        _repeat(t, count),
        {"cond": joined},
        to=None if to is None else _repeat(to, count),
        probe=probe,
    )
    return {name: _rows(both, x_t, k * batch, (k + 1) * batch) for k, name in enumerate(names)}


def _repeat(t: Tensor, count: int) -> Tensor:
    return t if t.ndim == 0 else torch.cat([t] * count)


def _rows(whole: Prediction, x_t: Tensor, begin: int, end: int) -> Prediction:
    alpha, sigma = whole.level.alpha, whole.level.sigma
    level = whole.level if alpha.ndim == 0 else Level(alpha[begin:end], sigma[begin:end])
    eps = None if whole.eps_for_update is None else whole.eps_for_update[begin:end]
    branches = {name: _rows(branch, x_t, begin, end) for name, branch in whole.branches.items()}
    return Prediction(x_t, level, whole.x0[begin:end], eps, branches)


@dataclass(frozen=True, slots=True)
class Guided(Generic[C]):
    """A denoiser with a combination rule. `calls` says how the branches are evaluated."""

    denoiser: Denoiser[C]
    rule: Rule
    calls: Calls = "together"

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, C], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        names = self.rule.branches
        branches = evaluate(self.denoiser, x_t, t, cond, names, self.calls, to=to, probe=probe)
        return branches["cond"] if names == ("cond",) else self.rule.combine(branches)

    def accepted(self, step: Step) -> None:
        """Passes the news on to a rule that remembers."""
        listen = getattr(self.rule, "accepted", None)
        if listen is not None:
            listen(step)


def guided(
    denoiser: Denoiser[C], rule: Rule, modifiers: Sequence[Modifier] = (), calls: Calls = "together"
) -> Denoiser[C]:
    """The denoiser with a rule and modifiers around it, the first modifier innermost; to be built for each request.

    Raises InvalidOption where this denoiser cannot give what a modifier needs.
    """
    wrapped: Denoiser[C] = Guided(denoiser, rule.fresh() if isinstance(rule, Remembering) else rule, calls)
    for modifier in modifiers:
        wrapped = modifier.wrap(wrapped, denoiser)
    return wrapped


def conditional(prediction: Prediction) -> Prediction:
    """The prediction under the prompt alone that went into a guided one; itself, if nothing else did."""
    return prediction.branches.get("cond", prediction)


def steered(prediction: Prediction, x0: Tensor, **more: Prediction) -> Prediction:
    """The prediction with another x_0 and with further branches.

    The noise that a rule asked to put back (CFG++) stays as it was asked for. A branch whose name is taken already
    gets a number, so that no evaluation goes uncounted.
    """
    branches = dict(prediction.branches) or {"cond": prediction}
    for name, branch in more.items():
        free = next(n for n in (name, *(f"{name}-{k}" for k in range(2, 99))) if n not in branches)
        branches[free] = branch
    return prediction.replace(x0=x0, eps_for_update=prediction.eps_for_update, branches=branches)


def dot(a: Tensor, b: Tensor) -> Tensor:
    """The inner product of each picture of a with that of b, float64, of shape (B, 1, ...) to multiply them."""
    product = (a.flatten(1).double() * b.flatten(1).double()).sum(1)
    return product.reshape(-1, *[1] * (a.ndim - 1))


def check_number(guidance: str, option: str, value: float, low: float = 0.0, high: float = math.inf) -> None:
    """Raises InvalidOption unless value is a finite number from low to high."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not (number and low <= value <= high):
        span = f"of at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
        raise InvalidOption(f"The option {option} of the guidance {guidance} must be a number {span}, not {value!r}.")


@dataclass(frozen=True, slots=True)
class GuidanceRecord:
    """A line of the registry.

    kind: rule or modifier. build: the class; its fields are its options. evaluations: network forwards per picture
    and prediction when it is on, with the fewest branches (of a modifier: those it adds). source: paper and equation.
    for_each_prompt: the same for each further prompt.
    needs: what not every model or request has: "attention", "a weaker denoiser", "the conditioning ...".
    aliases: other names of the method.
    """

    name: str
    kind: Literal["rule", "modifier"]
    build: Callable[..., Any]
    evaluations: int
    source: str
    needs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    for_each_prompt: int = 0

    def make(self, options: Mapping[str, Any] | None = None) -> Any:
        """The rule or modifier with these options. Raises InvalidOption for an unknown one or a value out of range."""
        options = options or {}
        allowed = [field.name for field in fields(self.build)]  # type: ignore[arg-type]
        for name in options:
            if name not in allowed:
                raise unknown_option(f"The guidance {self.name}", name, allowed)
        return self.build(**options)

    def describe(self) -> dict[str, Any]:
        """The line as plain data, for `mezzotint guidances --format json`."""
        return {
            "name": self.name,
            "aliases": list(self.aliases),
            "kind": self.kind,
            "options": {field.name: _default(field) for field in fields(self.build)},  # type: ignore[arg-type]
            "evaluations": self.evaluations,
            "evaluations_for_each_prompt": self.for_each_prompt,
            "needs": list(self.needs),
            "source": self.source,
        }


def _default(field: "Field[Any]") -> Any:
    value = field.default if field.default_factory is MISSING else field.default_factory()
    return dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else value
