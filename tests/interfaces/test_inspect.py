"""`mezzotint inspect`."""

import json
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.interfaces.conftest import Run, parsed, sentence
from tests.interfaces.test_translating import from_command


@pytest.fixture
def picture(run: Run, model: Path, here: Path) -> Path:
    assert run("imagine", "a cat \u4e00", "--seed", 7, "--out", "a.png", "--model", model).exit_code == 0
    return here / "a.png"


def test_everything_of_a_recipe_is_shown(run: Run, picture: Path) -> None:
    found = parsed(run("inspect", picture, "--format", "json"))
    assert (found["format"], found["size"], found["source"]) == ("PNG", [32, 32], "mezzotint")
    assert found["pixels_unchanged"] is True
    assert (found["request"], found["left_out"]) == (None, [])
    text = run("inspect", picture).stdout
    recipe = found["recipe"]
    for value in (
        recipe["weights_sha256"],
        recipe["pixels_sha256"],
        "rectified_flow",
        "dpmpp-2m",
        "32x32",
        "0.0 to 1.0",
    ):
        assert value in text
    assert "ignored               \u4e00" in text
    assert "as they were drawn" in text


def test_what_was_asked_for_comes_first(run: Run, model: Path, here: Path) -> None:
    run("imagine", "a cat and a dog", "--enhance", "--seed", 7, "--out", "e.png", "--model", model)
    lines = run("inspect", "e.png").stdout.splitlines()
    assert lines[1].split() == ["original", "prompt", "a", "cat", "and", "a", "dog"]


def test_changed_pixels_are_told(run: Run, picture: Path) -> None:
    info = PngInfo()
    info.add_itxt("mezzotint", Image.open(picture).info["mezzotint"])
    Image.new("RGBA", (32, 32), "red").save(picture, pnginfo=info)
    assert parsed(run("inspect", picture, "--format", "json"))["pixels_unchanged"] is False
    assert "changed since they were drawn" in run("inspect", picture).stdout


