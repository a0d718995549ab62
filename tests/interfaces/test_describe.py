"""`mezzotint describe`."""

from pathlib import Path

import pytest
from PIL import Image

from mezzotint.evaluation import describing
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


def test_what_cannot_be_described_is_refused(run: Run, here: Path) -> None:
    Image.new("RGBA", (8, 8)).save(here / "clear.png")
    assert "clear.png is clear everywhere" in sentence(run("describe", "clear.png"))
    assert "There is no file none.png" in sentence(run("describe", "none.png"))
    assert "count is 0; it must be a whole number from 1 to 100" in sentence(run("describe", "clear.png", "--count", 0))
    (here / "a.png").write_bytes(b"GIF89a")
    assert "is not a PNG, JPEG or WebP picture" in sentence(run("describe", "a.png"))
