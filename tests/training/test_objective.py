"""Weightings, densities, contrast and perturbation in real runs: every update's loss is what its formula says."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion.noise import Purpose, philox_normal, philox_uniform
from mezzotint.diffusion.objective import WEIGHTINGS, loss, velocity_weight
from mezzotint.diffusion.schedule import RectifiedFlow
from mezzotint.errors import InvalidOption, TrainingError
from mezzotint.training import state
from mezzotint.training.batches import Batch
from mezzotint.training.config import RunConfig, from_dict, override
from mezzotint.training.methods.pretrain import Pretrain, noised_loss
from mezzotint.training.objective import DENSITIES, ObjectiveConfig
from mezzotint.training.teach import TeachConfig
from mezzotint.training.trainer import Trainer
from tests.support import random_network
from tests.training.finishing import finish

MakeTrainer = Callable[..., Trainer]
COUNT = 4 * 32 * 32


def asked(run: RunConfig, *settings: str) -> RunConfig:
    return override(run, [f"objective.{setting}" for setting in settings])


def opinionated(trainer: Trainer) -> Trainer:
    """With weights that say something: a fresh network predicts zero."""
    own = random_network(trainer.run.network, seed=2)  # type: ignore[union-attr]
    trainer.network.load_state_dict(own.state_dict())
    return trainer


def noise_of(seed: int, batch: Batch, half: int) -> Tensor:
    """(B, ...) float64: the first or second half of each picture's noise, a picture at a time."""
    whole = [philox_normal(seed, (2, *batch.pictures.shape[1:]), Purpose.TRAIN_NOISE, int(d)) for d in batch.draws]
    return torch.stack(whole)[:, half].double()


def believed(network: torch.nn.Module, batch: Batch, seed: int, perturbation: float = 0.0) -> tuple[Tensor, Tensor]:
    """The network's x_0 in float64, and the mean squares of its error (B,)."""
    t = batch.t.double().view(-1, 1, 1, 1, 1)
    extra = perturbation * noise_of(seed, batch, 1) if perturbation else 0.0
    x_t = (1 - t) * batch.pictures.double() + t * (noise_of(seed, batch, 0) + extra)
    with torch.no_grad():
        x0 = network(x_t.float(), batch.t, batch.cond).double()
    return x0, (x0 - batch.pictures.double()).square().flatten(1).mean(1)


def snr(t: Tensor) -> Tensor:
    return ((1 - t) / t) ** 2


