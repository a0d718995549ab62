"""What an upscaler is trained on and by: partners, what befalls them, the loss by hand, and resumed bits."""

import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from mezzotint import Pipeline
from mezzotint.checkpoints.model_folder import read_description
from mezzotint.data.large import partner
from mezzotint.data.sources import FolderSource, PictureSet
from mezzotint.errors import InvalidOption, TrainingError
from mezzotint.families.pixel_upscaler import PixelUpscaler, SmallPicture, initialise_upscaler, lanczos
from mezzotint.interfaces.warm import warm_started
from mezzotint.load import load_text
from mezzotint.training import state
from mezzotint.training.config import UpscalerRun
from mezzotint.training.degrade import DegradeConfig, compressed, degraded, shifted
from mezzotint.training.enlarging import EnlargingBatches, EnlargingCheck
from mezzotint.training.export import draws, export, family_of
from mezzotint.training.methods.upscale import Upscale, upscaling_losses
from mezzotint.training.prepare import prepare
from mezzotint.training.trainer import Trainer
from tests.upscalers import NETWORK, run_on

NOTHING = DegradeConfig(backed=0, soft=0, patchy=0, jumbled=0, blotched=0, noise=0, jpeg=0)
DRAWS = torch.arange(64)


@pytest.fixture(scope="module")
def run(pictures: Path) -> UpscalerRun:
    return run_on(pictures)


