"""`mezzotint describe`."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from mezzotint.evaluation import describing
from mezzotint.evaluation.describing import Describer
from mezzotint.evaluation.published import load_clip
from mezzotint.interfaces.name_features import identity, remembered
from tests.evaluation.test_published import tiny_clip
from tests.interfaces.conftest import Run, parsed, sentence


@pytest.fixture(autouse=True)
def _few_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describing, "names", lambda: ("apple", "circle", "square", "tree"))


def test_several_pictures_are_described(run: Run, here: Path) -> None:
    Image.new("RGB", (50, 90), (220, 30, 30)).save(here / "red.jpg", quality=95)
    Image.new("RGBA", (64, 64), (0, 150, 136, 255)).save(here / "teal.png")
    found = parsed(run("describe", "red.jpg", "teal.png", "--count", 3, "--format", "json"))
    assert [one["file"] for one in found["pictures"]] == ["red.jpg", "teal.png"]
    assert [one["colours"][0]["name"] for one in found["pictures"]] == ["red", "teal"]
    assert all(len(one["captions"]) == len(one["names"]) == 3 for one in found["pictures"])
    assert len(found["encoder_sha256"]) == 64
    lines = run("describe", "teal.png", "--count", 2).stdout.splitlines()
    assert lines[0] == "teal.png:"
    assert lines[1].split()[0] == f"{found['pictures'][1]['captions'][0]['score']:.2f}"
    assert lines[3].startswith("  names    ")
    assert lines[4] == "  colours  teal 100%; flat"


def test_a_picture_is_described_upright_as_its_exif_says(run: Run, here: Path) -> None:
    upright = Image.new("RGB", (64, 64), (220, 30, 30))
    upright.paste((0, 90, 200), (0, 40, 64, 64))
    upright.save(here / "upright.png")
    turned = Image.Exif()
    turned[0x0112] = 6  # lies on its left side
    upright.transpose(Image.Transpose.ROTATE_90).save(here / "turned.png", exif=turned)
    one, two = parsed(run("describe", "upright.png", "turned.png", "--count", 3, "--format", "json"))["pictures"]
    assert {**one, "file": ""} == {**two, "file": ""}


class Counting:
    """A ranker whose features are known, that counts how often it is asked for those of prompts."""

    def __init__(self, name: str = "one") -> None:
        self.weights_sha256, self.size, self.asked = name, 64, 0

    def images(self, images: object) -> torch.Tensor:
        return torch.eye(4)[:1]

    def prompts(self, prompts: object) -> torch.Tensor:
        self.asked += 1
        return torch.eye(4)


@identity.register
def _(encoder: Counting) -> tuple[str, ...]:
    return ("counting", encoder.weights_sha256)


def told(encoder: Counting, folder: Path, names: tuple[str, ...] = ("a", "b", "c", "d")) -> torch.Tensor:
    return remembered(Describer(encoder, None, names), folder).features()


def test_features_of_names_are_computed_once_for_what_decides_them(tmp_path: Path) -> None:
    one, cache = Counting(), tmp_path / "deep" / "cache"
    for _ in range(3):
        assert torch.equal(told(one, cache), torch.eye(4))
    assert one.asked == 1
    told(one, cache, ("a", "b", "c", "e"))
    assert one.asked == 2
    told(other := Counting("other"), cache)
    assert other.asked == 1
    assert len(list(cache.iterdir())) == 3
    assert not [path for path in cache.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("broken", ["cut", "empty", "scaled", "rows", "dtype", "name", "folder"])
def test_a_broken_cache_is_ignored_and_made_anew(tmp_path: Path, broken: str) -> None:
    from safetensors.torch import save_file

    one = Counting()
    told(one, tmp_path)
    (file,) = tmp_path.rglob("features.safetensors")
    match broken:
        case "cut":
            file.write_bytes(file.read_bytes()[:-9])
        case "empty":
            file.write_bytes(b"")
        case "folder":
            file.unlink()
            file.mkdir()
        case _:
            values = {"scaled": torch.eye(4) * 0.5, "rows": torch.eye(4)[:3], "dtype": torch.eye(4).double()}
            save_file({"features" if broken != "name" else "x": values.get(broken, torch.eye(4))}, file)
    assert torch.equal(told(one, tmp_path), torch.eye(4))
    assert one.asked == 2
    assert torch.equal(told(one, tmp_path), torch.eye(4))
    assert one.asked == 2


def test_no_cache_is_needed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    one = Counting()
    for _ in range(2):
        assert torch.equal(told(one, tmp_path / "file" / "cache"), torch.eye(4))
    assert one.asked == 2


def test_a_second_call_reads_the_cache_and_says_the_same(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "cache"))
    Image.new("RGBA", (64, 64), (0, 150, 136, 255)).save(here / "teal.png")
    first = run("describe", "teal.png").stdout
    assert [path.name for path in (here / "cache").rglob("*.safetensors")] == ["features.safetensors"]
    with monkeypatch.context() as patch:
        patch.setattr(Describer, "features", lambda self: self.known)  # nothing is computed
        assert run("describe", "teal.png").stdout == first


def test_what_decides_the_features_of_the_encoder_is_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    from copy import deepcopy
    from dataclasses import replace

    from mezzotint.evaluation.encoder import load_encoder
    from mezzotint.load import INSTRUMENTS

    encoder = load_encoder(INSTRUMENTS / "encoder")
    known = identity(encoder)
    assert identity(load_encoder(INSTRUMENTS / "encoder")) == known
    assert identity(replace(encoder, weights_sha256="0" * 64)) != known
    text = deepcopy(encoder.text)
    text.encoder.words.data[5, 7] += 1e-3
    assert identity(replace(encoder, text=text)) != known
    monkeypatch.setattr(torch, "__version__", "9.9")
    assert identity(encoder) != known


def test_a_clip_ranks_the_same_candidates(run: Run, here: Path) -> None:
    tiny_clip(here / "clip")
    Image.new("RGBA", (64, 64), (0, 150, 136, 255)).save(here / "teal.png")
    found = parsed(run("describe", "teal.png", "--clip", "clip", "--count", 4, "--format", "json"))
    clip = load_clip(here / "clip")
    assert found["encoder_sha256"] == clip.weights_sha256
    (shown,) = found["pictures"]
    prompts = {"apple": "an apple", "circle": "a circle", "square": "a square", "tree": "a tree"}
    feature = clip.images([Image.open(here / "teal.png")])[0]
    scores = {name: float(clip.prompts([prompt])[0] @ feature) for name, prompt in prompts.items()}
    assert {one["name"]: one["score"] for one in shown["names"]} == pytest.approx(scores, abs=1e-3)
    own = parsed(run("describe", "teal.png", "--count", 4, "--format", "json"))["pictures"][0]
    assert {one["name"] for one in own["names"]} == set(prompts)
    assert shown["colours"] == own["colours"]


def test_a_wrong_folder_of_a_clip_is_one_sentence(run: Run, here: Path) -> None:
    Image.new("RGBA", (64, 64), (0, 150, 136, 255)).save(here / "teal.png")
    assert "There is no folder nowhere; give the folder with the weights of clip." in sentence(
        run("describe", "teal.png", "--clip", "nowhere")
    )
    (here / "empty").mkdir()
    assert "empty does not hold a published network" in sentence(run("describe", "teal.png", "--clip", "empty"))


def test_what_cannot_be_described_is_refused(run: Run, here: Path) -> None:
    Image.new("RGBA", (8, 8)).save(here / "clear.png")
    assert "clear.png is clear everywhere" in sentence(run("describe", "clear.png"))
    assert "There is no file none.png" in sentence(run("describe", "none.png"))
    assert "count is 0; it must be a whole number from 1 to 100" in sentence(run("describe", "clear.png", "--count", 0))
    (here / "a.png").write_bytes(b"GIF89a")
    assert "is not a PNG, JPEG or WebP picture" in sentence(run("describe", "a.png"))
