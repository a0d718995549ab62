"""Scores against counts by hand; prompts drawn with seeds of their own; baselines that are right by construction."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mezzotint.codecs.images import from_image
from mezzotint.data.scenes import Scene, Scenes
from mezzotint.data.scenes.hand import Hand
from mezzotint.evaluation.bank import Bank
from mezzotint.evaluation.detector import Sight, SightOf
from mezzotint.evaluation.fingers import fingers_of
from mezzotint.evaluation.iconeval.baselines import pasted, pasted_scene, retrieved
from mezzotint.evaluation.iconeval.gallery import Judged, chosen, gallery, judged
from mezzotint.evaluation.iconeval.prompts import IconPrompt, Wanted, load_prompts
from mezzotint.evaluation.iconeval.score import compared, score
from mezzotint.evaluation.iconeval.validate import Trust
from mezzotint.evaluation.iconeval.verdict import GENEVAL, judge
from mezzotint.request import Request
from tests.data.scenes.toy import fonts, pictures

CAT, DOG = (SightOf(name, 0.9, (0, 0, 9, 9), "red", 0.9) for name in ("cat", "dog"))
BLANK = Image.new("RGBA", (64, 64))


def shown(number: int, thing: str, sights: Sequence[Sight], task: str = "single", known: bool = True) -> list[Judged]:
    prompt = IconPrompt(task, f"a {thing}, {number}", (Wanted(thing),), known=known)
    return [Judged(number, prompt, seed, BLANK, sight, judge(prompt, sight)) for seed, sight in enumerate(sights)]


CATS, DOGS, NOTHING = Sight((CAT,), ""), Sight((DOG,), ""), Sight((), "")


def test_a_score_is_the_mean_over_prompts_of_their_shares() -> None:
    found = [
        *shown(0, "cat", [CATS, CATS, CATS, NOTHING]),
        *shown(1, "dog", [DOGS, DOGS, CATS, CATS], known=False),
        *shown(2, "cat", [DOGS, DOGS, DOGS, DOGS], known=False),
    ]
    one = score(found, {"single": Trust(0.98, 0.1, 500)}).tasks["single"]
    assert one.score == pytest.approx((0.75 + 0.5 + 0) / 3)
    assert one.low <= one.score <= one.high
    assert (one.low, one.high) == (0.0, 0.75)  # three prompts: the draws reach both ends
    assert (one.known, one.unknown) == (0.75, 0.25)
    # each picture against the next prompt: cats against dog, dogs against cat, dogs against cat
    assert one.shuffled == pytest.approx((0 + 2 + 0) / 12)
    assert (one.prompts, one.pictures) == (3, 12)
    plain = score(found, {"single": Trust(0.98, 0.1, 500)}).to_json_dict()
    assert "overall" not in plain  # five tasks are missing
    assert (plain["single"]["ceiling"], plain["single"]["floor"], plain["single"]["measurable"]) == (0.98, 0.1, True)
    assert score(found).to_json_dict()["single"]["measurable"] is None


def test_the_overall_score_weighs_the_six_tasks_alike_and_names_what_cannot_be_measured() -> None:
    found = []
    for place, task in enumerate(GENEVAL):
        rights = [CATS] * place + [NOTHING] * (5 - place)
        found += [one for number in range(2 + place) for one in shown(number, "cat", rights, task)]
    trust = dict.fromkeys(GENEVAL, Trust(0.98, 0, 9)) | {"counting": Trust(0.96, 0, 9)}
    whole = score(found, trust).to_json_dict()["overall"]
    assert whole["score"] == pytest.approx(np.mean([0, 0.2, 0.4, 0.6, 0.8, 1.0]))
    assert whole["low"] == pytest.approx(whole["score"])  # all prompts of a task are alike
    assert whole["not_measurable"] == ["counting"]


def test_models_are_compared_prompt_by_prompt() -> None:
    better = [one for n in range(20) for one in shown(n, "cat", [CATS if (n + s) % 2 else NOTHING for s in range(4)])]
    worse = [
        one for n in range(20) for one in shown(n, "cat", [CATS if (n + s) % 4 == 1 else NOTHING for s in range(4)])
    ]
    gain = compared(better, worse)["single"]
    assert gain.mean == pytest.approx(0.25)
    assert gain.low == gain.high == pytest.approx(0.25)  # the same for every prompt
    assert compared(worse, better)["single"].mean == pytest.approx(-0.25)


class Drawer:
    """Remembers what it was asked, and draws the seed."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def generate(self, request: Request) -> SimpleNamespace:
        self.asked.append(request)
        images = [Image.new("RGBA", (64, 64), (request.seed + i, 0, 0, 255)) for i in range(request.n)]
        return SimpleNamespace(images=images)