def colours(*shape: int, seed: int = 0) -> Tensor:
    """Smooth pictures (B, 4, h, w) in [0, 1], opaque, in whole 255ths."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(shape[0], 3, 4, 4, generator=generator)
    colour = F.interpolate(coarse, shape[1:], mode="bilinear")
    return torch.cat([colour, torch.ones(shape[0], 1, *shape[1:])], dim=1).mul(255).round() / 255


def test_a_partner_is_the_mean_of_its_pixels() -> None:
    rng = np.random.Generator(np.random.Philox(0))
    large = rng.integers(0, 256, (3, 8, 12, 4), dtype=np.uint8)
    found = partner(large)
    assert found.shape == (3, 2, 3, 4)
    for row in range(2):
        for column in range(3):
            cell = large[:, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4].astype(float)
            np.testing.assert_allclose(found[:, row, column], cell.mean((1, 2)), atol=0.5)


@pytest.mark.parametrize("quality", [30, 75, 92])
def test_compression_is_that_of_jpeg(quality: int) -> None:
    """Against Pillow's encoder without thinned colours. Its cosines are rounded to eighths, so that some of them fall
    on the other side of a step; what is lost is the same otherwise."""
    x = colours(2, 64, 80)
    x = (x + 0.05 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1).mul(255).round() / 255
    found = compressed(x[:, :3], torch.full((2,), float(quality)))
    for one, ours in zip(x[:, :3], found, strict=True):
        file, plain = io.BytesIO(), one.mul(255).round().permute(1, 2, 0).numpy()
        Image.fromarray(plain.astype(np.uint8), "RGB").save(file, "JPEG", quality=quality, subsampling=0)
        theirs = np.asarray(Image.open(file), dtype=float) - plain
        mine = ours.mul(255).round().clamp(0, 255).permute(1, 2, 0).numpy() - plain
        assert np.abs(mine - theirs).mean() < 0.3 * np.abs(theirs).mean()
        assert mine.std() == pytest.approx(theirs.std(), rel=0.05)


def test_nothing_befalls_a_picture_without_shares_and_each_change_is_what_it_says() -> None:
    x = colours(64, 16, 16)
    assert torch.allclose(degraded(x, 0, DRAWS, NOTHING), x, atol=1e-7)
    soft = degraded(x, 0, DRAWS, replace(NOTHING, soft=0.5))
    blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    changed = [not torch.equal(a, b) for a, b in zip(soft, x, strict=True)]
    assert 20 < sum(changed) < 44
    # every change is along the way to the mean of 3 by 3
    along = (soft - x).flatten(1).mul((blurred - x).flatten(1)).sum(1) / (blurred - x).flatten(1).square().sum(1)
    assert bool(((along > -0.02) & (along < 1.02)).all())
    noisy = degraded(x.lerp(torch.full_like(x, 0.5), 0.6), 0, DRAWS, replace(NOTHING, noise=1.0, spread=0.04))
    spreads = (noisy - x.lerp(torch.full_like(x, 0.5), 0.6))[:, :3].flatten(1).std(1)
    assert float(spreads.max()) == pytest.approx(0.04, rel=0.15)
    assert float(spreads.mean()) == pytest.approx(0.02, rel=0.2)
    patchy = (degraded(x, 0, DRAWS, replace(NOTHING, patchy=1.0)) - x) / (blurred - x)
    inside = patchy[:, :3, 1:7, 1:7][(blurred - x)[:, :3, 1:7, 1:7].abs().amin(dim=(1, 2, 3)) > 0.01]
    assert all(float(one.std()) < 0.1 for one in inside)  # one softness in a patch


def test_patches_are_moved_and_their_colours_are_off_each_by_itself() -> None:
    """On a ramp, where to move by d is to add slope times d."""
    down, across = torch.meshgrid(torch.arange(24.0), torch.arange(32.0), indexing="ij")
    ramp = torch.cat([(0.2 + 0.01 * down + 0.004 * across).expand(3, -1, -1), torch.ones(1, 24, 32)])
    x = ramp.expand(64, -1, -1, -1)
    moved = degraded(x, 0, DRAWS, replace(NOTHING, jumbled=0.5, jump=0.8)) - x
    changed = moved.flatten(1).abs().amax(1) > 0.003
    assert 20 < int(changed.sum()) < 44
    assert float(moved.abs().max()) <= 0.8 * 0.014 + 1 / 255
    assert float(moved[changed].std()) == pytest.approx(0.8 * math.hypot(0.01, 0.004) / 3**0.5, rel=0.25)
    inner = moved[:, 0].reshape(64, 3, 8, 4, 8)[:, :, 2:6, :, 2:6]
    assert float(inner.amax((2, 4)).sub(inner.amin((2, 4))).max()) <= 1.01 / 255  # one way for all of a patch
    assert float(inner[changed].mean((2, 4)).flatten(1).std(1).min()) > 0.001  # another for each patch
    grey = torch.cat([torch.full((64, 3, 24, 32), 0.25), torch.full((64, 1, 24, 32), 0.5)], dim=1)
    off = degraded(grey, 0, DRAWS, replace(NOTHING, blotched=0.5, blotch=0.2)) - grey
    assert bool((off[:, 3].abs() <= 0.51 / 255).all())
    some = off[off[:, :3].flatten(1).abs().amax(1) > 0.01]
    assert 20 < len(some) < 44
    assert float(some[:, :3].std()) == pytest.approx(0.2 * 0.5 / 3**0.5, rel=0.05)
    patches = some[:, :3].reshape(-1, 3, 3, 8, 4, 8)
    assert torch.equal(patches, patches[..., :1, :, :1].expand_as(patches))


def test_what_lies_whole_pixels_away_is_that_pixel() -> None:
    x = colours(2, 12, 16)
    away = torch.tensor([2.0, -3.0])[None, :, None, None].expand(2, 2, 12, 16)
    found = shifted(x, away)
    torch.testing.assert_close(found[:, :, :-2, 3:], x[:, :, 2:, :-3], atol=1e-5, rtol=0)
    torch.testing.assert_close(found[:, :, -2:, 3:], x[:, :, -1:, :-3].expand(-1, -1, 2, -1), atol=1e-5, rtol=0)


def test_an_opaque_picture_stays_opaque_and_is_compressed_though_it_is_noisy_too() -> None:
    """One that is clear somewhere gets noise in its cover, and is never compressed."""
    x = colours(64, 16, 16)
    worst = torch.full((64,), 95.0)
    plain = compressed(x[:, :3], worst).clamp(0, 1).mul(255).round() / 255
    torch.testing.assert_close(degraded(x, 0, DRAWS, replace(NOTHING, jpeg=1.0, worst=95))[:, :3], plain)
    noisy = degraded(x, 0, DRAWS, replace(NOTHING, noise=1.0))
    both = degraded(x, 0, DRAWS, replace(NOTHING, noise=1.0, jpeg=1.0))
    assert bool((noisy[:, 3] == 1).all())
    assert all(not torch.equal(one, other) for one, other in zip(noisy, both, strict=True))
    x[:, :, :, :8] *= 0.5
    noisy, both = (degraded(x, 0, DRAWS, replace(NOTHING, noise=1.0, jpeg=share)) for share in (0.0, 1.0))
    assert torch.equal(noisy, both)
    assert float((noisy[:, 3, :, :8] - 0.5).std()) > 0.01


def test_what_befalls_a_picture_depends_on_its_number_alone_and_stays_premultiplied() -> None:
    x = colours(8, 16, 24)
    x[4:] *= torch.rand(4, 1, 16, 24, generator=torch.Generator().manual_seed(0))
    config = DegradeConfig(soft=0.7, patchy=0.5, noise=0.8, jpeg=1.0)
    whole = degraded(x, 3, DRAWS[:8], config)
    assert torch.equal(whole[2:5], degraded(x[2:5], 3, DRAWS[2:5], config))
    assert not torch.equal(whole, degraded(x, 4, DRAWS[:8], config))
    assert bool((whole[:, :3] <= whole[:, 3:] + 1e-6).all())
    assert bool(((whole >= 0) & (whole <= 1)).all())


def test_batches_are_parts_with_what_lies_under_them(run: UpscalerRun) -> None:
    pictures = FolderSource(Path(run.data.path or "")).load(NETWORK.size)
    rows = pictures.split("train")
    plain = replace(run, degrade=NOTHING, batch=32)
    batches = EnlargingBatches(plain, pictures, rows)
    found = batches.at(64)
    assert found.pictures.shape == (32, 4, 1, 16, 16)
    assert found.draws.tolist() == list(range(64, 96))  # so that no two batches have the same noise
    assert float(found.t.logit().mean()) == pytest.approx(plain.time_mean, abs=0.25)
    assert float(found.t.logit().std()) == pytest.approx(plain.time_std, rel=0.2)
    means = F.avg_pool2d(found.pictures.squeeze(2), 4)[:, :, None]
    torch.testing.assert_close(found.small, means, atol=1.01 / 255, rtol=0)
    assert set(found.rows.tolist()) <= set(rows.tolist())
    mirrored = 0
    for row, part in zip(found.rows.tolist(), (found.pictures + 1).mul(127.5).round().byte(), strict=True):
        whole = torch.from_numpy(pictures.pictures[row]).permute(2, 0, 1)[:, None]
        cuts = whole.unfold(2, 16, 1).unfold(3, 16, 1).permute(2, 3, 0, 1, 4, 5).flatten(0, 1)
        here = [bool((cuts == one).flatten(1).all(1).any()) for one in (part, part.flip(-1))]
        assert any(here)
        mirrored += not here[0]
    assert 2 < mirrored < 30
    again = EnlargingBatches(plain, pictures, rows).at(64)
    assert torch.equal(again.pictures, found.pictures)
    backed = EnlargingBatches(replace(plain, degrade=replace(NOTHING, backed=1.0)), pictures, rows).at(64)
    assert bool((backed.pictures[:, 3] == 1).all())
    means = F.avg_pool2d(backed.pictures.squeeze(2), 4)[:, :, None]
    torch.testing.assert_close(backed.small, means, atol=1.01 / 255, rtol=0)
    clear = found.pictures[:, 3:] == -1
    behind = backed.pictures[:, :3].masked_fill(~clear.expand_as(found.pictures[:, :3]), 0)
    assert len({tuple(one.amax((1, 2, 3)).tolist()) for one in behind}) > 20  # a colour of its own each


class Off(nn.Module):
    """Says x_0 and a number; remembers what it was shown."""

    def __init__(self, x0: Tensor, by: float) -> None:
        super().__init__()
        self.x0, self.by = x0, by

    def forward(self, x_t: Tensor, t: Tensor, cond: SmallPicture) -> Tensor:
        self.seen = x_t, t
        return self.x0 + self.by


def test_the_loss_by_hand_and_a_regression_sees_no_noise(run: UpscalerRun) -> None:
    generator = torch.Generator().manual_seed(0)
    x0, eps = (torch.randn(3, 4, 1, 16, 16, generator=generator) for _ in range(2))
    t, network = torch.tensor([0.05, 0.4, 1.0]), Off(x0, 0.3)
    losses, said = upscaling_losses(network, run, x0, x0[..., ::4, ::4], eps, t)
    assert losses.tolist() == pytest.approx([0.09 / 0.09, 0.09 / 0.16, 0.09])
    assert torch.equal(said, x0 + 0.3)
    torch.testing.assert_close(network.seen[0][1], 0.6 * x0[1] + 0.4 * eps[1])
    plain, _ = upscaling_losses(network, replace(run, regression=True), x0, x0[..., ::4, ::4], eps, t)
    assert plain.tolist() == pytest.approx([0.09] * 3)
    assert not network.seen[0].any()
    assert network.seen[1].tolist() == [1, 1, 1]


def test_what_is_measured_is_lanczos_before_training_and_better_after_some(run: UpscalerRun) -> None:
    """It learns to enlarge the pictures of a folder: sharp squares, which no linear filter makes."""
    pictures = FolderSource(Path(run.data.path or "")).load(NETWORK.size)
    long = replace(run, batch=16, degrade=NOTHING, validation=8)
    network = PixelUpscaler(replace(NETWORK, width=16))
    initialise_upscaler(network, 0)
    check = EnlargingCheck(long, pictures)
    before = check(network)
    assert before["psnr"] == pytest.approx(before["lanczos"])
    parts = pictures.pictures[check.rows][:, 8:24, 8:24]
    small = torch.from_numpy(partner(parts)).permute(0, 3, 1, 2).float() / 255
    truth = torch.from_numpy(np.ascontiguousarray(parts)).permute(0, 3, 1, 2).float() / 255
    error = (lanczos(small, 4).clamp(0, 1) - truth).square().flatten(1).mean(1).mean()
    assert before["lanczos"] == pytest.approx(-10 * float(error.log10()), abs=0.01)
    assert sorted(before) == ["0.1", "0.3", "0.5", "0.7", "0.9", "lanczos", "mean", "psnr"]
    assert trained(replace(long, regression=True), pictures, 100)["psnr"] > before["psnr"] + 1
    after = trained(replace(long, time_mean=-1.5), pictures, 40)
    assert all(after[t] < 0.8 * before[t] for t in ("0.1", "0.3"))


def trained(run: UpscalerRun, pictures: PictureSet, updates: int) -> dict[str, float]:
    """What is measured of a network after so many updates."""
    network = PixelUpscaler(replace(NETWORK, width=16))
    initialise_upscaler(network, 0)
    batches, method = EnlargingBatches(run, pictures, pictures.split("train")), Upscale(run, network)
    optimizer = torch.optim.Adam(network.parameters(), 6e-3)
    for step in range(updates):
        optimizer.zero_grad()
        torch.autograd.backward(method.losses(batches.at(step * run.batch)).mean())
        optimizer.step()
    return EnlargingCheck(run, pictures)(network)


@pytest.fixture
def make(run: UpscalerRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    text, digest = load_text(run.text_length)
    return lambda name: prepare(run, text, digest, tmp_path / name)


def test_a_run_resumes_to_the_bit_and_becomes_a_model_that_enlarges(make: object, tmp_path: Path) -> None:
    assert callable(make)
    whole, first = make("whole"), make("parts")
    assert isinstance(whole, Trainer)
    assert whole.facts["family"] == "pixel_upscaler"
    last = [step for step in whole.steps() if step.validation][-1].validation
    list(first.steps(3))
    second = make("parts")
    newest = state.newest(tmp_path / "parts/checkpoints")
    assert newest is not None
    second.resume(newest)
    assert [step for step in second.steps() if step.validation][-1].validation == last
    for ours, theirs in zip(whole.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)

    assert draws(tmp_path / "whole")
    assert family_of(tmp_path / "whole") == "pixel_upscaler"
    export(tmp_path / "whole", tmp_path / "m", name="m", text=tmp_path, storage="fp32", defaults={"steps": 2})
    assert not (tmp_path / "m/text").exists()
    description = read_description(tmp_path / "m")
    assert (description["family"], description["schedule"], description["target"]) == (
        *("pixel_upscaler", "rectified_flow", "x0"),
    )
    model = Pipeline.load(str(tmp_path / "m"), device="cpu").model
    assert model.enlarges == 4
    network = model.denoiser.network
    assert isinstance(network, PixelUpscaler)
    for (name, ours), theirs in zip(network.named_parameters(), whole.averages[0].weights.values(), strict=True):
        assert torch.equal(ours, theirs), name
    card = (tmp_path / "m/README.md").read_text()
    assert "makes pictures 4 times as wide" in card

    third = warm_started(make("third"), str(tmp_path / "m"))
    for ours, theirs in zip(third.network.parameters(), network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    (tmp_path / "m/model.json").write_text((tmp_path / "m/model.json").read_text().replace("pixel_upscaler", "unet"))
    with pytest.raises(TrainingError, match="another family"):
        warm_started(make("fourth"), str(tmp_path / "m"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"crop": 18}, "network.size is 32, network.scale 4 and crop 18; the scale must be at least 2 and divide"),
        ({"crop": 64}, "the crop be no larger than the size"),
        ({"degrade": DegradeConfig(soft=1.5)}, "degrade.soft is 1.5; it is a share from 0 to 1"),
        ({"degrade": DegradeConfig(worst=0)}, "degrade.worst 0"),
        ({"time_std": 0.0}, "time_std 0.0"),
    ],
)
def test_what_no_run_can_have_is_one_sentence(run: UpscalerRun, changes: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        replace(run, **changes)  # type: ignore[arg-type]
