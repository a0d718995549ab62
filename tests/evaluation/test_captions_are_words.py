"""Captions are data: drawn from, they are words, whatever marks of the prompt language they hold."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from mezzotint.conditioning.prompt import plain_words
from mezzotint.evaluation.choosing import Choosing
from mezzotint.evaluation.iconeval.gallery import gallery
from mezzotint.evaluation.iconeval.prompts import IconPrompt
from mezzotint.evaluation.realism import Asked, drawn
from mezzotint.interfaces.samples import draw_sheet
from mezzotint.interfaces.teaching import before_and_after
from mezzotint.load import load_text
from mezzotint.recipe import Result
from mezzotint.request import Request
from mezzotint.runs.tiny import tiny
from mezzotint.training.config import DataConfig
from tests.support import random_network

NAMES = ("O button (blood type)", "{a, b} AND __c__", 'a sign that says "STOP"', "AND")


class Listening:
    """A pipeline that draws nothing, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.prompts: list[str] = []

    def generate(self, prompt: str | Request, **options: Any) -> Result:
        self.prompts.append(prompt if isinstance(prompt, str) else prompt.prompt)
        n = prompt.n if isinstance(prompt, Request) else 1
        return Result([Image.new("RGBA", (4, 4))] * n, [None] * n)  # type: ignore[list-item]

    @property
    def words(self) -> list[str | None]:
        return [plain_words(prompt) for prompt in self.prompts]


def test_held_out_captions() -> None:
    pipe = Listening()
    list(drawn(pipe, [Asked(0, name, None) for name in NAMES], Request(prompt="")))  # type: ignore[arg-type]
    assert pipe.words == list(NAMES)


def test_prompts_of_iconeval() -> None:
    pipe = Listening()
    prompts = [IconPrompt("single", name) for name in NAMES]
    list(gallery(pipe, prompts, 2, Request(prompt="")))  # type: ignore[arg-type]
    assert pipe.words == list(NAMES)


def test_words_that_are_taught() -> None:
    pipe = Listening()
    before_and_after(pipe, "file", "AND")  # type: ignore[arg-type]
    assert pipe.words[5:6] == ["a red apple"]
    assert "a AND with a hat" in pipe.words


def test_captions_on_a_sheet_of_samples(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from mezzotint import Pipeline

    heard = Listening()
    monkeypatch.setattr(Pipeline, "generate", lambda self, prompt, **options: heard.generate(prompt, **options))
    records = [SimpleNamespace(captions=[name]) for name in NAMES]
    pictures = SimpleNamespace(records=records, split=lambda split: range(4) if split == "train" else ())
    trainer = SimpleNamespace(
        run=replace(tiny(), data=DataConfig(source="folder", path=str(tmp_path)), ema=(0.1,)),
        supplies=SimpleNamespace(pictures=pictures, styles=()),
        averaged=lambda width: nullcontext(random_network()),
        device="cpu",
        folder=tmp_path,
        step=1,
    )
    text, _ = load_text(12)
    draw_sheet(trainer, text, lambda: False)  # type: ignore[arg-type]
    assert heard.words == list(NAMES)


def test_what_is_looked_for_are_the_words_of_a_prompt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from mezzotint import Pipeline
    from tests.support import model_folder

    pipe = Pipeline.load(str(model_folder(tmp_path / "model")))
    seen: list[str] = []

    class Enough(Exception):
        pass

    def look(self: Choosing, prompt: str, image: object, tries: int) -> None:
        seen.append(prompt)
        raise Enough

    from mezzotint.evaluation import choosing

    monkeypatch.setattr(Choosing, "look", look)
    monkeypatch.setattr(Choosing, "check", lambda self, pipe, request: None)
    how = Choosing(encoder=object(), all_tries=True)  # type: ignore[arg-type]
    with pytest.raises(Enough):
        list(choosing.choose(pipe, Request(prompt="a (red:1.5) [cat:dog:0.5] --weird 3", steps=1), how))
    assert seen == ["a red dog"]
