"""Teaching a word: the held-out loss falls, equal inputs give equal factors, and bad pictures are refused before."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import ExifTags, Image

from mezzotint.codecs.images import to_signed
from mezzotint.conditioning.text import TextConditioner
from mezzotint.diffusion.noise import Purpose, normal_at
from mezzotint.diffusion.process import Process, schedule_of
from mezzotint.errors import InvalidFile, InvalidOption, TrainingError
from mezzotint.load import load_text
from mezzotint.training.lesson import Examples, Lesson, check_word, read_lesson
from mezzotint.training.methods.pretrain import noised_loss
from mezzotint.training.teach import TeachConfig, Teacher, acting
from mezzotint.training.validation import TIMES
from tests.support import random_network, zorp_folder

SHORT = TeachConfig(steps=30, batch=8, rank=4, check_every=10)


@pytest.fixture(scope="module")
def text() -> TextConditioner:
    plain = load_text(32)[0]
    return TextConditioner(plain.tokenizer, plain.encoder, ("flat", "noto"), 32)


@pytest.fixture(scope="module")
def lesson(text: TextConditioner, tmp_path_factory: pytest.TempPathFactory) -> Lesson:
    return read_lesson(zorp_folder(tmp_path_factory.mktemp("zorps")), "zorp", 32, text, seed=0)


@pytest.fixture(scope="module")
def prior() -> Examples:
    pictures = torch.randint(0, 256, (20, 32, 32, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return Examples(pictures, tuple(("a cat", "cat") for _ in range(20)), ("flat",) * 20)


Make = Callable[..., Teacher]


@pytest.fixture
def teacher(text: TextConditioner, lesson: Lesson, prior: Examples) -> Make:
    def make(config: TeachConfig = SHORT, lesson: Lesson = lesson) -> Teacher:
        return Teacher(random_network(), text, config, lesson, prior)

    return make


def test_the_held_out_loss_falls_and_only_factors_move(teacher: Make, text: TextConditioner, lesson: Lesson) -> None:
    taught = teacher()
    list(taught.steps())
    assert [check.step for check in taught.checks] == [0, 10, 20, 30]
    assert taught.kept.held < 0.9 * taught.before.held
    assert taught.kept.prior < taught.before.prior  # they are trained on pictures like these
    fresh = dict(random_network().named_parameters())
    moved = {name: p for name, p in taught.network.named_parameters() if "added" not in name}
    assert all(torch.equal(moved[name], p) for name, p in fresh.items())
    taught.lora.eject()
    assert dict(taught.network.named_parameters()).keys() == fresh.keys()


def test_the_loss_that_is_told_is_that_of_the_held_out_pictures(
    teacher: Make, text: TextConditioner, lesson: Lesson
) -> None:
    first = next(teacher().steps()).check
    x0, network = to_signed(lesson.held.pictures), random_network()
    cond = text(["a zorp"] * len(x0))
    total = 0.0
    for look in range(8):  # two pictures, so that sixteen are looked at
        for level, t in enumerate(TIMES):
            eps = normal_at(20_240_229, (2 * look + torch.arange(2)) * 5 + level, Purpose.EVALUATION, x0.shape[1:])
            with torch.inference_mode():
                total += float(noised_loss(network, x0, eps, torch.full((2,), t), cond, "fp32", 0.05).mean())
    assert first is not None
    assert first.held == pytest.approx(total / 40, rel=1e-4)


def test_another_schedule_and_target_are_the_models_own(
    text: TextConditioner, lesson: Lesson, prior: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The losses of the same network, read as one of v on the cosine, in the check and in the update."""
    taught = Teacher(random_network(), text, SHORT, lesson, prior, "cpu", Process(schedule_of("vp_cosine"), "v"))
    first, plain = taught._check(0), Teacher(random_network(), text, SHORT, lesson, prior)._check(0)
    x0, cond, network = to_signed(lesson.held.pictures), text(["a zorp"] * 2), random_network()
    total = 0.0
    for look in range(8):
        for level, share in enumerate(TIMES):
            eps = normal_at(20_240_229, (2 * look + torch.arange(2)) * 5 + level, Purpose.EVALUATION, x0.shape[1:])
            t = 2 / math.pi * math.atan(share / (1 - share))
            alpha, sigma = math.cos(math.pi * t / 2), math.sin(math.pi * t / 2)
            with torch.inference_mode():
                v = network(alpha * x0 + sigma * eps, torch.full((2,), t), cond)
            off = sigma * (v - (alpha * eps - sigma * x0))  # of x_0
            total += float((((alpha + sigma) / sigma) ** 2 * off.square()).mean())
    assert first.held == pytest.approx(total / 40, rel=1e-3)
    assert plain.held != pytest.approx(first.held, rel=0.05)
    seen = []

    def spied(*given: Any) -> torch.Tensor:
        seen.append(given[-1])
        return noised_loss(*given)

    monkeypatch.setattr("mezzotint.training.teach.noised_loss", spied)
    taught._update(1)
    assert seen == [taught.process]


