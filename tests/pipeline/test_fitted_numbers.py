"""Numbers that were fitted to a solver, where a picture is drawn in parts of its grid, or holds pixels."""

from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import pytest
import torch
from PIL import Image

from mezzotint import Pipeline, Request
from mezzotint.choices import Fitted
from mezzotint.diffusion.solvers import fitted as fitted_module
from mezzotint.diffusion.solvers.fitted import Fitted2M, Numbers

TIMES = (1.0, 0.9, 0.75, 0.6, 0.4, 0.2, 0.0)
KEPT, GAINS, STRENGTHS = (0.91, 0.92, 0.93, 0.94, 0.95), (1.01, 1.02, 1.03, 1.04, 1.05), (0.1, 0.2, 0.3, 0.4)
STEERING = (-0.5, -0.4, -0.3, 0.2, 0.1, -0.7)
WHITE = Image.new("RGBA", (32, 32), "white")


@pytest.fixture
def fitted(pipe: Pipeline) -> Pipeline:
    """A pipeline whose model has numbers of fitted-2m for six steps."""

    def said(values: tuple[float, ...]) -> str:
        return "+".join(map(str, values))

    numbers = {"gains": GAINS, "kept": KEPT, "steering": STEERING, "strengths": STRENGTHS, "times": TIMES}
    spec = f"fitted-2m:{','.join(f'{name}={said(values)}' for name, values in numbers.items())}"
    grids = {("fitted-2m", 6, 2.0): Fitted(TIMES, spec)}
    return Pipeline(replace(pipe.model, grids=MappingProxyType(grids)))


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, Numbers]]:
    """sigma of every step that fitted-2m takes, and the numbers that it takes it with."""
    found: list[tuple[float, Numbers]] = []
    step = fitted_module.fitted_step

    def noted(x: Any, high: Any, low: Any, now: Any, before: Any, numbers: Numbers, aside: Any) -> Any:
        found.append((float(high.sigma), numbers))
        assert (aside is None) == (numbers.steering == 0)
        return step(x, high, low, now, before, numbers, aside)

    monkeypatch.setattr(fitted_module, "fitted_step", noted)
    return found


ASKED = Request(prompt="a cat", solver="fitted-2m", steps=6, guidance=2)


def check(taken: list[tuple[float, Numbers]], places: list[int]) -> None:
    """Every step has the numbers of its own times, and those of a memory where there is one."""
    assert [sigma for sigma, _ in taken] == pytest.approx([TIMES[k] for k in places])
    for (_, numbers), k, before in zip(taken, places, [None, *places[:-1]], strict=True):
        assert (numbers.kept, numbers.gain, numbers.steering) == (KEPT[k], GAINS[k], STEERING[k])
        assert numbers.strength == (STRENGTHS[k - 1] if before == k - 1 else None)


@pytest.mark.parametrize(
    ("options", "places"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"image": WHITE, "strength": 0.5}, [3, 4]),
        ({"hires": True, "size": (64, 64), "hires_strength": 0.5}, [0, 1, 2, 3, 4, 3, 4]),
        ({"stop": 0.5}, [0, 1]),
    ],
)
def test_the_steps_of_a_part_have_their_own_numbers(
    fitted: Pipeline, taken: list[tuple[float, Numbers]], options: dict[str, Any], places: list[int]
) -> None:
    (recipe,) = fitted.generate(ASKED, **options).recipes
    check(taken, places)
    assert recipe.ignored == ()
    assert recipe.request.grid == TIMES


def test_what_is_held_stays_at_its_noise(fitted: Pipeline, taken: list[tuple[float, Numbers]]) -> None:
    mask = Image.new("L", (32, 32), 0)
    mask.paste(255, (0, 0, 16, 32))
    usual = fitted.generate(ASKED, image=WHITE, mask=mask).recipes[0]
    assert usual.request.solver == "fitted-2m"  # what was fitted with numbers is left
    assert usual.request.grid == fitted.model.defaults.grid
    taken.clear()
    (named,) = fitted.generate(replace(ASKED, grid="fitted"), image=WHITE, mask=mask).recipes
    assert taken
    assert {(numbers.kept, numbers.gain, numbers.steering) for _, numbers in taken} == {(1.0, 1.0, 0.0)}
    assert any("are for one prompt all over a picture, none of which is held" in item for item in named.ignored)
    lawful = replace(ASKED, solver="fitted-2m:strengths=0.3+0.3+0.3+0.3")
    assert fitted.solver(fitted.resolve(replace(lawful, image="0" * 64, mask="0" * 64))) == Fitted2M((0.3,) * 4)


def test_the_words_of_parts_are_not_steered_by_those_of_the_whole(fitted: Pipeline) -> None:
    for options in ({"region": [((0, 0, 0.5, 1), "a dog")]}, {"blend": [("a dog", 0.5)]}):
        usual = fitted.resolve(replace(ASKED, **options))
        assert (usual.solver, usual.grid) == ("fitted-2m", fitted.model.defaults.grid)
        named = fitted.resolve(replace(ASKED, grid="fitted", **options))
        assert fitted.solver(named) == Fitted2M()
        assert any("are for one prompt all over" in item for item in fitted.ignored(named))


def test_times_of_the_grid_and_of_the_numbers_are_the_same(fitted: Pipeline) -> None:
    request = fitted.resolve(ASKED)
    solver = fitted.solver(request)
    assert isinstance(solver, Fitted2M)
    clock = torch.tensor(TIMES, dtype=torch.float64)
    assert [solver.place(float(t), float(s), 9) for t, s in pairwise(clock)] == [0, 1, 2, 3, 4, 5]
