"""A generator's run: exact on resume, packed, drawn with in one evaluation, and measured on the way."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from mezzotint.checkpoints.model_folder import read_description
from mezzotint.diffusion.noise import PhiloxNoise, Purpose, normal_at
from mezzotint.diffusion.sampling import pure_noise
from mezzotint.diffusion.schedule import RectifiedFlow
from mezzotint.errors import InvalidOption, TrainingError
from mezzotint.families.pixel_gan import PixelGAN, PixelGANConfig
from mezzotint.interfaces.samples import draw_sheet
from mezzotint.interfaces.warm import warm_started
from mezzotint.load import DRAWING_DEFAULTS, GAN_DEFAULTS, HOUSE
from mezzotint.pipeline import Pipeline
from mezzotint.training.batches import Batches
from mezzotint.training.config import DataConfig, GanRun, override
from mezzotint.training.drawn import DrawnCheck, energy_distance
from mezzotint.training.export import export
from mezzotint.training.methods.adversarial import Adversarial
from mezzotint.training.trainer import Trainer
from tests.training.finishing import finish

MakeTrainer = Callable[..., Trainer]
CPU = torch.device("cpu")
SMALL = PixelGANConfig(
    size=16,
    widths=(24, 16, 16),
    blocks=1,
    group=8,
    reads=(4, 8),
    heads=2,
    text_heads=2,
    width=32,
    hidden=48,
)


@pytest.fixture
def gan_run(pictures: Path) -> GanRun:
    return GanRun(
        name="small",
        network=SMALL,
        data=DataConfig(source="folder", path=str(pictures)),
        steps=12,
        batch=4,
        checkpoint_every=5,
        validate_every=6,
        validation=8,
    )


def test_an_interrupted_run_ends_with_the_same_bits_of_both_networks_and_their_moments(
    make_trainer: MakeTrainer, gan_run: GanRun, tmp_path: Path
) -> None:
    whole = finish(make_trainer(tmp_path / "whole", gan_run))
    for stop in (4, 9, None):  # resumed twice
        parts = finish(make_trainer(tmp_path / "parts", gan_run), stop)
    assert parts.facts["step"] == whole.facts["step"] == 12
    assert sorted(whole.tensors) == ["ema-0.050", "ema-0.100", "method", "network", "optimizer"]
    groups = {name.split(".")[0] for name in whole.tensors["method"]}
    assert groups == {"critic", "first", "second"}
    assert not any(name.startswith("muon") for name in whole.tensors["optimizer"])
    for name, tensors in whole.tensors.items():
        for key, value in tensors.items():
            assert torch.equal(value, parts.tensors[name][key]), (name, key)


def test_the_losses_are_those_of_its_networks_on_the_pictures_and_captions_of_the_batch(
    make_trainer: MakeTrainer, gan_run: GanRun, tmp_path: Path
) -> None:
    trainer = make_trainer(tmp_path, gan_run)
    method, batch = trainer.method, trainer.batches.at(8)
    assert isinstance(method, Adversarial)
    assert isinstance(trainer.network, PixelGAN)
    z = normal_at(gan_run.seed, batch.draws, Purpose.TRAIN_NOISE, (2, 64))
    with torch.no_grad():
        real = method.critic(batch.pictures, batch.cond)
        fake, again = (method.critic(trainer.network.drawn(z[:, turn], batch.cond), batch.cond) for turn in (0, 1))
    torch.testing.assert_close(method.losses(batch).detach(), F.softplus(real - fake))
    torch.testing.assert_close(method.critic_losses(batch, 0, 0.0).detach(), F.softplus(again - real))
    other = Batches(gan_run.feed, trainer.supplies.pictures, trainer.supplies.features, trainer.batches.rows, CPU).at(8)
    assert torch.equal(other.pictures, batch.pictures)
    assert torch.equal(other.cond.tokens, batch.cond.tokens)


@pytest.mark.slow
def test_it_learns(make_trainer: MakeTrainer, gan_run: GanRun, tmp_path: Path) -> None:
    """Energy distance to held-out pictures falls to less than half in 100 updates."""
    run = replace(gan_run, steps=100, batch=16, validate_every=100, checkpoint_every=100)
    trainer = make_trainer(tmp_path, override(run, ["optim.adam_lr=0.002"]))
    first = trainer.validation(trainer.network)
    last = [step.validation for step in trainer.steps()][-1]
    assert last is not None
    assert last["training"] == first["training"]
    assert last["mean"] < 0.5 * first["mean"]


def test_the_energy_distance_is_that_of_its_formula() -> None:
    """Two points at 0 and two at 3 and 5: 2 · 4 − 0 − 2 = 6."""
    a, b = torch.zeros(2, 1), torch.tensor([[3.0], [5.0]])
    assert energy_distance(a, b) == pytest.approx(6)


def test_a_check_on_pictures_that_are_the_real_ones_finds_none(
    make_trainer: MakeTrainer, gan_run: GanRun, tmp_path: Path
) -> None:
    """Below 0 by the pairs of a picture with itself: 2 E|a − b| has those of distance 0, the other terms have not."""
    supplies = make_trainer(tmp_path, gan_run).supplies
    few = DrawnCheck(replace(gan_run, validation=1), supplies.pictures, supplies.features)
    assert len(few.real) == len(few.training) == 1
    check = DrawnCheck(gan_run, supplies.pictures, supplies.features)
    assert len(check.real) == 2

    class Copying(torch.nn.Module):
        latent = 1

        def __init__(self) -> None:
            super().__init__()
            self.one = torch.nn.Parameter(torch.ones(()))
            self.chunks = iter([shown for shown, _ in check.asked])

        def drawn(self, z: torch.Tensor, cond: object) -> torch.Tensor:
            return next(self.chunks).permute(0, 3, 1, 2)[:, :, None].float() / 127.5 - 1

    pairs = torch.cdist(check.real.double(), check.real.double())
    count = len(pairs)
    assert check(Copying())["mean"] == pytest.approx(
        2 * float(pairs.sum()) * (1 / count**2 - 1 / (count * (count - 1)))
    )


def packed(folder: Path, out: Path) -> Path:
    return export(folder, out, name="mine", text=HOUSE / "text", storage="fp32", defaults=GAN_DEFAULTS)


@pytest.fixture
def model(make_trainer: MakeTrainer, gan_run: GanRun, tmp_path: Path) -> Path:
    finish(make_trainer(tmp_path / "run", gan_run), 3)
    return packed(tmp_path / "run", tmp_path / "model")


def test_it_becomes_a_model_that_draws_in_one_evaluation_what_the_network_says_of_pure_noise(model: Path) -> None:
    pipe = Pipeline.load(str(model))
    description = read_description(model)
    assert description["family"] == "pixel_gan"
    assert "in one evaluation, trained against a critic" in (model / "README.md").read_text()
    previews = list(pipe.stream("a red square", seed=7))
    assert len(previews) == 1
    recipe = previews[0].recipe
    assert recipe is not None
    assert recipe.evaluations == 1
    assert (recipe.request.steps, recipe.request.guidance, recipe.ignored) == (1, 1.0, ())
    network = pipe.model.denoiser.network
    assert isinstance(network, PixelGAN)
    noise = pure_noise(RectifiedFlow(), (1, 4, 1, 16, 16), PhiloxNoise([7]))
    with torch.inference_mode():
        wanted = network.drawn(network.latents(noise), pipe.model.conditioner(["a red square"], [None]))
    torch.testing.assert_close(previews[0].x, wanted[0])
    assert pipe.generate("a red square", seed=8).recipes[0].pixels_sha256 != recipe.pixels_sha256
    one, two = (image.tobytes() for image in pipe.generate("a red square", seed=7, n=2).images)
    assert (one, two) == (pipe.generate("a red square", seed=7).images[0].tobytes(), two)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"guidance": 4.0}, r"guidance is 4, but the model mine is a generator .* nothing in it can be guided"),
        ({"guidance_methods": ("apg",)}, "guidance_methods apg, but the model mine"),
        ({"steps": 4}, "steps is 4 and grid 'uniform', but the model mine is a generator that draws in one evaluation"),
        ({"grid": (0.9, 0.0)}, r"grid \(0.9, 0.0\), but"),
        ({"size": "32x16"}, "size is 32x16, but"),
        ({"stop": 0.5}, "stop is given, but"),
        ({"tile": "x"}, "tile is given, but"),
        ({"blend": (("a cat", 1.0),)}, "blend is given, but"),
        ({"lora": (("zorp", 1.0),)}, "There is no LoRA called"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_it_cannot_do_is_refused_by_name(model: Path, options: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidOption, match=sentence):
        Pipeline.load(str(model)).generate("a red square", **options)


def test_a_picture_to_edit_is_refused_and_what_has_no_effect_is_said(model: Path) -> None:
    pipe = Pipeline.load(str(model))
    image = pipe.generate("a red square", seed=1).images[0]
    with pytest.raises(InvalidOption, match="image is given, but the model mine is a generator"):
        pipe.generate("a red square", image=image, strength=1.0)
    recipe = pipe.generate("a red square", negative="a cat", seed=1).recipes[0]
    assert any("negative: a cat" in said for said in recipe.ignored)


def test_halfway_between_two_seeds_is_the_picture_of_the_noise_halfway(model: Path) -> None:
    pipe = Pipeline.load(str(model))
    ends = [pipe.generate("a red square", seed=seed).images[0].tobytes() for seed in (3, 9)]
    there = [pipe.generate("a red square", seed=3, vary=((share, 9),)).images[0].tobytes() for share in (0.5, 1.0)]
    assert there[1] == ends[1]
    assert there[0] not in ends


def test_defaults_that_it_cannot_draw_with_are_refused_when_it_is_packed(
    make_trainer: MakeTrainer, gan_run: GanRun, tmp_path: Path
) -> None:
    finish(make_trainer(tmp_path / "run", gan_run), 1)
    with pytest.raises(InvalidOption, match="The default steps is 24, but a generator draws in one evaluation"):
        export(tmp_path / "run", tmp_path / "x", name="x", text=HOUSE / "text", defaults=DRAWING_DEFAULTS)


def test_a_sheet_is_drawn_and_a_warm_start_refused(make_trainer: MakeTrainer, gan_run: GanRun, tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, gan_run)
    path = draw_sheet(trainer, trainer.supplies.text, lambda: False)
    assert path is not None
    assert path.is_file()
    with pytest.raises(TrainingError, match="against a critic, which no model's folder holds"):
        warm_started(trainer, "house")


@pytest.mark.parametrize("change", ["compiled=true", "data.scenes=0.5", "data.avatars=0.1"])
def test_a_run_that_cannot_be_is_refused_in_one_sentence(gan_run: GanRun, change: str) -> None:
    with pytest.raises(InvalidOption, match="the run small needs false"):
        override(gan_run, [change])
