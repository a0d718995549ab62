"""A second reader's scores against counts by hand, its ceiling against the words of scenes, and its way to the page."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mezzotint.data.scenes import Scenes
from mezzotint.evaluation import yardstick as yardsticks
from mezzotint.evaluation.bootstrap import interval
from mezzotint.evaluation.detector import load_detector
from mezzotint.evaluation.iconeval.prompts import IconPrompt, Wanted
from mezzotint.evaluation.iconeval.reading import Witness, reading_of, witness_of
from mezzotint.evaluation.iconeval.validate import UNSEEN
from mezzotint.evaluation.reader import Line, Reader
from mezzotint.evaluation.report import report
from mezzotint.evaluation.suite import evaluate
from mezzotint.evaluation.yardstick import Plan, Tools, yardstick
from mezzotint.pipeline import Pipeline
from mezzotint.request import Request
from tests.data.scenes.toy import fonts, pictures
from tests.detectors import packed_detector, trained_detector
from tests.support import SMALL, model_folder

STOP, EGG = (IconPrompt("spelling", f"a sign {word}", word=word) for word in ("STOP", "egg"))


def test_scores_are_means_over_prompts_and_case_counts_only_where_it_is_said() -> None:
    read = [(STOP, "STOP"), (STOP, "Stop"), (STOP, "SOP"), (STOP, ""), (EGG, "egg"), (EGG, "Egg")]
    one = reading_of(read, Witness("fake", "1", 0.9))
    assert one.score == pytest.approx((1 / 4 + 1 / 2) / 2)
    assert (one.score, one.low, one.high) == interval({"a": [1, 0, 0, 0], "b": [1, 0]})
    assert one.ignoring_case == pytest.approx((2 / 4 + 1) / 2)
    assert one.errors == pytest.approx(((0 + 3 / 4 + 1 / 4 + 1) / 4 + (0 + 1 / 3) / 2) / 2)
    assert one.to_json_dict() == {
        "name": "fake", "version": "1", "score": one.score, "low": one.low, "high": one.high,
        "score_ignoring_case": one.ignoring_case, "character_error_rate": one.errors, "ceiling": 0.9,
    }  # fmt: skip


def test_the_ceiling_is_the_share_of_real_composites_that_are_read_right() -> None:
    scenes = Scenes(pictures(), fonts(), seed=9, split="heldout")
    lettered = [n for n in range(UNSEEN, UNSEEN + 400) if scenes.plan(n).kind == "lettering"][:20]
    given: list[Image.Image] = []

    def every_fourth_wrong(image: Image.Image) -> list[Line]:
        composed = scenes.at(lettered[len(given)])
        given.append(image)
        assert composed.scene.lettering is not None
        clear = 255 - composed.picture[..., 3:]
        shown = Image.fromarray(composed.picture[..., :3] + clear).resize((256, 256), Image.Resampling.LANCZOS)
        apart = np.abs(np.asarray(image).astype(int) - np.asarray(shown))
        assert apart.mean() < 1  # coverage is stretched by 3 % a side
        wrong = len(given) % 4 == 0
        return [Line("x" if wrong else composed.scene.lettering.text, (0, 0, 9, 9))]

    reader = Reader("fake", "1", every_fourth_wrong)
    assert witness_of(reader, scenes, 20) == Witness("fake", "1", 0.75)
    assert len(given) == 20
    assert witness_of(reader, None) == Witness("fake", "1", None)


@contextmanager
def unwatched(what: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, of: None


def test_what_a_reader_says_goes_the_whole_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("STOP", "stop", "egg")
    asked = (
        IconPrompt("single", "a cat", (Wanted("cat"),)),
        IconPrompt("single", "a dog", (Wanted("dog"),)),
        *(IconPrompt("spelling", f"a sign {word}", word=word) for word in words),
    )
    monkeypatch.setattr(yardsticks, "load_prompts", lambda: asked)
    calls: list[Image.Image] = []

    def always(image: Image.Image) -> list[Line]:
        calls.append(image)
        return [Line("STOP", (0, 0, 9, 9))]

    tools = Tools(
        detector=load_detector(packed_detector(trained_detector(tmp_path / "eye"), tmp_path / "packed")),
        reader=Reader("fake", "1.2", always),
        pictures=pictures(),
        fonts=fonts(),
    )
    pipe = Pipeline.load(str(model_folder(tmp_path / "model", replace(SMALL, size=64, patch=16))))
    plan = Plan(request=Request(prompt="", steps=1, batching="fast"), seeds=2, composites=40, lettered=30)
    found = evaluate(pipe, tools, plan, yardstick(tools, plan), unwatched)
    assert len(calls) == 30 + 3 * 2 + 3  # composites, the model's pictures, the pasted ones; of words alone

    plain = json.loads(json.dumps(found.to_json_dict()))
    scenes = Scenes(pictures(), fonts(), split="heldout")
    texts = [s.lettering.text for n in range(400) if (s := scenes.plan(UNSEEN + n)).lettering is not None][:30]
    for scores in (plain["iconeval"], plain["baselines"]["paste"]):
        one = scores["spelling"]["reader"]
        assert (one["name"], one["version"]) == ("fake", "1.2")
        assert (one["score"], one["score_ignoring_case"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
        assert one["character_error_rate"] == pytest.approx((0 + 4 / 4 + 4 / 3) / 3)
        assert one["ceiling"] == texts.count("STOP") / 30
        assert "reader" not in scores["single"]
    assert plain["settings"]["lettered"] == 30
    page = report(found, {}, None, tools.pictures)
    assert "read by fake 1.2, a program that is not ours: 33.3 % (0.0 % to 100.0 %), 66.7 % where" in page
    assert "; paste 33.3 %; character error rate 0.778." in page

    blind = replace(tools, reader=None)
    alone = evaluate(pipe, blind, plan, yardstick(blind, plan), unwatched)
    assert any(what.startswith("spelling by a second reader") for what in alone.left_out)
    assert not any(what.startswith("spelling by a second reader") for what in found.left_out)
    assert "reader" not in alone.to_json_dict()["iconeval"]["spelling"]
    # the verdicts are the detector's: with and without a reader they are the same
    assert alone.iconeval is not None
    assert found.iconeval is not None
    assert [one.verdict for one in alone.iconeval.judged] == [one.verdict for one in found.iconeval.judged]
