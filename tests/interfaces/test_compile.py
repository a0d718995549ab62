"""`--compile` and `--threads auto` on the command line: drawn so, recorded so, and reproduced so."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.load import NOT_COMPILED
from mezzotint.nn import Block
from tests.interfaces.conftest import Run, parsed


class Counted:
    """Stands for compiled blocks, and is the plain ones; counts its calls."""

    calls = 0

    def __init__(self, said: Any) -> None:
        said("Compiling.")

    def __deepcopy__(self, memo: object) -> "Counted":
        return self

    def length(self, tokens: int) -> int:
        return tokens

    def __call__(
        self, block: Block, x: Tensor, rotary: tuple[Tensor, Tensor], context: tuple[Tensor, Tensor], bias: Tensor
    ) -> Tensor:
        Counted.calls += 1
        y: Tensor = block(x, rotary=rotary, context=context, bias=bias)
        return y


@pytest.fixture
def compiled_picture(run: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr("mezzotint.load.CompiledBlocks", Counted)
    monkeypatch.setattr("mezzotint.load.compiler", lambda: "g++")
    monkeypatch.setattr(Counted, "calls", 0)
    result = run(
        *("imagine", "a cat", "--compile", "--seed", 7, "--model", model, "--out", "a.png", "--threads", 1),
        *("--format", "json"),
    )
    assert result.stderr.startswith("Compiling.\n")
    assert Counted.calls == 2 * 4  # two blocks, four steps
    recipe: dict[str, Any] = parsed(result)["pictures"][0]["recipe"]
    return recipe


def test_a_compiled_picture_is_reproduced_compiled(
    compiled_picture: dict[str, Any], run: Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compiled_picture["environment"]["compiled"] is True
    again = parsed(run("reproduce", "a.png", "--model", model, "--format", "json"))
    assert (again["status"], again["causes"]) == ("identical", [])
    assert Counted.calls == 4 * 4
    monkeypatch.setattr("mezzotint.load.compiler", lambda: None)
    there = parsed(run("reproduce", "a.png", "--model", model, "--format", "json"))
    assert there["status"] == "identical"
    assert there["causes"] == ["the way of running the network was compiled and is now PyTorch's own"]
    assert there["recipe"]["warnings"] == [NOT_COMPILED]


def test_an_edit_may_be_compiled(compiled_picture: dict[str, Any], run: Run, model: Path) -> None:
    calls = Counted.calls
    found = parsed(run("edit", "a.png", "a dog", "--compile", "--model", model, "--out", "b.png", "--format", "json"))
    assert found["pictures"][0]["recipe"]["environment"]["compiled"] is True
    assert Counted.calls > calls


def test_every_picture_of_a_page_may_be_compiled(
    compiled_picture: dict[str, Any], run: Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Counted, "calls", 0)
    words = ("explore", "a cat", "--model", model, "--steps", 1, "--threads", 1, "--x", "seed=7,8")
    result = run(*words, "--compile", "--format", "json", "--out", "p.png")
    assert result.stderr.startswith("Compiling.\n")
    assert [cell["recipe"]["environment"]["compiled"] for cell in parsed(result)["cells"]] == [True, True]
    assert Counted.calls == 2 * 2  # two blocks, a step for each of two pictures
    plain = parsed(run(*words, "--format", "json", "--out", "q.png"))
    assert not any("compiled" in cell["recipe"]["environment"] for cell in plain["cells"])


def test_auto_is_recorded_as_the_number_that_was_taken(run: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mezzotint.threads.measured_threads", lambda cores: 3)
    drawn = parsed(run("imagine", "x", "--model", model, "--threads", "auto", "--out", "a.png", "--format", "json"))
    assert drawn["pictures"][0]["recipe"]["environment"]["threads"] == 3
    torch.set_num_threads(1)
    monkeypatch.setattr("mezzotint.threads.measured_threads", lambda cores: 2)
    again = parsed(run("reproduce", "a.png", "--model", model, "--threads", "auto", "--format", "json"))
    assert (again["status"], again["causes"]) == ("identical", [])
    assert again["recipe"]["environment"]["threads"] == 3
