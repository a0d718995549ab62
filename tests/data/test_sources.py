import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from mezzotint.data.folder import open_picture
from mezzotint.data.icons import Summary
from mezzotint.data.sources import FolderSource, IconSource
from mezzotint.errors import InvalidFile, InvalidOption


def picture(path: Path, colour: tuple[int, ...], size: tuple[int, int] = (40, 40)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(path)


def test_icon_source_maps_the_build(built: tuple[Path, Summary]) -> None:
    data = IconSource(built[0]).load(32)
    assert isinstance(data.pictures, np.memmap)
    assert data.digest == built[1].digest
    assert len(data) == built[1].pictures
    assert data.styles == ("solid", "toy", "ui")
    rows = np.concatenate([data.split("train"), data.split("heldout")])
    assert sorted(rows.tolist()) == list(range(len(data)))
    assert all(data.records[i].split == "heldout" for i in data.split("heldout"))
    with pytest.raises(InvalidOption, match="train or heldout"):
        data.split("test")


def test_icon_source_names_what_is_wrong(built: tuple[Path, Summary], tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="no pictures of size 64"):
        IconSource(built[0]).load(64)
    copy = shutil.copytree(built[0], tmp_path / "copy")
    path = copy / "pictures-32.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InvalidFile, match="cannot be read"):
        IconSource(copy).load(32)
    np.save(path, np.zeros((2, 32, 32, 4), dtype=np.uint8))
    with pytest.raises(InvalidFile, match="but the manifest has"):
        IconSource(copy).load(32)


def test_folder_with_text_files(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", (255, 0, 0, 128))
    (tmp_path / "a.txt").write_text("a red  square\n\na square\n")
    picture(tmp_path / "sub" / "b.jpg", (0, 0, 255), (40, 20))
    (tmp_path / "sub" / "b.txt").write_text("a blue bar")
    data = FolderSource(tmp_path, held_out=0.0).load(16)
    assert [record.id for record in data.records] == ["a.png", "sub/b.jpg"]
    assert data.records[0].captions == ("a red square", "a square")
    np.testing.assert_allclose(data.pictures[0][8, 8], [128, 0, 0, 128], atol=1)
    assert data.pictures[1][0].max() == 0  # a bar of half the height, centred on transparency
    assert data.pictures[1][8, 8, 3] == 255
    assert data.pictures[1][8, 8, 2] > 240
    assert data.split("train").tolist() == [0, 1]


def test_folder_with_metadata(tmp_path: Path) -> None:
    picture(tmp_path / "a.webp", (0, 255, 0, 255))
    picture(tmp_path / "b.png", (0, 0, 255, 255))
    rows = [
        {
            "file_name": "a.webp",
            "text": ["green", "a green square"],
            "style": "plain",
            "licence": "MIT",
            "author": "Ann",
        },
        {"file_name": "b.png", "text": "a blue square", "concept": "square"},
    ]
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = FolderSource(tmp_path, held_out=1.0).load(16)
    first, second = data.records
    assert (first.captions, first.style, first.licence, first.author) == (
        ("green", "a green square"),
        "plain",
        "MIT",
        "Ann",
    )
    assert (second.captions, second.concept, second.style) == (("a blue square",), "square", None)
    assert data.split("train").size == 0


def test_the_folder_is_divided_by_concept(tmp_path: Path) -> None:
    for i in range(12):
        for colour in ("red", "green"):
            picture(tmp_path / f"{colour}{i}.png", (i, 0, 0, 255))
            (tmp_path / f"{colour}{i}.txt").write_text(f"a {colour} thing{chr(97 + i)}")
    records = FolderSource(tmp_path, held_out=0.5).load(8).records
    held = {record.concept for record in records if record.split == "heldout"}
    assert 0 < len(held) < 12
    assert not held & {record.concept for record in records if record.split == "train"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.png", b"no picture", "not a PNG, JPEG or WEBP"),
        ("a.gif", b"GIF89a" + bytes(20), "not a PNG, JPEG or WEBP"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(20), "cannot be read"),
    ],
)
def test_a_broken_picture_is_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "a.txt").write_text("a thing")
    with pytest.raises(InvalidFile, match=rf"{name}.*{said}"):
        FolderSource(tmp_path).load(16)


def lying(path: Path) -> None:
    """A standing picture, white above black, stored lying on its side as cameras do."""
    pixels = np.zeros((64, 32, 3), np.uint8)
    pixels[:32] = 255
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned by 90 degrees clockwise
    Image.fromarray(pixels).transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)


def test_pictures_are_upright_as_their_exif_says(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.png", "c.webp"):
        lying(tmp_path / name)
        with Image.open(tmp_path / name) as stored:
            assert stored.size == (64, 32)
        with open_picture(tmp_path / name) as image:
            assert image.size == (32, 64)
    (tmp_path / "metadata.jsonl").write_text(
        "".join(f'{{"file_name": "{name}", "text": "a flag"}}\n' for name in ("a.jpg", "b.png", "c.webp"))
    )
    for seen in FolderSource(tmp_path).load(32).pictures:
        assert not seen[:, :7].any(), "it stands, with nothing beside it"
        assert (seen[:15, 9:23, :3] > 240).all()
        assert (seen[17:, 9:23, :3] < 15).all()


@pytest.mark.parametrize("name", ["a.png", "a.webp"])
def test_a_picture_whose_exif_is_broken_is_read_as_it_is(tmp_path: Path, name: str) -> None:
    Image.new("RGB", (64, 32), (9, 9, 9)).save(tmp_path / name, exif=b"nonsense")
    with open_picture(tmp_path / name) as image:
        assert image.size == (64, 32)


@pytest.mark.parametrize(
    "row",
    [
        '{"file_name": "a.png", "text": 5}',
        '{"file_name": "a.png", "text": {"a": 1}}',
        '{"file_name": "a.png", "text": ["a square", 5]}',
        '{"file_name": 5, "text": "a square"}',
        '["a.png", "a square"]',
        "[" * 100_000,
    ],
    ids=["number", "object", "list", "name", "no object", "deep"],
)
def test_a_row_of_the_metadata_that_is_no_text_is_named(tmp_path: Path, row: str) -> None:
    picture(tmp_path / "a.png", (0, 0, 0, 255))
    (tmp_path / "metadata.jsonl").write_text(f'{{"file_name": "a.png", "text": null}}\n{row}\n')
    with pytest.raises(InvalidFile, match=r"^Line 2 of .*metadata\.jsonl is not an object .*; correct it\.$"):
        FolderSource(tmp_path).load(16)


def test_folder_faults_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="no folder"):
        FolderSource(tmp_path / "nowhere").load(16)
    with pytest.raises(InvalidFile, match="has no pictures"):
        FolderSource(tmp_path).load(16)
    picture(tmp_path / "a.png", (0, 0, 0, 255))
    with pytest.raises(InvalidFile, match="has no caption"):
        FolderSource(tmp_path).load(16)
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "a.png"}\nnonsense\n')
    with pytest.raises(InvalidFile, match="Line 2"):
        FolderSource(tmp_path).load(16)
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "gone.png", "text": "x"}\n')
    with pytest.raises(InvalidFile, match=r"gone\.png, which is not there"):
        FolderSource(tmp_path).load(16)
