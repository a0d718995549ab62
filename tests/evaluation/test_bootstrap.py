"""Bootstrap intervals: exact small cases, the spread of a mean, and how often they hold the truth."""

import math

import numpy as np
import pytest

from mezzotint.errors import InvalidOption
from mezzotint.evaluation.bootstrap import Interval, differences, interval, interval_of, paired
from mezzotint.evaluation.iconeval.prompts import TASKS
from mezzotint.evaluation.iconeval.verdict import GENEVAL, overall


def rng(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed))


def named(values: np.ndarray) -> dict[str, list[float]]:
    return {f"prompt {i}": [float(value) for value in row] for i, row in enumerate(values)}


def test_two_groups_have_three_draws() -> None:
    """The mean of two draws from {0, 1} is 0, ½ or 1 with probabilities ¼, ½, ¼."""
    groups = {"a": [0.0], "b": [1.0]}
    assert interval(groups) == Interval(0.5, 0.0, 1.0)
    assert interval(groups, level=0.4) == Interval(0.5, 0.5, 0.5)  # quantiles 0.3 and 0.7
    assert interval(groups, level=0.6) == Interval(0.5, 0.0, 1.0)  # quantiles 0.2 and 0.8


def test_groups_weigh_the_same_whatever_their_size() -> None:
    mean, low, high = interval({"a": [0, 0, 0, 0, 0, 3], "b": [1.5], "c": [4, 5]})
    assert mean == pytest.approx((0.5 + 1.5 + 4.5) / 3)
    assert (low, high) == pytest.approx((0.5, 4.5))  # one group three times: 1 / 27 each, more than 2.5 %


def test_the_interval_is_that_of_a_mean_over_groups() -> None:
    """Of many groups, ±1.96 standard errors of their means, at either level."""
    values = rng(1).normal(2.0, 1.0, (400, 1)) + rng(2).normal(0, 0.1, (400, 4))
    error = values.mean(axis=1).std() / math.sqrt(400)
    for level, width in ((0.95, 1.960), (0.5, 0.6745)):
        mean, low, high = interval(named(values), level, draws=10_000)
        assert mean == pytest.approx(values.mean())
        assert (low, high) == pytest.approx((mean - width * error, mean + width * error), abs=0.06 * error)


def test_about_95_percent_of_intervals_hold_the_true_mean() -> None:
    """40 prompts of 4 seeds that resemble each other. Student's t leaves 94.0 % to this size; 600 repetitions, ±2 %.

    Single values drawn instead of groups would give about 70 %.
    """
    held = 0
    for i in range(600):
        values = rng(1000 + i).normal(0, 1, (40, 1)) + rng(9000 + i).normal(0, 0.5, (40, 4))
        _, low, high = interval(named(values + 5), draws=400, seed=i)
        held += low <= 5 <= high
    assert held / 600 == pytest.approx(0.94, abs=0.02)


def test_the_same_seed_gives_the_same_interval_in_any_order() -> None:
    groups = named(rng(3).normal(size=(30, 4)))
    found = interval(groups, draws=200)
    assert interval(dict(reversed(groups.items())), draws=200) == found
    assert interval(groups, draws=200, seed=1) != found


def test_pairs_cancel_what_makes_a_prompt_hard() -> None:
    """b is a plus a constant: the difference does not vary, though each side does."""
    values = rng(4).integers(0, 8, (50, 4)).astype(float)
    a, b = named(values), dict(reversed(named(values + 0.5).items()))
    assert paired(a, b) == Interval(-0.5, -0.5, -0.5)
    noise = rng(5).normal(0, 0.1, (50, 4))
    mean, low, high = paired(a, named(values + noise), draws=10_000)
    error = noise.mean(axis=1).std() / math.sqrt(50)
    assert mean == pytest.approx(-noise.mean())
    assert (low, high) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=0.12 * error)


def test_a_composite_is_resampled_within_its_tables() -> None:
    """Tables that do not vary inside give no interval, however far apart they are."""
    tables = {"easy": named(np.ones((10, 2))), "hard": named(np.zeros((40, 2)))}
    assert interval_of(lambda means: 0.75 * means["easy"] + 0.25 * means["hard"], tables) == Interval(0.75, 0.75, 0.75)


def test_the_overall_score_is_a_composite() -> None:
    """The variance of a mean of six independent task means, and spelling, which does not count."""
    tables = {task: named(rng(20 + i).normal(i, 1 + i, (60 + i, 2))) for i, task in enumerate(TASKS)}
    of_groups = {task: np.array([np.mean(values) for values in tables[task].values()]) for task in GENEVAL}
    error = math.sqrt(sum(values.var() / len(values) for values in of_groups.values())) / len(GENEVAL)
    mean, low, high = interval_of(overall, tables, draws=5000)
    assert mean == pytest.approx(np.mean([values.mean() for values in of_groups.values()]))
    assert (low, high) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=0.12 * error)
    harder = {task: {name: [v - 1 for v in values] for name, values in tables[task].items()} for task in TASKS}
    apart = interval_of(overall, {task: differences(tables[task], harder[task]) for task in TASKS}, draws=100)
    assert apart == pytest.approx((1.0, 1.0, 1.0))


def test_what_has_no_interval_is_refused() -> None:
    two = {"a": [1.0], "b": [0.0, 1.0]}
    with pytest.raises(InvalidOption, match="There are 1 groups"):
        interval({"a": [1.0, 0.0]})
    for bad in ([], [math.nan]):
        with pytest.raises(InvalidOption, match="'c' is empty or holds NaN"):
            interval({**two, "c": bad})
    for level in (0.0, 1.0, 95):
        with pytest.raises(InvalidOption, match="The level is"):
            interval(two, level)
    for draws, seed in ((0, 0), (10, -1)):
        with pytest.raises(InvalidOption, match=f"{draws} draws with seed {seed}"):
            interval(two, draws=draws, seed=seed)
    with pytest.raises(InvalidOption, match="2 groups are on one side only, 'b' among them"):
        paired(two, {"a": [1.0], "c": [0.0, 1.0]})
    with pytest.raises(InvalidOption, match="'b' has 2 and 1 values"):
        paired(two, {"a": [1.0], "b": [1.0]})
