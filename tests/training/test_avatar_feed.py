"""Avatars in the batches: as many as asked, the right picture with the right words, and nothing else changed."""

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch

from mezzotint.checkpoints.model_folder import read_model_folder
from mezzotint.codecs.images import to_signed
from mezzotint.conditioning.letters import KINDS
from mezzotint.data.avatars import build_avatars, default_folder
from mezzotint.data.manifest import Record, digest
from mezzotint.data.sources import PictureSet, styles_of
from mezzotint.errors import InvalidFile, InvalidOption, TrainingError
from mezzotint.families.pixel_dit import PixelDiT
from mezzotint.interfaces.warm import warm_started
from mezzotint.load import HOUSE, load_text
from mezzotint.runs import detector, encoder
from mezzotint.training import state
from mezzotint.training.avatar_feed import AvatarFeed, avatar_captions, avatar_feeds
from mezzotint.training.batches import Batches
from mezzotint.training.config import DataConfig, RunConfig
from mezzotint.training.export import export
from mezzotint.training.features import CaptionFeatures, embed_captions
from mezzotint.training.scene_feed import scene_feeds
from mezzotint.training.task import Supplies
from mezzotint.training.trainer import Trainer
from tests.data import avatar_packages
from tests.data.scenes.toy import fonts, pictures
from tests.support import SMALL, STYLES, model_folder

SET, FONTS = pictures(), fonts()
RUN = RunConfig(
    name="avatars",
    network=replace(SMALL, size=64, styles=4, letters=KINDS, word_length=6, text_width=384),
    data=DataConfig(avatars=0.5),
    steps=6,
    batch=8,
    checkpoint_every=3,
    validate_every=6,
    validation=4,
)
PLAIN = replace(RUN, conditions=replace(RUN.conditions, drop_both=0.0, drop_text=0.0, drop_style=0.0))
TEXT, TEXT_DIGEST = load_text(RUN.conditions.text_length)
MakeTrainer = Callable[..., Trainer]


def faces() -> PictureSet:
    """Twelve plain faces in two styles, one before and one after those of the icons; two are held out."""
    rows = np.zeros((12, 64, 64, 4), dtype=np.uint8)
    records = []
    for i in range(12):
        rows[i, 8:56, 8:56] = (20 * i, 40, 200, 255)
        captions = (f"face number {i}", f"a smiling face with the number {i} and glasses")
        style, split = ("boxy", "zigzag")[i % 2], "heldout" if i in (3, 7) else "train"
        records.append(Record(f"face:{i}", captions, style, split, f"face {i}", sha256(rows[i].tobytes()).hexdigest()))
    return PictureSet(rows, records, digest(records))


FACES = faces()
ALL = styles_of(SET, FACES)


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> CaptionFeatures:
    captions = ["", *(caption for record in SET.records for caption in record.captions)]
    return embed_captions(TEXT, captions, tmp_path_factory.mktemp("captions"), TEXT_DIGEST)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> CaptionFeatures:
    return embed_captions(TEXT, avatar_captions(FACES), tmp_path_factory.mktemp("captions"), TEXT_DIGEST)


def batches(features: CaptionFeatures, feed: AvatarFeed | None, run: RunConfig = RUN) -> Batches:
    scenes = scene_feeds(run, SET, FONTS, TEXT, ALL)["train"] if run.data.scenes else None
    return Batches(run, SET, features, SET.split("train"), torch.device("cpu"), scenes, feed)


def test_an_avatar_comes_with_its_picture_its_style_and_one_of_its_captions(
    features: CaptionFeatures, known: CaptionFeatures
) -> None:
    of, seen = batches(features, avatar_feeds(PLAIN, FACES, known, ALL)["train"], PLAIN), set()
    for counter in range(0, 96, 8):
        batch = of.at(counter)
        for place, row in enumerate(batch.rows.tolist()):
            record = FACES.records[row - len(SET)] if row >= len(SET) else SET.records[row]
            assert of.named(row) == record.id
            assert int(batch.cond.style[place]) == 1 + ALL.index(record.style or "")
            drawn = FACES.pictures[row - len(SET)] if row >= len(SET) else SET.pictures[row]
            assert torch.equal(batch.pictures[place], to_signed(torch.from_numpy(drawn.copy())[None])[0])
            possible = TEXT(record.captions)
            length = possible.tokens.shape[1]
            near = (batch.cond.tokens[place, :length] - possible.tokens).abs().amax((1, 2)) < 2e-2
            which = int(near.nonzero()[0])
            assert torch.equal(batch.cond.mask[place, :length], possible.mask[which])
            if row >= len(SET):
                seen.add((row - len(SET), which))
    assert {row for row, _ in seen} == set(FACES.split("train").tolist())
    assert {which for _, which in seen} == {0, 1}


