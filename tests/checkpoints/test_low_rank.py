"""Weights as what they differ in from another model's: the nearest of a rank, and of that other model alone."""

import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mezzotint import Pipeline
from mezzotint.checkpoints.low_rank import difference, sum_with
from mezzotint.checkpoints.model_folder import Beside, read_model_folder, write_model_folder
from mezzotint.errors import InvalidCheckpoint
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


def test_vectors_new_tensors_and_small_matrices_are_kept_as_they_are() -> None:
    base = {"norm": normal(8, seed=0), "small": normal(4, 4, seed=1), "other": normal(3, 3, seed=2)}
    weights = {"norm": normal(8, seed=3), "small": normal(4, 4, seed=4), "other": normal(5, 3, seed=5)}
    weights["new"] = normal(6, 2, seed=6)
    kept, _ = difference(weights, base, 2)
    assert kept.keys() == weights.keys()
    found = sum_with(base, kept)
    assert all(torch.equal(found[name], value) for name, value in weights.items())
    assert difference(base, base, 2) == ({}, 0.0)


@pytest.mark.parametrize("broken", [{"a.low_rank_up": normal(2, 5, seed=0)}, {"b.low_rank_up": normal(2, 4, seed=0)}])
def test_factors_that_do_not_fit_are_refused(broken: dict[str, Tensor]) -> None:
    name = next(iter(broken)).removesuffix(".low_rank_up")
    kept = {**broken, f"{name}.low_rank_down": normal(2, 4, seed=1)}
    with pytest.raises(InvalidCheckpoint, match=f"factors of {name} do not fit"):
        sum_with({"a": normal(4, 4, seed=2)}, kept)
    with pytest.raises(InvalidCheckpoint, match="do not fit"):
        sum_with({"a": normal(5, 4, seed=2)}, {"a.low_rank_up": normal(2, 5, seed=0)})


def beside(root: Path, base: Path, rank: int, seed: int = 1, told: str | None = None) -> Path:
    """The random model of a seed as what it differs in from another one."""
    whole = read_model_folder(model_folder(root.with_name(f"{root.name}-whole"), seed=seed))
    about = {key: value for key, value in whole.description.items() if key not in ("format", "files", "storage")}
    of = Beside(told or str(base), read_model_folder(base), rank)
    write_model_folder(root, whole.network, HOUSE / "text", about, "fp32", {"README.md": "For tests.\n"}, of)
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


def test_factors_are_small_and_say_what_they_lack(tmp_path: Path) -> None:
    base = model_folder(tmp_path / "base")
    small = beside(tmp_path / "small", base, rank=2)
    told = json.loads((small / "model.json").read_text())["beside"]
    assert told["model"] == str(base)
    assert told["rank"] == 2
    assert 0.3 < told["lacking"] < 1
    assert (small / "network.safetensors").stat().st_size < 0.7 * (base / "network.safetensors").stat().st_size


def test_another_base_is_refused(tmp_path: Path) -> None:
    base = model_folder(tmp_path / "base")
    small = beside(tmp_path / "small", base, rank=2)
    with pytest.raises(InvalidCheckpoint, match="give a model that is whole"):
        read_model_folder(small)
    chained = beside(tmp_path / "chained", base, rank=2, told=str(small))
    with pytest.raises(InvalidCheckpoint, match="give a model that is whole"):
        read_model_folder(chained, Path)
    model_folder(base, seed=5)
    with pytest.raises(InvalidCheckpoint, match=r"differ in from those of .* with digest .* now; get the one"):
        Pipeline.load(str(small), device="cpu")
