"""Pictures are drawn again until they are right, the best is kept, and the recipe tells which, and draws it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mezzotint import Pipeline
from mezzotint.checked import Checked
from mezzotint.errors import InvalidOption
from mezzotint.evaluation.choosing import Choosing, choose, seed_of_try
from mezzotint.evaluation.detector import Sight, SightOf
from mezzotint.recipe import Recipe
from mezzotint.request import Request
from tests.support import model_folder

CAT = SightOf("cat", 0.9, (0, 0, 9, 9), "red", 0.9)
DIGEST = "a" * 64


@dataclass
class Scripted:
    """A detector that sees so many cats, picture after picture."""

    cats: list[int]
    seen: list[Image.Image] = field(default_factory=list)
    things: tuple[str, ...] = ("cat", "dog")
    weights_sha256: str = DIGEST
    side: int = 32

    @property
    def network(self) -> Any:
        return SimpleNamespace(config=SimpleNamespace(size=self.side))

    def images(self, images: Sequence[Image.Image]) -> list[Sight]:
        self.seen += images
        return [Sight((CAT,) * self.cats.pop(0), "") for _ in images]


@dataclass
class Fits:
    """An encoder that finds pictures the better, the nearer to the end they come in the list."""

    cosines: list[float]
    weights_sha256: str = "b" * 64
    size: int = 32

    def alignment(self, pictures: torch.Tensor, prompts: Sequence[str]) -> torch.Tensor:
        return torch.tensor([self.cosines.pop(0)])


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return Pipeline.load(str(model_folder(tmp_path_factory.mktemp("m") / "m")), device="cpu", dtype="float32")


def chosen(pipe: Pipeline, request: Request, **how: Any) -> list[Recipe]:
    done = [p for p in choose(pipe, request, Choosing(**how)) if p.recipe is not None]
    assert [p.picture for p in done] == list(range(request.n))
    return [p.recipe for p in done if p.recipe is not None]


THREE = Request(prompt="three cats", seed=5, n=2, steps=2)


def test_it_draws_until_the_picture_is_right_and_the_recipe_draws_that_one(pipe: Pipeline) -> None:
    detector: Any = Scripted([1, 2, 3, 3])
    first, second = chosen(pipe, THREE, detector=detector, tries=4)
    assert [r.request.seed for r in (first, second)] == [seed_of_try(THREE, 0, 2), 6] == [9, 6]
    assert first.evaluations == 4  # two steps with guidance
    told = Checked(asked=("exactly 3 cat",), faults=(), tries=3, evaluations=3 * 4, detector_sha256=DIGEST)
    assert first.check == told
    assert second.check is not None
    assert (second.check.right, second.check.tries) == (True, 1)
    again = pipe.generate(first.request)
    assert again.recipes[0].pixels_sha256 == first.pixels_sha256
    assert (np.asarray(again.images[0]) == np.asarray(detector.seen[2])).all()
    assert Recipe.from_json_dict(first.to_json_dict()) == first
    assert first.to_json_dict()["check"]["right"] is True
    assert again.recipes[0].to_json_dict()["check"] is None


def test_if_none_is_right_the_least_wrong_is_kept_and_its_faults_are_told(pipe: Pipeline) -> None:
    detector: Any = Scripted([0, 1, 1])
    asked = replace(THREE, prompt="a cat and a dog", n=1)
    (recipe,) = chosen(pipe, asked, detector=detector, tries=3)
    assert recipe.request.seed == 6  # one fault instead of two, and before the third, which has as many
    assert recipe.check is not None
    assert recipe.check.faults == ("it shows 0 of dog, not 1",)
    assert recipe.check.line == "not right, 3 pictures drawn with 12 evaluations: it shows 0 of dog, not 1"


def test_best_of_draws_all_and_keeps_what_fits_best_among_the_right_ones(pipe: Pipeline) -> None:
    detector: Any = Scripted([3, 1, 3, 3])
    encoder: Any = Fits([0.1, 0.9, 0.3, 0.2])
    asked = replace(THREE, n=1)
    (recipe,) = chosen(pipe, asked, detector=detector, encoder=encoder, tries=4, all_tries=True)
    assert recipe.request.seed == 7
    assert recipe.check is not None
    assert recipe.check.tries == 4
    assert recipe.check.alignment == pytest.approx(0.3)
    encoder = Fits([0.1, 0.9, 0.3])
    (recipe,) = chosen(pipe, asked, encoder=encoder, tries=3, all_tries=True)
    assert recipe.request.seed == 6
    assert recipe.check is not None
    assert recipe.check.right is None
    assert recipe.check.line == "3 pictures drawn with 12 evaluations, fit 0.900"


def test_a_prompt_without_anything_to_check_is_drawn_once_and_says_so(pipe: Pipeline) -> None:
    detector: Any = Scripted([])
    (recipe,) = chosen(pipe, replace(THREE, prompt="freedom", n=1), detector=detector)
    assert recipe.check is not None
    assert recipe.check.line == "nothing in the prompt can be checked, 1 picture drawn with 4 evaluations"


def test_the_steps_are_those_of_the_picture_that_is_kept(pipe: Pipeline) -> None:
    detector: Any = Scripted([1, 3])
    heard = list[int]()
    steps = list(choose(pipe, replace(THREE, n=1), Choosing(detector=detector), lambda: heard.append(1)))
    assert len(heard) == 4  # two steps of two tries
    alone = list(pipe.stream(replace(THREE, n=1, seed=6)))
    assert len(steps) == len(alone) == 2
    assert all(torch.equal(a.x, b.x) for a, b in zip(steps, alone, strict=True))


def test_what_cannot_be_chosen_or_told_is_refused(pipe: Pipeline, tmp_path: Path) -> None:
    detector: Any = Scripted([])
    encoder: Any = Fits([])
    for how in ({}, {"detector": detector, "tries": 0}, {"encoder": encoder}):
        with pytest.raises(InvalidOption):
            Choosing(**how)
    large: Any = Scripted([], side=64)
    with pytest.raises(InvalidOption, match="the detector looks at 64x64"):
        choose(pipe, THREE, Choosing(detector=large))
    with pytest.raises(InvalidOption, match="leave out batching fast"):
        choose(pipe, replace(THREE, batching="fast"), Choosing(detector=detector))
    with pytest.raises(InvalidOption, match="did you mean"):
        choose(pipe, replace(THREE, style="flatt"), Choosing(detector=detector))
    with pytest.raises(InvalidOption, match="nothing was asked"):
        Checked(asked=(), faults=("x",), tries=1)
    for data, words in (
        ({"asked": [], "faults": [], "tries": 0}, "tries"),
        ([], "must be a JSON object"),
        ({"asked": ["a"], "faults": ["b"], "tries": 1, "right": True}, "says right is"),
        ({"asked": [], "tries": 1}, "faults"),
    ):
        with pytest.raises(InvalidOption, match=words):
            Checked.from_json_dict(data)
    (recipe,) = chosen(pipe, replace(THREE, n=1), detector=Scripted([3]))
    with pytest.raises(InvalidOption, match="needs a Checked"):
        replace(recipe, check="x")


def test_the_variations_of_a_picture_move_with_its_tries(pipe: Pipeline) -> None:
    asked = replace(THREE, vary=((0.3, 6),), n=2)
    kept = chosen(pipe, asked, encoder=Fits([0.1, 0.2, 0.2, 0.1]), tries=2, all_tries=True)
    assert [(one.request.seed, one.request.vary) for one in kept] == [(7, ((0.3, 8),)), (6, ((0.3, 7),))]
    plain = pipe.generate(asked)
    once = chosen(pipe, asked, encoder=Fits([0.1, 0.1]), tries=1, all_tries=True)
    assert [one.pixels_sha256 for one in once] == [one.pixels_sha256 for one in plain.recipes]