def test_settings_of_other_programs_are_shown_and_cannot_forge_lines(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = PngInfo()
    info.add_text("parameters", "a cat\nwith a hat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x48")
    Image.new("RGB", (4, 4)).save("theirs.png", pnginfo=info)
    found = parsed(run("inspect", "theirs.png", "--format", "json"))
    assert (found["source"], found["recipe"], found["pixels_unchanged"]) == ("a1111", None, None)
    assert (found["found"]["steps"], found["found"]["guidance"]) == ("20", "7")
    lines = run("inspect", "theirs.png").stdout.splitlines()
    assert lines[0] == "theirs.png: PNG, 4x4, by the AUTOMATIC1111 web UI or one that writes like it"
    assert "  prompt                a cat with a hat" in lines
    command = (
        "mezzotint imagine 'a cat with a hat' --seed 5 --steps 20 --guidance 7 --solver euler-ancestral --aspect 4:3"
    )
    assert lines[-1] == f"our version:  {command}"
    assert found["request"] == from_command(command, monkeypatch).to_json_dict()
    assert [one["what"] for one in found["left_out"]] == ["seed 5", "size 64x48"]
    assert [line for line in lines if line.startswith("not the same: ")] == [
        f"not the same: {one['what']}: {one['why']}" for one in found["left_out"]
    ]


@pytest.mark.parametrize(
    ("pairs", "words", "differs", "lines"),
    [
        (
            "Sampler: DPM++ 2M, Schedule type: Karras, Seed: 5",
            {"solver": "dpmpp-2m", "grid": "karras"},
            [],
            ["  solver                DPM++ 2M (here dpmpp-2m)", "  grid                  Karras (here karras)"],
        ),
        (
            "Sampler: DPM++ 2M Karras, Seed: 5",
            {"solver": "dpmpp-2m", "grid": "karras"},
            [],
            ["  solver                DPM++ 2M Karras (here dpmpp-2m, grid karras)"],
        ),
        (
            "Sampler: Euler, Schedule type: KL Optimal, Seed: 5",
            {"solver": "euler", "grid": "kl-optimal"},
            ["grid"],
            [
                "  grid                  KL Optimal (here kl-optimal; theirs ends at the model's least noise instead "
                "of 0)"
            ],
        ),
        (
            "Sampler: DPM fast, Schedule type: Of a plugin, Seed: 5",
            {},
            ["solver"],
            [
                "  solver                DPM fast (DPM fast of AUTOMATIC1111 has no counterpart here: it mixes steps "
                "of orders 1 to 3 on a grid of its own, and adds noise between them)",
                "  grid                  Of a plugin",
            ],
        ),
        (
            "Sampler: DDIM, Schedule type: beta, Seed: 5, Version: mezzotint 0.1.0",
            {},
            [],
            ["  solver                DDIM"],
        ),
    ],
)
def test_solver_and_grid_are_told_in_our_words_too(
    run: Run, pairs: str, words: dict[str, str], differs: list[str], lines: list[str]
) -> None:
    info = PngInfo()
    info.add_text("parameters", f"a cat\nSteps: 20, {pairs}")
    Image.new("RGB", (4, 4)).save("theirs.png", pnginfo=info)
    found = parsed(run("inspect", "theirs.png", "--format", "json"))
    assert found["here"] == words
    assert list(found["differs"]) == differs
    assert set(lines) <= set(run("inspect", "theirs.png").stdout.splitlines())


def test_a_comfyui_graph_is_read(run: Run) -> None:
    graph = {
        "3": {"inputs": {"seed": 5, "steps": 20, "cfg": 7.5, "positive": ["6", 0]}},
        "6": {"inputs": {"text": "a dog"}},
    }
    info = PngInfo()
    info.add_text("prompt", json.dumps(graph))
    Image.new("RGB", (4, 4)).save("graph.png", pnginfo=info)
    assert "by ComfyUI" in run("inspect", "graph.png").stdout
    assert parsed(run("inspect", "graph.png", "--format", "json"))["found"]["prompt"] == "a dog"


def test_a_plain_picture_has_nothing(run: Run) -> None:
    Image.new("RGB", (4, 5)).save("plain.png")
    assert run("inspect", "plain.png").stdout == "plain.png: PNG, 4x5, with no recipe and no settings.\n"


def test_what_is_no_picture_is_refused(run: Run, picture: Path) -> None:
    picture.write_bytes(picture.read_bytes()[:300])
    assert "is cut off" in sentence(run("inspect", picture))
    assert "There is no file" in sentence(run("inspect", "none.png"))


KINDS = {
    "a safetensors file": (2).to_bytes(8, "little") + b"{}",
    "a GGUF file": b"GGUF\3\0\0\0" + bytes(20),
    "a pickle, which can run code when opened": b"\x80\4\x95" + bytes(20),
    "a zip archive as torch.save makes them": b"PK\3\4" + bytes(20),
}


@pytest.mark.parametrize(("kind", "content"), KINDS.items(), ids=KINDS)
def test_weights_are_told_what_they_are(run: Run, here: Path, kind: str, content: bytes) -> None:
    (here / "w.png").write_bytes(content)
    said = sentence(run("inspect", "w.png"))
    assert f"w.png is {kind}" in said
    assert "inspect reads pictures" in said
    said = sentence(run("imagine", "a cat", "--model", "w.png"))
    assert f"w.png is {kind}" in said
    assert "a model is a folder with a model.json" in said


def test_a_file_of_a_model_is_told_its_folder(run: Run, model: Path) -> None:
    for name in ("network.safetensors", "model.json"):
        assert f"give {model}." in sentence(run("imagine", "a cat", "--model", model / name))


def test_another_file_that_is_no_picture_is_told_so(run: Run, here: Path) -> None:
    (here / "a.png").write_bytes(b"a text that is no picture")
    assert "is not a PNG, JPEG or WebP picture" in sentence(run("inspect", "a.png"))
    assert "a.png is a file, and a model is a folder" in sentence(run("models", "a.png"))
