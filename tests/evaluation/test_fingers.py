"""Fingers are counted rightly on hands of three makers, and nothing that is no hand has any."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mezzotint.data.manifest import Record, digest
from mezzotint.data.pixels import Bytes, straight
from mezzotint.data.scenes import Scenes
from mezzotint.data.scenes.hand import Hand
from mezzotint.data.sources import PictureSet
from mezzotint.evaluation import report
from mezzotint.evaluation import yardstick as yardsticks
from mezzotint.evaluation.detector import Sight
from mezzotint.evaluation.fingers import fingers_in, fingers_of
from mezzotint.evaluation.iconeval import hands as checks
from mezzotint.evaluation.iconeval.gallery import judged
from mezzotint.evaluation.iconeval.hands import counts_by_name, hand_check
from mezzotint.evaluation.iconeval.prompts import IconPrompt
from mezzotint.evaluation.iconeval.score import score
from mezzotint.evaluation.iconeval.validate import Trust
from mezzotint.evaluation.iconeval.verdict import judge
from mezzotint.evaluation.suite import IconPart
from mezzotint.evaluation.yardstick import Plan, Tools
from mezzotint.request import Request
from tests.data.scenes import toy

SKIN = (228, 178, 130, 255)
FORKS = {0: (), 1: (1,), 2: (1, 2), 3: (1, 2, 3), 4: (0, 1, 2, 3), 5: (0, 1, 2, 3, 4)}
"""Which of five rays a plain hand has, by its count; 4 is the thumb."""


def plain(count: int, side: int = 1, backed: bool = False) -> Image.Image:
    """A hand of another maker: a disc with thick lines from its middle, drawn at eight times the size by Pillow."""
    large = Image.new("RGBA", (512, 512), (70, 110, 220, 255) if backed else (0, 0, 0, 0))
    pen = ImageDraw.Draw(large)
    pen.rounded_rectangle((180, 300, 332, 510), 30, fill=SKIN)  # an arm
    pen.ellipse((150, 220, 362, 432), fill=SKIN)
    for ray in FORKS[count]:
        angle = np.pi / 2 + (ray - 1.5) * 0.38 if ray < 4 else np.pi / 2 + 1.35
        length = 235 if ray < 4 else 205
        x, y = 256 + side * length * np.cos(angle), 326 - length * np.sin(angle)
        pen.line((256, 326, x, y), fill=SKIN, width=46)
        pen.ellipse((x - 23, y - 23, x + 23, y + 23), fill=SKIN)
    if count == 0:
        for x in (205, 256, 307):
            pen.line((x, 235, x, 340), fill=(120, 70, 40, 255), width=10)
        pen.line((150, 345, 362, 345), fill=(120, 70, 40, 255), width=10)  # a thumb lies below
    return large.resize((64, 64), Image.Resampling.BOX)


@pytest.mark.parametrize("count", FORKS)
@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("backed", [False, True])
def test_plain_hands_of_another_maker(count: int, side: int, backed: bool) -> None:
    assert fingers_of(plain(count, side, backed)) == count


def drawn(picture: Bytes) -> Bytes:
    return np.concatenate([straight(picture), picture[..., 3:]], axis=-1)


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return Scenes(toy.pictures(), toy.fonts(), seed=3, split="heldout", kinds=["hands"])


def test_hands_of_scenes_each_count_and_before_every_backdrop(scenes: Scenes) -> None:
    right: dict[str, list[bool]] = {"transparent": [], "flat": [], "scenery": []}
    for number in range(90):
        scene = scenes.plan(number)
        (hand,) = scene.shapes
        assert isinstance(hand, Hand)
        right[scene.backdrop.kind].append(fingers_in(drawn(scenes.drawn(scene))) == hand.fingers)
    assert all(right["transparent"])
    assert sum(sum(part) for part in right.values()) >= 86


def test_a_hand_is_the_same_hand_from_the_other_side(scenes: Scenes) -> None:
    for number in range(12):
        picture = drawn(scenes.at(number).picture)
        assert fingers_in(picture[:, ::-1]) == fingers_in(picture)


@pytest.mark.parametrize(
    ("colour", "form"),
    [((0, 0, 0, 0), "ellipse"), ((40, 90, 220, 255), "ellipse"), ((240, 190, 60, 255), "ellipse"),
     ((240, 190, 60, 255), "rectangle"), ((228, 178, 130, 255), "speck")],
)  # fmt: skip
def test_where_no_hand_is_none_is_seen(colour: tuple[int, int, int, int], form: str) -> None:
    image = Image.new("RGBA", (64, 64))
    pen = ImageDraw.Draw(image)
    if form == "ellipse":
        pen.ellipse((8, 8, 56, 56), fill=colour)
    elif form == "rectangle":
        pen.rectangle((10, 14, 54, 50), fill=colour)
    else:
        pen.ellipse((30, 30, 36, 36), fill=colour)
    assert fingers_of(image) is None


def test_what_has_the_colours_of_the_rim_is_no_hand() -> None:
    """A disc in a ring of another colour, before a background of the disc's own: nothing of it counts as skin."""
    image = Image.new("RGBA", (64, 64), SKIN)
    pen = ImageDraw.Draw(image)
    pen.ellipse((2, 2, 61, 61), fill=(40, 90, 220, 255))
    pen.ellipse((12, 12, 51, 51), fill=SKIN)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as of the mean of nothing
        assert fingers_of(image) is None