WEIGHTS: dict[str, Callable[[Tensor], Tensor]] = {
    "velocity": lambda t: 1 / t.clamp_min(0.05) ** 2,
    "x0": torch.ones_like,
    "eps": snr,
    "v": lambda t: ((1 - t) ** 2 + t**2) ** 2 / t**2,
    "min-snr": lambda t: snr(t).clamp_max(5),
    "min-snr:gamma=0.4": lambda t: snr(t).clamp_max(0.4),
    "soft-min-snr:gamma=2": lambda t: 2 * snr(t) / (snr(t) + 2),
    "p2:gamma=0.5,k=2": lambda t: snr(t) / (2 + snr(t)).sqrt(),
    "edm:sigma_data=0.7": lambda t: (t**2 + (0.7 * (1 - t)) ** 2) / (0.7 * t) ** 2,
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_every_update_has_the_loss_of_its_weighting(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path, name: str
) -> None:
    trainer = opinionated(make_trainer(tmp_path, asked(small_run, f"weighting={name}", "density=uniform")))
    expected = math.nan
    for update, step in enumerate(trainer.steps(3)):
        if update:
            assert step.loss == pytest.approx(expected, rel=2e-5)
        batch = trainer.batches.at(trainer.pictures)
        _, errors = believed(trainer.network, batch, trainer.run.seed)
        expected = float((WEIGHTS[name](batch.t.double()) * errors).mean())
    assert {text.partition(":")[0] for text in WEIGHTS} == set(WEIGHTINGS)


@pytest.mark.parametrize(
    ("density", "rank"),
    [
        ("logit-normal", lambda t: torch.special.ndtr((torch.logit(t) - 0.8) / 1.2)),
        ("uniform", lambda t: t),
        ("log-normal-sigma", lambda t: torch.special.ndtr(((t / (1 - t)).log() + 1.2) / 1.2)),
        ("log-normal-sigma:mean=-0.4,std=1", lambda t: torch.special.ndtr((t / (1 - t)).log() + 0.4)),
        ("mode:scale=0", lambda t: t),
        ("mode:scale=-1", lambda t: torch.asin(t.sqrt()) / (math.pi / 2)),
    ],
)
def test_times_follow_the_density_that_is_named(
    make_trainer: MakeTrainer,
    small_run: RunConfig,
    tmp_path: Path,
    density: str,
    rank: Callable[[Tensor], Tensor],
) -> None:
    """A time's rank in its density is the golden-ratio sequence again."""
    normal = ("time_mean=0.8", "time_std=1.2") if density == "logit-normal" else ()
    trainer = make_trainer(tmp_path, replace(asked(small_run, f"density={density}", *normal), batch=300))
    batch = trainer.batches.at(600)
    first = philox_uniform(trainer.run.seed, torch.zeros(1, dtype=torch.int64), Purpose.TRAIN_TIME)
    u = (first + torch.arange(600, 900).double() * (5**0.5 - 1) / 2).frac()
    torch.testing.assert_close(rank(batch.t.double()), u, rtol=0, atol=2e-5)
    assert {"logit-normal", "uniform", "log-normal-sigma", "mode"} == set(DENSITIES)


def test_by_default_not_a_bit_is_other_than_the_velocitys_loss(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    trainer = opinionated(make_trainer(tmp_path))
    batch = trainer.batches.at(0)
    eps = torch.stack([philox_normal(0, batch.pictures.shape[1:], Purpose.TRAIN_NOISE, int(d)) for d in batch.draws])
    with torch.no_grad():
        x_t = RectifiedFlow()(batch.t).noised(batch.pictures, eps)
        predicted = trainer.network(x_t, batch.t, batch.cond)
        level = RectifiedFlow()(batch.t)
        old = loss(predicted, batch.pictures, level, lambda at: velocity_weight(at, 0.05))
        assert torch.equal(trainer.method.losses(batch), old)
        validated = noised_loss(trainer.network, batch.pictures, eps, batch.t, batch.cond, "fp32", 0.05)
    assert torch.equal(validated, old)


@pytest.mark.parametrize("weighting", ["velocity", "min-snr"])
def test_contrast_drives_flows_apart_at_every_weighting(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path, weighting: str
) -> None:
    """Errors of the velocity are those of x_0 over t; another picture's lies v' − v further."""
    trainer = opinionated(make_trainer(tmp_path, asked(small_run, "contrastive=0.3", f"weighting={weighting}")))
    batch = trainer.batches.at(8)
    x0, errors = believed(trainer.network, batch, 0)
    t = batch.t.double()
    weight = WEIGHTS[weighting](t)
    velocity = noise_of(0, batch, 0) - batch.pictures.double()
    off = (batch.pictures.double() - x0) / t.view(-1, 1, 1, 1, 1)  # v̂ − v
    others = torch.stack([velocity[(i + 1) % 4] for i in range(4)])
    apart = (off + velocity - others).square().flatten(1).mean(1)
    with torch.no_grad():
        found = trainer.method.losses(batch).double()
    torch.testing.assert_close(found, weight * errors - 0.3 * weight * t**2 * apart, rtol=1e-4, atol=1e-4)
    plain = opinionated(make_trainer(tmp_path / "plain", asked(small_run, f"weighting={weighting}")))
    with torch.no_grad():
        torch.testing.assert_close(
            found, plain.method.losses(batch).double() - 0.3 * weight * t**2 * apart, rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize("contrastive", [0.0, 0.2])
def test_a_perturbed_input_is_judged_by_the_noise_it_was_told(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path, contrastive: float
) -> None:
    """x_t has t · 0.4 more of fresh noise; picture, velocity and the noise of a plain run stay."""
    settings = ("perturbation=0.4", f"contrastive={contrastive}")
    trainer = opinionated(make_trainer(tmp_path, asked(small_run, *settings)))
    batch = trainer.batches.at(4)
    x0, errors = believed(trainer.network, batch, 0, 0.4)
    t = batch.t.double()
    weight = WEIGHTS["velocity"](t)
    velocity = noise_of(0, batch, 0) - batch.pictures.double()
    off = (batch.pictures.double() - x0) / t.view(-1, 1, 1, 1, 1)
    apart = (off + velocity - velocity.roll(-1, 0)).square().flatten(1).mean(1)
    with torch.no_grad():
        found = trainer.method.losses(batch).double()
    torch.testing.assert_close(found, weight * (errors - contrastive * t**2 * apart), rtol=1e-4, atol=1e-4)
    assert torch.equal(noise_of(0, batch, 0)[1].float(), philox_normal(0, (4, 1, 32, 32), Purpose.TRAIN_NOISE, 5))
    both = torch.stack([noise_of(0, batch, half).flatten(1) for half in (0, 1)])
    assert abs(float((both[0] * both[1]).mean())) < 4 / (4 * COUNT) ** 0.5
    assert float(both[1].std()) == pytest.approx(1, abs=0.03)


ALL = ("weighting=p2:gamma=0.5", "density=mode", "contrastive=0.05", "perturbation=0.1")


def test_a_run_with_all_of_them_resumes_with_the_same_bits(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path
) -> None:
    run = asked(small_run, *ALL)
    assert from_dict(RunConfig, json.loads(json.dumps(run.as_dict()))) == run
    whole = finish(make_trainer(tmp_path / "whole", run))
    for stop in (4, None):
        parts = finish(make_trainer(tmp_path / "parts", run), stop)
    plain = finish(make_trainer(tmp_path / "plain"))
    for name, tensors in whole.tensors.items():
        for key, value in tensors.items():
            assert torch.equal(value, parts.tensors[name][key]), (name, key)
    assert any(not torch.equal(v, plain.tensors["network"][k]) for k, v in whole.tensors["network"].items())
    with pytest.raises(TrainingError, match=r"objective\.density was mode, is logit-normal"):
        make_trainer(tmp_path / "other").resume(tmp_path / "whole" / "checkpoints" / "step-00000012")


def test_a_checkpoint_from_before_there_were_these_settings_resumes(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path)
    list(trainer.steps(4))
    snapshot = state.load(tmp_path / "checkpoints" / "step-00000004")
    old = {name: snapshot.facts["run"]["objective"][name] for name in ("time_mean", "time_std", "floor")}
    facts = {key: value for key, value in snapshot.facts.items() if key not in ("files", "version")}
    facts["run"] = {**facts["run"], "objective": old}
    state.save(tmp_path / "old", state.Snapshot(facts, snapshot.tensors), 1)
    again = make_trainer(tmp_path / "new")
    again.resume(tmp_path / "old" / "step-00000004")
    assert again.step == 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["weighting=min-snt"], "no weighting called 'min-snt'; did you mean min-snr"),
        (["weighting=min-snr:gama=5"], "has no option 'gama'; did you mean gamma"),
        (["weighting=min-snr:gamma=0"], "gamma of a weighting must be a number above 0"),
        (["weighting=min-snr:gamma=word"], "gamma of the weighting min-snr must be a number"),
        (["weighting=eps:gamma=1"], r"objective\.weighting=eps:gamma=1 .*: the weighting eps has no option 'gamma'"),
        (["weighting=velocity:floor=0.1"], r"set its floor by objective\.floor"),
        (["weighting=min-snr", "floor=0.1"], r"objective\.floor is given.*objective\.weighting is min-snr"),
        (["density=unifrom"], "no density of times called 'unifrom'; did you mean uniform"),
        (["density=mode:scale=3"], "from -1 to 1.75"),
        (["density=log-normal-sigma:schedule=edm"], "has no option 'schedule'"),
        (["density=logit-normal:mean=1"], r"set objective\.time_mean"),
        (["time_std=2", "density=uniform"], r"objective\.time_std is given.*objective\.density is uniform"),
        (["time_std=0"], "std above 0"),
        (["contrastive=1"], r"at least 0 \(off\) and below 1"),
        (["contrastive=0.1", "learned_weight=true"], "can be negative"),
        (["perturbation=-0.1"], "a number from 0 to 1"),
        (["weighting=3"], "of type str"),
    ],
)
def test_what_is_not_legal_is_refused_in_one_sentence(small_run: RunConfig, settings: list[str], message: str) -> None:
    with pytest.raises(InvalidOption, match=message) as caught:
        asked(small_run, *settings)
    assert str(caught.value).count(". ") == 0
    assert "\n" not in str(caught.value)


