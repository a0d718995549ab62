"""`mezzotint upscale`: files, sheets, sizes, recipes, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mezzotint.interfaces.cli import upscale as verb
from mezzotint.provenance.read import read_metadata
from tests.interfaces.conftest import Run, parsed, sentence
from tests.upscalers import upscaler_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return upscaler_folder(tmp_path_factory.mktemp("m") / "larger")


@pytest.fixture
def small(here: Path) -> Path:
    rng = np.random.Generator(np.random.Philox(1))
    coarse = Image.fromarray(rng.integers(0, 256, (3, 3, 3), dtype=np.uint8), "RGB")
    coarse.resize((12, 9), Image.Resampling.BILINEAR).save(here / "small.png")
    return here / "small.png"


def test_a_file_becomes_four_times_as_wide_and_is_drawn_again(run: Run, folder: Path, small: Path, here: Path) -> None:
    told = run("upscale", small, "--model", folder, "--threads", 1)
    assert told.exit_code == 0, told.output
    assert "48x36, 3 steps of dpmpp-2m, guidance 1; 12 evaluations" in told.stdout
    large = here / "mezzotint-out/small-48x36.png"
    assert Image.open(large).size == (48, 36)
    found = read_metadata(large).recipe
    assert found is not None
    assert (found.request.model, found.request.steps, found.request.image is None) == ("larger", 3, False)
    again = run("reproduce", large, "--image", small, "--model", folder)
    assert again.exit_code == 0, again.output
    assert "identical" in again.stdout
    other = here / "other.png"
    Image.open(small).rotate(180).save(other)
    assert "is not the image that the recipe names" in sentence(
        run("reproduce", large, "--image", other, "--model", folder)
    )
    assert "give its file with --image" in sentence(run("reproduce", large, "--model", folder))
    run("upscale", small, "--model", folder)
    assert (here / "mezzotint-out/small-48x36-2.png").read_bytes() == large.read_bytes()


def test_sizes_steps_and_seeds(run: Run, folder: Path, small: Path, here: Path) -> None:
    def drawn(*more: object) -> dict[str, object]:
        words = ("upscale", small, "--model", folder, "--out", "x.png", "--format", "json", *more)
        (picture,) = parsed(run(*words))["pictures"]
        recipe = picture["recipe"]["request"]
        return {name: recipe[name] for name in ("size", "steps", "seed")} | {"pixels": picture["pixels_sha256"]}

    plain = drawn()
    assert (plain["size"], plain["seed"]) == ([48, 36], 0)
    assert drawn("--size", 96)["size"] == [96, 72]
    assert drawn("--factor", 5)["size"] == [60, 44]
    two = drawn("--steps", 2, "--seed", 0)
    assert two["steps"] == 2
    assert two["pixels"] != plain["pixels"] != drawn("--seed", 1)["pixels"]
    assert drawn("--factor", 4)["pixels"] == plain["pixels"]


def test_a_tile_goes_on_over_its_edges(run: Run, folder: Path, small: Path, here: Path) -> None:
    """Turned by half its width, it comes out turned by half the width; what is no tile does not."""
    pixels = np.asarray(Image.open(small))
    Image.fromarray(np.roll(pixels, 4, 1)).save(here / "turned.png")

    def apart(*more: object) -> float:
        words = ("--model", folder, "--window-stride", 16, *more, "--out")
        for name in ("small.png", "turned.png"):
            told = run("upscale", name, *words, f"large-{name}")
            assert told.exit_code == 0, told.output
        large, turned = (np.asarray(Image.open(here / f"large-{name}"), float) for name in ("small.png", "turned.png"))
        edge = np.abs(large[:, :4] - np.roll(turned, -16, 1)[:, :4])
        return float(edge.mean())

    assert apart("--tile", "x") < apart()
    assert "no tile called 'diagonal'" in sentence(run("upscale", small, "--model", folder, "--tile", "diagonal"))


def test_a_number_names_a_picture_of_a_sheet(
    run: Run, folder: Path, model: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("imagine", "a cat", "--seed", 7, "--steps", 2, "--model", model, "--n", 4, "--sheet", "--format", "json")
    (sheet,) = parsed(run(*words))["sheets"]
    monkeypatch.setattr("mezzotint.load.model_folders", lambda: {"random": model})
    one = run("upscale", sheet, 2, "--model", folder, "--out", "a.png")
    assert one.exit_code == 0, one.output
    same = run("upscale", here / "mezzotint-out/a-cat-8.png", "--model", folder, "--out", "b.png")
    assert same.exit_code == 0, same.output
    assert np.array_equal(Image.open(here / "a.png"), Image.open(here / "b.png"))
    assert Image.open(here / "a.png").size == (128, 128)
    assert "is a sheet; say which" in sentence(run("upscale", sheet, "--model", folder))
    single = here / "mezzotint-out/a-cat-8.png"
    assert "there is no picture 3; leave out" in sentence(run("upscale", single, 3, "--model", folder))


def test_what_is_refused_is_one_sentence(
    run: Run, folder: Path, model: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mezzotint.load.model_folders", dict)
    assert "No upscaler is installed; train one with `mezzotint train upscaler`" in sentence(run("upscale", small))
    assert "enlarges nothing; give the folder of an upscaler" in sentence(run("upscale", small, "--model", model))
    assert "draws none from words" in sentence(run("imagine", "a cat", "--model", folder))
    larger = ("upscale", small, "--model", folder)
    assert "factor is 2, but a picture of 12x9 pixels becomes 48x36 at least" in sentence(run(*larger, "--factor", 2))
    assert "size is 40, but" in sentence(run(*larger, "--size", 40))
    assert "factor is 'wide'; it must be a number" in sentence(run(*larger, "--factor", "wide"))
    assert "give one of them" in sentence(run(*larger, "--factor", 4, "--size", 48))
    assert "too many along a side; at most 32768" in sentence(run(*larger, "--factor", 3000))
    assert "steps is 0" in sentence(run(*larger, "--steps", 0))
    assert "there is no picture 4" in sentence(run(*larger[:2], 4, *larger[2:]))
    assert run(*larger, "--out", "x.png").exit_code == 0
    monkeypatch.setattr(verb, "_free_memory", lambda: 2**27)  # little is free, not much asked: a test must not fill it
    told = sentence(run(*larger, "--size", 64))
    assert "A picture of 64x48 pixels needs about 0.4 GiB of memory, and 0.1 are free; ask for a smaller one" in told


def test_free_memory_is_a_number_of_bytes() -> None:
    free = verb._free_memory()
    assert free is None or 2**20 < free < 2**50


def test_one_is_trained_stopped_resumed_packed_and_enlarges(run: Run, pictures: Path, small: Path, here: Path) -> None:
    settings = {"crop": 16, "network.size": 32, "network.width": 8, "network.depth": 1, "network.inner_width": 16}
    settings |= {"data.source": "folder", "data.path": pictures, "steps": 4, "batch": 4, "validation": 4}  # type: ignore[dict-item]
    settings |= {"validate_every": 2, "compiled": "false", "precision": "fp32"}  # type: ignore[dict-item]
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    first = parsed(
        run("train", "upscaler", "--threads", 1, *words, "--out", "r", "--stop-after", 2, "--format", "json")
    )
    assert (first["step"], first["finished"], first["samples"]) == (2, False, None)
    assert "Finished at step 4 of 4" in run("train", "upscaler", "--threads", 1, "--out", "r", "--resume").stdout
    lines = [json.loads(line) for line in (here / "r/metrics.jsonl").read_text().splitlines()]
    assert {"psnr", "lanczos", "mean", "0.1"} < lines[-1]["validation"].keys()
    packed = run("pack", "r", "--out", "m", "--defaults", "steps=2")
    assert "try it: mezzotint upscale FILE --model m" in packed.stdout, packed.output
    assert "2 steps of dpmpp-2m" in run("upscale", small, "--model", "m").stdout
    assert "pixel_upscaler" in run("models", "m").stdout
    card = (here / "m/README.md").read_text()
    assert f"{lines[-1]['validation']['psnr']:.2f} dB" in card
    assert "no pictures of size 256" in sentence(run("train", "upscaler", "--out", "other"))
