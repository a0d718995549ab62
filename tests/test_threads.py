"""The number of threads is chosen by what they take, and by nothing else."""

import pytest
import torch

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.cli.options import cores, set_threads
from mezzotint.threads import ROUNDS, candidates, fastest, measured_threads


def test_powers_of_two_and_all_cores_are_tried() -> None:
    assert [candidates(n) for n in (1, 2, 3, 4, 12)] == [(1,), (1, 2), (1, 2, 3), (1, 2, 4), (1, 2, 4, 8, 12)]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ({1: 8.0, 2: 4.0, 4: 2.0, 8: 1.0}, 8),  # nothing else runs
        ({1: 8.0, 2: 80.0, 4: 90.0, 8: 99.0}, 1),  # another process has a core, and all wait for it
        ({1: 8.0, 2: 4.0, 4: 3.9, 8: 3.8}, 2),  # what is left to win is noise
        ({1: 8.0, 2: 7.9, 4: 2.0, 8: 20.0}, 4),  # two gain nothing, and four do
    ],
)
def test_the_fastest_is_taken_and_the_fewest_of_equals(seconds: dict[int, float], expected: int) -> None:
    assert fastest(seconds.__getitem__, tuple(seconds)) == expected


def test_one_lucky_measurement_does_not_decide() -> None:
    """Two threads are quick once, in the gap of another process, and slow in all other rounds."""
    measured: list[int] = []

    def seconds(count: int) -> float:
        measured.append(count)
        return 1.0 if count == 1 else (0.1 if measured.count(2) == 1 else 5.0)

    assert fastest(seconds, (1, 2)) == 1
    assert measured == [1, 2] * ROUNDS  # in turn, so that what comes and goes meets both


def test_measuring_leaves_the_number_as_it_is() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert measured_threads(2) in (1, 2)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_auto_takes_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    before, asked = torch.get_num_threads(), []
    monkeypatch.setattr("mezzotint.threads.measured_threads", lambda most: asked.append(most) or 5)
    try:
        set_threads("auto")
        assert (torch.get_num_threads(), asked) == (5, [cores()])
        set_threads(None)
        assert torch.get_num_threads() == 5
    finally:
        torch.set_num_threads(before)


def test_what_is_neither_a_number_nor_auto_is_refused() -> None:
    with pytest.raises(InvalidOption, match=r"threads is 'many'; it must be auto or a whole number from 1 to 1024\."):
        set_threads("many")
