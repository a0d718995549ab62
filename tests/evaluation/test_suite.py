"""A whole evaluation, every part of it on small things, and what is refused before anything is drawn."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mezzotint import Pipeline
from mezzotint.data.manifest import Record, digest
from mezzotint.data.pixels import fit
from mezzotint.data.sources import PictureSet
from mezzotint.errors import InvalidOption
from mezzotint.evaluation import yardstick as yardsticks
from mezzotint.evaluation.detector import load_detector
from mezzotint.evaluation.distances import frechet
from mezzotint.evaluation.iconeval.prompts import IconPrompt, Wanted
from mezzotint.evaluation.published import Published
from mezzotint.evaluation.report import report
from mezzotint.evaluation.suite import Evaluation, check, evaluate
from mezzotint.evaluation.yardstick import Plan, Tools, yardstick
from mezzotint.request import Request
from tests.data.scenes.toy import fonts
from tests.data.scenes.toy import pictures as toy
from tests.detectors import packed_detector, trained_detector
from tests.support import SMALL, model_folder

PROMPTS = (
    *(IconPrompt("single", f"a {thing}", (Wanted(thing),)) for thing in ("cat", "dog")),
    *(IconPrompt("spelling", f'"{word}"', word=word) for word in ("STOP", "GO")),
)
PLAN = Plan(request=Request(prompt="", steps=1, batching="fast", seed=3), seeds=2, pictures=12, composites=40)
LOSSES = {"0.5": 1.0, "mean": 1.0}


def pictures() -> PictureSet:
    """The toy set, and 100 pictures of one colour each, most of them held out, whose caption says the colour."""
    first = toy()
    shades = np.random.Generator(np.random.Philox(3)).integers(0, 256, (100, 3), dtype=np.uint8)
    values = np.full((100, 64, 64, 4), 255, dtype=np.uint8)
    values[..., :3] = shades[:, None, None]
    records = [
        Record(f"p{i}", (",".join(map(str, shade)),), None, "heldout" if i % 5 else "train", f"c{i}", f"{i}")
        for i, shade in enumerate(shades.tolist())
    ]
    both = [*first.records, *records]
    return PictureSet(np.concatenate([first.pictures, values]), both, digest(both))


class Colours:
    """An encoder: two numbers of the middle pixel; of a prompt, the colour that it says."""

    size, width, weights_sha256 = 64, 2, "e" * 64

    def images(self, images: Sequence[Image.Image]) -> torch.Tensor:
        return self._scaled([image.getpixel((32, 32))[:2] for image in images])  # type: ignore[index]

    def pictures(self, given: torch.Tensor) -> torch.Tensor:
        return self._scaled(((given[:, :2, 0, 32, 32] + 1) * 127.5).round().tolist())

    def prompts(self, prompts: Sequence[str]) -> torch.Tensor:
        said = [text.split(",")[:2] if text.count(",") == 2 else (len(text), 9) for text in prompts]
        return self._scaled([[int(part) for part in one] for one in said])

    def _scaled(self, shades: Sequence[Any]) -> torch.Tensor:
        values = torch.tensor([list(shade) for shade in shades], dtype=torch.float32) / 127.5 - 1.001
        return values / values.norm(dim=1, keepdim=True)


def theirs(reads: bool) -> Published:
    """A network of others that sees the same two numbers."""
    eye = Colours()

    def seen(some: Sequence[Any]) -> torch.Tensor:
        return eye._scaled([picture[32, 32, :2].tolist() for picture in some])

    return Published("clip" if reads else "dinov2", 2, "f" * 64, seen, eye.prompts if reads else None)


@contextmanager
def unwatched(what: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, of: None


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=64, patch=16))
    return Pipeline.load(str(folder), device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    root = tmp_path_factory.mktemp("eye")
    encoder: Any = Colours()
    eye = load_detector(packed_detector(trained_detector(root), root / "packed"))
    return Tools(detector=eye, encoder=encoder, pictures=pictures(), fonts=fonts())


@pytest.fixture(autouse=True)
def _few_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yardsticks, "load_prompts", lambda: PROMPTS)


def measured(pipe: Pipeline, tools: Tools) -> Evaluation:
    def losses(model: object, given: PictureSet) -> Mapping[str, float]:
        assert model is pipe.model
        assert given is tools.pictures
        return LOSSES

    return evaluate(pipe, tools, PLAN, yardstick(tools, PLAN), unwatched, losses)


def test_everything_is_measured_told_shown_and_the_same_again(pipe: Pipeline, tools: Tools) -> None:
    found = measured(pipe, tools)
    plain = json.loads(json.dumps(found.to_json_dict()))
    assert plain == json.loads(json.dumps(measured(pipe, tools).to_json_dict()))
    assert [what.split(":")[0] for what in plain["left_out"]] == ["spelling by a second reader"]
    assert set(plain["baselines"]) == {"paste", "retrieval"}
    assert plain["baselines"]["retrieval"]["single"]["pictures"] == 4
    assert plain["held_out_loss"] == LOSSES
    assert plain["realism"]["pictures"] == 12
    assert plain["realism"]["memorisation"]["pairs"][0]["distance"] >= 0
    assert plain["instruments"].keys() == {"detector", "encoder", "data", "fonts"}
    assert plain["settings"]["dtype"] == "float32"
    assert plain["settings"]["prompts_a_task"] == len(PROMPTS) // 7
    assert plain["environment"]["torch"]
    page = report(found, {}, None, tools.pictures)
    assert "Beside real pictures" in page
    assert page.count("<figure") == len(PROMPTS) * 2 + 2 * 12  # prompts by seeds; pairs, drawn and training
    assert "1.0000" in page


def test_what_is_missing_is_named_with_what_it_costs(pipe: Pipeline, tools: Tools) -> None:
    bare = measured(pipe, replace(tools, encoder=None, fonts=None))
    assert bare.left_out == (
        "the detector's ceiling and floor, and the baseline that pastes: it needs the fonts",
        "the baseline that retrieves: it needs an encoder",
        "spelling by a second reader: it needs rapidocr (the extra ocr)",
        "distances, coverage, alignment and repetition: it needs an encoder",
    )
    assert bare.iconeval is not None
    assert bare.iconeval.baselines == {}
    assert bare.to_json_dict()["iconeval"]["single"]["measurable"] is None
    blind = measured(pipe, replace(tools, detector=None))
    assert blind.left_out == ("IconEval: it needs a detector",)
    assert blind.iconeval is None
    assert blind.realism is not None


def test_what_could_not_be_measured_is_refused_before_anything_is_drawn(
    pipe: Pipeline, tools: Tools, tmp_path: Path
) -> None:
    small = Pipeline.load(str(model_folder(tmp_path / "small")), device="cpu", dtype="float32")
    wide: Any = Colours()
    wide.width = 500
    for pipes, given, plan, words in (
        ([pipe], Tools(), PLAN, "no detector and no icon set"),
        ([pipe], tools, replace(PLAN, prompts=1), "at least 2 of each task"),
        ([pipe], tools, replace(PLAN, pictures=2), "needs at least 3"),
        ([pipe], replace(tools, encoder=wide), PLAN, "needs at least 501"),
        ([pipe, small], tools, PLAN, "the detector looks at 64x64"),
        ([small], replace(tools, detector=None), PLAN, "the encoder looks at 64x64"),
        ([pipe], tools, replace(PLAN, request=replace(PLAN.request, solver="heum")), "did you mean heun"),
    ):
        with pytest.raises(InvalidOption, match=words):
            check(pipes, given, plan)
    check([pipe, pipe], tools, PLAN)


def test_networks_of_others_measure_the_same_pictures(pipe: Pipeline, tools: Tools) -> None:
    both = replace(tools, published=(theirs(True), theirs(False)))
    found = measured(pipe, both)
    assert found.realism is not None
    assert both.pictures is not None
    asked, eye = found.images["asked"], Colours()
    seen = [fit(image, 64)[32, 32, :2].tolist() for image in found.images["drawn"]]
    real = [both.pictures.pictures[one.row][32, 32, :2].tolist() for one in asked]
    for name, one in found.published.items():
        assert one.drawn.frechet == pytest.approx(frechet(eye._scaled(seen), eye._scaled(real)), abs=1e-9), name
        assert one.real.frechet == pytest.approx(found.realism.real.frechet, abs=1e-6), name  # opaque, seen alike
        assert one.pictures == 12
    said = eye.prompts([one.caption for one in asked])
    clip = found.published["clip"]
    assert clip.alignment == pytest.approx(float((eye._scaled(seen) * said).sum(1).mean()), abs=1e-6)
    assert clip.alignment_real == pytest.approx(found.realism.alignment_real, abs=1e-6)
    assert found.published["dinov2"].alignment is None
    plain = json.loads(json.dumps(found.to_json_dict()))
    assert plain["published"]["clip"]["weights_sha256"] == "f" * 64
    page = report(found, {}, None, both.pictures)
    assert "In the features of published networks" in page
    assert "dinov2, training pictures" in page
    alone = replace(both, encoder=None, detector=None)
    only = evaluate(pipe, alone, PLAN, yardstick(alone, PLAN), unwatched)
    assert only.realism is None
    assert only.published == found.published
    with pytest.raises(InvalidOption, match=r"at the width 99 of dinov2 needs at least 100"):
        check([pipe], replace(tools, published=(replace(theirs(False), width=99),)), PLAN)
    with pytest.raises(InvalidOption, match="Published networks compare with the icon set"):
        check([pipe], replace(tools, pictures=None, published=(theirs(False),)), PLAN)
