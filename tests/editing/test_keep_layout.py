"""Kept layouts: the attention of a second drawing, beside and in step with the first."""

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mezzotint import Pipeline, Request
from mezzotint.diffusion.analytic import Gaussian
from mezzotint.diffusion.noise import PhiloxNoise, Purpose
from mezzotint.diffusion.probe import AttentionSite, Probe
from mezzotint.diffusion.schedule import RectifiedFlow
from mezzotint.editing.keep_layout import KeepLayout, with_layout
from mezzotint.errors import InvalidOption
from tests.support import SMALL, model_folder

SIDE = 16
TIMES = (1.0, 0.8, 0.5, 0.2, 0.0)
OURS: dict[str, Any] = {"seed": 5, "source_prompt": "a dog"}


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=SIDE, patch=4))
    return Pipeline.load(str(folder), device="cpu", dtype="float32")


def picture(seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 4), dtype=np.uint8), "RGBA")


def pixels(pipe: Pipeline, prompt: str, **options: Any) -> str:
    return pipe.generate(prompt, **options).recipes[0].pixels_sha256


# ---- the attention


@pytest.mark.parametrize("queries", [7, 4])
def test_weights_among_image_tokens_are_the_others_and_the_rest_is_shared_out_as_before(queries: int) -> None:
    """Row by row, in plain Python. Keys 1 to 4 are image tokens, before and after them are others."""
    site, generator = AttentionSite(0, 2, slice(1, 5), slice(5, 8)), torch.Generator().manual_seed(1)
    weights = torch.randn(2, 2, queries, 8, generator=generator).softmax(-1)
    kept = torch.randn(2, 2, 4, 10, generator=generator).softmax(-1)  # a longer prompt
    found, first = with_layout(site, weights, kept), 1 if queries == 7 else 0
    for batch, head, row in np.ndindex(2, 2, 4):
        own, other = weights[batch, head, first + row].tolist(), kept[batch, head, row].tolist()
        ratio = (1 - math.fsum(other[1:5])) / (1 - math.fsum(own[1:5]))
        wanted = [own[0] * ratio, *other[1:5], *(value * ratio for value in own[5:])]
        assert found[batch, head, first + row].tolist() == pytest.approx(wanted, abs=1e-6)
        assert math.fsum(found[batch, head, first + row].tolist()) == pytest.approx(1, abs=1e-6)
    others = [row for row in range(queries) if not first <= row < first + 4]
    assert torch.equal(found[:, :, others], weights[:, :, others])
    assert torch.equal(with_layout(site, weights, weights[:, :, first : first + 4]), weights)


# ---- the drawing


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_it_is_two_euler_drawings_of_which_one_hands_its_attention_over(pipe: Pipeline, share: float) -> None:
    """Against a loop of its own, in which both are at the same step; DDIM on rectified flow is Euler's method."""
    leaf = pipe.model.denoiser
    told = {name: pipe.model.prepare([name], [None]) for name in ("a cat", "a dog")}
    with torch.inference_mode():
        start = PhiloxNoise([5]).normal((1, 4, 1, SIDE, SIDE), Purpose.START, 0)
        x, beside = start.clone(), start.clone()
        for step, (t, s) in enumerate(pairwise(TIMES)):
            seen: dict[int, torch.Tensor] = {}

            def look(site: AttentionSite, weights: torch.Tensor, seen: Any = seen) -> torch.Tensor:
                seen[site.block] = weights[:, :, site.image].clone()
                return weights

            def use(site: AttentionSite, weights: torch.Tensor, seen: Any = seen) -> torch.Tensor:
                new, here, there = weights.clone(), weights[:, :, site.image], seen[site.block]
                rest, rest_there = here.clone(), there.clone()
                rest[..., site.image] = rest_there[..., site.image] = 0
                new[:, :, site.image] = rest * (rest_there.sum(-1) / rest.sum(-1))[..., None]
                new[:, :, site.image, site.image] = there[..., site.image]
                return new

            at = torch.tensor(t, dtype=torch.float64)
            other = leaf(beside, at, {"cond": told["a dog"]}, probe=Probe(attention=look)).x0
            probe = Probe(attention=use) if step < share * 4 else None
            own = leaf(x, at, {"cond": told["a cat"]}, probe=probe).x0
            beside = beside + (s - t) / t * (beside - other) if s else other
            x = x + (s - t) / t * (x - own) if s else own
    *_, last = pipe.stream("a cat", **OURS, guidance=1, solver="ddim", grid=TIMES, keep_layout=share)
    torch.testing.assert_close(last.x, x[0], atol=2e-5, rtol=1e-4)
    *_, plain = pipe.stream("a cat", seed=5, guidance=1, solver="ddim", grid=TIMES)
    assert (last.x - plain.x).abs().max() > 1e-2