def test_more_fingers_than_a_hand_has_are_no_hand() -> None:
    image = plain(5)
    pen = ImageDraw.Draw(image)
    for x, y in ((6, 56), (8, 26), (58, 56)):
        pen.line((32, 41, x, y), fill=SKIN, width=5)
    assert fingers_of(image) is None


def test_verdicts_say_what_was_counted() -> None:
    prompt = IconPrompt("hands", "three fingers held up", fingers=3)
    assert judge(prompt, Sight((), "", fingers=3)).right
    wrong = judge(prompt, Sight((), "", fingers=2))
    assert (wrong.right, wrong.faults) == (False, ("it shows 2 raised fingers, not 3",))
    assert judge(prompt, Sight((), "")).faults == ("it shows no hand, not 3",)
    fist = IconPrompt("hands", "a fist", fingers=0)
    assert judge(fist, Sight((), "", fingers=0)).right
    assert not judge(fist, Sight((), "")).right  # nothing at all is no fist


def test_hands_are_judged_without_the_detector_and_are_not_in_the_overall_score() -> None:
    class Unasked:
        def images(self, images: Any) -> list[Sight]:
            raise AssertionError("the detector knows no hands")

    prompts = [IconPrompt("hands", f"{count}", fingers=count) for count in (2, 4)]
    detector: Any = Unasked()
    found = judged(detector, prompts, iter([(0, 0, plain(2)), (0, 1, plain(3)), (1, 2, plain(4)), (1, 3, plain(4))]))
    assert [one.verdict.right for one in found] == [True, False, True, True]
    scores = score(found, {"hands": Trust(0.96, 0.2, 99)})
    assert scores.overall is None
    assert scores.tasks["hands"].score == 0.75
    assert scores.tasks["hands"].shuffled == 0.0
    plain_data = scores.to_json_dict()["hands"]
    assert (plain_data["ceiling"], plain_data["measurable"]) == (0.96, False)


def emoji() -> PictureSet:
    """The toy set and four emoji: two that are what their names say, one that is not, one whose name says nothing."""
    first = toy.pictures()
    named = (("victory hand", 2, "a"), ("raised fist", 0, "a"), ("raised hand", 3, "b"), ("backhand index", 1, "b"))
    added = []
    records = list(first.records)
    for number, (name, count, style) in enumerate(named):
        picture = np.array(plain(count), dtype=np.uint16)
        picture[..., :3] = picture[..., :3] * picture[..., 3:] // 255
        added.append(picture.astype(np.uint8))
        records.append(replace(first.records[0], id=f"e:{number}", name=name, style=style, captions=(name,)))
    assert isinstance(records[0], Record)
    return PictureSet(np.concatenate([first.pictures, np.stack(added)]), records, digest(records))


def test_the_check_counts_ours_and_others_apart() -> None:
    pictures = emoji()
    some = Scenes(pictures, toy.fonts(), split="heldout", kinds=["hands"])
    rows = len(toy.pictures().records)
    assert counts_by_name(pictures) == {rows: 2, rows + 1: 0, rows + 2: 5}
    found = hand_check(some, 20)
    assert found.emoji == {0: (1, 1), 2: (1, 1), 5: (0, 1)}
    assert found.styles == {"a": (2, 2), "b": (0, 1)}
    assert sum(of for _, of in found.ours.values()) == found.trust.of == 20
    assert found.trust.ceiling >= 0.9 > 0.5 > found.trust.floor
    data = found.to_json_dict()
    assert data["emoji"] == pytest.approx(2 / 3)
    assert data["emoji_by_style"] == {"a": [2, 2], "b": [0, 1]}


def test_the_yardstick_checks_hands_without_a_detector_and_pastes_them_well(monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = tuple(IconPrompt("hands", f"{count}", fingers=count) for count in range(6))
    monkeypatch.setattr(yardsticks, "load_prompts", lambda: prompts)
    detector: Any = object()
    tools = Tools(detector=detector, pictures=emoji(), fonts=toy.fonts())
    yard = yardsticks.yardstick(tools, Plan(request=Request(prompt=""), composites=0, hands=20))
    assert yard.hands is not None
    assert yard.trust == {"hands": yard.hands.trust}
    pasted = yard.baselines["paste"].tasks["hands"]
    assert (pasted.score, pasted.shuffled) == (1.0, 0.0)
    assert pasted.to_json_dict()["counter"]["emoji_by_count"] == {"0": [1, 1], "2": [1, 1], "5": [0, 1]}
    part = IconPart((), yard.baselines["paste"], {})
    (said,) = report._counted_fingers(part)
    assert "of emoji that others drew 1 of 1 with 0, 1 of 1 with 2, 0 of 1 with 5" in said


def test_who_always_says_three_is_right_where_three_are(monkeypatch: pytest.MonkeyPatch, scenes: Scenes) -> None:
    monkeypatch.setattr(checks, "fingers_in", lambda picture: 3)
    found = hand_check(scenes, 30)
    assert all(right == (of if count == 3 else 0) for count, (right, of) in found.ours.items())
    assert found.trust.ceiling == found.trust.floor == found.ours[3][1] / 30
    assert not found.trust.measurable
    assert not found.emoji
    assert "emoji" not in found.to_json_dict()
