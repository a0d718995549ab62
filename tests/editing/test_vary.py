"""Variations: nothing at 0, the other seed's picture at 1, and in between noise with the law of noise."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from mezzotint import Pipeline, Request
from mezzotint.diffusion.noise import PhiloxNoise, Purpose
from mezzotint.editing import Vary, nearest_seed
from mezzotint.editing.vary import Mixed
from mezzotint.errors import InvalidOption
from tests.support import SMALL, model_folder

SHAPE = (2, 4, 1, 64, 64)
SHARES = (0.0, 0.1, 0.3, 0.5, 0.8, 1.0)


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=16, patch=4))
    return Pipeline.load(str(folder), device="cpu", dtype="float32")


def digests(pipe: Pipeline, **options: Any) -> list[str]:
    return [recipe.pixels_sha256 for recipe in pipe.generate("a cat", **options).recipes]


@pytest.mark.parametrize("purpose", [Purpose.START, Purpose.STEP, Purpose.CODEC, Purpose.RENOISE])
def test_mixed_normals_are_standard_and_leave_their_seed_on_a_quarter_circle(purpose: Purpose) -> None:
    own, other = PhiloxNoise([5, 6]), PhiloxNoise([50, 51])
    a, b = (noise.normal(SHAPE, purpose, 3) for noise in (own, other))
    for share in SHARES[1:-1]:
        found = Vary(((share, 45),)).noise(own).normal(SHAPE, purpose, 3)
        angle = share * math.pi / 2
        torch.testing.assert_close(found, math.cos(angle) * a + math.sin(angle) * b)
        assert float(found.var()) == pytest.approx(1, abs=0.03)
        assert float((found * a).mean()) == pytest.approx(math.cos(angle), abs=0.03)
        assert float((found - a).square().mean()) == pytest.approx(2 - 2 * math.cos(angle), abs=0.05)


def test_a_mixed_brownian_path_is_one() -> None:
    mixed = Vary(((0.4, 45),)).noise(PhiloxNoise([5, 6]))
    whole, first, second = (mixed.brownian(SHAPE, t, s) for t, s in ((-1.0, 3.0), (-1.0, 0.5), (0.5, 3.0)))
    torch.testing.assert_close(first + second, whole, atol=1e-5, rtol=0)
    own, other = (PhiloxNoise(seeds).brownian(SHAPE, -1.0, 3.0) for seeds in ([5, 6], [50, 51]))
    torch.testing.assert_close(whole, math.cos(0.2 * math.pi) * own + math.sin(0.2 * math.pi) * other)
    assert float(whole.var()) == pytest.approx(4, rel=0.03)
    assert float((first * second).mean()) == pytest.approx(0, abs=0.05)


def test_the_ends_are_the_seeds_themselves_and_variations_vary_again() -> None:
    own = PhiloxNoise([5, 2**64 - 1])
    assert Vary(((0.0, 45),)).noise(own) is own
    assert Vary(((1.0, 45),)).noise(own) == PhiloxNoise([50, 44])
    once = Vary(((0.3, 45),)).noise(own)
    twice = Vary(((0.3, 45), (0.6, 9))).noise(own)
    assert twice == Mixed(once, PhiloxNoise([14, 8]), 0.6)
    assert float(twice.normal(SHAPE, Purpose.START, 0).var()) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(
    "options",
    [{}, {"solver": "ddim:eta=1"}, {"solver": "dpmpp-2m-sde"}, {"grid": "repaint:length=1,times=2"},
     {"guidance_methods": ["icg"]}, {"batching": "fast"}],
)  # fmt: skip
def test_0_is_the_same_picture_and_1_the_other_seeds(pipe: Pipeline, options: dict[str, Any]) -> None:
    own, other = digests(pipe, seed=5, n=2, **options), digests(pipe, seed=90, n=2, **options)
    assert digests(pipe, seed=5, n=2, vary=[(0, 90)], **options) == own
    assert digests(pipe, seed=5, n=2, vary=[(1, 90)], **options) == other
    between = digests(pipe, seed=5, n=2, vary=[(0.5, 90)], **options)
    assert not {*between} & {*own, *other}
    if "batching" not in options:
        assert digests(pipe, seed=6, vary=[(0.5, 91)], **options) == between[1:]


def test_a_larger_share_goes_further(pipe: Pipeline) -> None:
    pictures = [np.asarray(pipe.generate("a cat", seed=5, vary=[(share, 90)]).images[0], float) for share in SHARES]
    away = [float(np.square(picture - pictures[0]).mean()) for picture in pictures]
    left = [float(np.square(picture - pictures[-1]).mean()) for picture in pictures]
    assert away == sorted(away)
    assert left == sorted(left, reverse=True)
    assert away[0] == left[-1] == 0


def test_words_and_seeds_that_are_not_given() -> None:
    assert Request(prompt="", seed=7, vary="subtle").vary == ((0.2, 7 + 2**32),)
    asked = Request(prompt="", seed=7, n=3, vary=["strong", (0.25, 2**64 - 1), 1])
    assert asked.vary == ((0.5, 7 + 2**32), (0.25, 2**64 - 1), (1.0, 7 + 3 * 2**32))
    assert asked.picture(2).vary == ((0.5, 9 + 2**32), (0.25, 1), (1.0, 9 + 3 * 2**32))
    assert Request.from_json_dict(asked.to_json_dict()) == asked


def test_what_cannot_be_mixed_is_the_nearer_seeds() -> None:
    assert nearest_seed(5, ()) == nearest_seed(5, [(0.49, 9)]) == 5
    assert nearest_seed(5, [(0.5, 9), (0.2, 7)]) == 9


@pytest.mark.parametrize(
    ("vary", "words"),
    [
        ("much", r"vary is 'much'; it must be subtle, strong or a share from 0 to 1"),
        ([("much", None)], r"vary is 'much'; it must be subtle"),
        (1.5, r"the share in vary is 1\.5; it must be a number from 0 to 1\."),
        ([(0.5, -1)], r"the seed in vary is -1; it must be a whole number from 0"),
        ([(0.5, 1, 2)], r"vary is \[\(0\.5, 1, 2\)\]; it must be"),
        ([0.1] * 17, r"a list of at most 16"),
        ([(0.5, 0)], r"vary has the seed 0, which the picture has already; give it another one\."),
        ([(0.5, 3), (0.2, 3)], r"vary has the seed 3, which the picture has already"),
    ],
)
def test_what_is_no_variation_is_refused_in_one_sentence(vary: Any, words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        Request(prompt="a cat", vary=vary)
