"""Weights as what they differ in from another model's: the nearest of a rank, and of that other model alone."""

import json
import math
import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mezzotint import Pipeline
from mezzotint.checkpoints.low_rank import difference, sum_with
from mezzotint.checkpoints.model_folder import Beside, Storage, read_model_folder, write_model_folder
from mezzotint.errors import InvalidCheckpoint
from mezzotint.interfaces.cli.models import describe
from mezzotint.load import HOUSE
from tests.support import model_folder


def normal(*shape: int, seed: int) -> Tensor:
    return 3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_a_difference_of_low_rank_is_kept_whole() -> None:
    base = {"a": normal(40, 60, seed=0), "conv": normal(32, 4, 5, 5, seed=1), "same": normal(9, 9, seed=2)}
    added = normal(40, 3, seed=3) @ normal(3, 60, seed=4)
    weights = {**base, "a": base["a"] + added, "conv": base["conv"] + normal(32, 1, 1, 1, seed=5)}
    kept, lacking = difference(weights, base, 3)
    assert {name: tuple(one.shape) for name, one in kept.items()} == {
        "a.low_rank_up": (3, 40),
        "a.low_rank_down": (3, 60),
        "conv.low_rank_up": (3, 32),
        "conv.low_rank_down": (3, 100),
    }
    assert lacking < 1e-6
    found = sum_with(base, kept)
    for name, value in weights.items():
        assert torch.allclose(found[name], value, atol=1e-4), name


def test_what_is_left_out_is_the_tail_of_the_singular_values() -> None:
    base, left = {"a": normal(30, 50, seed=0)}, torch.linalg.qr(normal(30, 30, seed=1).double())[0]
    right, sizes = torch.linalg.qr(normal(50, 30, seed=2).double())[0], torch.arange(30, 0, -1).double()
    weights = {"a": (base["a"].double() + left * sizes @ right.T).float()}
    kept, lacking = difference(weights, base, 10)
    expected = math.sqrt(sum(n * n for n in range(1, 21)) / sum(n * n for n in range(1, 31)))
    assert lacking == pytest.approx(expected, rel=1e-5)
    apart = sum_with(base, kept)["a"].double() - weights["a"].double()
    assert float(apart.norm()) == pytest.approx(math.sqrt(sum(n * n for n in range(1, 21))), rel=1e-5)


def test_factors_are_the_best_for_the_inputs_that_were_seen() -> None:
    """The error of D x is the tail of the singular values of D L, C = L Lᵀ, and no other factors have a smaller one."""
    base, added = {"a": normal(30, 50, seed=0)}, normal(30, 50, seed=1).double()
    inputs = normal(4000, 50, seed=2).double() * torch.linspace(0.2, 1.5, 50, dtype=torch.float64) ** 4
    moment = inputs.T @ inputs
    weights = {"a": (base["a"].double() + added).float()}

    def error(kept: dict[str, Tensor]) -> float:
        return float((inputs @ (sum_with(base, kept)["a"].double() - weights["a"].double()).T).norm())

    (kept, lacking), (plain, _) = difference(weights, base, 6, {"a": moment}), difference(weights, base, 6)
    scaled = moment / moment.diagonal().mean() + 1e-3 * torch.eye(50, dtype=torch.float64)
    tail = torch.linalg.svdvals(added @ torch.linalg.cholesky(scaled))
    assert lacking == pytest.approx(float(tail[6:].norm() / tail.norm()), rel=1e-4)
    assert error(kept) == pytest.approx(float(tail[6:].norm() * moment.diagonal().mean().sqrt()), rel=0.02)
    assert error(kept) < 0.7 * error(plain)
    for seed in range(20):
        other = {name: value + 0.02 * normal(*value.shape, seed=seed) / 3 for name, value in kept.items()}
        assert error(other) > error(kept)
    assert difference(weights, base, 6, {"a": 7.0 * moment})[1] == pytest.approx(lacking)


def test_vectors_new_tensors_and_small_matrices_are_kept_as_they_are() -> None:
    base = {"norm": normal(8, seed=0), "small": normal(4, 4, seed=1), "other": normal(3, 3, seed=2)}
    weights = {"norm": normal(8, seed=3), "small": normal(4, 4, seed=4), "other": normal(5, 3, seed=5)}
    weights["new"] = normal(6, 2, seed=6)
    seen = {"new": torch.eye(2, dtype=torch.float64)}
    kept, _ = difference(weights, base, 2, seen)
    assert kept.keys() == weights.keys(), "also where inputs of a new one are known: others may come"
    found = sum_with(base, kept)
    assert all(torch.equal(found[name], value) for name, value in weights.items())
    assert difference(base, base, 2) == ({}, 0.0)


@pytest.mark.parametrize("broken", [{"a.low_rank_up": normal(2, 5, seed=0)}, {"b.low_rank_up": normal(2, 4, seed=0)}])
def test_factors_that_do_not_fit_are_refused(broken: dict[str, Tensor]) -> None:
    name = next(iter(broken)).removesuffix(".low_rank_up")
    kept = {**broken, f"{name}.low_rank_down": normal(2, 4, seed=1)}
    with pytest.raises(InvalidCheckpoint, match=f"factors of {name} do not fit"):
        sum_with({"a": normal(4, 4, seed=2)}, kept)
    base = {"a": normal(5, 4, seed=2), "v": normal(4, seed=3)}
    up, down = {"a.low_rank_up": normal(2, 5, seed=0)}, {"a.low_rank_down": normal(2, 4, seed=0)}
    others = ({**up, "a.low_rank_down": normal(*shape, seed=0)} for shape in ((3, 4), (8,)))
    vector = {"v.low_rank_up": normal(2, 4, seed=0), "v.low_rank_down": normal(2, 1, seed=0)}
    strange = ({f"b.low_rank_{which}": normal(2, 4, seed=0)} for which in ("up", "down"))
    for kept in (up, down, *others, vector, *strange):
        with pytest.raises(InvalidCheckpoint, match=r"factors of [avb] do not fit"):
            sum_with(base, kept)
    assert sum_with(base, {**up, **down})["a"].shape == (5, 4)


