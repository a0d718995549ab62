"""What a detector is trained on and by: marks against the scenes' own facts, losses against closed forms."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mezzotint.codecs.images import to_signed
from mezzotint.conditioning.letters import ALPHABET
from mezzotint.data.scenes import Box, Group, Scene, Scenes
from mezzotint.errors import TrainingError
from mezzotint.families.icon_detector import IconDetector, IconDetectorConfig, initialise_detector
from mezzotint.families.icon_detector.decode import Found, Sighting, decoded, read
from mezzotint.interfaces.warm import warm_started
from mezzotint.training import state
from mezzotint.training.export import export
from mezzotint.training.marks import COLOUR_NAMES, UNSAID, Marks, marks_of
from mezzotint.training.methods.detect import detection_losses, overlap, peak_loss, peaks_wanted
from mezzotint.training.sightings import SightingCheck
from mezzotint.training.task import Supplies
from mezzotint.training.trainer import Trainer
from tests import detectors
from tests.data.scenes.toy import fonts, pictures

SCENES = Scenes(pictures(), fonts(), seed=4)
HELD = ("pizza", "key")
RUN = replace(detectors.RUN, steps=6, checkpoint_every=3, validate_every=6, validation=24)


@pytest.fixture(scope="module")
def supplies(tmp_path_factory: pytest.TempPathFactory) -> Supplies:
    return detectors.supplies_of(RUN, tmp_path_factory.mktemp("captions"))


THINGS = ("apple", "cat", "dog", "car", "book", "star", "tree", "fish", "bird", "bus", "bed", "mouse", "clock", "heart")


def test_marks_are_the_facts_of_their_scenes() -> None:
    scenes = [SCENES.plan(number) for number in range(40)]
    things, letters = marks_of(scenes, THINGS)
    for number, scene in enumerate(scenes):
        mine = (things.picture == number).nonzero()[:, 0].tolist()
        said = [(THINGS[int(things.kind[i])], tuple((things.box[i] * 2).int().tolist())) for i in mine]
        facts = [(g.one, (b.left, b.top, b.right, b.bottom)) for g in scene.groups for b in g.boxes]
        assert set(said) <= set(facts)
        if scene.kind in ("counting", "colours", "attribution"):
            assert sorted(said) == sorted(facts)
        for i in mine:
            colour = int(things.colour[i])
            group = next(g for g in scene.groups if g.one == THINGS[int(things.kind[i])])
            assert (COLOUR_NAMES[colour] if colour != UNSAID else "") == group.colour
        word = "".join(ALPHABET[int(k)] for k in letters.kind[letters.picture == number])
        assert word == (scene.lettering.text if scene.lettering else "")


def test_what_is_hidden_is_not_asked_for() -> None:
    under = Group(0, "apple", "apples", (Box(10, 10, 20, 20), Box(40, 40, 10, 10)))
    over = Group(1, "cat", "cats", (Box(8, 8, 20, 22),))
    things, _ = marks_of([Scene(0, 0, "relations", "x", groups=(under, over))], THINGS)
    assert things.box.mul(2).int().tolist() == [[40, 40, 50, 50], [8, 8, 28, 30]]
    everything, _ = marks_of([Scene(0, 0, "relations", "x", groups=(over, under))], ("apple",))
    assert everything.kind.tolist() == [0, 0]  # a cat has no number here


def marks(rows: list[tuple[int, int, list[float], int]]) -> Marks:
    return Marks(
        torch.tensor([r[0] for r in rows], dtype=torch.int64),
        torch.tensor([r[1] for r in rows], dtype=torch.int64),
        torch.tensor([r[2] for r in rows], dtype=torch.float32).reshape(-1, 4),
        torch.tensor([r[3] for r in rows], dtype=torch.int64),
    )


def test_a_map_of_peaks_is_one_at_middles_and_falls_as_a_gaussian() -> None:
    wanted = peaks_wanted(marks([(1, 0, [2, 3, 14, 15], 0), (1, 0, [20, 20, 22, 22], 0)]), 2, 32, 32)
    assert not wanted[0].any()
    assert (wanted[1] == 1).nonzero().tolist() == [[9, 8], [21, 21]]
    assert float(wanted[1, 9, 11]) == pytest.approx(math.exp(-9 / (2 * 2.0**2)))
    assert float(wanted[1, 22, 21]) == pytest.approx(math.exp(-1 / (2 * 0.6**2)))
    assert not peaks_wanted(marks([]), 1, 4, 4).any()


def test_the_loss_of_peaks_by_hand() -> None:
    logits = torch.tensor([[[0.0, 2.0], [-1.0, 0.5]]])
    wanted = torch.tensor([[[1.0, 0.5], [0.0, 1.0]]])
    p = logits.sigmoid()[0]
    hand = -((1 - p[0, 0]) ** 2) * p[0, 0].log() - (1 - p[1, 1]) ** 2 * p[1, 1].log()
    hand = hand - 0.5**4 * p[0, 1] ** 2 * (1 - p[0, 1]).log() - p[1, 0] ** 2 * (1 - p[1, 0]).log()
    assert float(peak_loss(logits, wanted)) == pytest.approx(float(hand) / 2)
    empty = -(p**2 * (1 - p).log()).sum()
    assert float(peak_loss(logits, torch.zeros(1, 2, 2))) == pytest.approx(float(empty))


def test_overlap_is_shared_area_over_joint_area() -> None:
    a = torch.tensor([[1.0, 1.0, 1.0, 1.0], [2.0, 1.0, 0.0, 1.0]])
    b = torch.tensor([[1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 2.0, 1.0]])
    assert overlap(a, b).tolist() == pytest.approx([1.0, 0.0])
    assert float(overlap(torch.tensor([[1.0, 1, 1, 1]]), torch.tensor([[3.0, 1, 1, 1]]))) == pytest.approx(0.5)


def test_a_small_detector_learns_the_toy_scenes_and_says_what_it_sees() -> None:
    config = IconDetectorConfig(widths=(8, 16, 24, 32), blocks=1, things=14, colours=len(COLOUR_NAMES), letters=62 + 2)
    network = IconDetector(config)
    initialise_detector(network, 0)
    simple = Scenes(pictures(), fonts(), seed=4, kinds=["single", "lettering"])
    composed = [simple.at(number) for number in range(16)]
    x = to_signed(torch.stack([torch.from_numpy(scene.picture) for scene in composed]))
    things, letters = marks_of([scene.scene for scene in composed], THINGS)
    optimizer = torch.optim.AdamW(network.parameters(), 6e-3)
    first = last = 0.0
    for step in range(50):
        losses = detection_losses(network, network(x), things, letters)
        assert losses.shape == (16,)
        optimizer.zero_grad()
        torch.autograd.backward(losses.mean())
        optimizer.step()
        last = float(losses.detach().mean())
        first = first or last
        if step == 0:
            assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in network.parameters())
    assert last < 0.5 * first
    found = decoded(network.eval(), network(x))
    right = [
        sorted(THINGS[s.kind] for s in what.things) == sorted(THINGS[int(k)] for k in things.kind[things.picture == i])
        for i, what in enumerate(found)
    ]
    assert sum(right) > 8


def test_text_is_read_line_by_line_with_spaces() -> None:
    def letter(character: str, left: float, top: float, width: float = 6) -> Sighting:
        return Sighting("HIGO".index(character), 0.9, (left, top, left + width, top + 9), 0, 1.0)

    row = [letter("G", 10, 30), letter("I", 17, 11, 2), letter("H", 10, 10), letter("O", 17, 31), letter("O", 40, 30)]
    assert read(row, "HIGO") == "HI GO O"
    assert read([], "HIGO") == ""


def test_a_detectors_run_resumes_to_the_bit_and_is_measured_on_scenes_it_never_sees(
    supplies: Supplies, tmp_path: Path
) -> None:
    def trainer(name: str) -> Trainer:
        return Trainer(RUN, supplies, tmp_path / name)

    whole, first = trainer("whole"), trainer("parts")
    last = [step for step in whole.steps() if step.validation][-1].validation
    list(first.steps(3))
    second = trainer("parts")
    newest = state.newest(tmp_path / "parts/checkpoints")
    assert newest is not None
    second.resume(newest)
    assert [step for step in second.steps() if step.validation][-1].validation == last
    for ours, theirs in zip(whole.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert second.facts["things"] == sorted(THINGS + HELD)
    assert whole.facts["family"] == "icon_detector"
    seen = whole.batches.at(0)
    assert seen.rows.tolist() == [-1, -2, -3, -4]
    assert SCENES.split == "train"
    assert bool(whole.validation.composed[1].scene.held)  # type: ignore[attr-defined]
    assert not whole.validation.composed[0].scene.held  # type: ignore[attr-defined]


def test_a_warm_start_takes_the_weights_of_a_detector_of_the_same_things(supplies: Supplies, tmp_path: Path) -> None:
    first = Trainer(RUN, supplies, tmp_path / "first")
    list(first.steps())
    export(tmp_path / "first", tmp_path / "m", name="m", text=tmp_path, storage="fp32", defaults={})
    second = warm_started(Trainer(RUN, supplies, tmp_path / "second"), str(tmp_path / "m"))
    for (name, ours), theirs in zip(second.network.named_parameters(), first.averages[0].weights.values(), strict=True):
        assert torch.equal(ours, theirs), name
    assert second.facts["earlier"] == [{"weights": None, "pictures": first.pictures}]
    assert second.facts["warm_start"]
    description = tmp_path / "m" / "model.json"
    description.write_text(description.read_text().replace('"apple"', '"quince"'))
    with pytest.raises(TrainingError, match="knows other things"):
        warm_started(Trainer(RUN, supplies, tmp_path / "third"), str(tmp_path / "m"))


def test_what_is_right_is_counted_by_hand(supplies: Supplies) -> None:
    """A detector that says what is there is always right; one that says nothing is right about nothing."""
    check = SightingCheck(RUN, supplies.scenes, sorted(THINGS + HELD))
    seen = check.seen
    truth = []
    for place in range(len(check.composed)):
        parts = []
        for marks_ in (seen.things, seen.letters):
            mine = (marks_.picture == place).nonzero()[:, 0].tolist()
            parts.append(
                tuple(
                    Sighting(int(marks_.kind[i]), 1.0, tuple((marks_.box[i] * 2).tolist()), int(marks_.colour[i]), 1.0)
                    for i in mine
                )
            )
        truth.append(Found(*parts))
    assert set(check.right(truth).values()) == {1.0}
    nothing = check.right([Found((), ())] * len(check.composed))
    assert nothing["colours"] == nothing["words"] == 0
    wordless = sum(scene.scene.lettering is not None for scene in check.composed)
    assert nothing["things"] == pytest.approx(wordless / len(check.composed))
