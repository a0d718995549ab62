"""A loss, gradient or weight that is not finite: it is named, and nothing is updated, saved or packed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mezzotint.errors import InvalidCheckpoint, TrainingError
from mezzotint.training import state
from mezzotint.training.export import export
from mezzotint.training.methods.pretrain import Pretrain
from mezzotint.training.trainer import Trainer

MakeTrainer = Callable[..., Trainer]


def test_a_loss_that_is_not_finite_stops_before_the_update(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path)
    before = {name: p.detach().clone() for name, p in trainer.network.named_parameters()}
    honest = trainer.method.losses

    class Poisoned(Pretrain):
        def losses(self, batch):  # type: ignore[no-untyped-def]
            result = honest(batch)
            return torch.where(torch.arange(len(result)) == 2, torch.nan, result)

    trainer.method = Poisoned(trainer.run, trainer.network)
    bad = trainer.batches.pictures.records[int(trainer.batches.at(0).rows[2])].id
    with pytest.raises(TrainingError, match=rf"update 1 is not finite.*{bad}"):
        next(trainer.steps())
    assert trainer.step == 0
    assert all(torch.equal(p, before[name]) for name, p in trainer.network.named_parameters())


@pytest.mark.parametrize("value", [torch.inf, torch.nan])
def test_a_gradient_that_is_not_finite_stops_before_the_update(
    make_trainer: MakeTrainer, tmp_path: Path, value: float
) -> None:
    trainer = make_trainer(tmp_path)
    weight = next(p for name, p in trainer.network.named_parameters() if name.endswith("qkv.weight"))
    weight.register_hook(lambda gradient: torch.full_like(gradient, value) if trainer.step == 2 else gradient)
    steps = trainer.steps()
    assert [next(steps).step, next(steps).step] == [1, 2]

    def held() -> list[torch.Tensor]:
        averages = [value for average in trainer.averages for value in average.state().values()]
        return [
            v.detach().clone() for v in (*trainer.network.parameters(), *trainer.optimizer.state().values(), *averages)
        ]

    before, rows = held(), [int(row) for row in trainer.batches.at(8).rows]
    named = ", ".join(trainer.batches.pictures.records[row].id for row in rows)
    with pytest.raises(TrainingError, match=rf"gradient of update 3 is not finite, for the pictures {named};"):
        next(steps)
    assert trainer.step == 2
    assert all(torch.equal(a, b) for a, b in zip(before, held(), strict=True))


def test_a_state_that_is_not_finite_is_not_saved(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    """Whatever broke it: learning rates that overflow, or a method's own network."""
    trainer = make_trainer(tmp_path)
    list(trainer.steps(2))
    name, moment = next(iter(trainer.optimizer.adam.second.items()))
    moment.view(-1)[0] = torch.inf
    trainer.step = 3
    with pytest.raises(
        TrainingError, match=f"After update 3 .* optimizer/second.{name} is not finite, and no checkpoint"
    ):
        trainer.save()
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000002"]


def test_weights_that_are_not_finite_are_not_packed(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path / "run")
    list(trainer.steps(2))
    average = trainer.averages[0].state()
    name = sorted(average)[0]
    average[name].view(-1)[0] = torch.nan
    facts = state.read_facts(tmp_path / "run" / "checkpoints" / "step-00000002")
    state.save(tmp_path / "run" / "checkpoints", state.Snapshot(facts, {"ema-0.050": average}), 1)
    with pytest.raises(
        InvalidCheckpoint, match=rf"step-00000002 are not finite \(such as {name}\).*; remove it to pack"
    ):
        export(tmp_path / "run", tmp_path / "m", name="m", text=tmp_path, defaults={})
    assert not (tmp_path / "m").exists()