def test_equal_inputs_give_equal_factors_and_the_seed_matters(teacher: Make) -> None:
    config = replace(SHORT, steps=10)
    results = []
    for one in (config, config, replace(config, seed=1)):
        taught = teacher(one)
        list(taught.steps())
        results.append(taught)
    first, again, other = results
    assert first.checks == again.checks
    for name, factors in first.best.items():
        assert torch.equal(factors.up, again.best[name].up)
        assert torch.equal(factors.down, again.best[name].down)
        assert not torch.equal(factors.down, other.best[name].down)


def test_it_ends_when_the_held_out_loss_no_longer_falls_and_keeps_the_best(
    teacher: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter([1.0, 9.0, 0.8, 9.0, 0.7999, 9.0, 0.9, 9.0, 0.9, 9.0, 0.5, 9.0])  # held out and prior in turn
    monkeypatch.setattr("mezzotint.training.teach.mean_losses", lambda *_: {"0.5": next(losses)})
    taught = teacher(replace(SHORT, steps=100, check_every=1, patience=3))
    ups = {}
    for step in taught.steps():
        ups[step.step] = {name: one.up.detach().clone() for name, one in taught.lora.factors().items()}
    assert taught.exhausted
    assert (taught.checks[-1].step, taught.kept.step) == (4, 1)  # 0.7999 is not better by two in a thousand
    assert all(torch.equal(one.up, ups[1][name]) for name, one in taught.best.items())
    assert not all(torch.equal(ups[4][name], ups[1][name]) for name in ups[1])


@pytest.mark.parametrize("value", [torch.inf, torch.nan])
def test_a_gradient_that_is_not_finite_changes_nothing(teacher: Make, value: float) -> None:
    taught = teacher()
    next(iter(taught.lora.parameters().values())).register_hook(lambda gradient: torch.full_like(gradient, value))
    before = {name: p.detach().clone() for name, p in taught.lora.parameters().items()}
    with pytest.raises(TrainingError, match="The gradient is not finite at step 1, and nothing was learned"):
        taught._update(1)
    assert all(torch.equal(p, before[name]) for name, p in taught.lora.parameters().items())
    assert not any(moment.any() for moment in taught.optimiser.first.values())


def test_without_held_out_pictures_all_steps_are_done(teacher: Make, lesson: Lesson) -> None:
    few = replace(lesson, taught=lesson.taught.some(range(4)), held=lesson.held.some([]))
    taught = teacher(replace(SHORT, steps=12, check_every=1, patience=1), few)
    list(taught.steps())
    assert len(taught.checks) == 13
    assert not taught.exhausted


def test_half_of_a_batch_are_other_pictures_some_without_a_caption(teacher: Make, prior: Examples) -> None:
    taught = teacher()
    kept = len(prior) // 8
    assert torch.equal(taught.prior.examples.pictures, prior.pictures[kept:])
    pictures, cond = taught.prior.at(0, 200, torch.arange(200), dropped=0.25)
    assert {bytes(one.numpy()) for one in pictures} == {bytes(one.numpy()) for one in prior.pictures[kept:]}
    lengths = cond.mask.sum(1)
    bare = lengths == int(lengths.min())
    assert 0.15 < float(bare.float().mean()) < 0.35
    assert cond.style[bare].tolist() == [0] * int(bare.sum())
    assert set(cond.style[~bare].tolist()) == {1}
    assert set(lengths[~bare].tolist()) == {3, 4}  # "cat" and "a cat", with both boundary pieces
    assert acting(cond).adapters is not None


def test_one_in_five_is_held_out_from_six_on(text: TextConditioner, tmp_path: Path) -> None:
    for count, held in ((3, 0), (5, 0), (6, 1), (12, 2)):
        found = read_lesson(zorp_folder(tmp_path / str(count), count), "zorp", 32, text, seed=0)
        assert (len(found.held), len(found.taught)) == (held, count - held)
        assert len(set(found.sha256)) == count
    one, other = (read_lesson(tmp_path / "12", "zorp", 32, text, seed=seed).held for seed in (0, 1))
    assert not torch.equal(one.pictures, other.pictures)


def test_captions_are_read_or_made(text: TextConditioner, tmp_path: Path) -> None:
    folder = zorp_folder(tmp_path, 3)
    (folder / "01.txt").write_text("a small Zorp\ntwo zorps? no, one zorp-like zorp\n")
    found = read_lesson(folder, "zorp", 32, text, seed=0)
    assert sorted(found.taught.captions) == [
        ("a small Zorp", "two zorps? no, one zorp-like zorp"), ("a zorp",), ("a zorp",)
    ]  # fmt: skip


def test_pictures_are_taught_upright(text: TextConditioner, tmp_path: Path) -> None:
    folder = zorp_folder(tmp_path, 3)
    with Image.open(folder / "00.png") as image:
        standing = image.copy()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    standing.transpose(Image.Transpose.ROTATE_90).save(folder / "00.png", exif=exif)
    found = read_lesson(folder, "zorp", 32, text, seed=0)
    assert found.sha256[0] == read_lesson(zorp_folder(tmp_path / "other", 3), "zorp", 32, text, seed=0).sha256[0]


def test_pictures_that_teach_nothing_good_are_refused(text: TextConditioner, tmp_path: Path) -> None:
    def refused(words: str, name: str, change: Callable[[Path], object], count: int = 4) -> None:
        folder = zorp_folder(tmp_path / name, count)
        change(folder)
        with pytest.raises((InvalidFile, InvalidOption), match=words):
            read_lesson(folder, "zorp", 32, text, seed=0)

    def twin(folder: Path) -> None:
        (folder / "copy.png").write_bytes((folder / "01.png").read_bytes())

    def contradiction(folder: Path) -> None:
        twin(folder)
        (folder / "copy.txt").write_text("a sad zorp\n")

    refused("has 2 pictures; a word is taught from at least 3", "few", lambda folder: None, count=2)
    refused(r"02\.png has 12x15 pixels; it must have at least 16 on its longer side", "small",
            lambda folder: Image.new("RGBA", (12, 15)).save(folder / "02.png"))  # fmt: skip
    refused(r"01\.png and .*copy\.png are the same picture; remove one", "twins", twin)
    refused("are the same picture, with different captions; remove one", "contradiction", contradiction)
    refused(r"The caption 'a zorpling' of .*01\.png does not have the word 'zorp'", "other",
            lambda folder: (folder / "01.txt").write_text("a zorp\na zorpling\n"))  # fmt: skip
    refused("cannot be read", "broken", lambda folder: (folder / "01.png").write_bytes(b"\x89PNG\r\n\x1a\n"))
    row = '{"file_name": "01.png", "text": "a zorp", "style": "flt"}\n'
    refused("There is no style called 'flt'; did you mean flat", "style",
            lambda folder: (folder / "metadata.jsonl").write_text(row))  # fmt: skip


def test_a_word_is_one_word_that_the_encoder_can_read(text: TextConditioner) -> None:
    assert check_word("Zorp", text) == "zorp"
    assert check_word("blick-7", text) == "blick-7"
    for word in ("", "two words", "../zorp", "zorp.", "-zorp", "z" * 31):
        with pytest.raises(InvalidOption, match="it must be one word of at most 30 letters"):
            check_word(word, text)
    with pytest.raises(InvalidOption, match="cannot read the word"):
        check_word("𒀀", text)
