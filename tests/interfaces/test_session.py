"""What a call that draws counts for each picture."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from mezzotint.interfaces.cli import session as module
from mezzotint.interfaces.cli.session import Session
from mezzotint.request import Request


class Folder:
    """Takes pictures, and writes none."""

    def write(self, image: object, recipe: object) -> SimpleNamespace:
        return SimpleNamespace(path=Path("x.png"), vector=None)


def test_steps_that_pictures_take_together_are_shared_and_enlarging_is_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    session = Session(pipe=None, to=Folder(), watch=False, begun=0.0)  # type: ignore[arg-type]
    request = Request(prompt="", seed=0, steps=4, solver="ddim", guidance=1.0)
    recipe, image = SimpleNamespace(check=None, evaluations=1, request=request), SimpleNamespace(size=(4, 4))

    def shown(picture: int, step: Any, turn: int, *, ends: bool = False) -> None:
        done = {"image": image, "recipe": recipe} if ends else {"image": None, "recipe": None}
        preview: Any = SimpleNamespace(picture=picture, step=step, turn=turn, **done)
        session.take(preview)

    steps = [SimpleNamespace(x=torch.zeros(3, 1)) for _ in range(4)]
    for number, step in enumerate(steps):
        clock[0] += 6.0
        for picture in range(3):
            shown(picture, step, 0)
            for _ in range(2 if number == 3 else 0):  # enlarged in two steps of four windows, as soon as it is there
                clock[0] += 1.0 + picture
                shown(picture, SimpleNamespace(x=torch.zeros(4, 1)), 1, ends=_ == 1)
    assert [round(done.seconds, 6) for done in session.drawn] == [8 + 2, 8 + 4, 8 + 6]
    assert sum(done.seconds for done in session.drawn) == pytest.approx(clock[0])
