"""Every option of every solver, grid and guidance method can be given as text, and no text makes the program fall."""

from collections.abc import Iterator
from typing import Any

import pytest

from mezzotint import Pipeline, Request
from mezzotint.diffusion.guidance import describe as guidances
from mezzotint.diffusion.solvers import describe as solvers
from mezzotint.diffusion.timegrid import describe as grids
from mezzotint.errors import InvalidOption
from mezzotint.guiding import GIVEN

VALUES = ("0", "1", "-1", "0.5", "1e9", "-2.5", "true", "none", "word", "1+2", "0.2+0.8", "a+b", "300", "1e-300")


def options() -> Iterator[tuple[str, str, str, Any]]:
    """Kind, name, option and its default."""
    for kind, lines in (("solver", solvers()), ("grid", grids()), ("guidance_methods", guidances())):
        for line in lines:
            for option, default in line["options"].items():
                if kind != "guidance_methods" or option not in GIVEN:
                    yield kind, line["name"], option, default


def asked(kind: str, name: str, option: str, value: str) -> Request:
    spec = f"{name}:{option}={value}"
    changes: dict[str, Any] = {kind: [spec] if kind == "guidance_methods" else spec}
    return Request(prompt="a cat", steps=24, **changes)


def written(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "+".join(map(str, value))
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def test_every_default_can_be_written_out(pipe: Pipeline) -> None:
    found = list(options())
    assert len(found) > 100
    refused = {}
    for kind, name, option, default in found:
        if default in ("", ()) or name == "inversion":
            continue  # an empty word or list cannot be written; a rising grid does not draw
        try:
            pipe.resolve(asked(kind, name, option, written(default)))
        except InvalidOption as error:
            refused[f"{name}:{option}={written(default)}"] = str(error)
    # off is None there, and the request always has a scale
    assert refused.keys() == {"cfg++:guidance=none"}


@pytest.mark.parametrize("kind", ["solver", "grid", "guidance_methods"])
def test_any_value_is_taken_or_refused_in_one_sentence(pipe: Pipeline, kind: str) -> None:
    taken, refused = 0, []
    for its, name, option, _ in options():
        for value in VALUES if its == kind else ():
            try:
                pipe.resolve(asked(kind, name, option, value))
                taken += 1
            except InvalidOption as error:
                refused.append(str(error))
    assert taken > 20
    assert len(refused) > 100
    assert not [sentence for sentence in refused if "\n" in sentence or len(sentence) > 300]


def test_a_grid_cannot_ask_for_millions_of_jumps(pipe: Pipeline) -> None:
    for spec in ("repaint:times=1001", "repaint:length=5000", "restart:inner=1001", "restart:times=1000000000000"):
        with pytest.raises(InvalidOption, match="it must be a whole number from 0 to 1000"):
            pipe.resolve(Request(prompt="", grid=spec))
