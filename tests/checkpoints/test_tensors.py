"""Files of weights: whole, safe, and replaced in one step."""

import io
import json
import os
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from mezzotint.checkpoints.loras import read_lora
from mezzotint.checkpoints.model_folder import read_model_folder
from mezzotint.checkpoints.quantise import dequantise, quantise
from mezzotint.checkpoints.tensors import load_tensors, replacing, save_tensors
from mezzotint.errors import InvalidCheckpoint, InvalidOption, OutOfSpace
from tests.support import model_folder


class Bomb:
    """Opening this pickle would leave a trace."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("exploded",)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "w.safetensors"
    save_tensors(path, {"a": torch.arange(6.0).reshape(2, 3)}, {"note": "x"})
    return path


def test_tensors_come_back(weights: Path) -> None:
    tensors, metadata = load_tensors(weights)
    assert torch.equal(tensors["a"], torch.arange(6.0).reshape(2, 3))
    assert metadata == {"note": "x"}


def bombs(path: Path, kind: str) -> None:
    """A file of that kind with a bomb in it."""
    bomb = pickle.dumps({"a": Bomb()}, protocol=0 if kind == "old pickle" else 4)
    if kind == "torch":
        torch.save({"a": Bomb()}, path)
    elif kind == "old torch":
        torch.save({"a": Bomb()}, path, _use_new_zipfile_serialization=False)
    elif kind in ("npz", "npy"):
        with path.open("wb") as file:  # np.save would add a suffix
            (np.savez if kind == "npz" else np.save)(file, np.array([Bomb()], dtype=object), allow_pickle=True)
    elif kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("data.pkl", bomb)
    elif kind == "tar":
        with tarfile.open(path, "w") as tar:
            entry = tarfile.TarInfo("pickle")
            entry.size = len(bomb)
            tar.addfile(entry, io.BytesIO(bomb))
    elif kind == "7z":
        path.write_bytes(b"7z\xbc\xaf\x27\x1c\0\4" + bytes(24) + bomb)
    elif kind == "pickle behind a length":
        path.write_bytes(len(bomb).to_bytes(8, "little") + bomb)
    else:
        path.write_bytes(bomb)


@pytest.mark.parametrize("suffix", ["safetensors", "Safetensors", "pt", "bin", "ckpt", "pth", "npz", "7z", "png"])
@pytest.mark.parametrize(
    "kind",
    ["pickle", "old pickle", "torch", "old torch", "npz", "npy", "zip", "tar", "7z", "pickle behind a length"],
)
def test_a_pickle_is_refused_under_any_suffix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"weights.{suffix}"
    bombs(path, kind)
    for read in (load_tensors, read_lora):
        with pytest.raises(InvalidCheckpoint) as caught:
            read(path)
        assert str(path) in str(caught.value)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("cut", [0, 4, 8, 40, -1])
def test_half_a_file_is_refused(weights: Path, cut: int) -> None:
    weights.write_bytes(weights.read_bytes()[:cut])
    with pytest.raises(InvalidCheckpoint):
        load_tensors(weights)


def test_a_header_that_claims_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w"
    path.write_bytes((2**40).to_bytes(8, "little") + b"{}")
    with pytest.raises(InvalidCheckpoint):
        load_tensors(path)


def test_replacing_is_all_or_nothing(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with replacing(target) as staging:
        (staging / "a").write_text("old")

    def fail(staging: Path) -> None:
        (staging / "a").write_text("new")
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"), replacing(target) as staging:
        fail(staging)
    assert (target / "a").read_text() == "old"
    with replacing(target) as staging:
        (staging / "b").write_text("new")
    assert [p.name for p in target.iterdir()] == ["b"]
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_a_folder_is_there_again_if_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, move = tmp_path / "model", os.replace
    with replacing(target) as staging:
        (staging / "a").write_text("old")

    def fails(source: Path, place: Path) -> None:
        if source.name.startswith(".staged-"):
            raise OSError(5, "Input/output error")
        move(source, place)

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="Input/output"), replacing(target) as staging:
        (staging / "a").write_text("new")
    assert (target / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_folder_of_the_same_content_is_kept_as_it_is(tmp_path: Path) -> None:
    """Two processes that fill a cache at once: the second one to end leaves the first one's folder where it is."""
    target = tmp_path / "cache"
    with replacing(target, same=True) as slow:
        (slow / "a").write_text("slow")
        with replacing(target, same=True) as quick:
            (quick / "a").write_text("quick")
        inode = target.stat().st_ino
    assert (target.stat().st_ino, (target / "a").read_text()) == (inode, "quick")
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_a_folder_that_appears_at_the_last_moment_is_kept_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "cache"
    monkeypatch.setattr(Path, "exists", lambda path: False)
    with replacing(target, same=True) as slow:
        (slow / "a").write_text("slow")
        target.mkdir()
        (target / "a").write_text("quick")
    assert (target / "a").read_text() == "quick"
    with pytest.raises(OSError, match="not empty"), replacing(target) as staging:
        (staging / "a").write_text("another")


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutOfSpace, match="disk is full"), replacing(tmp_path / "m") as staging:
        save_tensors(staging / "w", {"a": torch.zeros(3)})
    assert list(tmp_path.iterdir()) == []


def test_eight_bits_err_by_half_a_step_at_most() -> None:
    w = torch.randn(64, 96, generator=torch.Generator().manual_seed(0)) * torch.logspace(-3, 1, 64)[:, None]
    back = dequantise(quantise({"w": w, "b": w[0]}))
    step = w.abs().amax(1, keepdim=True) / 127
    assert bool(((back["w"] - w).abs() <= step * 0.5001).all())
    assert torch.equal(back["b"], w[0])
    assert quantise({"w": w})["w"].dtype == torch.int8


def test_a_models_folder_is_checked_file_by_file(tmp_path: Path) -> None:
    root = model_folder(tmp_path / "m")
    assert read_model_folder(root).network["norm_out.weight"].shape == (32,)
    weights = root / "network.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(InvalidCheckpoint, match=r"network\.safetensors is not the file"):
        read_model_folder(root)
    weights.unlink()
    with pytest.raises(InvalidCheckpoint, match="lacks network"):
        read_model_folder(root)
    (root / "model.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(InvalidCheckpoint, match="format 99"):
        read_model_folder(root)


def test_a_folder_that_is_not_a_model_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InvalidOption, match="not a model"):
        model_folder(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]
    (tmp_path / "notes.txt").unlink()
    first = read_model_folder(model_folder(tmp_path)).weights_sha256
    assert read_model_folder(model_folder(tmp_path, seed=1)).weights_sha256 != first
