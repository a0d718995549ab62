"""Rows of the product: those that cover every pair of levels, and those of all edits, solvers and modifiers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations, count, product

from mezzotint.diffusion.solvers import SOLVERS
from tests.pipeline.product.asking import Choice, Row
from tests.pipeline.product.levels import FACTORS, KIND, LEVELS
from tests.pipeline.product.refusals import CLASHES

__all__ = ["NEUTRAL", "Pair", "choices", "covering", "every_three", "first_met", "go", "kinds", "pairs_of", "possible"]

Pair = frozenset[Choice]
NEUTRAL = {"edit": "text to image", "modifier": "no modifier"}
"""Of the factors of which a row may have two levels: the one that is nothing."""
TWICE = tuple(NEUTRAL)
ORDER = ("edit", "modifier", "rule", "prompt", "solver", "family", "batch")
"""In which rows are filled up: the most levels first, and families late, since some of them allow little else."""


def choices(factor: str) -> list[Choice]:
    """The levels of a factor; of solvers one of each kind."""
    names = [name for name in LEVELS[factor] if factor != "solver" or KIND[name] == name]
    return [(factor, name) for name in names]


@cache
def go(a: Choice, b: Choice) -> bool:
    """Whether two choices can be in one row with nothing refused or told."""
    if a[0] == b[0] and (a[0] not in TWICE or NEUTRAL[a[0]] in (a[1], b[1]) or a == b):
        return False
    return not any(clash.holds(a, b) for clash in CLASHES)


def kinds(row: Row) -> list[Choice]:
    """What a row chooses, with the kind of its solver."""
    return [(factor, KIND[name] if factor == "solver" else name) for factor, name in row.choices]


def pairs_of(row: Row) -> set[Pair]:
    """The pairs of levels that meet in a row."""
    return {frozenset(pair) for pair in combinations(kinds(row), 2)}


@dataclass
class Filling:
    """Fills rows up, with what has met the fewest times first."""

    missing: set[Pair]
    used: dict[Choice, int] = field(default_factory=dict)

    def row(self, *begun: Choice) -> list[Choice] | None:
        """The choices of a row that has these; None if none goes with them."""
        chosen = list(begun)
        for factor in ORDER:
            if not any(one[0] == factor for one in chosen):
                found = self.best(chosen, factor)
                if found is None:
                    return None
                chosen.append(found)
        for factor in TWICE:
            own = [one for one in chosen if one[0] == factor]
            second = self.best(chosen, factor) if len(own) == 1 else None
            if second is not None and self.gain(chosen, second) > 0:
                chosen.append(second)
        return chosen

    def best(self, chosen: list[Choice], factor: str) -> Choice | None:
        """The level that meets most of what is chosen for the first time, of those that leave all other factors a
        level; of several such the cheapest."""
        able = [one for one in choices(factor) if all(go(one, other) for other in chosen)]
        able = [one for one in able if completable([*chosen, one])]
        return max(able, key=lambda one: (self.gain(chosen, one), -cost(one), -self.used.get(one, 0)), default=None)

    def gain(self, chosen: list[Choice], one: Choice) -> int:
        """How many pairs a level adds."""
        return sum(frozenset((one, other)) in self.missing for other in chosen)


def cost(choice: Choice) -> int:
    """How dear a level is, roughly; only batches and solvers are compared."""
    factor, name = choice
    if factor == "solver":
        return SOLVERS[name].evaluations or 8
    return len(LEVELS["batch"][name].options) * LEVELS["batch"][name].options["n"] if factor == "batch" else 0


def completable(chosen: list[Choice]) -> bool:
    """Whether a row with these choices can have a level of every factor."""
    left = [factor for factor in FACTORS if not any(one[0] == factor for one in chosen)]
    return _completable(frozenset(chosen), tuple(left))


@cache
def _completable(chosen: frozenset[Choice], left: tuple[str, ...]) -> bool:
    if not left:
        return True
    able = (one for one in choices(left[0]) if all(go(one, other) for other in chosen))
    return any(_completable(chosen | {one}, left[1:]) for one in able)


@cache
def possible() -> frozenset[Pair]:
    """The pairs of levels that a row can have."""
    every = [one for factor in FACTORS for one in choices(factor)]
    return frozenset(frozenset(pair) for pair in combinations(every, 2) if go(*pair) and completable(list(pair)))


@cache
def covering() -> tuple[Row, ...]:
    """Rows in which every possible pair meets; the solvers of a kind take turns, so that each is in some row."""
    filling, turn, rows = Filling(set(possible())), {name: count() for name in KIND.values()}, []
    while filling.missing:
        first, second = sorted(min(filling.missing, key=sorted))
        chosen = filling.row(first, second)
        assert chosen is not None, f"no row has {first} and {second}"
        filling.missing -= {frozenset(pair) for pair in combinations(chosen, 2)}
        for one in chosen:
            filling.used[one] = filling.used.get(one, 0) + 1
        rows.append(made(chosen, turn))
    return tuple(rows)


def made(chosen: list[Choice], turn: dict[str, "count[int]"]) -> Row:
    """The row of some choices, with the next solver of its kind."""

    def names(factor: str) -> tuple[str, ...]:
        order = list(LEVELS[factor])
        return tuple(sorted((name for own, name in chosen if own == factor), key=order.index))

    (kind,), others = names("solver"), [one for one in chosen if one[0] != "solver"]
    alike = [name for name in LEVELS["solver"] if KIND[name] == kind]
    alike = [name for name in alike if all(go(("solver", name), other) for other in others)]
    one = {factor: names(factor)[0] for factor in ("family", "rule", "prompt", "batch")}
    solver = alike[next(turn[kind]) % len(alike)]
    return Row(edits=names("edit"), modifiers=names("modifier"), solver=solver, **one)


def first_met(rows: Sequence[Row]) -> dict[Row, frozenset[Choice]]:
    """For each row what meets something there that it met in none before."""
    met: set[Pair] = set()
    found = {}
    for row in rows:
        new = pairs_of(row) - met
        met |= new
        pairs = zip(kinds(row), row.choices, strict=True)
        found[row] = frozenset(choice for kind, choice in pairs if any(kind in pair for pair in new))
    return found


def every_three() -> Iterator[Row]:
    """All edits with all solvers and modifiers that go together; families, rules, prompts and batches take turns."""
    turns = {factor: count() for factor in ("rule", "prompt", "family", "batch")}
    for edit, solver, modifier in product(LEVELS["edit"], LEVELS["solver"], LEVELS["modifier"]):
        chosen: list[Choice] = [("edit", edit), ("solver", solver), ("modifier", modifier)]
        if not all(go(one, other) for one, other in combinations(chosen, 2)):
            continue
        for factor, turn in turns.items():
            able = [
                (factor, name)
                for name in LEVELS[factor]
                if completable([*chosen, (factor, name)]) and all(go((factor, name), other) for other in chosen)
            ]
            if not able:
                break
            chosen.append(able[next(turn) % len(able)])
        else:
            one = dict(chosen)
            yield Row(one["family"], (edit,), solver, one["rule"], (modifier,), one["prompt"], one["batch"])
