"""Consistency tuning in the plane: the student reaches the exact guided flow map, in 1, 2 and 4 evaluations."""

import pytest
import torch
from torch import nn

from mezzotint.diffusion import RectifiedFlow
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.training.methods.consistency import Consistency, ConsistencyConfig

from .plane import Asked, Small, distance, drawn, flow, lesson, starts, told, train

FLOW = RectifiedFlow()


@pytest.fixture(scope="module")
def student() -> nn.Module:
    network, updates = Small(), 800
    config = ConsistencyConfig(first_steps=4, steps=32, double_every=updates // 6, huber=0.1)
    train(Consistency(network, lesson(FLOW, (1.0, 4.0)), config), network, updates, 256, 1.2e-2)
    return network


def test_the_teachers_steps_are_halved_until_they_are_as_short_as_they_get() -> None:
    config = ConsistencyConfig(first_steps=8, steps=48, double_every=1000)
    counts = (0, 999, 1000, 1999, 2000, 3000, 10**9)
    assert [config.steps_at(count) for count in counts] == [8, 8, 16, 16, 32, 48, 48]


@pytest.mark.parametrize("guidance", [1.0, 2.0, 4.0])
def test_it_follows_the_guided_flow_in_few_evaluations(student: nn.Module, guidance: float) -> None:
    """The spread of the points is 1.1 to 1.5; the teacher itself, by DDIM, is .88, .51 and .30 off at guidance 1."""
    x, asked = starts()
    truth = flow(FLOW, x, asked, guidance)
    for evaluations, allowed in ((1, 0.24), (2, 0.19), (4, 0.18)):
        error = distance(drawn(student, FLOW, x, asked, evaluations, guidance), truth)
        assert error < min(allowed, 0.7 * distance(by_ddim(x, asked, guidance, evaluations), truth)), evaluations


def by_ddim(x: torch.Tensor, asked: Asked, guidance: float, steps: int) -> torch.Tensor:
    """Where the teacher gets in so many steps."""
    taught, scale = lesson(FLOW), torch.full((len(x),), guidance)
    for i in range(steps, 0, -1):
        t = torch.full((len(x),), i / steps, dtype=torch.float64)
        x0 = taught.x0(x, t, asked, scale)
        x = x0 + (1 - 1 / i) * (x - x0)
    return x


def test_it_jumps_to_any_time_from_any_time(student: nn.Module) -> None:
    """x_0.3 from x_0.8 by one evaluation, beside the same trajectory gone finely to its end: both end together."""
    x, asked = starts(300)
    taught, scale = lesson(FLOW), torch.full((300,), 2.0)
    t, to = (torch.full((300,), value, dtype=torch.float64) for value in (0.8, 0.3))
    x_t = FLOW(t).noised(flow(FLOW, x, asked, 2.0).float(), x)
    with torch.no_grad():
        said = taught.leaf(student)(x_t, t, {"cond": told(asked, scale)}, to=to)
    reached = FLOW(to).noised(said.x0, said.eps)
    ends = (flow(FLOW, reached, asked, 2.0, start=0.3), flow(FLOW, x_t, asked, 2.0, start=0.8))
    assert distance(*ends) < 0.12


@pytest.mark.parametrize("name", ["lcm", "tcd"])
def test_solvers_for_flow_maps_draw_with_it(student: nn.Module, name: str) -> None:
    """With fresh noise on the way its points are spread as those of the flow: means and covariances of each prompt."""
    x, asked = starts(1500)
    solver = SOLVERS[name].make({"tell": True})
    points, truth = drawn(student, FLOW, x, asked, 4, 2.0, solver), flow(FLOW, x, asked, 2.0)
    assert distance(points, truth) > 0.2  # another picture than without noise
    for kind in range(3):
        a, b = points[kind::3].double(), truth[kind::3]
        torch.testing.assert_close(a.mean(0), b.mean(0), rtol=0, atol=0.2)
        torch.testing.assert_close(a.T.cov(), b.T.cov(), rtol=0, atol=0.2)


def test_it_listens_to_its_guidance(student: nn.Module) -> None:
    """Told another guidance than the truth's, it is far from it, and near that of the guidance that it was told."""
    x, asked = starts()
    one, four = flow(FLOW, x, asked, 1.0), flow(FLOW, x, asked, 4.0)
    assert distance(one, four) > 0.5
    heard = drawn(student, FLOW, x, asked, 2, 4.0)
    assert distance(heard, one) > 0.7 * distance(one, four)
    assert distance(heard, four) < 0.19
