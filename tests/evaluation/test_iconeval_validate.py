"""A detector that knows the truth has a ceiling of 1; one that is blind has none; and facts are asked as they are."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from mezzotint.data.scenes import Scene, Scenes
from mezzotint.evaluation.detector import Sight, SightOf
from mezzotint.evaluation.iconeval.prompts import IconPrompt, Wanted, load_prompts
from mezzotint.evaluation.iconeval.validate import UNSEEN, Asked, Trust, facts_as_prompts, trust_of
from tests.data.scenes.toy import fonts, pictures

SCENES = Scenes(pictures(), fonts(), seed=9, split="heldout")
TRAINED = Scenes(pictures(), fonts(), seed=9, split="train")
COUNT = 120
COUNTS, LENGTHS = frozenset({2, 3, 4, 5, 6}), frozenset({3, 4, 5})
THINGS = sorted(
    {items[0].noun.one for shelf in SCENES.stock.shelves.values() for some in shelf.styles.values() for items in some}
)
PROMPTS = (
    *(IconPrompt("single", "", (Wanted(thing),)) for thing in THINGS),
    IconPrompt("counting", "", (Wanted(THINGS[0], 2),)),
    IconPrompt("counting", "", (Wanted(THINGS[0], 6),)),
    IconPrompt("spelling", "", word="abc"),
    IconPrompt("spelling", "", word="ABCDE"),
)


class Knowing:
    """Says what the scenes hold that it is shown; `blind` sees nothing. shown: which it was shown, in their order."""

    def __init__(self, blind: bool = False) -> None:
        self.blind = blind
        self.known = dict(self._known())
        self.shown: list[Scene] = []

    def _known(self) -> Iterator[tuple[bytes, Scene]]:
        for number in range(UNSEEN, UNSEEN + 10 * COUNT):
            source = (SCENES, TRAINED)[number % 2]
            scene = source.plan(number)
            yield source.drawn(scene).tobytes(), scene

    def pictures(self, given: Tensor, least: float = 0.3) -> list[Sight]:
        sights = []
        for signed in given:
            shown = ((signed[:, 0] + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).contiguous()
            scene = self.known[shown.numpy().tobytes()]
            self.shown.append(scene)
            things = tuple(
                SightOf(g.one, 1.0, (b.left, b.top, b.right, b.bottom), g.colour or "grey", 1.0)
                for g in scene.groups
                for b in g.boxes
            )
            word = scene.lettering
            sights.append(Sight((), "") if self.blind else Sight(things, word.text if word else ""))
        return sights


def trusted(detector: Knowing) -> dict[str, Trust]:
    return trust_of(detector, (SCENES, TRAINED), PROMPTS, COUNT)  # type: ignore[arg-type]


def test_who_knows_is_always_right_and_who_ignores_the_prompt_seldom() -> None:
    knowing = Knowing()
    found = trusted(knowing)
    assert set(found) == {"single", "two", "counting", "colours", "position", "attribution", "spelling"}
    for task, trust in found.items():
        assert trust.ceiling == 1.0, task
        assert trust.at_large == 1.0, task
        assert trust.measurable
        # the toy set has only two things to show by themselves
        assert trust.floor < (0.7 if task == "single" else 0.5), task
        assert trust.of <= COUNT // 10
    assert [scene.number for scene in knowing.shown[:COUNT]] == list(range(UNSEEN, UNSEEN + COUNT))
    asked = knowing.shown[COUNT:]
    assert len({scene.number for scene in asked}) == len(asked)
    assert {scene.backdrop.kind for scene in asked} == {"transparent"}
    assert {bool(scene.held) for scene in asked} == {True, False}
    blind = trusted(Knowing(blind=True))
    assert {trust.ceiling for trust in blind.values()} == {0.0}
    assert not Trust(0.969, 0.0, 100).measurable


def test_what_prompts_do_not_ask_for_is_at_large_only() -> None:
    class Confused(Knowing):
        """Sees nothing before a ground, of more than six things, and in long words."""

        def pictures(self, given: Tensor, least: float = 0.3) -> list[Sight]:
            sights = super().pictures(given, least)
            scenes = self.shown[-len(sights) :]
            hard = [
                scene.backdrop.kind != "transparent"
                or sum(len(group.boxes) for group in scene.groups) > 6
                or (scene.lettering is not None and len(scene.lettering.text) > 5)
                for scene in scenes
            ]
            return [Sight((), "") if no else sight for no, sight in zip(hard, sights, strict=True)]

    for task, trust in trusted(Confused()).items():
        assert trust.ceiling == 1.0, task
        assert trust.at_large is not None
        assert trust.at_large < 0.9, task


def test_what_is_asked_lies_between_what_prompts_name() -> None:
    asked = Asked.by(PROMPTS)
    assert (asked.things, asked.counts, asked.lengths) == (frozenset(THINGS), COUNTS, LENGTHS)
    house = Asked.by(load_prompts())
    assert (house.counts, house.lengths) == (COUNTS, LENGTHS)
    assert len(house.things) > 200
    fitting: dict[str, list[Scene]] = {}
    for number in range(1500):
        scene = TRAINED.plan(UNSEEN + number)
        for prompt in facts_as_prompts(scene):
            if asked.fits(prompt, scene):
                fitting.setdefault(prompt.task, []).append(scene)
    assert {len(scene.groups[0].boxes) for scene in fitting["counting"]} == {2, 3, 4, 5, 6}
    assert {scene.groups[0].colour for scene in fitting["counting"]} == {""}
    assert {scene.layout for scene in fitting["counting"]} == {"rows"}
    texts = [scene.lettering.text for scene in fitting["spelling"] if scene.lettering is not None]
    assert {len(text) for text in texts} == {3, 4, 5}
    assert all(text in (text.upper(), text.lower()) for text in texts)
    assert all(scene.lettering is not None and scene.lettering.usual for scene in fitting["spelling"])
    assert {group.colour for scene in fitting["two"] for group in scene.groups} == {""}
    assert "" not in {group.colour for scene in fitting["attribution"] for group in scene.groups}
    nothing = Asked.by(PROMPTS[-1:])
    assert not any(nothing.fits(p, s) for s in fitting["single"] for p in facts_as_prompts(s))


def test_facts_are_asked_as_they_are() -> None:
    for number in range(120):
        scene = SCENES.plan(UNSEEN + number)
        for prompt in facts_as_prompts(scene):
            assert prompt.word == (scene.lettering.text if scene.lettering else "")
            for wanted in prompt.wanted:
                group = next(g for g in scene.groups if g.one == wanted.thing)
                assert wanted.count in (1, len(group.boxes))
                assert wanted.colour in ("", group.colour)
                assert (wanted.count == len(group.boxes)) or prompt.task != "counting"
            if prompt.task == "position":
                a, b = (thing.thing for thing in prompt.wanted)
                said = [(scene.name_of(r.subject), r.word, scene.name_of(r.object)) for r in scene.relations]
                assert (a, prompt.relation, b) in said


@pytest.mark.parametrize("task", ["colours", "attribution"])
def test_a_wrong_colour_lowers_the_ceiling(task: str) -> None:
    class Grey(Knowing):
        def pictures(self, given: Tensor, least: float = 0.3) -> list[Sight]:
            return [
                Sight(tuple(SightOf(s.thing, s.score, s.box, "mauve", 1.0) for s in sight.things), sight.text)
                for sight in super().pictures(given, least)
            ]

    found = trusted(Grey())
    assert found[task].ceiling == 0.0
    assert found["two"].ceiling == 1.0
    assert found[task].at_large == 0.0
