"""Averages of any width from what a run stored, against averages of that width that were tracked while it trained."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

from mezzotint.checkpoints.tensors import load_tensors
from mezzotint.errors import InvalidOption
from mezzotint.interfaces.cli.main import cli
from mezzotint.load import DRAWING_DEFAULTS, HOUSE
from mezzotint.training import state
from mezzotint.training.averages import average_of, stored_averages
from mezzotint.training.config import RunConfig
from mezzotint.training.ema import Profile, gamma_of, reconstruction_error, reconstruction_shares
from mezzotint.training.export import export
from mezzotint.training.trainer import Trainer

MakeTrainer = Callable[..., Trainer]
STEPS, EVERY = 80, 5
OTHERS = {0.075: 0.12, 0.12: 0.12, 0.15: 0.12, 0.2: 0.35}
"""Widths, and the tolerance: how far off, as a share of the distance of the nearest average that is kept. Measured:
0.056, 0.063, 0.092, 0.258; of narrower ones the 80 updates have too few for a continuous profile."""


def flat(weights: object) -> Tensor:
    assert isinstance(weights, dict)
    return torch.cat([weights[name].double().flatten() for name in sorted(weights)])


def newest(trainer: Trainer) -> state.Snapshot:
    path = state.newest(trainer.folder / "checkpoints")
    assert path is not None
    return state.load(path)


@pytest.fixture
def run(small_run: RunConfig) -> RunConfig:
    return replace(small_run, steps=STEPS, checkpoint_every=40, validate_every=STEPS, keep_ema=EVERY)


def test_a_width_that_was_not_tracked_is_near_the_one_that_was(
    make_trainer: MakeTrainer, run: RunConfig, tmp_path: Path
) -> None:
    """Tracking changes no weight, so that one run is the truth for another."""
    stored = make_trainer(tmp_path / "stored", run)
    list(stored.steps())
    truth = make_trainer(tmp_path / "truth", replace(run, ema=(0.05, 0.1, *OTHERS), keep_ema=0))
    list(truth.steps())
    ours, theirs = newest(stored), newest(truth)
    assert all(torch.equal(value, theirs.tensors["network"][name]) for name, value in ours.tensors["network"].items())
    for width, part in OTHERS.items():
        found, made = average_of(stored.folder, ours, width)
        wanted = flat(theirs.tensors[f"ema-{width:.3f}"])
        nearest = min(float((flat(ours.tensors[f"ema-{kept:.3f}"]) - wanted).norm()) for kept in (0.05, 0.1))
        assert float((flat(found) - wanted).norm()) < part * nearest, width
        assert made["averages"] == 2 * STEPS // EVERY
        assert made["steps"] == [EVERY, STEPS]
        assert 0 < made["error"] < 0.03
    assert average_of(stored.folder, ours, 0.05) == (ours.tensors["ema-0.050"], {})


def test_averages_are_stored_for_good_and_resuming_stores_the_same(
    make_trainer: MakeTrainer, run: RunConfig, tmp_path: Path
) -> None:
    run = replace(run, steps=20, checkpoint_every=6, keep=1)
    list(make_trainer(tmp_path / "whole", run).steps())
    list(make_trainer(tmp_path / "parts", run).steps(13))
    again = make_trainer(tmp_path / "parts", run)
    again.resume(tmp_path / "parts" / "checkpoints" / "step-00000013")
    list(again.steps())
    whole, parts = (state.steps(tmp_path / name / "averages") for name in ("whole", "parts"))
    assert [path.name for path in whole] == [f"step-{n:08d}" for n in (5, 10, 15, 20)] == [p.name for p in parts]
    for one, other in zip(whole, parts, strict=True):
        assert sorted(state.read_facts(one)["files"]) == ["ema-0.050.safetensors", "ema-0.100.safetensors"]
        for name in state.read_facts(one)["files"]:
            first, second = (load_tensors(path / name)[0] for path in (one, other))
            assert all(torch.equal(value, second[key]) for key, value in first.items())
    plain = make_trainer(tmp_path / "plain", replace(run, keep_ema=0))
    list(plain.steps())
    assert not (tmp_path / "plain" / "averages").exists()
    for name, value in newest(plain).tensors["network"].items():
        assert torch.equal(value, dict(again.network.named_parameters())[name])


def test_another_runs_damaged_and_later_averages_are_passed_over(
    make_trainer: MakeTrainer, run: RunConfig, tmp_path: Path
) -> None:
    run = replace(run, steps=20)
    trainer = make_trainer(tmp_path / "a", run)
    list(trainer.steps())
    other = make_trainer(tmp_path / "b", replace(run, seed=1))
    list(other.steps())
    folder = tmp_path / "a" / "averages"
    (folder / "step-00000005" / "ema-0.050.safetensors").write_bytes(b"half")
    shutil.rmtree(folder / "step-00000010")
    shutil.copytree(tmp_path / "b" / "averages" / "step-00000010", folder / "step-00000010")
    facts = newest(trainer).facts
    assert sorted({p.step for p in stored_averages(tmp_path / "a", facts)}) == [15, 20]
    assert sorted({p.step for p in stored_averages(tmp_path / "a", {**facts, "step": 17})}) == [15]


def test_a_reconstructed_average_is_packed_and_says_so(
    make_trainer: MakeTrainer, run: RunConfig, tmp_path: Path
) -> None:
    trainer = make_trainer(tmp_path / "run", replace(run, steps=40))
    list(trainer.steps())
    text = HOUSE / "text"
    out = export(
        tmp_path / "run", tmp_path / "m", name="m", text=text, ema=0.07, storage="fp32", defaults=DRAWING_DEFAULTS
    )
    expected, made = average_of(tmp_path / "run", newest(trainer), 0.07)
    packed = load_tensors(out / "network.safetensors")[0]
    assert all(torch.equal(value, packed[name]) for name, value in expected.items())
    training = json.loads((out / "model.json").read_text())["training"]
    assert (training["ema"], training["ema_from"]) == (0.07, made)
    assert "width 0.07, reconstructed after training from 16 stored ones" in (out / "README.md").read_text()
    words = ["pack", str(tmp_path / "run"), "--out", str(tmp_path / "o"), "--ema", "0.07"]
    said = CliRunner().invoke(cli, words).stdout
    assert f"ema 0.07 from 16 stored averages, with an error of {made['error']:.1%}" in said
    export(tmp_path / "run", tmp_path / "n", name="n", text=text, ema=0.05, storage="fp32", defaults=DRAWING_DEFAULTS)
    assert "ema_from" not in json.loads((tmp_path / "n" / "model.json").read_text())["training"]
    assert "reconstructed" not in (tmp_path / "n" / "README.md").read_text()


def test_the_error_is_the_distance_of_the_profiles() -> None:
    """Integrated numerically; 0 for what is stored."""
    stored, wanted = [Profile(n, w) for n in (400, 700, 1000) for w in (0.05, 0.1)], Profile(1000, 0.17)
    tau = (torch.arange(400_000, dtype=torch.float64) + 0.5) / 400

    def density(p: Profile) -> Tensor:
        gamma = gamma_of(p.sigma_rel)
        return torch.where(tau <= p.step, (gamma + 1) / p.step * (tau / p.step) ** gamma, 0.0)

    shares = reconstruction_shares(stored, wanted)
    rest = density(wanted) - sum(share * density(p) for share, p in zip(shares, stored, strict=True))
    expected = float((rest.square().sum() / density(wanted).square().sum()).sqrt())
    assert reconstruction_error(stored, wanted) == pytest.approx(expected, rel=1e-4)
    assert expected > 0.01
    assert reconstruction_error(stored, stored[3]) < 1e-6


def test_what_cannot_be_made_is_refused(make_trainer: MakeTrainer, run: RunConfig, tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, replace(run, steps=5, keep_ema=0))
    list(trainer.steps())
    with pytest.raises(InvalidOption, match=r"of width 0\.2; it keeps 0\.050, 0\.100, and the 2 .* keep_ema"):
        average_of(tmp_path, newest(trainer), 0.2)
    for width in (0.0, 0.3, float("nan")):
        with pytest.raises(InvalidOption, match=r"must be from 0\.01 to 0\.28"):
            average_of(tmp_path, newest(trainer), width)
    with pytest.raises(InvalidOption, match="keep_ema is -1"):
        replace(run, keep_ema=-1)