def test_contrast_needs_another_picture(small_run: RunConfig) -> None:
    with pytest.raises(InvalidOption, match="needs at least 2"):
        override(small_run, ["objective.contrastive=0.1", "batch=1"])


def test_equal_texts_are_equal_runs(small_run: RunConfig) -> None:
    assert asked(small_run, "weighting=p2: k=2.0, gamma=.50") == asked(small_run, "weighting=p2:gamma=0.5,k=2")


def test_a_word_is_taught_with_the_velocitys_loss_only() -> None:
    assert TeachConfig(objective=ObjectiveConfig(density="uniform")).objective.density == "uniform"
    with pytest.raises(InvalidOption, match="taught with the loss of the velocity"):
        TeachConfig(objective=ObjectiveConfig(contrastive=0.1))


@pytest.mark.slow
def test_compiled_the_loss_is_the_same(make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path) -> None:
    run = asked(small_run, "weighting=min-snr:gamma=2", *ALL[1:])
    trainer = opinionated(make_trainer(tmp_path, run))
    batch = trainer.batches.at(4)
    compiled = Pretrain(replace(run, compiled=True), trainer.network)
    with torch.no_grad():
        torch.testing.assert_close(compiled.losses(batch), trainer.method.losses(batch), rtol=1e-4, atol=1e-5)
