"""Verdicts, worked by hand."""

import pytest

from mezzotint.evaluation.detector import Sight, SightOf
from mezzotint.evaluation.iconeval.prompts import IconPrompt, Wanted
from mezzotint.evaluation.iconeval.verdict import (
    GENEVAL,
    Thresholds,
    Verdict,
    judge,
    overall,
    relations,
    task_scores,
)


def thing(name: str, score: float = 0.9, left: float = 0, top: float = 0, colour: str = "red") -> SightOf:
    return SightOf(name, score, (left, top, left + 10, top + 10), colour, 0.9)


def faults(prompt: IconPrompt, *things: SightOf, text: str = "") -> tuple[str, ...]:
    verdict = judge(prompt, Sight(things, text))
    assert verdict.right == (not verdict.faults)
    return verdict.faults


def test_presence_asks_for_enough_and_does_not_punish_more() -> None:
    two = IconPrompt("two", "a cat and a dog", (Wanted("cat"), Wanted("dog")))
    assert not faults(two, thing("cat"), thing("dog"), thing("dog"), thing("car"))
    assert faults(two, thing("cat"), thing("car")) == ("it shows 0 of dog, not 1",)
    assert faults(two, thing("cat"), thing("dog", 0.29)) == ("it shows 0 of dog, not 1",)


def test_counting_is_exact_at_its_own_threshold() -> None:
    three = IconPrompt("counting", "three cats", (Wanted("cat", 3),))
    cats = [thing("cat") for _ in range(3)]
    assert not faults(three, *cats, thing("dog"))
    assert not faults(three, *cats, thing("cat", 0.39))  # too unsure to count
    assert faults(three, *cats, thing("cat", 0.41)) == ("it shows 4 of cat, not 3",)
    assert faults(three, *cats[:2], thing("cat", 0.39)) == ("it shows 2 of cat, not 3",)
    strict = judge(three, Sight((*cats, thing("cat", 0.41)), ""), Thresholds(counting=0.9))
    assert strict == Verdict(True)


def test_colours_are_those_of_the_surest_sightings() -> None:
    red = IconPrompt("colours", "a red cat", (Wanted("cat", colour="red"),))
    assert not faults(red, thing("cat"), thing("cat", 0.5, colour="blue"))
    assert faults(red, thing("cat", colour="blue"), thing("cat", 0.5)) == ("the cat is blue, not red",)
    both = IconPrompt("attribution", "", (Wanted("cat", colour="red"), Wanted("dog", colour="blue")))
    assert not faults(both, thing("cat"), thing("dog", colour="blue"))
    assert len(faults(both, thing("cat", colour="blue"), thing("dog"))) == 2  # swapped


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        ((-20, 0), {"left of"}),
        ((20, 3), {"right of"}),
        ((0, -20), {"above"}),
        ((2, 30), {"below"}),
        ((-20, -20), {"left of", "above"}),  # each remains at (20 − 2) / 28.3 = 0.64
        ((1.9, 0), set()),  # within the margin of 0.1 · 20
        ((3, 0), set()),  # (3 − 2) / 3 = 0.33
        ((4.1, 0), {"right of"}),  # (4.1 − 2) / 4.1 = 0.51
        ((0, 0), set()),
    ],
)
def test_relations_by_hand(offset: tuple[float, float], expected: set[str]) -> None:
    a = (30 + offset[0], 30 + offset[1], 40 + offset[0], 40 + offset[1])
    assert relations(a, (30, 30, 40, 40)) == expected


def test_position_looks_at_the_surest_of_both() -> None:
    left = IconPrompt("position", "", (Wanted("cat"), Wanted("dog")), relation="left of")
    cat, dog = thing("cat", left=5), thing("dog", left=45)
    assert not faults(left, cat, dog, thing("cat", 0.5, left=60))
    assert faults(left, thing("cat", left=45), thing("dog", left=5)) == ("the cat is right of the dog, not left of it",)
    assert faults(left, cat) == ("it shows 0 of dog, not 1",)


def test_spelling_is_letter_for_letter_and_has_an_error_rate() -> None:
    stop = IconPrompt("spelling", "", word="STOP")
    assert judge(stop, Sight((), "STOP")) == Verdict(True, (), 0.0)
    assert judge(stop, Sight((), "STQP")) == Verdict(False, ('it says "STQP", not "STOP"',), 0.25)
    assert judge(stop, Sight((), "")).errors == 1.0
    kitten = IconPrompt("spelling", "", word="kitten")
    assert judge(kitten, Sight((), "sitting")).errors == pytest.approx(3 / 6)


def test_the_overall_score_is_the_plain_mean_of_six_tasks() -> None:
    judged = [(IconPrompt(task, ""), Verdict(i % 2 == 0)) for task in GENEVAL for i in range(4)]
    judged += [(IconPrompt("single", ""), Verdict(True)) for _ in range(4)] + [
        (IconPrompt("spelling", ""), Verdict(False))
    ]
    scores = task_scores(judged)
    assert (scores["single"], scores["two"], scores["spelling"]) == (0.75, 0.5, 0.0)
    assert overall(scores) == pytest.approx((0.75 + 5 * 0.5) / 6)
    with pytest.raises(KeyError):
        overall({"single": 1.0})