def test_every_picture_has_a_seed_of_its_own_and_the_requests_settings() -> None:
    prompts = chosen(load_prompts(), 2)
    assert [prompt.task for prompt in prompts][:4] == ["single", "single", "two", "two"]
    assert len(chosen(load_prompts(), 0)) == len(load_prompts())
    drawer, told = Drawer(), list[tuple[int, int]]()
    request = Request(prompt="", steps=7, guidance=2.5, seed=10)
    pipe: Any = drawer
    found = list(gallery(pipe, prompts[:3], 4, request, lambda done, of: told.append((done, of))))
    assert [(number, seed) for number, seed, _ in found] == [(i // 4, 10 + i) for i in range(12)]
    assert [image.getpixel((0, 0))[0] for _, _, image in found] == [10 + i for i in range(12)]  # type: ignore[index]
    assert {(asked.steps, asked.guidance) for asked in drawer.asked} == {(7, 2.5)}
    assert [asked.prompt for asked in drawer.asked] == [prompt.text for prompt in prompts[:3]]
    assert told == [(4, 12), (8, 12), (12, 12)]


ASKED = (
    IconPrompt("two", "a cat and a bus", (Wanted("cat"), Wanted("bus"))),
    IconPrompt("counting", "five stars", (Wanted("star", 5),)),
    IconPrompt("counting", "eight trees", (Wanted("tree", 8),)),
    IconPrompt("colours", "a purple book", (Wanted("book", colour="purple"),)),
    *(
        IconPrompt("position", f"a bed {word} a fish", (Wanted("bed"), Wanted("fish")), relation=word)
        for word in ("left of", "right of", "above", "below")
    ),
    IconPrompt("attribution", "", (Wanted("dog", colour="green"), Wanted("heart", colour="blue"))),
    IconPrompt("spelling", "", word="STOP"),
    IconPrompt("spelling", "", word="egg"),
    *(IconPrompt("hands", f"{count} fingers", fingers=count) for count in range(6)),
)


def facts(scene: Scene) -> Sight:
    things = tuple(
        SightOf(group.one, 1.0, (box.left, box.top, box.right, box.bottom), group.colour, 1.0)
        for group in scene.groups
        for box in group.boxes
    )
    fingers = next((shape.fingers for shape in scene.shapes if isinstance(shape, Hand)), None)
    return Sight(things, scene.lettering.text if scene.lettering else "", fingers=fingers)


@pytest.mark.parametrize("prompt", ASKED, ids=lambda prompt: prompt.text or prompt.word)
def test_what_is_pasted_is_right_by_its_facts_and_inside_the_picture(prompt: IconPrompt) -> None:
    scenes = Scenes(pictures(), fonts())
    scene = pasted_scene(prompt, scenes)
    assert judge(prompt, facts(scene)).right
    boxes = [box for group in scene.groups for box in group.boxes]
    assert all(0 <= b.left < b.right <= 64 and 0 <= b.top < b.bottom <= 64 for b in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    ((number, place, image),) = pasted([prompt], scenes)
    assert (number, place) == (0, 0)
    assert prompt.fingers is None or fingers_of(image) == prompt.fingers
    drawn = torch.from_numpy(scenes.drawn(scene)).permute(2, 0, 1)[:, None].float() / 127.5 - 1
    torch.testing.assert_close(from_image(image), drawn, atol=0.07, rtol=0)  # coverage is stretched by 3 % a side


class Reader:
    """An encoder whose features are one number of the picture: a prompt names the row that it means."""

    def pictures(self, given: torch.Tensor) -> torch.Tensor:
        return torch.stack([one.flatten() / one.norm() for one in given])

    def prompts(self, given: Sequence[str]) -> torch.Tensor:
        shown = pictures()
        wanted = torch.from_numpy(shown.pictures[[int(text) for text in given]])
        return self.pictures(wanted.permute(0, 3, 1, 2)[:, :, None].float() / 127.5 - 1)


def test_training_pictures_are_retrieved_by_features_and_held_out_ones_are_not() -> None:
    shown = pictures()
    train, held = shown.split("train"), shown.split("heldout")
    prompts = [IconPrompt("single", str(row)) for row in (train[3], train[20], held[0])]
    encoder: Any = Reader()
    found = list(retrieved(prompts, Bank(encoder, shown), 2))
    assert [(number, place) for number, place, _ in found] == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
    for image, row in ((found[0][2], train[3]), (found[2][2], train[20])):
        assert (np.asarray(image)[..., 3] == shown.pictures[row][..., 3]).all()
    assert not (np.asarray(found[4][2]) == shown.pictures[held[0]]).all()


class Blind:
    """A detector that reads the word from the picture's first pixel."""

    def images(self, images: Sequence[Image.Image]) -> list[Sight]:
        return [Sight((), "STOP" if image.getpixel((0, 0))[0] else "") for image in images]  # type: ignore[index]


def test_pictures_are_judged_by_their_own_prompt() -> None:
    prompts = [IconPrompt("spelling", "a", word="STOP"), IconPrompt("spelling", "b", word="GO")]
    red = Image.new("RGBA", (2, 2), (9, 0, 0, 255))
    detector: Any = Blind()
    found = judged(detector, prompts, iter([(0, 5, red), (0, 6, BLANK), (1, 7, red)]))
    assert [(one.number, one.seed, one.verdict.right) for one in found] == [(0, 5, True), (0, 6, False), (1, 7, False)]
    assert found[1].verdict.errors == 1.0
