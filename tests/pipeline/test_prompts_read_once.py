"""The pictures of a request share what their prompts become: keys and values of every block."""

from typing import Any

import pytest

from mezzotint import Pipeline
from mezzotint.families.pixel_dit import PixelDiT


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each preparation of a prompt had."""
    rows: list[int] = []
    plain = PixelDiT.prepare

    def counted(self: PixelDiT, cond: Any) -> Any:
        rows.append(len(cond))
        return plain(self, cond)

    monkeypatch.setattr(PixelDiT, "prepare", counted)
    return rows


def test_both_branches_are_prepared_once_for_all_pictures_and_steps(pipe: Pipeline, prepared: list[int]) -> None:
    many = pipe.generate("a red apple", n=3, seed=7, steps=3)
    assert prepared == [1, 1]
    for seed, recipe in zip((7, 8, 9), many.recipes, strict=True):
        assert pipe.generate("a red apple", seed=seed, steps=3).recipes[0].pixels_sha256 == recipe.pixels_sha256
    assert prepared == [1, 1] * 4  # nothing of one request is left for another


def test_calls_of_another_number_of_pictures_prepare_their_own(pipe: Pipeline, prepared: list[int]) -> None:
    pipe.generate("a red apple", n=17, seed=1, steps=1, batching="fast")
    assert prepared == [8, 8, 1, 1]


def test_a_prompt_at_random_is_each_pictures_own(pipe: Pipeline, prepared: list[int]) -> None:
    options: dict[str, Any] = {"steps": 3, "guidance": 8.0, "guidance_methods": ("icg",)}
    many = pipe.generate("a red apple", n=2, seed=7, **options)
    assert len(prepared) == 4
    alone = pipe.generate("a red apple", seed=8, **options)
    assert alone.recipes[0].pixels_sha256 == many.recipes[1].pixels_sha256
