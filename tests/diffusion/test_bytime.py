"""Conditionings that change with time: read when due, joined as they are alone; and the first part of a grid."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion.bytime import ByTime, Timeline, settled
from mezzotint.diffusion.guidance import guided
from mezzotint.diffusion.guidance.cfg import CFG
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import Probe
from mezzotint.diffusion.schedule import RectifiedFlow, Schedule
from mezzotint.diffusion.timegrid import Denoise, first_part, karras, last_part, repaint, uniform
from mezzotint.errors import InvalidOption
from mezzotint.guiding import Pair


@dataclass(frozen=True)
class Numbers:
    """A conditioning: one number a picture."""

    values: Tensor

    def cat(self, other: "Numbers") -> "Numbers":
        return Numbers(torch.cat([self.values, other.values]))


@dataclass(frozen=True)
class Leaf:
    """Predicts x_0 = the picture's number + t; remembers how many pictures it was shown."""

    schedule: Schedule = field(default_factory=RectifiedFlow)
    shown: list[int] = field(default_factory=list)

    def __call__(
        self,
        x_t: Tensor,
        t: Tensor,
        cond: Mapping[str, Numbers],
        *,
        to: Tensor | None = None,
        probe: Probe | None = None,
    ) -> Prediction:
        self.shown.append(len(x_t))
        assert len(cond["cond"].values) == len(x_t)
        x0 = (cond["cond"].values + t).float()[:, None].expand_as(x_t)
        return Prediction(x_t, self.schedule(t), x0)


def numbers(*values: float) -> Numbers:
    return Numbers(torch.tensor(values, dtype=torch.float64))


def line(
    *each: Numbers, which: tuple[int, ...] = (0, 1, 0), times: tuple[float, ...] = (0.7, 0.4)
) -> Timeline[Numbers]:
    return Timeline(each, which, times)


def at(t: float | list[float]) -> Tensor:
    return torch.tensor(t, dtype=torch.float64)


@pytest.mark.parametrize(
    ("t", "number"), [(1.0, 0), (0.71, 0), (0.7, 1), (0.5, 1), (0.4 + 1e-12, 1), (0.4, 2), (0.1, 2), (0.0, 2)]
)
def test_a_step_reads_from_its_start_down_to_the_next(t: float, number: int) -> None:
    three = line(numbers(10), numbers(20), numbers(30), which=(0, 1, 2))
    assert three.numbers(at(t)) == [number]
    found = ByTime(Leaf())(torch.zeros(1, 3), at(t), {"cond": three})
    assert found.x0[0, 0] == pytest.approx(10 * (number + 1) + t)


def test_pictures_at_different_times_read_what_is_due_for_each() -> None:
    leaf = Leaf()
    two = line(numbers(10, 11, 12, 13), numbers(20, 21, 22, 23))
    times = [0.9, 0.5, 0.2, 0.7]
    x_t = torch.arange(8.0).view(4, 2)
    found = ByTime(leaf)(x_t, at(times), {"cond": two})
    assert found.x0[:, 0].tolist() == pytest.approx([10.9, 21.5, 12.2, 23.7])
    assert torch.equal(found.x_t, x_t)
    assert leaf.shown == [4, 4]  # one evaluation for each that is due
    assert found.evaluations == 1
    torch.testing.assert_close(found.level.sigma, at(times))


def test_branches_are_joined_step_by_step_and_each_is_what_it_is_alone() -> None:
    """Guidance over two timelines with other switches, against guidance over what is due."""
    first = line(numbers(10, 11), numbers(20, 21), which=(0, 1, 1))
    second = line(numbers(1, 2), numbers(3, 4), numbers(5, 6), which=(0, 1, 2))
    leaf = Leaf()
    x_t = torch.zeros(2, 3)
    for t, due in ((0.8, (first.each[0], second.each[0])), (0.6, (first.each[1], second.each[1])),
                   (0.3, (first.each[1], second.each[2]))):  # fmt: skip
        ours = guided(ByTime(leaf), CFG(3.0))(x_t, at(t), {"cond": first, "uncond": second})
        theirs = guided(leaf, CFG(3.0))(x_t, at(t), {"cond": due[0], "uncond": due[1]})
        assert torch.equal(ours.x0, theirs.x0)
        assert ours.evaluations == 2
    joined = first.cat(second)
    assert [[*one.values.tolist()] for one in joined.each] == [[10, 11, 1, 2], [20, 21, 3, 4], [20, 21, 5, 6]]
    same = first.cat(first)
    assert len(same.each) == 2  # what comes again is not made twice


def test_what_is_settled_at_a_time_is_read_at_every_time_also_joined() -> None:
    two = line(numbers(10, 11), numbers(20, 21))
    for t, due in ((at(0.5), [20, 21]), (at([0.9, 0.5]), [10, 21]), (at([0.2, 0.9]), [10, 11])):
        fixed = settled(two, t)
        for u in (at(0.99), at([0.6, 0.1])):
            found = ByTime(Leaf())(torch.zeros(2, 1), u, {"cond": fixed}).x0[:, 0]
            torch.testing.assert_close(found.double(), torch.tensor(due) + u, atol=1e-5, rtol=0)
        joined = settled(two, t).cat(settled(line(numbers(1, 2), numbers(3, 4), which=(1, 0, 0)), t))
        found = ByTime(Leaf())(torch.zeros(4, 1), at(0.99), {"cond": joined}).x0[:, 0]
        other = [{10: 3, 20: 1}[value - row] + row for row, value in enumerate(due)]
        if t.ndim and t.tolist() == [0.2, 0.9]:
            other = [1, 4]
        torch.testing.assert_close(found, torch.tensor([*due, *other]) + 0.99, atol=1e-5, rtol=0)
    plain = numbers(1)
    assert settled(plain, at(0.5)) is plain
    assert settled(Pair(two, plain), at(0.5)) == Pair(two.at(at(0.5)), plain)


def test_timelines_of_other_grids_are_not_joined() -> None:
    with pytest.raises(AssertionError, match="different grids"):
        line(numbers(1), numbers(2)).cat(line(numbers(1), numbers(2), times=(0.6, 0.4)))


SCHEDULE = RectifiedFlow()


def test_the_first_part_of_a_grid_ends_at_the_picture() -> None:
    grid = uniform(4, SCHEDULE)
    assert first_part(grid, 1) == grid
    assert first_part(grid, 0.5) == (Denoise(1.0, 0.75), Denoise(0.75, 0.0))
    assert first_part(grid, 0.01) == (Denoise(1.0, 0.0),)
    assert first_part(grid, 0.7) == (Denoise(1.0, 0.75), Denoise(0.75, 0.5), Denoise(0.5, 0.0))
    assert first_part((), 0.5) == ()
    steps = karras(7, SCHEDULE)
    assert first_part(steps, 3 / 7)[:2] == steps[:2]


def test_of_the_last_part_the_first_is_taken() -> None:
    grid = last_part(uniform(8, SCHEDULE), 0.5)
    assert first_part(grid, 0.5) == (Denoise(0.5, 0.375), Denoise(0.375, 0.0))


def test_a_grid_that_jumps_has_no_first_part() -> None:
    with pytest.raises(InvalidOption, match="A falling time grid is needed here"):
        first_part(repaint(20, SCHEDULE, length=3), 0.5)
