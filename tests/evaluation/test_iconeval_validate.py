"""A detector that knows the truth has a ceiling of 1; one that is blind has none; and facts are asked as they are."""

import pytest
import torch
from torch import Tensor

from mezzotint.data.scenes import Scenes
from mezzotint.evaluation.detector import Sight, SightOf
from mezzotint.evaluation.iconeval.validate import UNSEEN, Trust, facts_as_prompts, trust_of
from tests.data.scenes.toy import fonts, pictures

SCENES = Scenes(pictures(), fonts(), seed=9, split="heldout")
COUNT = 160


class Knowing:
    """Says what the scenes hold, in the order in which they come; `blind` sees nothing."""

    def __init__(self, blind: bool = False) -> None:
        self.blind = blind

    def pictures(self, given: Tensor, least: float = 0.3) -> list[Sight]:
        sights = []
        for number, signed in enumerate(given):
            composed = SCENES.at(UNSEEN + number)
            shown = torch.from_numpy(composed.picture).permute(2, 0, 1)[:, None].float() / 127.5 - 1
            assert torch.equal(signed, shown)
            things = tuple(
                SightOf(g.one, 1.0, (b.left, b.top, b.right, b.bottom), g.colour or "grey", 1.0)
                for g in composed.scene.groups
                for b in g.boxes
            )
            word = composed.scene.lettering
            sights.append(Sight((), "") if self.blind else Sight(things, word.text if word else ""))
        return sights


def test_who_knows_is_always_right_and_who_ignores_the_prompt_seldom() -> None:
    found = trust_of(Knowing(), SCENES, COUNT)  # type: ignore[arg-type]
    assert set(found) == {"single", "two", "counting", "colours", "position", "attribution", "spelling"}
    for task, trust in found.items():
        assert trust.ceiling == 1.0, task
        assert trust.measurable
        # the toy set has only two things to show by themselves
        assert trust.floor < (0.7 if task == "single" else 0.4), task
    blind = trust_of(Knowing(blind=True), SCENES, COUNT)  # type: ignore[arg-type]
    assert {trust.ceiling for trust in blind.values()} == {0.0}
    assert not Trust(0.969, 0.0, 100).measurable


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

    found = trust_of(Grey(), SCENES, 80)  # type: ignore[arg-type]
    assert found[task].ceiling == 0.0
    assert found["two"].ceiling == 1.0