def test_the_share_is_as_asked_and_the_rest_is_as_without(features: CaptionFeatures, known: CaptionFeatures) -> None:
    run = replace(RUN, batch=512, data=DataConfig(avatars=0.3))
    chosen = batches(features, avatar_feeds(run, FACES, known, ALL)["train"], run).at(1000)
    without = batches(features, None, replace(run, data=DataConfig())).at(1000)
    is_face = torch.from_numpy(chosen.rows >= len(SET))
    assert int(is_face.sum()) == pytest.approx(512 * 0.3, abs=35)
    for ours, theirs in (
        (chosen.pictures, without.pictures),
        (chosen.cond.tokens, without.cond.tokens),
        (chosen.cond.mask, without.cond.mask),
    ):
        assert torch.equal(ours[~is_face], theirs[~is_face])
        assert not torch.equal(ours[is_face], theirs[is_face])
    assert torch.equal(chosen.t, without.t)
    bare = chosen.cond.mask[is_face].sum(1) == int(known.offsets[known.index[""] + 1] - known.offsets[known.index[""]])
    assert float(bare.double().mean()) == pytest.approx(0.06 + 0.94 * 0.05, abs=0.06)


def test_scenes_keep_their_share_beside_avatars(features: CaptionFeatures, known: CaptionFeatures) -> None:
    run = replace(RUN, batch=256, data=DataConfig(scenes=0.25, avatars=0.5))
    both = batches(features, avatar_feeds(run, FACES, known, ALL)["train"], run).at(64)
    alone = batches(features, None, replace(run, data=DataConfig(scenes=0.25))).at(64)
    scenes = both.rows < 0
    assert (scenes == (alone.rows < 0)).all()
    assert torch.equal(both.pictures[scenes], alone.pictures[scenes])
    assert float((both.rows[~scenes] >= len(SET)).mean()) == pytest.approx(0.5, abs=0.1)
    # the styles of scenes have the numbers of the run, too
    named = {int(style) for style in both.cond.style[scenes]} - {0}
    assert named <= {1 + ALL.index(style) for style in SET.styles}
    assert named


def test_each_avatar_comes_once_an_epoch(known: CaptionFeatures) -> None:
    feed = avatar_feeds(RUN, FACES, known, ALL)["train"]
    train = sorted(FACES.split("train").tolist())
    first, second = feed.rows(range(10)), feed.rows(range(10, 20))
    assert sorted(first) == sorted(second) == train
    assert first != second
    assert feed.rows([13, 2]) == [second[3], first[2]]


@pytest.fixture
def make(features: CaptionFeatures, known: CaptionFeatures) -> MakeTrainer:
    def trainer(folder: Path, run: RunConfig = RUN) -> Trainer:
        feeds = avatar_feeds(run, FACES, known, ALL) if run.data.avatars else {}
        return Trainer(run, Supplies(SET, features, TEXT, TEXT_DIGEST, avatars=feeds), folder)

    return trainer


def newest(folder: Path) -> Path:
    found = state.newest(folder / "checkpoints")
    assert found is not None
    return found


