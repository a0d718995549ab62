"""`mezzotint data`."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mezzotint.data.icons import Summary
from tests.interfaces.conftest import Run, parsed, sentence


def test_a_clean_folder_passes(run: Run, pictures: Path) -> None:
    result = run("data", "check", pictures)
    assert result.exit_code == 0
    assert f"{pictures}: 80 pictures, 0 errors" in result.stdout
    assert parsed(run("data", "check", pictures, "--format", "json"))["ok"] is True


def test_errors_are_listed_and_give_exit_code_1(run: Run, pictures: Path, here: Path) -> None:
    shutil.copytree(pictures, here / "bad")
    (here / "bad" / "000.txt").unlink()
    (here / "bad" / "001.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    Image.new("RGB", (8, 8)).save(here / "bad" / "002.png")
    result = run("data", "check", "bad")
    assert result.exit_code == 1
    assert "error: captionless: 000.png" in result.stdout
    assert "error: broken: 001.png" in result.stdout
    assert "warning: tiny: 002.png" in result.stdout
    found = json.loads(run("data", "check", "bad", "--format", "json").stdout)
    assert {finding["kind"] for finding in found["errors"]} == {"broken", "captionless"}


def test_what_is_no_data_is_refused(run: Run, here: Path) -> None:
    (here / "empty").mkdir()
    assert "has no pictures" in sentence(run("data", "check", "empty"))
    assert "nowhere" in sentence(run("data", "check", "nowhere"))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--size", "8"], "size is 8; it must be a whole number from 16 to 1024"),
        (["--size", "big"], "size is 'big'"),
        (["--workers", "0"], "workers is 0"),
        (["--packages", "nowhere"], "nowhere"),
    ],
)
def test_bad_values_of_the_builder_are_refused(run: Run, here: Path, args: list[str], words: str) -> None:
    assert words in sentence(run("data", "build", "icons", "--out", "d", *args))
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--count", "0"], "count is 0; it must be a whole number from 1 to 1000000"),
        (["--seed", "-1"], "seed is -1"),
        (["--packages", "nowhere"], "has none of the avatar packages"),
    ],
)
def test_bad_values_of_the_builder_of_avatars_are_refused(run: Run, here: Path, args: list[str], words: str) -> None:
    assert words in sentence(run("data", "build", "avatars", "--out", "d", *args))
    assert list(here.iterdir()) == []


def test_without_npm_the_builder_says_so(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(here))
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "cache"))
    assert "npm" in sentence(run("data", "build", "icons", "--out", "d"))
    assert "avatar packages needs npm" in sentence(run("data", "build", "avatars", "--out", "d"))
    assert not (here / "d").exists()


def test_building_never_takes_the_place_of_other_files(run: Run, here: Path) -> None:
    (here / "photos").mkdir()
    (here / "photos" / "mine.jpg").write_text("mine")
    assert "building would replace it" in sentence(run("data", "build", "icons", "--out", "photos"))
    assert (here / "photos" / "mine.jpg").read_text() == "mine"


def test_a_build_is_summed_up(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: dict[str, object] = {}

    def build(out: Path, **options: object) -> Summary:
        calls.update(options, out=out)
        counts = {"train": 3, "heldout": 1}
        return Summary(4, 32, "d" * 64, 1, {"noto": 4}, counts, {"noto": 4}, {"MIT": 4}, counts, {"empty": 0})

    monkeypatch.setattr("mezzotint.data.icons.build", build)
    args = ("data", "build", "icons", "--out", "d", "--size", 32, "--workers", 3, "--packages", "p")
    found = parsed(run(*args, "--format", "json"))
    assert (calls["out"], calls["size"], calls["workers"], calls["packages"]) == (Path("d"), 32, 3, Path("p"))
    assert (found["pictures"], found["splits"]) == (4, {"train": 3, "heldout": 1})
    assert "4 pictures of 32x32" in run(*args).stdout
    monkeypatch.setattr("mezzotint.data.avatars.build_avatars", build)
    faces = ("data", "build", "avatars", "--out", "a", "--size", 32, "--count", 9, "--seed", 5)
    assert parsed(run(*faces, "--format", "json"))["pictures"] == 4
    assert (calls["out"], calls["count"], calls["seed"], calls["packages"]) == (Path("a"), 9, 5, None)
    assert "a: 4 pictures of 32x32" in run(*faces).stdout


def test_a_bundle_goes_to_another_machine(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from tests.data.test_bundle import built

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "one"))
    assert "No data set is built yet" in sentence(run("data", "bundle", "sets.zip"))
    pictures = built(tmp_path / "one" / "mezzotint" / "data" / "icons", 4)
    found = parsed(run("data", "bundle", "sets.zip", "--format", "json"))
    assert found["holds"] == ["icons"]
    assert found["bytes"] == (here / "sets.zip").stat().st_size
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "two"))
    assert "mezzotint: icons" in run("data", "unbundle", "sets.zip").stdout
    laid = tmp_path / "two" / "mezzotint" / "data" / "icons"
    assert np.array_equal(np.load(laid / "pictures-16.npy"), pictures)
    assert run("data", "unbundle", "sets.zip").exit_code == 0  # a set of ours is replaced
    (laid / "manifest.jsonl").unlink()
    assert "holds something else" in sentence(run("data", "unbundle", "sets.zip"))
