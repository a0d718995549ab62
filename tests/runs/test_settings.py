"""What is refused of a training run's settings is named whole, wherever in the run it lies."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from mezzotint.errors import InvalidOption
from mezzotint.runs import RUNS
from mezzotint.training.config import override

ODD = ("-1", "0", "-1.0", "2.0", '"x"', "null", "[]", "[-1.0,5.0]", "[0]")


def settings(config: Any, before: str = "") -> Iterator[str]:
    """The names of all settings of a run."""
    for item in dataclasses.fields(config):
        value, name = getattr(config, item.name), f"{before}{item.name}"
        yield from settings(value, f"{name}.") if dataclasses.is_dataclass(value) else (name,)


@pytest.mark.parametrize("name", sorted(RUNS))
def test_whatever_is_refused_is_named_whole_in_one_sentence(name: str) -> None:
    run, refused = RUNS[name](), set()
    for setting in settings(run):
        for value in ODD:
            try:
                override(run, [f"{setting}={value}"])
            except InvalidOption as error:
                said = str(error)
                refused.add(setting)
                assert setting in said
                assert said.count(". ") == 0, said
    assert {"steps", "data.scenes", "optim.betas"} <= refused
    assert refused >= {one for one in settings(run) if one.startswith(("student.", "conditions.drop"))}


def test_a_part_of_a_part_says_what_is_legal() -> None:
    with pytest.raises(InvalidOption) as caught:
        override(RUNS["student"](), ["student.consistency.steps=0"])
    assert str(caught.value) == (
        "student.consistency.steps=0 does not fit: steps is 0; it must be a whole number of 8 or more."
    )
