"""Every edit with every other: all go together, and a picture does not depend on those drawn with it."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mezzotint import Pipeline
from tests.editing.test_edits import mask, source
from tests.support import SMALL, model_folder

SIDE = 16
WIDE = (24, 16)
EDITS: Mapping[str, Mapping[str, Any]] = {
    "blend": {"blend": ["a dog"]},
    "region": {"region": [[(0.0, 0.0, 1.0, 1.0), "a hat"]]},
    "small region": {"region": [[(0.0, 0.0, 0.5, 0.5), "[a hat:a bus:0.5]"]]},
    "windows": {"size": WIDE},
    "tile": {"tile": "x"},
    "style": {"style_ref": source(1)},
    "invert": {"invert": True},
    "vary": {"vary": 0.5},
    "switch": {"prompt": "[a cat:a dog:0.5]"},
    "mask": {"mask": mask()},
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root, config = tmp_path_factory.mktemp("m"), replace(SMALL, size=SIDE, patch=4)
    return model_folder(root / "m", config), model_folder(root / "weak", config, seed=1)


@pytest.fixture(scope="module")
def pipe(folders: tuple[Path, Path]) -> Pipeline:
    return Pipeline.load(str(folders[0]), device="cpu", dtype="float32")


def asked(names: tuple[str, ...]) -> dict[str, Any]:
    """The options of several edits, with the picture they are about where one needs it."""
    options: dict[str, Any] = {"prompt": "a cat", "steps": 2, "seed": 5}
    regions = [box for name in names for box in EDITS[name].get("region", ())]
    for name in names:
        options |= EDITS[name]
    if regions:
        options["region"] = regions
    if {"invert", "mask"} & {*names}:
        options["image"] = source().resize(options.get("size", (SIDE, SIDE)))
    if "mask" in names:
        options["mask"] = mask().resize(options.get("size", (SIDE, SIDE)))
    return options


@pytest.mark.parametrize("names", [*combinations(EDITS, 2)], ids=" ".join)
def test_two_edits_at_once(pipe: Pipeline, folders: tuple[Path, Path], names: tuple[str, str]) -> None:
    options = asked(names)
    prompt = options.pop("prompt")
    weak = {"weak_model": str(folders[1]), "guidance_methods": ["autoguidance:scale=1.5"]}
    drawn = []
    for more in ({}, weak):
        both = pipe.generate(prompt, n=2, **options, **more)
        alone = pipe.generate(prompt, **{**options, "seed": 6}, **more)
        assert both.recipes[1].pixels_sha256 == alone.recipes[0].pixels_sha256
        fast = pipe.generate(prompt, n=2, batching="fast", **options, **more)
        if "invert" not in names:  # whose iteration ends with the slowest picture of a call
            assert [one.evaluations for one in fast.recipes] == [one.evaluations for one in both.recipes]
        for one, other in zip(fast.images, both.images, strict=True):
            assert np.abs(np.asarray(one, dtype=float) - np.asarray(other, dtype=float)).max() <= 2
        drawn.append(np.asarray(both.images[0]))
    assert not np.array_equal(drawn[0], drawn[1])  # the weak model has a say


def test_a_blend_in_windows_that_share_calls_is_what_it_is_in_windows_of_their_own(pipe: Pipeline) -> None:
    options: dict[str, Any] = {"blend": [("a dog", 2)], "size": WIDE, "seed": 5}
    exact, fast = (next(iter(pipe.stream("a cat", batching=how, **options))).x0 for how in ("exact", "fast"))
    torch.testing.assert_close(fast, exact, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("flag", ["--weird 3", " --weird 3 ", "()"])
def test_a_prompt_without_words_is_an_empty_one(pipe: Pipeline, flag: str) -> None:
    for more in ({"blend": ["a dog"]}, {"region": [[(0.0, 0.0, 0.5, 1.0), "a hat"]]}):
        said, empty = (pipe.generate(prompt, seed=5, **more).recipes[0] for prompt in (flag, ""))
        assert said.pixels_sha256 == empty.pixels_sha256
        assert said.evaluations == empty.evaluations


def test_beside_regions_a_blend_is_drawn_without_a_prompt_too(pipe: Pipeline) -> None:
    region = {"region": [[(0.0, 0.0, 0.5, 1.0), "a hat"]]}
    blend = pipe.generate("", seed=5, blend=["a dog"], **region).recipes[0]
    assert blend.pixels_sha256 == pipe.generate("a dog", seed=5, **region).recipes[0].pixels_sha256
    alone = pipe.generate("", seed=5, **region).recipes[0]
    assert pipe.generate("", seed=5, blend=[("a dog", 0)], **region).recipes[0].pixels_sha256 == alone.pixels_sha256
    assert blend.pixels_sha256 != alone.pixels_sha256
    also = pipe.generate("", seed=5, also=[["a dog", 1.0]], guidance=3, **region).recipes[0]
    guided = pipe.generate("", seed=5, guidance=3, **region).recipes[0]
    assert also.pixels_sha256 != guided.pixels_sha256


@pytest.mark.parametrize("when", [1, 3, 5])
@pytest.mark.parametrize("batching", ["exact", "fast"])
def test_a_small_region_reads_what_is_due_for_the_canvas(
    pipe: Pipeline, folders: tuple[Path, Path], when: int, batching: str
) -> None:
    """Its network is asked for a noisier time than the canvas is at: the words change at the canvas's step."""
    weak = {"weak_model": str(folders[1]), "guidance_methods": ["autoguidance:scale=1.5"]}
    for more in ({}, weak):
        options: dict[str, Any] = {"seed": 5, "steps": 6, "n": 2, "batching": batching, **more}
        both = [
            [p.x0 for p in pipe.stream("", region=[[(0, 0, 0.5, 0.5), text]], **options) if p.picture == 1]
            for text in ("a red apple", f"[a red apple:a green tree:{when}]")
        ]
        assert [torch.equal(*pair) for pair in zip(*both, strict=True)] == [step < when for step in range(6)]
