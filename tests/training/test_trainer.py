"""The loop: pure in its counter, exact on resume, safe when something is wrong."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from mezzotint.errors import InvalidCheckpoint, InvalidOption, OutOfSpace, TrainingError
from mezzotint.training import state
from mezzotint.training.config import RunConfig, from_dict, override
from mezzotint.training.export import export
from mezzotint.training.methods.pretrain import Pretrain
from mezzotint.training.trainer import Trainer
from tests.training.finishing import finish

MakeTrainer = Callable[..., Trainer]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_an_interrupted_run_ends_with_the_same_bits(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path, precision: str
) -> None:
    run = override(small_run, [f"precision={precision}"])
    whole = finish(make_trainer(tmp_path / "whole", run))
    for stop in (4, 9, None):  # resumed twice
        parts = finish(make_trainer(tmp_path / "parts", run), stop)
    assert parts.facts["step"] == whole.facts["step"] == 12
    assert sorted(whole.tensors) == ["ema-0.050", "ema-0.100", "network", "optimizer"]
    for name, tensors in whole.tensors.items():
        for key, value in tensors.items():
            assert torch.equal(value, parts.tensors[name][key]), (name, key)
    assert [s["from_step"] for s in parts.facts["sessions"]] == [0, 4, 9]


def test_training_learns_and_leaves_the_global_generators_alone(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path
) -> None:
    before = torch.get_rng_state(), str(np.random.get_state())  # noqa: NPY002 (the very thing that must not be used)
    trainer = make_trainer(tmp_path, replace(small_run, steps=60, validate_every=60, checkpoint_every=60))
    first = trainer.validation(trainer.network)["mean"]
    last = [step.validation for step in trainer.steps()][-1]
    assert last is not None
    assert last["mean"] < 0.6 * first
    assert torch.equal(torch.get_rng_state(), before[0])
    assert str(np.random.get_state()) == before[1]  # noqa: NPY002


def test_the_loss_of_a_network_that_says_zero_is_known(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path)
    batch = trainer.batches.at(0)
    expected = batch.pictures.square().flatten(1).mean(1) / batch.t.clamp_min(0.05) ** 2
    torch.testing.assert_close(trainer.method.losses(batch), expected, rtol=1e-5, atol=1e-6)


def test_batches_are_functions_of_the_counter_and_cover_the_data(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    one, two = make_trainer(tmp_path / "a").batches, make_trainer(tmp_path / "b").batches
    for counter in (0, 4, 400):
        a, b = one.at(counter), two.at(counter)
        assert torch.equal(a.cond.tokens, b.cond.tokens)
        assert torch.equal(a.t, b.t)
        assert a.rows.tolist() == b.rows.tolist()
    count = len(one.rows)
    seen = [int(row) for start in range(0, 3 * count, 4) for row in one.at(start).rows][: 3 * count]
    for epoch in range(3):
        assert sorted(seen[epoch * count : (epoch + 1) * count]) == sorted(one.rows.tolist())
    assert seen[:count] != seen[count : 2 * count]
    heldout = set(one.pictures.split("heldout").tolist())
    assert heldout
    assert not heldout & set(seen)


def test_times_follow_the_density_evenly_and_captions_are_dropped_as_often_as_asked(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path
) -> None:
    batches = make_trainer(tmp_path, replace(small_run, batch=500)).batches
    drawn = [batches.at(start) for start in (0, 500, 1000, 1500)]
    logits = torch.logit(torch.cat([b.t for b in drawn]).double())
    ranks = torch.special.ndtr(logits).sort().values
    gap = (ranks - (torch.arange(2000) + 0.5) / 2000).abs().max()
    assert float(gap) < 0.002  # independent draws would reach 0.02
    empty = torch.cat([b.cond.mask.sum(1) == 2 for b in drawn]).double().mean()
    assert float(empty) == pytest.approx(0.06 + 0.94 * 0.05, abs=0.02)


def test_a_damaged_checkpoint_is_passed_over(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    finish(make_trainer(tmp_path), 10)
    older, newer = state.steps(tmp_path / "checkpoints")
    assert (older.name, newer.name) == ("step-00000005", "step-00000010")
    weights = newer / "network.safetensors"
    weights.write_bytes(weights.read_bytes()[:-3])
    assert state.newest(tmp_path / "checkpoints") == older
    with pytest.raises(InvalidCheckpoint, match="damaged"):
        state.load(newer)
    (older / "state.json").unlink()
    assert state.newest(tmp_path / "checkpoints") is None


def test_a_run_that_goes_on_from_behind_a_damaged_checkpoint_keeps_its_own(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path
) -> None:
    run, folder = replace(small_run, keep=1), tmp_path / "checkpoints"
    finish(make_trainer(tmp_path, run), 5)
    shutil.copytree(folder / "step-00000005", folder / "step-00000010")
    (folder / "step-00000010" / "optimizer.safetensors").unlink()
    assert finish(make_trainer(tmp_path, run), 7).facts["step"] == 7
    assert state.newest(folder) == folder / "step-00000007"


def test_a_full_disk_loses_no_earlier_checkpoint(
    make_trainer: MakeTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(tmp_path)
    finish(trainer, 5)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(OutOfSpace):
        list(trainer.steps())
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["step-00000005"]


@pytest.mark.parametrize(
    ("change", "named"), [("steps=13", "steps"), ("network.depth=1", "network.depth"), ("seed=1", "seed")]
)
def test_a_checkpoint_of_another_run_is_refused(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path, change: str, named: str
) -> None:
    finish(make_trainer(tmp_path), 5)
    other = make_trainer(tmp_path, override(small_run, [change]))
    path = state.newest(tmp_path / "checkpoints")
    assert path is not None
    with pytest.raises(TrainingError, match=rf"another run configuration \({named} was"):
        other.resume(path)


def test_a_run_survives_json(small_run: RunConfig) -> None:
    assert from_dict(RunConfig, json.loads(json.dumps(small_run.as_dict()))) == small_run


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("step=5", "did you mean steps"),
        ("network.widht=5", r"did you mean network\.width"),
        ("steps=many", "of type int"),
        ("steps=0", "at least 1"),
        ("steps", "has no value"),
        ("optim.muon_lr=true", "of type float"),
        ("precision=fp8", "precision=fp8 does not fit: it must be one of bf16, fp32."),
        ("network.patch=7", "does not divide"),
        ("network.detail=12", "network.detail is 12; it must be a multiple of 8, or 0 for no detailer"),
        ("network.detail=-8", "network.detail is -8; it must be a multiple of 8"),
        ("network.detail_depth=-1", "network.detail_depth is -1; it must be 0 or more"),
        ("conditions.drop_text=1.5", "share from 0 to 1"),
    ],
)
def test_a_bad_setting_is_refused_in_one_sentence(small_run: RunConfig, setting: str, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        override(small_run, [setting])


def test_settings_apply(small_run: RunConfig) -> None:
    run = override(small_run, ["steps=7", "optim.muon_lr=1", "ema=[0.2]", "data.path=elsewhere"])
    assert (run.steps, run.optim.muon_lr, run.ema, run.data.path) == (7, 1.0, (0.2,), "elsewhere")


def _check_usual_style(folder: Path, defaults: Mapping[str, Any]) -> None:
    """A model of a run with drawing styles says which is usual, and for which words none is."""
    from mezzotint.load import HOUSE, load_model

    run, text, words = folder / "run", HOUSE / "text", ["person", "face"]
    path = sorted((run / "checkpoints").glob("step-*"))[-1] / "state.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "styles": ["flat", "noto"], "sha256": None}))
    styled = {**defaults, "style": "noto"}
    model = load_model(str(export(run, folder / "m", name="m", text=text, defaults=styled, left_open=words)))
    assert model.defaults.style == "noto"
    assert set(model.open) == {"face", "person"}
    with pytest.raises(InvalidOption, match="did you mean noto"):
        export(run, folder / "x", name="x", text=text, defaults={**defaults, "style": "nto"})


def test_a_run_becomes_a_model_that_draws(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    from mezzotint.load import DRAWING_DEFAULTS, HOUSE
    from mezzotint.pipeline import Pipeline

    trainer = make_trainer(tmp_path / "run")
    snapshot = finish(trainer)
    out = export(
        tmp_path / "run",
        tmp_path / "model",
        name="mine",
        text=HOUSE / "text",
        storage="fp32",
        defaults=DRAWING_DEFAULTS,
    )
    pipe = Pipeline.load(str(out))
    loaded = dict(pipe.model.denoiser.network.named_parameters())  # type: ignore[attr-defined]
    for name, value in snapshot.tensors["ema-0.050"].items():
        assert torch.equal(loaded[name], value), name
    result = pipe.generate("a red square", steps=2)
    assert result.images[0].size == (32, 32)
    assert result.recipes[0].request.model == "mine"
    _check_usual_style(tmp_path, DRAWING_DEFAULTS)
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    with pytest.raises(InvalidCheckpoint, match="no complete checkpoint"):
        export(tmp_path / "run", tmp_path / "x", name="x", text=HOUSE / "text", defaults={})


def test_workers_change_no_bit(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    alone = finish(make_trainer(tmp_path / "alone"))
    trainer = make_trainer(tmp_path / "two")
    list(trainer.steps(7, workers=2))
    trainer.resume(trainer.save())
    list(trainer.steps(workers=3))
    helped = state.load(state.steps(trainer.folder / "checkpoints")[-1])
    for name, tensors in alone.tensors.items():
        for key, value in tensors.items():
            assert torch.equal(value, helped.tensors[name][key]), (name, key)


def timed(
    trainer: Trainer, seconds: float, takes: Callable[[int], float], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[float], float]:
    """The learning rates of a run that is to end after so many seconds, and when it ends; takes: the seconds of update
    number n, from 0."""
    clock = [0.0]

    class Slow(Pretrain):
        def losses(self, batch):  # type: ignore[no-untyped-def]
            clock[0] += takes(trainer.step)
            return super().losses(batch)

    assert isinstance(trainer.run, RunConfig)
    trainer.method = Slow(trainer.run, trainer.network)
    monkeypatch.setattr("mezzotint.training.trainer.time", SimpleNamespace(perf_counter=lambda: clock[0]))
    rates = [step.lr_factor for step in trainer.steps(seconds=seconds)]
    monkeypatch.undo()
    return rates, clock[0]


def steady(run: RunConfig, decay: float) -> RunConfig:
    """A long run without warm-up."""
    optim = replace(run.optim, warmup=0.0, decay=decay)
    return replace(run, steps=1000, validate_every=1000, checkpoint_every=1000, optim=optim)


def test_a_run_that_must_end_in_time_is_the_shorter_run(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = steady(small_run, 0.25)
    trainer = make_trainer(tmp_path / "long", long)
    rates, ended = timed(trainer, 100, lambda n: 60.0 if n == 0 else 1.0, monkeypatch)  # the first one is compiled
    # after 31 updates (90 s) the next 10 fill what is left
    assert (trainer.step, trainer.run.steps, len(rates), ended) == (41, 41, 41, 100)
    assert rates[30] == 1
    assert rates[-1] == pytest.approx(1 / (0.25 * 41))
    facts = state.read_facts(state.steps(tmp_path / "long" / "checkpoints")[-1])
    assert (facts["step"], facts["run"]["steps"], facts["sessions"][-1]["shortened_at"]) == (41, 41, 31)
    short = make_trainer(tmp_path / "short", replace(long, steps=41))
    list(short.steps())
    for (name, ours), theirs in zip(trainer.network.named_parameters(), short.network.parameters(), strict=True):
        assert torch.equal(ours, theirs), name


def test_a_slow_stretch_does_not_end_a_run_long_before_its_time(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(tmp_path, steady(small_run, 0.5))
    _, ended = timed(trainer, 330, lambda n: 3.0 if 100 <= n < 130 else 1.0, monkeypatch)
    # by the last twenty updates it would have ended after 230 s
    assert 290 < ended <= 331


def test_a_run_that_ends_before_its_time_is_not_shortened(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path)
    list(trainer.steps(seconds=1e6))
    assert (trainer.step, trainer.run.steps) == (12, 12)
    assert "shortened_at" not in trainer.facts["sessions"][-1]


def test_a_batch_that_cannot_be_made_loses_no_update(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path / "broken")
    make = trainer.batches.raw

    def broken(counter: int) -> object:
        if counter == 7 * trainer.run.batch:
            raise TrainingError("picture 28 is broken")
        return make(counter)

    trainer.batches.raw = broken  # type: ignore[method-assign]
    with pytest.raises(TrainingError, match="picture 28 is broken"):
        list(trainer.steps())
    again = make_trainer(tmp_path / "broken")
    newest = state.newest(tmp_path / "broken" / "checkpoints")
    assert newest is not None
    again.resume(newest)
    assert again.step == 7
    list(again.steps())
    whole = finish(make_trainer(tmp_path / "whole"))
    for name, value in whole.tensors["network"].items():
        assert torch.equal(dict(again.network.named_parameters())[name], value), name


def test_a_run_that_is_resumed_too_late_for_its_decay_still_ends_in_time(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path
) -> None:
    long = replace(small_run, steps=1000, optim=replace(small_run.optim, warmup=0.1, decay=0.25))
    trainer = make_trainer(tmp_path, long)
    trainer.facts["sessions"] = [{}]
    trainer.step = 400
    assert trainer._must_decay(100.0, 1.0)  # 133 updates would be right, and 100 fit
    trainer._shorten(100.0)
    assert trainer.run.steps == 500
    assert trainer.run.optim.warmup * 500 == pytest.approx(100)  # as many updates as before
    trainer = make_trainer(tmp_path / "late", long)
    trainer.facts["sessions"] = [{}]
    trainer.step = 900  # in its decay
    assert not trainer._must_decay(101.0, 1.0)
    assert trainer._must_decay(60.0, 1.0)
    trainer._shorten(60.0)
    assert trainer.run.steps == 960