def test_none_is_off_to_the_bit_and_what_it_costs_is_counted(pipe: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    network = type(pipe.model.denoiser.network)
    forward = network.forward

    def counted(self: Any, x: Any, *rest: Any, **more: Any) -> Any:
        rows.append(len(x))
        return forward(self, x, *rest, **more)

    monkeypatch.setattr(network, "forward", counted)
    off, half, all_ = (pipe.generate("a cat", **OURS, keep_layout=share).recipes[0] for share in (0, 0.5, 1))
    assert (off.evaluations, half.evaluations, all_.evaluations) == (8, 12, 16)
    assert sum(rows) == 36
    assert off.pixels_sha256 == pixels(pipe, "a cat", seed=5)
    assert off.ignored == ("source_prompt: nothing reads it at keep_layout 0",)
    assert half.ignored == all_.ignored == ()
    assert len({one.pixels_sha256 for one in (off, half, all_)}) == 3


SAME: tuple[dict[str, Any], ...] = (
    {"keep_layout": 0.5},
    {"guidance": 1},
    {"solver": "heun"},
    {"solver": "ddim", "eta": 1},
    {"solver": "dpmpp-sde"},
    {"guidance_methods": ["apg", "pag:scale=2"]},
    {"negative": "a hat", "n": 2, "batching": "fast"},
    {"grid": "restart"},
    {"also": [["a hat", 0.7]], "vary": 0.3},
    {"style": "noto", "size": (24, 16), "tile": "x"},
    {"region": [[(0.0, 0.0, 0.5, 1.0), "a hat"]]},
    {"prompt": "[a cat:a dog:0.5]"},
    {"prompt": "[a cat:a dog:0.5]", "image": picture(), "strength": 0.5},
)


@pytest.mark.parametrize("options", SAME, ids=", ".join)
def test_with_the_same_prompt_it_is_the_sources_own_drawing(pipe: Pipeline, options: dict[str, Any]) -> None:
    asked = {"prompt": "a cat", "seed": 5, **options}
    prompt, share = asked.pop("prompt"), asked.pop("keep_layout", 1)
    own, kept = pipe.generate(prompt, **asked), pipe.generate(prompt, **asked, source_prompt=prompt, keep_layout=share)
    assert [one.pixels_sha256 for one in own.recipes] == [one.pixels_sha256 for one in kept.recipes]
    assert kept.recipes[0].evaluations > own.recipes[0].evaluations


def test_an_inverted_picture_is_followed_back_without_guidance(pipe: Pipeline) -> None:
    """The source beside an edit with guidance goes through the very x_t of the reconstruction."""
    options: dict[str, Any] = {"image": picture(), "invert": True, "source_prompt": "a dog", "seed": 5}
    back = list(pipe.stream("a dog", guidance=1, **options))
    kept = list(pipe.stream("a cat", guidance=3, keep_layout=1, **options))
    for one, other in zip(back, kept, strict=True):
        assert one.step.prediction is not None
        assert other.step.prediction is not None
        beside = other.step.prediction.branches["source"]
        torch.testing.assert_close(beside.x_t, one.step.prediction.x_t, atol=1e-5, rtol=0)
    same = pixels(pipe, "a dog", guidance=1, keep_layout=1, **options)
    assert same == pixels(pipe, "a dog", guidance=1, **options)


@pytest.mark.parametrize(
    "more",
    [
        {"style_ref": picture(1)},
        {"structure_ref": picture(2), "structure": "edges"},
        {"image": picture(), "mask": Image.linear_gradient("L").resize((SIDE, SIDE))},
        {"blend": ["a fox"]},
        {"size": (24, 16)},
    ],
    ids=", ".join,
)
def test_it_counts_beside_other_edits_and_its_recipe_draws_it_again(pipe: Pipeline, more: dict[str, Any]) -> None:
    kept = pipe.generate("a cat", **OURS, keep_layout=0.5, **more).recipes[0]
    assert kept.pixels_sha256 != pixels(pipe, "a cat", seed=5, **more)
    given = {name: one for name, one in more.items() if isinstance(one, Image.Image)}
    again = Request.from_json_dict(kept.request.to_json_dict())
    assert pipe.generate(again, **given).recipes[0].pixels_sha256 == kept.pixels_sha256


# ---- what is refused


def test_a_network_without_attention_is_refused_by_name() -> None:
    with pytest.raises(InvalidOption, match=r"^keep_layout needs a network with attention blocks, and this model has"):
        KeepLayout(0.5).wrap(Gaussian(RectifiedFlow()))
    oracle = Gaussian(RectifiedFlow())
    assert KeepLayout(0.0).wrap(oracle) is oracle


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"keep_layout": 1.5}, r"keep_layout is 1\.5; it must be a number from 0 to 1\."),
        ({"keep_layout": "much"}, r"keep_layout is 'much'; it must be a number from 0 to 1\."),
        ({"keep_layout": 0.5, "solver": "dopri5"}, "draws two pictures in step, and dopri5 chooses its steps"),
        (
            {"keep_layout": 0.5, "prompt": "", "region": [[(0.0, 0.0, 1.0, 1.0), "a hat"]]},
            "is for what the prompt draws, and there are only regions",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused_in_one_sentence(pipe: Pipeline, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        pipe.stream(**{"prompt": "a cat", **OURS, **options})
