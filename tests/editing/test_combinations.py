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
    "detail": {"detail": [[(0.0, 0.0, 0.5, 0.75), "a hat"]]},
    "keep layout": {"source_prompt": "a fox", "keep_layout": 0.5},
}
MASKS: Mapping[str, Mapping[str, Any]] = {
    "soft mask": {"mask": mask(value=128), "soft_mask": True},
    "region mask": {"region_masks": [(mask(10, 200), "a bus")]},
    "crop": {"crop_to_mask": True, "crop_padding": 2},
}
"""Edits that are drawn together beside each of the others."""
WHOLE = ("tile", "detail")
"""What is about all of a picture, and refused where a part is drawn by itself (tests/editing/test_crop.py)."""
TOGETHER: tuple[tuple[str, ...], ...] = (
    *combinations(EDITS, 2),
    *((name, *(mask for mask in MASKS if mask != "crop" or name not in WHOLE)) for name in EDITS),
)


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
    regions = [box for name in names for box in EDITS.get(name, {}).get("region", ())]
    for name in names:
        options |= {**EDITS, **MASKS}[name]
    if regions:
        options["region"] = regions
    size = options.get("size", (SIDE, SIDE))
    if "crop" in names:
        size = (SIDE + 9, SIDE + 5)
        options |= {"mask": mask(), **options}
    if {"invert", "mask", "soft mask", "crop"} & {*names}:
        options["image"] = source().resize(size)
    if "mask" in options:
        options["mask"] = options["mask"].resize(size)
    if {"crop", "region mask"} <= {*names}:
        options["region_masks"] = [(one.resize(size), text) for one, text in options["region_masks"]]
    if {"crop", "small region"} <= {*names}:
        options["region"] = [((0.3, 0.0, 1.0, 1.0), text) for _, text in options["region"]]
    return options


@pytest.mark.parametrize("names", TOGETHER, ids=" ".join)
def test_edits_at_once(pipe: Pipeline, folders: tuple[Path, Path], names: tuple[str, ...]) -> None:
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
            if "crop" in names:  # what is scaled is scaled premultiplied, so that clear pixels have hardly a colour
                one, other = one.convert("RGBa"), other.convert("RGBa")
            assert np.abs(np.asarray(one, dtype=float) - np.asarray(other, dtype=float)).max() <= 2
        drawn.append(np.asarray(both.images[0]))
    assert not np.array_equal(drawn[0], drawn[1])  # the weak model has a say


def test_a_picture_a_mask_regions_and_a_tile_at_once(pipe: Pipeline) -> None:
    parts: dict[str, dict[str, Any]] = {
        "strength": {"strength": 0.3},
        "region": {"region": [[(0.0, 0.0, 1.0, 0.75), "a hat"]]},
        "region mask": {"region_masks": [(mask(6, 200), "a bus")]},
        "tile": {"tile": "x"},
        "windows": {"size": WIDE},
        "soft": {"soft_mask": True},
    }
    base: dict[str, Any] = {"image": source().resize(WIDE), "mask": mask(4, 150).resize(WIDE), "steps": 10}
    everything = {name: value for part in parts.values() for name, value in part.items()}
    whole = pipe.generate("a cat", seed=5, n=2, **base, **everything)
    alone = pipe.generate("a cat", seed=6, **base, **everything).recipes[0]
    assert whole.recipes[1].pixels_sha256 == alone.pixels_sha256
    assert not whole.ignored
    black = np.asarray(base["mask"]) == 0
    assert np.array_equal(np.asarray(whole.images[0])[black], np.asarray(base["image"])[black])
    for name in ("strength", "region", "region mask", "tile", "soft"):
        left = {key: value for key, value in everything.items() if key not in parts[name]}
        without = pipe.generate("a cat", seed=5, **base, **left).recipes[0]
        assert without.pixels_sha256 != whole.recipes[0].pixels_sha256, name


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
