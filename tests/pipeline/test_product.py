"""Families × tasks × solvers × guidances × prompt features × batches, on tiny networks without a zero parameter.

Every row is drawn, with nothing ignored; drawn again it is the same to the bit, and so is each picture of it drawn
alone; and whatever of its choices is switched off, the pixels change. By default the rows cover every pair of levels,
of edits and of guidance modifiers with their like too; solvers count by their kind there, and those of a kind take
turns. `-m slow` draws every edit with every solver and every modifier by name, while the rest takes turns. What cannot
be combined is in the one list of `product.refusals`, and each entry is asked for and must be refused in its words.
"""

from itertools import combinations, product

import pytest

from mezzotint import Pipeline, pipeline
from mezzotint.diffusion.guidance import GUIDANCES
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.errors import InvalidOption
from mezzotint.load import FAMILIES
from mezzotint.tasks import TASKS
from tests.pipeline.product.asking import Choice, Row, options
from tests.pipeline.product.checking import IDLE, Checker, generated
from tests.pipeline.product.covering import (
    NEUTRAL,
    choices,
    covering,
    every_three,
    first_met,
    go,
    kinds,
    pairs_of,
    possible,
)
from tests.pipeline.product.levels import LEVELS
from tests.pipeline.product.models import FAMILY, zero_parameters
from tests.pipeline.product.refusals import TELLING, Clash, clashes, listed, sentence
from tests.pipeline.product.sabotage import SABOTAGES

ROWS = covering()
GROUPS = 21


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker()


@pytest.mark.parametrize("group", range(GROUPS))
def test_every_pair_of_choices_goes_together(checker: Checker, group: int) -> None:
    looked_at = first_met(ROWS)
    assert not [fault for row in ROWS[group::GROUPS] for fault in checker.faults(row, looked_at[row])]


@pytest.mark.slow
@pytest.mark.parametrize("edit", LEVELS["edit"])
def test_every_edit_solver_and_modifier_go_together(edit: str) -> None:
    checker, count, wrong = Checker(), 0, []
    for row in every_three():
        if row.edits == (edit,):
            count, wrong = count + 1, wrong + checker.faults(row)
    print(f"{edit}: {count} rows")
    assert not wrong
    assert count


def test_the_default_rows_cover_every_pair_that_goes_together() -> None:
    assert set().union(*map(pairs_of, ROWS)) == possible()
    assert {row.solver for row in ROWS} == set(SOLVERS)
    assert not [row for row in ROWS if any(clashes(row))]


def test_whatever_is_registered_is_a_level() -> None:
    of = {factor: {level.of for level in levels.values() if level.of} for factor, levels in LEVELS.items()}
    assert of["edit"] == set(TASKS)
    assert of["solver"] == set(SOLVERS)
    assert of["rule"] | of["modifier"] == set(GUIDANCES)
    assert of["family"] == set(FAMILIES)


@pytest.mark.parametrize("family", FAMILY)
def test_no_network_has_a_zero_parameter(family: str) -> None:
    assert not zero_parameters(family)


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_breakage_fails_the_row_of_the_default_test_that_is_about_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, looked_at = SABOTAGES[name], first_met(ROWS)
    rows = [row for row in ROWS if {*broken.beside} <= {*kinds(row)}]
    # an inversion reads what the picture shows, and so shows a layout's words though the layout is lost
    inverted = {"inversion", "blend of pictures"}
    row = min(rows, key=lambda row: (broken.beside[0] not in looked_at[row], bool(inverted & {*row.edits})))
    broken.break_it(monkeypatch)
    assert any(broken.fault in fault for fault in Checker().faults(row, looked_at[row]))


def plain(a: Choice, b: Choice) -> Row:
    """A row of two choices, and of what goes with most others."""
    chosen = [a, b]

    def one(factor: str, usual: str) -> str:
        return next((name for own, name in chosen if own == factor), usual)

    def both(factor: str) -> tuple[str, ...]:
        return tuple(name for own, name in chosen if own == factor) or (NEUTRAL[factor],)

    family = one("family", "pixel_dit, flow map" if one("solver", "") in TELLING else "pixel_dit")
    reads = family in ("pixel_dit", "without attention", "pixel_dit, flow map")
    rule = "no guidance" if not reads or one("prompt", "") in ("AND", "shares") else "cfg"
    return Row(
        family,
        both("edit"),
        one("solver", "lcm" if family == "pixel_dit, flow map" else "ddim"),
        one("rule", rule),
        both("modifier"),
        one("prompt", "plain"),
    )


def said(row: Row, clash: Clash) -> str:
    """How the product says that something of a row does not go together."""
    if clash.told:
        return "; ".join(generated(row.family, options(row)).ignored)
    with pytest.raises(InvalidOption) as caught:
        generated(row.family, options(row))
    return str(caught.value)


@pytest.mark.parametrize("told", [False, True])
def test_what_does_not_go_together_is_said_in_its_own_words(told: bool) -> None:
    wrong = []
    for clash, a, b in listed():
        if clash.told is told:
            words = said(row := plain(a, b), clash)
            if not all(part in words for part in sentence(clash, a, b)):
                wrong.append(f"{row}: {words or 'nothing is said'}")
    assert not wrong


def test_the_pairs_that_no_row_can_have_are_few_and_known() -> None:
    """Besides those that are listed: a network that takes no guidance reads no negative prompt."""
    every = [one for factor in LEVELS for one in choices(factor)]
    left_out = {frozenset(pair) for pair in combinations(every, 2) if go(*pair)} - possible()
    unguided = ("pixel_dit, distilled", "pixel_gan", "pixel_upscaler")
    assert left_out == {frozenset([("family", name), ("prompt", "negative")]) for name in unguided}


def test_what_is_said_to_have_no_effect_by_nature_has_none(checker: Checker) -> None:
    for why, (idle, beside) in IDLE.items():
        pair = next(pair for pair in product(sorted(idle), sorted(beside)) if pair[0][0] == "edit" or go(*pair))
        row = plain(*pair)
        assert not checker.faults(row), why


def test_what_is_not_told_or_not_refused_any_more_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = next(one for one in listed() if one[0].told)
    legal = next(one for one in listed() if ("family", "pixel_gan") in one and ("rule", "cfg") in one)
    monkeypatch.setattr(Pipeline, "ignored", lambda self, request: ())
    monkeypatch.setattr(pipeline, "check_network", lambda *of: None)
    assert not all(part in said(plain(*quiet[1:]), quiet[0]) for part in sentence(*quiet))
    with pytest.raises(pytest.fail.Exception):
        said(plain(*legal[1:]), legal[0])
