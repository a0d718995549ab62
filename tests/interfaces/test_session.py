"""What a call that draws counts for each picture."""

import signal
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
import torch

from mezzotint.interfaces.cli import session as module
from mezzotint.interfaces.cli.session import Session, draw
from mezzotint.interfaces.stopping import finishing
from mezzotint.request import Request


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_begun_is_finished_before_a_signal_takes_effect(number: signal.Signals) -> None:
    heard: list[str] = []
    before = signal.signal(number, lambda *_: heard.append("asked"))
    try:
        with finishing():
            signal.raise_signal(number)
            heard.append("finished")
        assert heard == ["finished", "asked"]
        with pytest.raises(KeyboardInterrupt):
            _asked_twice(number)
        with pytest.raises(ValueError, match="broken"), finishing():
            raise ValueError("broken")
        assert heard == ["finished", "asked"]
    finally:
        signal.signal(number, before)


def _asked_twice(number: signal.Signals) -> None:
    with finishing():
        signal.raise_signal(number)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("a second Ctrl-C interrupts at once")


def test_where_no_signals_are_heard_nothing_is_held_back() -> None:
    heard: list[str] = []

    def work() -> None:
        with finishing():
            heard.append("done")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert heard == ["done"]


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


def test_a_picture_that_is_written_when_ctrl_c_comes_is_told_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    class Interrupted(Folder):
        def write(self, image: object, recipe: object) -> SimpleNamespace:
            signal.raise_signal(signal.SIGINT)
            return super().write(image, recipe)

    request = Request(prompt="", seed=0, steps=4, solver="ddim", guidance=1.0)
    recipe = SimpleNamespace(check=None, evaluations=1, request=request, ignored=(), warnings=())
    step = SimpleNamespace(x=torch.zeros(3, 1))
    previews = [
        SimpleNamespace(picture=i, step=step, turn=0, image=SimpleNamespace(size=(4, 4)), recipe=recipe)
        for i in range(3)
    ]
    session = Session(pipe=None, to=Interrupted(), watch=False)  # type: ignore[arg-type]
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(click.exceptions.Exit) as ended:
        draw(session, lambda _: iter(previews), 3, 3, "text")  # type: ignore[arg-type]
    out, err = capsys.readouterr()
    assert ended.value.exit_code == 130
    assert out.startswith("x.png  (seed 0, 4x4")
    assert len(out.splitlines()) == 1
    assert err == "mezzotint: interrupted; 1 of 3 pictures are finished.\n"
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
