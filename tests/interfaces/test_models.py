"""`mezzotint models` and `mezzotint doctor`."""

import json
import time
from pathlib import Path

import pytest

from mezzotint.checkpoints.model_folder import read_model_folder
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.diffusion.timegrid import GRIDS
from mezzotint.interfaces.cli import doctor as doctors
from tests.interfaces.conftest import Run, parsed, sentence
from tests.support import random_network


def test_a_model_is_described_from_its_folder(run: Run, model: Path) -> None:
    found = parsed(run("models", model, "--format", "json"))
    (described,) = found["models"]
    assert described["parameters"] == sum(p.numel() for p in random_network().parameters())
    assert described["weights_sha256"] == read_model_folder(model).weights_sha256
    assert (described["name"], described["kind"], described["size"]) == ("random", "folder", [32, 32])
    assert described["styles"] == ["flat", "noto"]
    assert found["solvers"] == sorted(SOLVERS)
    assert found["grids"] == sorted(GRIDS)
    text = run("models", model).stdout
    assert described["weights_sha256"] in text
    assert "dpmpp-2m" in text


def test_a_damaged_model_is_listed_with_what_is_wrong(run: Run, model: Path, here: Path) -> None:
    (here / "bad").mkdir()
    (here / "bad" / "model.json").write_text('{"format": 1}')
    (here / "empty").mkdir()
    found = parsed(run("models", "bad", "empty", model, "--format", "json"))["models"]
    assert "is not complete" in found[0]["error"]
    assert "is not a model's folder" in found[1]["error"]
    assert "error" not in found[2]
    assert "is not complete" in run("models", "bad").stdout


def test_an_unknown_model_is_refused(run: Run) -> None:
    assert "There is no model called 'hose'" in sentence(run("models", "hose"))


def test_doctor_measures_quickly(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = time.perf_counter()
    found = parsed(run("doctor", "--threads", 1, "--format", "json"))
    assert time.perf_counter() - begun < 6
    assert found["gflops"].keys() == {"float32", "bfloat16"}
    assert all(speed > 0.1 for speed in found["gflops"].values())
    assert found["machine"]["threads"] == 1
    assert found["versions"]["torch"][0].isdigit()
    assert "cpu" in found["devices"]


def test_the_speed_is_operations_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(10**6))
    monkeypatch.setattr(doctors, "SECONDS", 3)
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks))  # each product takes one second by this clock
    assert doctors.gflops("float32") == pytest.approx(2 * 1024**3 / 1e9)


def needs(run: Run) -> dict[str, dict[str, object]]:
    return {need["name"]: need for need in parsed(run("doctor", "--format", "json"))["needs"]}


def test_doctor_says_what_is_missing_for_what(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctors, "SECONDS", 0.01)
    monkeypatch.setenv("PATH", str(here))
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "cache"))
    found = needs(run)
    assert not found["npm"]["present"]
    assert not found["C++ compiler"]["present"]
    assert not found["icon data set"]["present"]
    assert found["writable cache folder"]["present"]
    for name in ("npm", "g++", "clang++"):  # of the last two, the one that PyTorch calls here
        (here / name).write_text("#!/bin/sh\n")
        (here / name).chmod(0o755)
    (here / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "file" / "cache"))
    found = needs(run)
    assert found["npm"]["present"]
    assert found["C++ compiler"]["present"]
    assert not found["writable cache folder"]["present"]
    text = run("doctor").stdout
    assert "missing  writable cache folder (for train, data build): make" in text


def test_doctor_is_json_without_nan(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctors, "SECONDS", 0.01)
    assert json.loads(run("doctor", "--format", "json").stdout)["tcmalloc"].keys() == {"preloaded", "library"}
