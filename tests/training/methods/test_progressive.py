"""Progressive distillation in the plane: each stage's student reaches the exact guided flow map in its own steps."""

import pytest
import torch
from torch import nn

from mezzotint.diffusion import RectifiedFlow
from mezzotint.diffusion.schedule import Level
from mezzotint.training.methods.distil import TO_DRAW
from mezzotint.training.methods.progressive import Progressive, ProgressiveConfig, truncated_snr

from .plane import Small, distance, drawn, examples, flow, lesson, starts, train

FLOW = RectifiedFlow()


def test_each_stage_halves_the_evaluations_and_keeps_to_the_flow() -> None:
    """The spread of the points is 1.1 to 1.5; the teacher itself, by DDIM, is .30, .51 and .88 off at guidance 1."""
    network, updates = Small(), 350
    config = ProgressiveConfig(first=8, last=1, updates=updates, heun=True)
    method = Progressive(network, lesson(FLOW, (1.0, 4.0)), config)
    x, asked = starts()
    truths = {guidance: flow(FLOW, x, asked, guidance) for guidance in (1.0, 4.0)}
    for stage, evaluations in enumerate((8, 4, 2, 1)):
        assert config.steps_at(stage * updates) == evaluations
        train(Counted(method, stage * updates), network, updates, 192, 1e-2)
        for guidance, truth in truths.items():
            error = distance(drawn(network, FLOW, x, asked, evaluations, guidance), truth)
            assert error < 0.2, (evaluations, guidance)
    assert config.steps_at(99 * updates) == 1


class Counted:
    """A method whose updates are counted on from a number, so that each stage is trained by itself."""

    def __init__(self, method: Progressive, before: int) -> None:  # type: ignore[type-arg]
        self.losses, self.method, self.before = method.losses, method, before

    def step(self, lr: float, count: int) -> None:
        self.method.step(lr, self.before + count)


def test_the_weight_is_the_signal_to_noise_ratio_but_at_least_one() -> None:
    level = Level(torch.tensor([0.8, 0.6, 0.0]), torch.tensor([0.4, 0.8, 1.0]))
    torch.testing.assert_close(truncated_snr(level), torch.tensor([4.0, 1.0, 1.0]))


def test_an_error_of_the_student_counts_with_that_weight() -> None:
    """It says .1 more than the student of the stage before: a loss of .01 max((1 − t)² / t², 1) at t = i/4."""

    class Off(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.by = nn.Parameter(torch.zeros(()))

        def forward(self, x_t: torch.Tensor, t: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
            return self.by.expand_as(x_t)

    network, taught = Off(), lesson(FLOW)
    method, batch = Progressive(network, taught, ProgressiveConfig(first=8, updates=1)), examples(1, 400)
    method.step(0.0, 1)
    with torch.no_grad():
        network.by.fill_(0.1)
    t = (1 + (4 * taught.uniform(batch.draws, TO_DRAW)).floor()) / 4
    assert sorted(set(t.tolist())) == [0.25, 0.5, 0.75, 1.0]
    weight = ((1 - t) / t).square().clamp_min(1)
    torch.testing.assert_close(method.losses(batch).double(), 0.01 * weight, rtol=1e-5, atol=0)


@pytest.mark.parametrize(("first", "last", "stages"), [(8, 1, 4), (4, 4, 1), (12, 3, 3)])
def test_stages(first: int, last: int, stages: int) -> None:
    config = ProgressiveConfig(first=first, last=last, updates=10)
    assert config.stages == stages
    assert [config.steps_at(10 * stage + 9) for stage in range(stages)] == [first >> i for i in range(stages)]
    assert config.steps_at(10 * stages + 100) == last
