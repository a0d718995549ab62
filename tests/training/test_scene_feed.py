"""Scenes in the batches: as many as asked, the right picture with the right words, a function of the counter."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mezzotint.codecs.images import to_signed
from mezzotint.conditioning.letters import KINDS, LetterReader
from mezzotint.data.scenes import Scenes
from mezzotint.errors import InvalidOption, TrainingError
from mezzotint.load import load_text
from mezzotint.runs import encoder
from mezzotint.training import state
from mezzotint.training import trainer as trainer_module
from mezzotint.training.augment import LABELS
from mezzotint.training.batches import Batches
from mezzotint.training.config import AugmentConfig, DataConfig, RunConfig, from_dict
from mezzotint.training.features import CaptionFeatures, embed_captions
from mezzotint.training.scene_feed import SceneFeed, scene_feeds
from mezzotint.training.task import Supplies
from mezzotint.training.trainer import Trainer
from tests.data.scenes.toy import fonts, pictures
from tests.support import SMALL

SET, FONTS = pictures(), fonts()
RUN = RunConfig(
    name="scenes",
    network=replace(SMALL, size=64, styles=2, letters=KINDS, word_length=6, text_width=384),
    data=DataConfig(scenes=0.5),
    steps=6,
    batch=8,
    checkpoint_every=3,
    validate_every=6,
    validation=4,
)
TEXT, TEXT_DIGEST = load_text(RUN.conditions.text_length)
MakeTrainer = Callable[..., Trainer]


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> CaptionFeatures:
    captions = ["", *(caption for record in SET.records for caption in record.captions)]
    return embed_captions(TEXT, captions, tmp_path_factory.mktemp("captions"), TEXT_DIGEST)


@pytest.fixture(scope="module")
def feed() -> SceneFeed:
    return scene_feeds(RUN, SET, FONTS, TEXT)["train"]


def batches(features: CaptionFeatures, feed: SceneFeed | None, run: RunConfig = RUN) -> Batches:
    return Batches(run, SET, features, SET.split("train"), torch.device("cpu"), feed)


def test_a_scene_comes_with_its_picture_and_one_of_its_captions(features: CaptionFeatures, feed: SceneFeed) -> None:
    plain = replace(RUN, conditions=replace(RUN.conditions, drop_both=0.0, drop_text=0.0, drop_style=0.0))
    of, read, lettered = batches(features, feed, plain), LetterReader(6), 0
    scenes = Scenes(SET, FONTS, seed=plain.seed, split="train")
    for counter in range(0, 128, 8):
        batch = of.at(counter)
        for place, row in enumerate(batch.rows.tolist()):
            assert batch.cond.letters is not None
            if row >= 0:
                assert not batch.cond.letters[place].any()
                continue
            assert -1 - row == counter + place
            scene = scenes.at(-1 - row)
            expected = to_signed(torch.from_numpy(scene.picture)[None])[0]
            assert torch.equal(batch.pictures[place], expected)
            possible = TEXT(scene.captions)
            length = possible.tokens.shape[1]
            near = (batch.cond.tokens[place, :length] - possible.tokens).abs().amax((1, 2)) < 1e-4
            which = int(near.nonzero()[0])
            assert torch.equal(batch.cond.mask[place, :length], possible.mask[which])
            letters = read([scene.captions[which]])[0]
            assert torch.equal(batch.cond.letters[place, : len(letters)], letters)
            lettered += bool(len(letters))
            style = scene.scene.style
            assert int(batch.cond.style[place]) == (1 + SET.styles.index(style) if style else 0)
    assert lettered >= 3


def test_icons_are_changed_with_a_label_and_scenes_are_not(features: CaptionFeatures, feed: SceneFeed) -> None:
    run = replace(RUN, batch=64, network=replace(RUN.network, augments=LABELS), augment=AugmentConfig(share=0.9))
    batch, plain = batches(features, feed, run).at(0), batches(features, feed, replace(RUN, batch=64)).at(0)
    scenes, labels = torch.from_numpy(batch.rows < 0), batch.cond.augment
    assert labels is not None
    assert 0 < int(scenes.sum()) < 64
    assert not labels[scenes].any()
    assert labels[~scenes].any(dim=1).float().mean() > 0.9
    assert torch.equal(batch.pictures[scenes], plain.pictures[scenes])


def test_the_share_of_scenes_is_as_asked_and_the_rest_is_as_without(features: CaptionFeatures, feed: SceneFeed) -> None:
    run = replace(RUN, batch=256, data=DataConfig(scenes=0.3))
    chosen = batches(features, feed, run).at(1000)
    without = batches(features, None, run).at(1000)
    is_scene = torch.from_numpy(chosen.rows < 0)
    assert int(is_scene.sum()) == pytest.approx(256 * 0.3, abs=25)
    for ours, theirs in ((chosen.pictures, without.pictures), (chosen.cond.tokens, without.cond.tokens)):
        assert torch.equal(ours[~is_scene], theirs[~is_scene])
    assert torch.equal(chosen.t, without.t)
    assert np.array_equal(chosen.rows[~is_scene.numpy()], without.rows[~is_scene.numpy()])


def test_an_echo_shows_the_same_scenes_with_other_times_noise_and_captions(
    features: CaptionFeatures, feed: SceneFeed
) -> None:
    run = replace(RUN, batch=32, data=DataConfig(scenes=0.5, echo=3))
    made = batches(features, feed, run)
    shown = [made.at(32 * number) for number in range(6)]
    plain = batches(features, feed, replace(run, data=DataConfig(scenes=0.5)))
    for number, batch in enumerate(shown):
        first = plain.at(32 * (number - number % 3))
        is_scene = batch.rows < 0
        assert 0 < is_scene.sum() < 32
        assert np.array_equal(is_scene, first.rows < 0)
        assert np.array_equal(batch.rows[is_scene], first.rows[is_scene])
        assert torch.equal(batch.pictures[is_scene], first.pictures[is_scene])
        alone = plain.at(32 * number)  # whatever is no scene goes on as without
        both = ~is_scene & (alone.rows >= 0)
        assert torch.equal(batch.pictures[both], alone.pictures[both])
        assert torch.equal(batch.t, alone.t)
        assert torch.equal(batch.draws, alone.draws)
    scenes = torch.from_numpy(shown[0].rows < 0)
    tokens = [batch.cond.tokens[scenes] for batch in shown[:3]]
    assert not torch.equal(tokens[0], tokens[1])
    assert set(shown[0].rows[shown[0].rows < 0]).isdisjoint(shown[3].rows[shown[3].rows < 0])


def test_an_echo_composes_once_and_is_the_same_from_anywhere(
    features: CaptionFeatures, feed: SceneFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = replace(RUN, batch=32, data=DataConfig(scenes=0.5, echo=3))
    composed: list[int] = []
    at = feed.scenes.at
    monkeypatch.setattr(type(feed.scenes), "at", lambda self, number: composed.append(number) or at(number))
    made = batches(features, feed, run)
    shown = [made.at(32 * number) for number in range(3)]
    assert len(composed) == int((shown[0].rows < 0).sum())
    other = scene_feeds(RUN, SET, FONTS, TEXT)["train"]
    fresh = batches(features, other, run).at(64)
    assert torch.equal(fresh.pictures, shown[2].pictures)
    assert torch.equal(fresh.cond.tokens, shown[2].cond.tokens)


def test_an_echo_is_for_runs_that_draw() -> None:
    for wrong in (0, 17):
        with pytest.raises(InvalidOption, match=rf"data\.echo is {wrong}; it is a number of updates from 1 to 16"):
            replace(RUN, data=DataConfig(scenes=0.5, echo=wrong))
    with pytest.raises(InvalidOption, match=r"data\.echo is 2, but data\.scenes is 0"):
        replace(RUN, data=DataConfig(echo=2))
    with pytest.raises(InvalidOption, match=r"data\.echo is 2, but the run encoder draws nothing"):
        replace(encoder(), data=DataConfig(scenes=0.5, echo=2))


def test_a_dropped_caption_takes_its_letters_along(feed: SceneFeed) -> None:
    numbers = [n for n in range(60) if feed.scenes.plan(n).kind == "lettering"][:4]
    always, never = torch.ones(4, dtype=torch.bool), torch.zeros(4, dtype=torch.bool)
    choice = torch.full((4,), 0.5, dtype=torch.float64)
    bare, full = feed(numbers, choice, always, always), feed(numbers, choice, never, never)
    assert full.cond.letters is not None
    assert full.cond.letters.any(1).all()
    assert bare.cond.letters is not None
    assert not bare.cond.letters.any()
    empty = TEXT([""])
    torch.testing.assert_close(bare.cond.tokens[0, : empty.tokens.shape[1]], empty.tokens[0])
    assert not bare.cond.style.any()
    assert torch.equal(bare.pictures, full.pictures)


@pytest.fixture
def make(features: CaptionFeatures) -> MakeTrainer:
    def trainer(folder: Path, run: RunConfig = RUN) -> Trainer:
        feeds = scene_feeds(run, SET, FONTS, TEXT)
        return Trainer(run, Supplies(SET, features, TEXT, TEXT_DIGEST, feeds), folder)

    return trainer


def test_training_on_scenes_resumes_to_the_bit_and_measures_held_out_scenes(make: MakeTrainer, tmp_path: Path) -> None:
    whole, first = make(tmp_path / "whole"), make(tmp_path / "parts")
    last = [step for step in whole.steps() if step.validation][-1].validation
    list(first.steps(3))
    second = make(tmp_path / "parts")
    newest = state.newest(tmp_path / "parts/checkpoints")
    assert newest is not None
    second.resume(newest)
    again = [step for step in second.steps() if step.validation][-1].validation
    assert last == again
    assert last is not None
    for ours, theirs in zip(whole.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    # a network that says zero has a loss that is known: here of the held-out scenes, not of the pictures
    fresh = make(tmp_path / "fresh")
    found = fresh.validation(fresh.network)
    held = scene_feeds(RUN, SET, FONTS, TEXT)["heldout"].fixed(2)
    square = float(to_signed(held.pictures).square().mean())
    assert found["scenes"] == pytest.approx(square * sum(1 / t**2 for t in (0.1, 0.3, 0.5, 0.7, 0.9)) / 5, rel=1e-4)
    assert all(scene.held for scene in map(fresh.supplies.scenes["heldout"].scenes.plan, range(2)))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_with_echoes_resumes_within_one_to_the_bit_and_composes_no_more(
    make: MakeTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    run = replace(RUN, data=DataConfig(scenes=0.5, echo=3), steps=7, checkpoint_every=4)
    whole, first, second = make(tmp_path / "whole", run), make(tmp_path / "parts", run), make(tmp_path / "parts", run)
    losses = [step.loss for step in whole.steps()]
    composed: list[int] = []
    at = Scenes.at
    monkeypatch.setattr(Scenes, "at", lambda self, number: composed.append(number) or at(self, number))
    parts = [step.loss for step in first.steps(4, workers=workers)]
    newest = state.newest(tmp_path / "parts/checkpoints")
    assert newest is not None
    second.resume(newest)
    before = len(composed)
    parts += [step.loss for step in second.steps(workers=workers)]
    assert parts == losses
    for ours, theirs in zip(whole.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    if not workers:  # else it happens in other processes
        of_training = [number for number in composed[before:] if number >= 3 * run.batch]
        assert of_training
        assert len(of_training) == len(set(of_training))


def test_workers_are_told_of_the_echo_and_a_batch_is_asked_for_before_the_update_before_it(
    make: MakeTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = replace(RUN, data=DataConfig(scenes=0.5, echo=3), steps=3)
    trainer, told, order = make(tmp_path, run), [], []
    ahead, raw, step = trainer_module.batches_ahead, trainer.batches.raw, trainer.optimizer.step
    monkeypatch.setattr(trainer_module, "batches_ahead", lambda *a: told.append(a[2:]) or ahead(*a))
    monkeypatch.setattr(trainer.batches, "raw", lambda counter: order.append(counter // run.batch) or raw(counter))
    monkeypatch.setattr(trainer.optimizer, "step", lambda *a: order.append("update") or step(*a))
    list(trainer.steps(1))
    list(trainer.steps())
    assert told == [(0, 3, 0), (0, 3, 1)]
    assert order == [0, "update", 1, 2, "update", "update"]


def test_other_scenes_are_not_resumed_and_a_share_is_a_share(make: MakeTrainer, tmp_path: Path) -> None:
    trainer = make(tmp_path)
    list(trainer.steps(1))
    newest = state.newest(tmp_path / "checkpoints")
    assert newest is not None
    other = make(tmp_path)
    other.facts["scenes"] = "another"
    with pytest.raises(TrainingError, match="another composer of scenes"):
        other.resume(newest)
    with pytest.raises(InvalidOption, match=r"data\.scenes is 1\.5"):
        replace(RUN, data=DataConfig(scenes=1.5))


def test_a_share_of_the_scenes_is_hands_and_runs_from_before_there_were_any_have_none() -> None:
    run = replace(RUN, data=DataConfig(scenes=0.5, hands=0.5))
    of = scene_feeds(run, SET, FONTS, TEXT)["train"].scenes
    kinds = [of.plan(number).kind for number in range(60)]
    assert 15 < kinds.count("hands") < 45
    stored = RUN.as_dict()
    del stored["data"]["hands"]
    assert from_dict(RunConfig, stored) == RUN
    assert scene_feeds(RUN, SET, FONTS, TEXT)["train"].digest == Scenes(SET, FONTS, seed=RUN.seed).digest
    with pytest.raises(InvalidOption, match=r"data\.hands is -0\.1"):
        replace(RUN, data=DataConfig(hands=-0.1))
