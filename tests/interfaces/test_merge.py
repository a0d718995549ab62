"""`mezzotint merge`."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mezzotint import Pipeline, Request
from mezzotint.checkpoints.model_folder import Beside, read_model_folder, write_model_folder
from mezzotint.checkpoints.tensors import file_digest, load_tensors, save_tensors
from mezzotint.interfaces.warm import _behind
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


def described(folder: Path, **changes: object) -> Path:
    """The folder, with other words in its description."""
    path = folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return folder


def test_the_training_is_that_of_the_part_which_saw_most(run: Run, three: list[Path], tmp_path: Path) -> None:
    """A part that is a sum itself keeps its parts; a sum can be begun with."""
    a, b = (model_folder(tmp_path / name, seed=seed) for seed, name in enumerate("ab"))
    described(a, training={"pictures": 30, "warm_start": None, "merged_from": [{"name": "x"}]}, licence="MIT")
    longer = {"pictures": 7, "warm_start": "d1", "earlier": [{"weights": None, "pictures": 100}]}
    described(b, training=longer, licence="Apache-2.0")
    found = parsed(run("merge", a, b, "--storage", "bf16", "--out", "sum", "--format", "json"))
    assert (found["storage"], found["licence"]) == ("bf16", "MIT and Apache-2.0")
    first, second = found["merged_from"]
    assert (first["views"], second["views"]) == (30, 107)
    assert (first["merged_from"], "merged_from" in second) == ([{"name": "x"}], False)
    told = json.loads(Path("sum/model.json").read_text())["training"]
    assert told == {**longer, "merged_from": [first, second]}
    assert f"| b | 0.5 | `{second['weights_sha256']}` | 107 |" in Path("sum/README.md").read_text()
    both = parsed(run("merge", a, three[0], "--out", "other", "--format", "json"))
    assert both["licence"] == "not stated"
    untold = parsed(run("merge", *three[:2], "--out", "untold", "--format", "json"))
    assert untold["merged_from"][0]["views"] is None
    assert _behind(json.loads(Path("untold/model.json").read_text())["training"]) == []


def test_parts_may_leave_other_words_open_and_the_sum_does_as_the_first(run: Run, tmp_path: Path) -> None:
    a, b = (model_folder(tmp_path / name, seed=seed) for seed, name in enumerate("ab"))
    described(a, open=["person"])
    assert run("merge", a, b, "--out", "sum").exit_code == 0
    assert json.loads(Path("sum/model.json").read_text())["open"] == ["person"]
    assert run("merge", b, a, "--out", "other").exit_code == 0
    assert "open" not in json.loads(Path("other/model.json").read_text())


def test_parts_of_one_name_are_told_apart(run: Run, tmp_path: Path) -> None:
    folders = [model_folder(tmp_path / run_name / "model", seed=seed) for seed, run_name in enumerate(("a", "b"))]
    found = parsed(run("merge", *folders, "--out", "sum", "--format", "json"))
    assert [part["name"] for part in found["merged_from"]] == ["model", "model (2)"]


def test_a_part_may_be_told_beside_another_model(run: Run, three: list[Path], tmp_path: Path) -> None:
    whole, base = read_model_folder(three[1]), read_model_folder(three[0])
    about = {key: value for key, value in whole.description.items() if key not in ("format", "storage", "files")}
    told = tmp_path / "told"
    write_model_folder(told, whole.network, None, about, "fp32", {}, Beside(str(three[0]), base, 4096))
    assert run("merge", told, three[2], "--out", "sum").exit_code == 0
    total, c = read_model_folder(Path("sum")), read_model_folder(three[2]).network
    for key, value in total.network.items():
        torch.testing.assert_close(value, (whole.network[key] + c[key]) / 2, rtol=0, atol=1e-4)
    assert total.base is None
    assert total.encoder_sha256 == base.encoder_sha256


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([0], "1 model is given; merge takes 2 to 16."),
        ([0, 1, "--weights", "1,2,3"], "weights has 3 numbers for 2 models; give one for each."),
        ([0, 1, "--weights", "1,-1"], "weights add up to 0; they are divided by their sum, which must not be 0."),
        ([0, 1, "--weights", "much"], "weights is 'much'; give a number for each model"),
        ([0, 1, "--weights", "nan,1"], "weights has nan; it must be numbers from -1e+06 to 1e+06."),
        ([0, 1, "--weights", "inf,-inf"], "weights has inf; it must be"),
        ([0, 1, "--weights", "1e308,1e308"], "weights has 1e+308; it must be"),
        ([0, "nowhere"], "There is no model called 'nowhere'"),
    ],
)
def test_what_cannot_be_summed_is_refused(run: Run, three: list[Path], given: list[object], says: str) -> None:
    args = [three[one] if isinstance(one, int) else one for one in given]
    assert says in sentence(run("merge", *args, "--out", "sum"))
    assert not Path("sum").exists()


def test_models_of_other_kinds_are_refused(run: Run, three: list[Path], tmp_path: Path) -> None:
    wide = model_folder(tmp_path / "wide", replace(SMALL, hidden=2 * SMALL.hidden))
    said = sentence(run("merge", three[0], wide, "--out", "sum"))
    assert said == "mezzotint: first and wide differ in network; only models of one kind are merged."
    text = described(model_folder(tmp_path / "text", seed=5), text_length=33)
    assert "first and text differ in text_length" in sentence(run("merge", three[0], text, "--out", "sum"))
    changed = load_tensors(text / "text" / "encoder.safetensors")[0]
    save_tensors(text / "text" / "encoder.safetensors", {name: 2 * value for name, value in changed.items()})
    described(text, text_length=32)
    files = json.loads((text / "model.json").read_text())["files"]
    described(text, files={**files, "text/encoder.safetensors": file_digest(text / "text" / "encoder.safetensors")})
    assert "read prompts by other text encoders" in sentence(run("merge", three[0], text, "--out", "sum"))
    assert "is not an empty folder" in sentence(run("merge", *three[:2], "--out", tmp_path / "wide"))
