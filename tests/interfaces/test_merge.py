"""`mezzotint merge`."""

import json
from pathlib import Path

import pytest
import torch

from mezzotint import Pipeline, Request
from mezzotint.checkpoints.model_folder import read_model_folder
from tests.interfaces.conftest import Run, parsed, sentence
from tests.support import SMALL, model_folder


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Models of one kind with other weights."""
    root = tmp_path_factory.mktemp("parts")
    return [model_folder(root / name, seed=seed) for seed, name in enumerate(("first", "second", "third"))]


def test_weights_are_summed_by_their_shares(run: Run, three: list[Path]) -> None:
    found = parsed(run("merge", *three, "--weights", "3,2,-1", "--out", "sum", "--format", "json"))
    a, b, c = (read_model_folder(folder).network for folder in three)
    total = read_model_folder(Path("sum")).network
    assert total.keys() == a.keys()
    for key, value in total.items():  # the shares are 3/4, 2/4, -1/4
        exact = (3 * a[key].double() + 2 * b[key].double() - c[key].double()) / 4
        assert torch.equal(value, exact.float()), key
    assert [part["share"] for part in found["merged_from"]] == [0.75, 0.5, -0.25]
    told = json.loads(Path("sum/model.json").read_text())
    assert told["training"]["merged_from"] == found["merged_from"]
    assert [p["weights_sha256"] for p in found["merged_from"]] == [read_model_folder(f).weights_sha256 for f in three]


def test_the_mean_of_a_model_and_itself_draws_as_it_does(run: Run, three: list[Path]) -> None:
    first = three[0]
    assert run("merge", first, first, "--out", "same").exit_code == 0
    pictures = [
        Pipeline.load(str(folder)).generate(Request(prompt="a cat", steps=2, seed=3)).images[0].tobytes()
        for folder in (first, Path("same"))
    ]
    assert pictures[0] == pictures[1]
    told = json.loads(Path("same/model.json").read_text())
    assert (told["name"], told["storage"]) == ("same", "fp32")
    assert not Path("same/grids.json").exists()


def test_the_card_has_the_parts_and_their_cards(run: Run, three: list[Path]) -> None:
    (three[1] / "ATTRIBUTION.md").write_text("Drawn by B.\n")
    assert run("merge", *three[:2], "--weights", "1,3", "--name", "both", "--out", "sum").exit_code == 0
    card = Path("sum/README.md").read_text()
    assert card.startswith("# both\n")
    for folder, share in zip(three, ("0.25", "0.75"), strict=False):
        assert f"| {folder.name} | {share} | `{read_model_folder(folder).weights_sha256}` | not said |" in card
        assert f"## {folder.name}\n\nA random model for tests." in card
    assert Path("sum/ATTRIBUTION.md").read_text() == "Drawn by B.\n"
    (three[1] / "ATTRIBUTION.md").unlink()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([0], "1 model is given; merge takes 2 to 16."),
        ([0, 1, "--weights", "1,2,3"], "weights has 3 numbers for 2 models; give one for each."),
        ([0, 1, "--weights", "1,-1"], "weights add up to 0; they are divided by their sum, which must not be 0."),
        ([0, 1, "--weights", "much"], "weights is 'much'; give a number for each model"),
        ([0, 1, "--weights", "nan,1"], "weights add up to nan"),
        ([0, "nowhere"], "There is no model called 'nowhere'"),
    ],
)
def test_what_cannot_be_summed_is_refused(run: Run, three: list[Path], given: list[object], says: str) -> None:
    args = [three[one] if isinstance(one, int) else one for one in given]
    assert says in sentence(run("merge", *args, "--out", "sum"))
    assert not Path("sum").exists()


def test_models_of_other_kinds_are_refused(run: Run, three: list[Path], tmp_path: Path) -> None:
    from dataclasses import replace

    wide = model_folder(tmp_path / "wide", replace(SMALL, hidden=2 * SMALL.hidden))
    said = sentence(run("merge", three[0], wide, "--out", "sum"))
    assert said == "mezzotint: first and wide differ in network; only models of one kind are merged."
    assert "is not an empty folder" in sentence(run("merge", *three[:2], "--out", tmp_path / "wide"))
