"""Training an encoder: the loss in closed form, pairs that are left out, batches, exact resume, and that it learns."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mezzotint.codecs.images import to_signed
from mezzotint.conditioning.letters import KINDS
from mezzotint.data.manifest import Record, digest
from mezzotint.data.scenes import Scenes
from mezzotint.data.sources import PictureSet
from mezzotint.diffusion.noise import Purpose, philox_uniform
from mezzotint.errors import InvalidOption, TrainingError
from mezzotint.families.twin_encoder import TwinEncoder, TwinEncoderConfig
from mezzotint.load import load_text
from mezzotint.training import state
from mezzotint.training.config import DataConfig, EncoderRun, JitterConfig, override
from mezzotint.training.features import CaptionFeatures, embed_captions
from mezzotint.training.jitter import jittered
from mezzotint.training.methods.contrast import pair_losses, wrong_losses
from mezzotint.training.optim import OptimConfig
from mezzotint.training.pairs import Shown, alike
from mezzotint.training.retrieval import recall
from mezzotint.training.scene_feed import CaptionReader, scene_feeds
from mezzotint.training.task import Supplies
from mezzotint.training.trainer import Trainer
from tests.data.scenes import toy

SET, FONTS = toy.pictures(), toy.fonts()
STILL = JitterConfig(moved=0.0, tint=0.0, backed=0.0)
RUN = EncoderRun(
    name="small",
    network=TwinEncoderConfig(
        width=32, depth=1, heads=2, hidden=48, text_depth=1, patch=16, features=32, letters=KINDS, word_length=8
    ),
    data=DataConfig(scenes=0.5),
    steps=6,
    batch=8,
    checkpoint_every=3,
    validate_every=6,
    validation=8,
)
TEXT, TEXT_DIGEST = load_text(RUN.text_length)
MakeTrainer = Callable[..., Trainer]


def sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0], [1.0, -0.5, -4.0]])


def test_the_loss_of_three_pictures_in_closed_form() -> None:
    """A product over all pairs of the probability of what they are; logits are scale times product plus offset."""
    losses = pair_losses(LOGITS, torch.eye(3, dtype=torch.bool))
    rows = LOGITS.tolist()
    for i, row in enumerate(rows):
        likelihood = math.prod(sigma(x) if i == j else 1 - sigma(x) for j, x in enumerate(row))
        assert float(losses[i]) == pytest.approx(-math.log(likelihood), rel=1e-5)
    network = TwinEncoder(RUN.network)
    with torch.no_grad():
        network.log_scale.fill_(math.log(4.0))
        network.offset.fill_(-1.0)
        scaled = pair_losses(network.logits((LOGITS + 1) / 4), torch.zeros(3, 3, dtype=torch.bool))
    torch.testing.assert_close(scaled, losses)


def test_pairs_that_may_be_true_contribute_nothing() -> None:
    same = torch.tensor([[True, True, False], [False, True, False], [True, False, False]])
    logits = LOGITS.clone().requires_grad_()
    losses = pair_losses(logits, same)
    assert float(losses[0].detach()) == pytest.approx(-math.log(sigma(2.0) * (1 - sigma(0.5))), rel=1e-5)
    torch.autograd.backward(losses.sum())
    assert logits.grad is not None
    # d/dx of -log σ(x) is σ(x) - 1, of -log(1 - σ(x)) it is σ(x): all but the two that are left out, and the diagonal
    # is a caption's own picture, whatever `same` says of it
    expected = torch.sigmoid(LOGITS) - torch.eye(3)
    expected[0, 1] = expected[2, 0] = 0.0
    torch.testing.assert_close(logits.grad, expected)


def test_a_wrong_caption_counts_for_its_picture_alone() -> None:
    logits = torch.tensor([1.0, -2.0, 5.0, 0.0])
    found = wrong_losses(logits, torch.tensor([2, 0, -1, 2]), 4)
    expected = [-math.log(1 - sigma(-2.0)), 0.0, -math.log(1 - sigma(1.0)) - math.log(1 - sigma(0.0)), 0.0]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_captions_that_may_be_true_of_another_picture_are_found() -> None:
    picture = np.zeros((2, 2, 4), np.uint8)
    cat = Shown(picture, "a cat", ("cat", "a cat", "a pet"), frozenset({"cat"}))
    dog = Shown(picture, "a pet", ("dog", "a pet"), frozenset({"dog"}))
    other = Shown(picture, "two cats and a car", ("two cats and a car",), frozenset({"cat", "car"}))
    word = Shown(picture, '"cat"', ('"cat"',), frozenset({'"cat"'}))
    expected = [[1, 1, 1, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]]  # "a pet" is said of the cat too, not of others
    assert alike([cat, dog, other, word]).int().tolist() == expected


def test_recall_counts_what_is_strictly_nearer() -> None:
    products = torch.tensor([[0.5, 0.4, 0.6], [0.1, 0.9, 0.9], [0.7, 0.8, 0.2]])
    assert [recall(products, k) for k in (1, 2, 3)] == pytest.approx([1 / 3, 2 / 3, 1.0])


def blob() -> torch.Tensor:
    """A soft red disc on nothing, two of them."""
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    cover = torch.exp(-((x - 30) ** 2 + (y - 34) ** 2) / 50)
    unit = torch.stack([cover * 0.8, cover * 0.1, cover * 0.1, cover])
    return (2 * unit - 1)[None, :, None].repeat(2, 1, 1, 1, 1)


def test_a_jittered_picture_is_moved_scaled_and_backed_as_drawn() -> None:
    picture, draws, never = blob(), torch.tensor([7, 8]), torch.zeros(2, dtype=torch.bool)
    torch.testing.assert_close(jittered(picture, 3, draws, STILL, never), picture)
    u = philox_uniform(3, draws[:, None], Purpose.AUGMENT, torch.arange(11)[None])
    moved = jittered(picture, 3, draws, JitterConfig(moved=1.0, shift=0.1, scale=0.2, tint=0.0, backed=0.0), never)
    size, shift = 1 + 0.2 * (2 * u[:, 0] - 1), 64 * 0.1 * (2 * u[:, 1:3] - 1)
    cover = (moved[:, 3, 0].double() + 1) / 2
    total = cover.sum((1, 2))
    torch.testing.assert_close(total, 50 * math.pi * size**2, rtol=2e-3, atol=0)
    place = torch.arange(64.0).double() + 0.5
    centre = torch.stack([(cover.sum(1) * place).sum(1), (cover.sum(2) * place).sum(1)], dim=1) / total[:, None]
    expected = (torch.tensor([30.5, 34.5]).double() - 32) * size[:, None] + 32 + shift
    torch.testing.assert_close(centre, expected, rtol=0, atol=0.02)
    alone = jittered(picture[1:], 3, draws[1:], JitterConfig(), never[1:])
    torch.testing.assert_close(alone, jittered(picture, 3, draws, JitterConfig(), never)[1:])


def test_a_colour_lies_behind_unless_the_caption_speaks_of_the_background() -> None:
    picture, draws = blob(), torch.tensor([7, 8])
    config = JitterConfig(moved=0.0, tint=0.0, backed=1.0)
    found = (jittered(picture, 3, draws, config, torch.tensor([False, True]))[:, :, 0] + 1) / 2
    torch.testing.assert_close(found[1], (picture[1, :, 0] + 1) / 2)
    colour = philox_uniform(3, draws[:1, None], Purpose.AUGMENT, torch.arange(7, 10)[None])[0].float()
    cover = (picture[0, 3, 0] + 1) / 2
    assert torch.equal(found[0, 3], torch.ones(64, 64))
    front = torch.tensor([0.8, 0.1, 0.1])[:, None, None] * cover
    torch.testing.assert_close(found[0, :3], front + (1 - cover) * colour[:, None, None])
    tinted = (jittered(picture, 3, draws, JitterConfig(tint=0.5, backed=0.0), draws > 0) + 1) / 2
    assert bool((tinted[:, :3] <= tinted[:, 3:] + 1e-6).all())


def test_a_softened_picture_lies_between_itself_and_its_blur() -> None:
    picture, draws = blob(), torch.tensor([7, 8])
    config = JitterConfig(moved=0.0, tint=0.0, backed=0.0, soft=1.0)
    found = jittered(picture, 3, draws, config, draws < 0)[:, :, 0]
    share = philox_uniform(3, draws[:, None], Purpose.AUGMENT, torch.arange(12, 13)[None]).float()[:, :, None]
    around = [picture[:, :, 0].roll((y, x), (2, 3)) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    blurred = torch.stack(around).mean(0)
    inner = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(found[inner], picture[:, :, 0].lerp(blurred, share[..., None])[inner])
    assert not torch.allclose(found[0], picture[0, :, 0], atol=1e-3)


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> CaptionFeatures:
    captions = ["", *(caption for record in SET.records for caption in record.captions)]
    return embed_captions(TEXT, captions, tmp_path_factory.mktemp("captions"), TEXT_DIGEST)


@pytest.fixture
def make(features: CaptionFeatures) -> MakeTrainer:
    def trainer(folder: Path, run: EncoderRun = RUN) -> Trainer:
        feeds = scene_feeds(run, SET, FONTS, TEXT) if run.data.scenes else {}
        return Trainer(run, Supplies(SET, features, TEXT, TEXT_DIGEST, feeds), folder)

    return trainer


def test_a_batch_has_each_picture_with_its_captions_right_and_wrong(make: MakeTrainer, tmp_path: Path) -> None:
    run = replace(RUN, jitter=STILL, wrong=0.5)
    batches, read = make(tmp_path, run).batches, CaptionReader(run, TEXT)
    scenes = Scenes(SET, FONTS, seed=run.seed)
    wrongs, lettered = 0, 0
    for counter in range(0, 48, 8):
        batch, again = batches.at(counter), batches.at(counter)
        assert torch.equal(batch.cond.tokens, again.cond.tokens)
        assert torch.equal(batch.pictures, again.pictures)
        assert batch.same.diagonal().all()
        for place, row in enumerate(batch.rows.tolist()):
            scene = scenes.at(-1 - row) if row < 0 else None
            picture = SET.pictures[row] if scene is None else scene.picture
            torch.testing.assert_close(batch.pictures[place], to_signed(torch.from_numpy(picture)[None])[0])
            told = [(place, SET.records[row].captions if scene is None else scene.captions)]
            if scene is not None and place in batch.wrong_of.tolist():
                told.append((8 + batch.wrong_of.tolist().index(place), scenes.wrong(scene.scene)))
                wrongs += 1
            for where, captions in told:
                possible = read(captions)
                near = (batch.cond.tokens[where] - possible.tokens).abs().amax((1, 2)) < 1e-2  # icons' are in half
                assert near.any(), (row, captions)
                if scene is not None:
                    which = int(near.nonzero()[0])
                    assert torch.equal(batch.cond.letters[where], possible.letters[which])  # type: ignore[index]
                    lettered += bool(batch.cond.letters[where].any())
    assert wrongs > 12
    assert lettered > 3


def test_an_interrupted_encoder_ends_with_the_same_bits(make: MakeTrainer, tmp_path: Path) -> None:
    whole, first = make(tmp_path / "whole"), make(tmp_path / "parts")
    last = [step.validation for step in whole.steps() if step.validation][-1]
    list(first.steps(3))
    second = make(tmp_path / "parts")
    newest = state.newest(tmp_path / "parts/checkpoints")
    assert newest is not None
    second.resume(newest)
    assert [step.validation for step in second.steps() if step.validation][-1] == last
    assert sorted(last) == ["mean", "recall@1", "recall@5", "scenes"]
    one, other = (state.load(tmp_path / name / "checkpoints/step-00000006") for name in ("whole", "parts"))
    assert sorted(one.tensors) == ["ema-0.050", "ema-0.100", "network", "optimizer"]
    for name, tensors in one.tensors.items():
        for key, value in tensors.items():
            assert torch.equal(value, other.tensors[name][key]), (name, key)
    assert (one.facts["family"], one.facts["scenes"]) == ("twin_encoder", second.supplies.scenes["train"].digest)
    facts = {key: value for key, value in one.facts.items() if key not in ("files", "version", "family")}
    foreign = state.save(tmp_path / "foreign", state.Snapshot(facts, one.tensors), 1)
    with pytest.raises(TrainingError, match="another family"):
        make(tmp_path / "x").resume(foreign)


def coloured() -> PictureSet:
    """Discs, boxes and triangles in seven colours; one colour of each form is never trained, but each by itself is."""
    names = ("red", "blue", "green", "yellow", "purple", "orange", "brown")
    records, rows = [], []
    for form, called in enumerate(("disc", "box", "triangle")):
        for shade, name in enumerate(names):
            picture = np.zeros((64, 64, 4), np.uint8)
            picture[toy.form(form)] = (*toy._SHADES[shade], 255)
            split = "heldout" if (form + shade) % 3 == 0 else "train"
            concept = f"{name} {called}"
            records.append(Record(concept, (f"a {concept}",), None, split, concept, ""))
            rows.append(picture)
    return PictureSet(np.stack(rows), records, digest(records))


def test_retrieval_of_held_out_combinations_improves(tmp_path: Path) -> None:
    """Seven unseen pairs of form and colour, told apart by what was learned of forms and colours in a second."""
    pictures = coloured()
    captions = ["", *(caption for record in pictures.records for caption in record.captions)]
    features = embed_captions(TEXT, captions, tmp_path / "captions", TEXT_DIGEST)
    run = replace(
        RUN,
        data=DataConfig(),
        steps=60,
        batch=14,
        optim=OptimConfig(adam_lr=3e-3),
        validate_every=60,
        checkpoint_every=60,
    )
    trainer = Trainer(run, Supplies(pictures, features, TEXT, TEXT_DIGEST), tmp_path)
    before = trainer.validation(trainer.network)
    after = [step.validation for step in trainer.steps()][-1]
    assert after is not None
    assert before["recall@1"] <= 3 / 7
    assert after["recall@1"] >= 5 / 7
    assert after["mean"] < 0.7 * before["mean"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("wrong=1.5", "wrong is 1.5; it is a share"),
        ("jitter.backed=-1", r"jitter\.backed is -1\.0; it is a share"),
        ("data.scenes=2", r"data\.scenes is 2\.0"),
        ("batch=1", "at least 2 pictures"),
        ("scale=0", "above 0"),
        ("network.patch=7", "does not divide"),
        ("sample_every=3", "no setting called 'sample_every'"),
    ],
)
def test_a_bad_setting_of_an_encoder_is_refused_in_one_sentence(setting: str, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        override(RUN, [setting])
