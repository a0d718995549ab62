"""The learned weighting: it finds the logarithm of the loss, changes nothing when off, and is resumed exactly."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion.objective import LogitNormal
from mezzotint.diffusion.schedule import RectifiedFlow
from mezzotint.errors import TrainingError
from mezzotint.training import state
from mezzotint.training.config import RunConfig
from mezzotint.training.methods import LearnedWeight
from mezzotint.training.methods.learned_weight import LogVariance
from mezzotint.training.trainer import Trainer
from tests.training.finishing import finish

MakeTrainer = Callable[..., Trainer]
FLOW = RectifiedFlow()


def learned(run: RunConfig) -> RunConfig:
    return replace(run, objective=replace(run.objective, learned_weight=True))


def expected_log_loss(t: Tensor) -> Tensor:
    """Some curve over t, as steep as real ones: from −1.5 at t = 0.1 to 4 at 0.9."""
    return 1.2 * torch.logit(t) + torch.sin(6 * t) + 1


def test_it_becomes_the_logarithm_of_the_expected_loss() -> None:
    """Losses of known mean exp(g(t)), spread as squares of normals are; u is then g, and every loss about 1."""
    weight, generator = LearnedWeight(), torch.Generator().manual_seed(3)
    density = LogitNormal()

    def losses(count: int) -> tuple[Tensor, Tensor]:
        t = density.quantile(torch.rand(count, generator=generator, dtype=torch.float64).clamp(1e-6, 1 - 1e-6))
        chi = torch.randn(count, 16, generator=generator).square().mean(1)
        return t, chi * expected_log_loss(t).exp().float()

    steps = 1500
    for step in range(1, steps + 1):
        t, loss = losses(64)
        torch.autograd.backward(weight(loss, FLOW(t)).mean())
        weight.step(0.01 * (1 - (step - 1) / steps), step)
    places = torch.linspace(0.1, 0.9, 33, dtype=torch.float64)
    with torch.no_grad():
        found = weight.log_variance(FLOW(places)).double()
    assert float((found - expected_log_loss(places)).abs().max()) < 0.15
    t, loss = losses(20_000)
    share = loss / weight.log_variance(FLOW(t)).detach().exp()
    for low, high in ((0.1, 0.35), (0.35, 0.65), (0.65, 0.9)):
        assert float(share[(t > low) & (t < high)].mean()) == pytest.approx(1, abs=0.08)


def test_at_first_the_loss_is_as_it_was_and_so_are_its_gradients() -> None:
    losses = torch.tensor([0.3, 2.0, 7.0], requires_grad=True)
    out = LearnedWeight()(losses, FLOW(torch.tensor([0.0, 0.5, 1.0])))
    assert torch.equal(out, losses)
    torch.autograd.backward(out.sum())
    assert losses.grad is not None
    assert losses.grad.tolist() == [1, 1, 1]


def test_the_guess_knows_the_noise_level_and_not_the_schedule() -> None:
    """Equal sigma/alpha gives equal u, to the ends of the interval; different levels give different ones."""
    guess, generator = LogVariance(), torch.Generator().manual_seed(1)
    with torch.no_grad():
        guess.weights.normal_(generator=generator)
        level = FLOW(torch.tensor([0.0, 1e-3, 0.2, 0.7, 1.0], dtype=torch.float64))
        scaled = type(level)(3 * level.alpha, 3 * level.sigma)
        u = guess(level)
        torch.testing.assert_close(guess(scaled), u, rtol=1e-4, atol=1e-4)
    assert torch.isfinite(u).all()
    assert len({round(float(value), 3) for value in u}) == 5


def test_the_gradient_of_a_picture_is_divided_by_its_expected_loss(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    """In the trainer: with u known, the weighted losses are those of the plain run over exp(u), plus u."""
    trainer = make_trainer(tmp_path / "a")
    batch = trainer.batches.at(0)
    plain = trainer.method.losses(batch).detach()
    other = make_trainer(tmp_path / "b", learned(trainer.run))
    other.network.load_state_dict(trainer.network.state_dict())
    weight = other.method.weight  # type: ignore[attr-defined]
    with torch.no_grad():
        weight.log_variance.weights.normal_(0, 0.1, generator=torch.Generator().manual_seed(5))
        u = weight.log_variance(FLOW(batch.t))
        torch.testing.assert_close(other.method.losses(batch), plain / u.exp() + u)


def test_a_run_with_it_resumes_with_the_same_bits(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path
) -> None:
    run = learned(small_run)
    whole = finish(make_trainer(tmp_path / "whole", run))
    for stop in (4, None):
        parts = finish(make_trainer(tmp_path / "parts", run), stop)
    assert sorted(whole.tensors) == ["ema-0.050", "ema-0.100", "method", "network", "optimizer"]
    assert float(whole.tensors["method"]["weights"].abs().max()) > 0
    for name, tensors in whole.tensors.items():
        for key, value in tensors.items():
            assert torch.equal(value, parts.tensors[name][key]), (name, key)
    with pytest.raises(TrainingError, match=r"objective\.learned_weight was True, is False"):
        make_trainer(tmp_path / "plain", small_run).resume(tmp_path / "whole" / "checkpoints" / "step-00000012")


def test_a_checkpoint_from_before_there_was_the_setting_resumes(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path
) -> None:
    trainer = make_trainer(tmp_path)
    list(trainer.steps(4))
    snapshot = state.load(tmp_path / "checkpoints" / "step-00000004")
    run = {**snapshot.facts["run"], "objective": dict(snapshot.facts["run"]["objective"])}
    del run["objective"]["learned_weight"]
    facts = {key: value for key, value in snapshot.facts.items() if key not in ("files", "version")}
    state.save(tmp_path / "old", state.Snapshot({**facts, "run": run}, snapshot.tensors), 1)
    again = make_trainer(tmp_path / "new")
    again.resume(tmp_path / "old" / "step-00000004")
    assert again.step == 4