def beside(
    root: Path, base: Path, rank: int, seed: int = 1, told: str | None = None, storage: Storage = "fp32"
) -> Path:
    """The random model of a seed as what it differs in from another one."""
    whole = read_model_folder(model_folder(root.with_name(f"{root.name}-whole"), seed=seed))
    about = {key: value for key, value in whole.description.items() if key not in ("format", "files", "storage")}
    of = Beside(told or str(base), read_model_folder(base), rank)
    write_model_folder(root, whole.network, HOUSE / "text", about, storage, {"README.md": "For tests.\n"}, of)
    return root


def test_a_model_beside_another_one_draws_what_the_whole_one_draws(tmp_path: Path) -> None:
    base = model_folder(tmp_path / "base")
    small = beside(tmp_path / "small", base, rank=1000)
    assert not (small / "text").exists()
    request = {"prompt": "a red apple", "seed": 3, "steps": 3}
    one, other = (
        Pipeline.load(str(place), device="cpu", dtype="float32") for place in (small, tmp_path / "small-whole")
    )
    drawn = [pipe.generate(**request).images[0].tobytes() for pipe in (one, other)]  # type: ignore[arg-type]
    assert drawn[0] == drawn[1]
    assert one.model.text_encoder_sha256 == other.model.text_encoder_sha256
    assert one.model.weights_sha256 != other.model.weights_sha256
    again = beside(tmp_path / "again", model_folder(tmp_path / "base2", seed=9), rank=1000)
    digests = [read_model_folder(place, Path).weights_sha256 for place in (small, again)]
    assert digests[0] != digests[1], "the same tensors beside another model are another model"


@pytest.mark.parametrize(("storage", "most"), [("fp32", 0.7), ("int8", 0.4)])
def test_factors_are_small_and_lack_what_they_say(tmp_path: Path, storage: Storage, most: float) -> None:
    base = model_folder(tmp_path / "base")
    small = beside(tmp_path / "small", base, rank=2, storage=storage)
    told = json.loads((small / "model.json").read_text())["beside"]
    assert (told["model"], told["rank"]) == (str(base), 2)
    one, whole, found = (read_model_folder(place, Path).network for place in (base, tmp_path / "small-whole", small))
    apart, total = (
        math.sqrt(sum(float((a[name] - b[name]).double().square().sum()) for name in whole))
        for a, b in ((found, whole), (one, whole))
    )
    assert told["lacking"] == pytest.approx(apart / total, rel=0.02)
    assert 0.3 < told["lacking"] < 1
    kept_whole = [
        name for name, value in whole.items() if value.ndim == 1 or 2 * sum(value.flatten(1).shape) >= value.numel()
    ]
    assert len(kept_whole) > 5
    for name in kept_whole:  # small ones are exact, as in a plain file of 8 bits
        assert torch.equal(found[name], whole[name]), name
    assert (small / "network.safetensors").stat().st_size < most * (base / "network.safetensors").stat().st_size


def test_another_base_is_refused(tmp_path: Path) -> None:
    base = model_folder(tmp_path / "base")
    small = beside(tmp_path / "small", base, rank=2)
    with pytest.raises(InvalidCheckpoint, match="give a model that is whole"):
        read_model_folder(small)
    chained = beside(tmp_path / "chained", base, rank=2, told=str(small))
    with pytest.raises(InvalidCheckpoint, match="give a model that is whole"):
        read_model_folder(chained, Path)
    model_folder(base, seed=5)
    with pytest.raises(InvalidCheckpoint, match=r"differ in from those of .*, but .* now; get the one that belongs"):
        Pipeline.load(str(small), device="cpu")


def test_a_base_is_found_where_it_stands_and_missed_by_name(tmp_path: Path) -> None:
    base = model_folder(tmp_path / "here" / "base")
    beside(tmp_path / "here" / "small", base, rank=2, told="../base")
    moved = (tmp_path / "here").rename(tmp_path / "there")
    assert Pipeline.load(str(moved / "small"), device="cpu").model.name == "random"
    shutil.rmtree(moved / "base")
    with pytest.raises(
        InvalidCheckpoint, match=r"small holds only what .* those of \.\./base \(.*, and there is no such"
    ):
        Pipeline.load(str(moved / "small"), device="cpu")


@pytest.mark.parametrize("told", [{}, "house", [], None, {"model": "house"}])
def test_a_folder_that_does_not_say_beside_what_it_stands_is_refused(tmp_path: Path, told: object) -> None:
    small = beside(tmp_path / "small", model_folder(tmp_path / "base"), rank=2)
    facts = json.loads((small / "model.json").read_text())
    (small / "model.json").write_text(json.dumps({**facts, "beside": told}))
    with pytest.raises(InvalidCheckpoint, match="does not say which model it stands beside"):
        Pipeline.load(str(small), device="cpu")
    assert "error" in describe(small, "folder")
