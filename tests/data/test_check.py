import json
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from mezzotint.data.check import check
from mezzotint.data.icons import Summary
from mezzotint.data.manifest import Record, read_manifest, write_manifest
from mezzotint.errors import InvalidFile

Built = tuple[Path, Summary]


def found(path: Path) -> dict[str, list[str]]:
    report = check(path)
    kinds: dict[str, list[str]] = {}
    for finding in (*report.errors, *report.warnings):
        kinds.setdefault(finding.kind, []).append(finding.where)
    return kinds


def write(folder: Path, name: str, caption: str | None, colour: tuple[int, int, int], side: int = 64) -> Path:
    path = folder / name
    Image.new("RGB", (side, side), colour).save(path)
    if caption is not None:
        path.with_suffix(".txt").write_text(caption)
    return path


def test_a_good_folder_is_clean(tmp_path: Path) -> None:
    write(tmp_path, "a.png", "a thing", (1, 2, 3))
    write(tmp_path, "b.webp", "another", (4, 5, 6))
    report = check(tmp_path)
    assert report.ok
    assert (report.form, report.pictures, report.warnings) == ("folder", 2, ())


def test_every_fault_of_a_folder_is_reported(tmp_path: Path) -> None:
    good = write(tmp_path, "a.png", "a thing", (1, 2, 3))
    write(tmp_path, "same.webp", "the same", (9, 9, 9))
    Image.open(tmp_path / "same.webp").convert("RGB").save(tmp_path / "twin.png")
    (tmp_path / "twin.txt").write_text("its twin")
    write(tmp_path, "tiny.png", "too small", (7, 7, 7), side=31)
    write(tmp_path, "mute.png", None, (8, 8, 8))
    write(tmp_path, "blank.png", "  \n ", (8, 8, 9))
    write(tmp_path, "long.png", " ".join(["word"] * 61), (8, 9, 9))
    (tmp_path / "half.png").write_bytes(good.read_bytes()[:70])
    (tmp_path / "half.txt").write_text("half a file")
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "text.txt").write_text("no picture")
    assert found(tmp_path) == {
        "broken": ["half.png", "text.jpg"],
        "captionless": ["blank.png", "mute.png"],
        "duplicate": ["twin.png"],
        "tiny": ["tiny.png"],
        "long": ["long.png"],
    }
    report = check(tmp_path)
    assert not report.ok
    assert {finding.kind for finding in report.errors} == {"broken", "captionless"}
    again = json.loads(json.dumps(report.as_dict()))
    assert again["ok"] is False
    assert again["errors"][0] == {"kind": "captionless", "where": "blank.png", "message": "has no caption."}


def test_the_same_picture_stored_on_its_side_is_a_duplicate(tmp_path: Path) -> None:
    standing = Image.new("RGB", (40, 64), (200, 30, 30))
    standing.putpixel((3, 5), (0, 0, 0))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    standing.save(tmp_path / "a.png")
    standing.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "b.png", exif=exif)
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("a red field\n")
    assert "b.png" in found(tmp_path)["duplicate"]


def test_first_bytes_decide_and_not_the_suffix(tmp_path: Path) -> None:
    write(tmp_path, "a.png", "a thing", (1, 2, 3)).rename(tmp_path / "a.jpg")
    Image.new("RGB", (64, 64), (3, 2, 1)).save(tmp_path / "noname", "JPEG")
    assert found(tmp_path) == {"captionless": ["noname"]}


@pytest.mark.parametrize("side", [8_000, 12_000, 20_000])  # above our limit, Pillow's warning, Pillow's error
def test_a_decompression_bomb_is_an_error_and_not_decoded(side: int, tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = side.to_bytes(4, "big") * 2 + bytes((8, 2, 0, 0, 0))
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )
    for name in ("a", "b"):
        (tmp_path / f"{name}.png").write_bytes(bomb)
        (tmp_path / f"{name}.txt").write_text("a bomb")
    report = check(tmp_path)
    assert [finding.kind for finding in report.errors] == ["broken", "broken"]
    assert "at most 50,000,000" in report.errors[0].message


def test_the_build_is_clean(built: Built) -> None:
    seen: list[tuple[int, int]] = []
    report = check(built[0], lambda done, total: seen.append((done, total)))
    assert (report.form, report.pictures, report.errors) == ("built", built[1].pictures, ())
    assert seen[-1] == (built[1].pictures, built[1].pictures)


def _row(picture: Callable[[np.ndarray], None], record: Callable[[dict[str, object]], None]) -> tuple[object, object]:
    return picture, record


def _unpremultiply(picture: np.ndarray) -> None:
    picture[0, 0] = (9, 9, 9, 1)


def _erase(picture: np.ndarray) -> None:
    picture[:] = 0


def _nothing(value: object) -> None:
    return None


@pytest.mark.parametrize(
    ("spoil", "change", "kinds"),
    [
        (_unpremultiply, {}, {"alpha", "altered"}),
        (_erase, {}, {"tiny", "altered"}),
        (_nothing, {"captions": []}, {"captionless"}),
        (_nothing, {"captions": ["word " * 70]}, {"long"}),
        (_nothing, {"split": "heldout"}, {"split"}),
    ],
)
def test_every_fault_of_a_build_is_reported(
    spoil: Callable[[np.ndarray], None], change: dict[str, object], kinds: set[str], built: Built, tmp_path: Path
) -> None:
    copy = shutil.copytree(built[0], tmp_path / "copy")
    pictures = np.load(copy / "pictures-32.npy")
    records = read_manifest(copy / "manifest.jsonl")
    row = [record.id for record in records].index("toy:green-apple")
    spoil(pictures[row])
    np.save(copy / "pictures-32.npy", pictures)
    records[row] = Record.from_dict(records[row].as_dict() | change)
    write_manifest(copy / "manifest.jsonl", records)
    assert set(found(copy)) == kinds


def test_doubled_rows_of_a_build_are_reported(built: Built, tmp_path: Path) -> None:
    copy = shutil.copytree(built[0], tmp_path / "copy")
    pictures = np.load(copy / "pictures-32.npy")
    records = read_manifest(copy / "manifest.jsonl")
    np.save(copy / "pictures-32.npy", np.concatenate([pictures, pictures[:1]]))
    write_manifest(copy / "manifest.jsonl", [*records, Record.from_dict(records[0].as_dict() | {"id": "copy"})])
    assert found(copy) == {"duplicate": ["copy"]}


def test_what_cannot_be_checked_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="no folder"):
        check(tmp_path / "nowhere")
    with pytest.raises(InvalidFile, match="has no pictures"):
        check(tmp_path)
    (tmp_path / "manifest.jsonl").write_text("")
    with pytest.raises(InvalidFile, match="but no pictures"):
        check(tmp_path)
