import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from mezzotint.data.manifest import Record, digest, read_manifest, write_manifest
from mezzotint.data.staging import PictureWriter, staged_folder
from mezzotint.errors import InvalidFile

RECORD = Record(
    id="a:b",
    captions=("a café", "café"),
    style="noto",
    split="train",
    concept="café",
    sha256="00",
    set="a",
    name="café",
    keywords=("drink",),
    colours=("red", "blue"),
    shares=(0.7, 0.3),
    shading="flat",
    outlined=True,
    hue="red",
    licence="MIT",
    author="Ann",
    package="p",
    version="1",
    hex="1F34E",
)


def test_round_trip(tmp_path: Path) -> None:
    bare = Record("c", ("x",), None, "heldout", "x", "11")
    write_manifest(tmp_path / "m.jsonl", [RECORD, bare])
    assert read_manifest(tmp_path / "m.jsonl") == [RECORD, bare]
    row = json.loads((tmp_path / "m.jsonl").read_text("utf-8").splitlines()[0])
    assert row["facts"] == {
        "colours": ["red", "blue"],
        "shares": [0.7, 0.3],
        "shading": "flat",
        "outlined": True,
        "hue": "red",
    }


@pytest.mark.parametrize("line", ["{", "[]", '{"id": "x"}'])
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "m.jsonl"
    write_manifest(path, [RECORD])
    path.write_text(path.read_text("utf-8") + line + "\n", "utf-8")
    with pytest.raises(InvalidFile, match="Line 2"):
        read_manifest(path)


def test_the_digest_sees_pictures_captions_splits_and_order() -> None:
    other = dataclasses.replace(RECORD, sha256="22")
    seen = {
        digest([RECORD, other]),
        digest([other, RECORD]),
        digest([RECORD]),
        digest([other]),
        digest([dataclasses.replace(RECORD, split="heldout")]),
        digest([dataclasses.replace(RECORD, captions=("a café",))]),
    }
    assert len(seen) == 6


def test_the_writer_writes_what_numpy_would(tmp_path: Path) -> None:
    pictures = np.random.Generator(np.random.PCG64(2)).integers(0, 256, (11, 16, 16, 4), dtype=np.uint8)
    np.save(tmp_path / "a.npy", pictures)
    with PictureWriter(tmp_path / "b.npy", 16) as writer:
        for picture in pictures:
            writer.append(picture)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_an_error_that_is_not_of_the_disk_passes_through(tmp_path: Path) -> None:
    def fail() -> None:
        with staged_folder(tmp_path / "out") as folder:
            (folder / "half").write_text("x")
            raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    assert not list(tmp_path.iterdir())
