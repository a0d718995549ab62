"""Learning from whole trajectories in the plane: the student reaches the exact guided flow map."""

import pytest
import torch
from torch import nn

from mezzotint.diffusion import RectifiedFlow
from mezzotint.errors import InvalidOption
from mezzotint.training.methods.distil import jump
from mezzotint.training.methods.trajectory import Trajectory, TrajectoryConfig, jumped

from .plane import Asked, Small, distance, drawn, examples, flow, lesson, starts, train

FLOW = RectifiedFlow()


@pytest.fixture(scope="module")
def student() -> nn.Module:
    network = Small()
    config = TrajectoryConfig(steps=24, huber=0.1)
    train(Trajectory(network, lesson(FLOW, (1.0, 4.0)), config), network, 800, 256, 1.2e-2)
    return network


@pytest.mark.parametrize("guidance", [1.0, 2.0, 4.0])
def test_it_follows_the_guided_flow_in_few_evaluations(student: nn.Module, guidance: float) -> None:
    """The spread of the points is 1.1 to 1.5; the teacher itself, by DDIM, is .88, .51 and .30 off at guidance 1, and
    a student by consistency, with as many updates, up to .24."""
    x, asked = starts()
    truth = flow(FLOW, x, asked, guidance)
    for evaluations in (1, 2, 4):
        assert distance(drawn(student, FLOW, x, asked, evaluations, guidance), truth) < 0.17, evaluations


def test_every_jump_of_the_wanted_drawings_is_learned_once() -> None:
    config = TrajectoryConfig(steps=4, counts=(2, 1), others=3)
    assert config.wanted == ((0, 2), (0, 4), (2, 4))
    assert config.jumps == 6


def test_the_answer_of_a_jump_leads_where_the_trajectory_goes() -> None:
    x, y = torch.randn(2, 3, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for t, u in ((1.0, 0.0), (1.0, 0.5), (0.5, 0.25), (0.25, 0.0)):
        high, low = (FLOW(torch.full((3,), time, dtype=torch.float64)) for time in (t, u))
        torch.testing.assert_close(jump(x, jumped(x, y, high, low), high, low), y)


def test_what_it_asks_is_the_teachers_drawing_in_so_many_steps() -> None:
    """A student that says nothing has the answers themselves as its loss: the teacher's, which an exact flow in as many
    steps is near."""

    class Nothing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.asked: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor, Asked]] = []

        def forward(
            self, x_t: torch.Tensor, t: torch.Tensor, cond: Asked, *, to: torch.Tensor, probe: object
        ) -> torch.Tensor:
            self.asked.append((x_t, t, to, cond))
            return torch.zeros_like(x_t)

    network, taught, batch = Nothing(), lesson(FLOW, (1.0, 4.0)), examples(3, 2400)
    config = TrajectoryConfig(steps=48, counts=(1, 4, 2), others=5, huber=0.0)
    losses = Trajectory(network, taught, config).losses(batch)
    ((x_t, t, to, cond),) = network.asked
    assert cond.guidance is not None
    noise = taught.noise(batch.draws[:200], batch.pictures[:200])[0]
    assert torch.equal(cond.guidance, taught.scales(batch.draws[:200]).repeat(12))
    assert torch.equal(cond.weights, batch.cond.weights[:200].repeat(12, 1))
    jumps = list(zip(t.reshape(12, 200)[:7, 0].tolist(), to.reshape(12, 200)[:7, 0].tolist(), strict=True))
    assert jumps == [(1.0, 0.75), (1.0, 0.5), (1.0, 0.0), (0.75, 0.5), (0.5, 0.25), (0.5, 0.0), (0.25, 0.0)]
    assert all(len(set(row)) == 1 for times in (t, to) for row in times.reshape(12, 200)[:7].tolist())
    assert torch.equal(x_t[400:600], noise)
    for row in range(400, 420):
        rows = slice(row, row + 1)
        end = flow(FLOW, x_t[rows], cond[rows], float(cond.guidance[row]))
        assert float(losses[row]) == pytest.approx(float(end.square().mean().sqrt()), abs=0.03)
    other, ends = (times.reshape(12, 200)[7:].flatten() for times in (t, to))
    assert bool((other > ends).all())
    assert len({(float(a), float(b)) for a, b in zip(other, ends, strict=True)}) > 500
    assert float(other.mean()) == pytest.approx(0.51, abs=0.03)
    assert float((ends / other)[other > 0.5].mean()) == pytest.approx(0.49, abs=0.03)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"counts": (1, 5)}, "every count must divide the teacher's steps"),
        ({"counts": ()}, "every count must divide"),
        ({"counts": (4, 4, 1)}, "and be there once"),
        ({"counts": (0,)}, "counts"),
        ({"others": -1}, "others"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        TrajectoryConfig(**options)  # type: ignore[arg-type]