def test_training_resumes_to_the_bit_and_measures_held_out_avatars(make: MakeTrainer, tmp_path: Path) -> None:
    whole, first = make(tmp_path / "whole"), make(tmp_path / "parts")
    assert whole.facts["styles"] == list(ALL) == ["boxy", "plain", "shaded", "zigzag"]
    last = [step for step in whole.steps() if step.validation][-1].validation
    list(first.steps(3))
    second = make(tmp_path / "parts")
    second.resume(newest(tmp_path / "parts"))
    assert [step for step in second.steps() if step.validation][-1].validation == last
    for ours, theirs in zip(whole.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    # a network that says zero has a loss that is known: here of the held-out avatars, not of the pictures
    fresh = make(tmp_path / "fresh")
    held = to_signed(torch.from_numpy(FACES.pictures[[3, 7]]))
    expected = float(held.square().mean()) * sum(1 / t**2 for t in (0.1, 0.3, 0.5, 0.7, 0.9)) / 5
    assert fresh.validation(fresh.network)["avatars"] == pytest.approx(expected, rel=1e-4)


def test_another_set_is_not_resumed_and_a_checkpoint_from_before_is(make: MakeTrainer, tmp_path: Path) -> None:
    list(make(tmp_path / "new").steps(1))
    other = make(tmp_path / "new")
    other.facts["avatars"] = "another"
    with pytest.raises(TrainingError, match="another avatar set"):
        other.resume(newest(tmp_path / "new"))
    run = replace(RUN, network=replace(RUN.network, styles=2), data=DataConfig())
    list(make(tmp_path / "old", run).steps(1))
    path = newest(tmp_path / "old") / "state.json"
    facts = json.loads(path.read_text())
    assert facts["avatars"] is None
    del facts["avatars"], facts["run"]["data"]["avatars"], facts["sha256"]
    path.write_text(json.dumps(facts))
    again = make(tmp_path / "old", run)
    again.resume(path.parent)
    assert again.step == 1


def test_a_warm_start_gives_known_styles_their_rows_and_new_ones_fresh_rows(make: MakeTrainer, tmp_path: Path) -> None:
    network = replace(RUN.network, text_width=SMALL.text_width)
    model = model_folder(tmp_path / "model", replace(network, styles=2))
    rows = read_model_folder(model).network["style"]
    renamed = json.loads((model / "model.json").read_text())
    assert renamed["styles"] == list(STYLES)
    renamed["styles"] = ["shaded", "boxy"]
    (model / "model.json").write_text(json.dumps(renamed))
    cold = make(tmp_path / "run", replace(RUN, network=network))
    warm = warm_started(cold, str(model))
    assert isinstance(warm.network, PixelDiT)
    assert isinstance(cold.network, PixelDiT)
    style, fresh = warm.network.style, cold.network.style
    assert torch.equal(style[[0, 1, 3]], rows[[0, 2, 1]])  # none, boxy, shaded
    assert torch.equal(style[[2, 4]], fresh[[2, 4]])  # plain, zigzag
    weights = read_model_folder(model).network
    rest = {name: p for name, p in warm.network.named_parameters() if name != "style"}
    assert all(torch.equal(p, weights[name]) for name, p in rest.items())


def test_a_run_finds_the_set_that_was_built_and_its_model_credits_it(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path
) -> None:
    run = replace(small_run, data=replace(small_run.data, avatars=0.5))
    make_trainer(tmp_path / "none")  # sets the cache folder
    with pytest.raises(InvalidFile, match="mezzotint data build avatars --size 32"):
        make_trainer(tmp_path / "run", run)
    root, style = avatar_packages.make(tmp_path)
    built = build_avatars(default_folder(), size=32, count=30, packages=root, styles=[style])
    trainer = make_trainer(tmp_path / "run", run)
    assert (trainer.facts["styles"], trainer.facts["run"]["network"]["styles"]) == (["boxy"], 1)
    assert trainer.facts["avatars"] == built.digest
    names = {trainer.batches.named(int(row)) for start in range(0, 32, 4) for row in trainer.batches.at(start).rows}
    assert 8 < sum(name.startswith("boxy:") for name in names) < 24
    list(trainer.steps(1))
    out = export(
        trainer.folder, tmp_path / "model", name="m", text=HOUSE / "text", avatars_folder=default_folder(), defaults={}
    )
    assert "| boxy | @toy/boxy 1.0.0 | Ann | CC0-1.0 |" in (out / "ATTRIBUTION.md").read_text()
    assert (
        "- 30 faces and busts composed from the parts of drawings in 1 styles\n  (CC0-1.0 30)"
        in (out / "README.md").read_text()
    )
    assert json.loads((out / "model.json").read_text())["training"]["avatars"] == built.digest


def test_a_share_is_a_share_and_only_runs_that_draw_have_one() -> None:
    with pytest.raises(InvalidOption, match=r"data\.avatars is -0\.1"):
        replace(RUN, data=DataConfig(avatars=-0.1))
    with pytest.raises(InvalidOption, match="only runs that draw"):
        replace(encoder(), data=DataConfig(avatars=0.1))
    with pytest.raises(InvalidOption, match="only runs that draw"):
        replace(detector(), data=DataConfig(scenes=1.0, avatars=0.1))
