"""Animations of very many pictures: the first one is read, and nothing else is worked at."""

import time
import tracemalloc
from pathlib import Path

import pytest
from PIL import Image

from mezzotint.errors import InvalidFile
from mezzotint.provenance.read import picture_count, read_metadata, read_picture
from tests.animations import FIRST, apng, chunk, webp


@pytest.mark.parametrize("data", [apng(90_000), webp(100_000)], ids=["APNG", "WebP"])
def test_the_first_picture_is_read_quickly_and_small(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(data)
    with Image.open(path) as image:
        frames = getattr(image, "n_frames", 1)
    assert frames >= 90_000
    begin = time.process_time()
    assert picture_count(path) == frames
    assert read_picture(path, upright=True).getpixel((1, 1)) == FIRST
    assert read_metadata(path).size == (4, 4)
    assert time.process_time() - begin < 2  # .2 on an idle core
    tracemalloc.start()
    read_picture(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 50e6


def test_an_animation_of_more_chunks_than_any_picture_has_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(apng(150_000))
    with pytest.raises(InvalidFile, match="has more than 200000 chunks"):
        read_picture(tmp_path / "a")


def still(path: Path, kind: str, **more: object) -> Path:
    Image.new("RGB", (8, 8), (1, 2, 3)).save(path, kind, **more)
    return path


def test_what_shows_one_picture_is_no_animation(tmp_path: Path) -> None:
    for kind in ("PNG", "JPEG", "WEBP"):
        assert picture_count(still(tmp_path / kind, kind)) == 1
    assert picture_count(still(tmp_path / "w", "WEBP", exif=b"Exif\0\0", lossless=True)) == 1, "VP8X without the flag"
    for number, data in enumerate((apng(1), webp(1))):
        (tmp_path / f"{number}").write_bytes(data)
        assert picture_count(tmp_path / f"{number}") == 1
    # what lies behind a JPEG's picture, such as a depth map, is not shown after it
    second = Image.new("RGB", (8, 8), (9, 9, 9))
    assert picture_count(still(tmp_path / "m", "MPO", save_all=True, append_images=[second])) == 1


def test_a_still_picture_that_is_no_frame_counts_beside_the_frames(tmp_path: Path) -> None:
    frames = [Image.new("RGBA", (8, 8), (shade, 0, 0, 255)) for shade in (0, 100, 200)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:], default_image=True)
    with Image.open(tmp_path / "a.png") as image:
        assert getattr(image, "n_frames", 1) == picture_count(tmp_path / "a.png") == 3
    data = apng(4)
    control = chunk(b"acTL", data[41:49])
    assert control in data
    (tmp_path / "b").write_bytes(data.replace(control, b""))
    assert picture_count(tmp_path / "b") == 1, "frames without acTL are shown by nobody"


def test_frames_that_are_not_there_are_not_counted(tmp_path: Path) -> None:
    data = webp(5)
    (tmp_path / "a").write_bytes(data[: data.rindex(b"ANMF") + 20])
    assert picture_count(tmp_path / "a") == 4
    (tmp_path / "b").write_bytes(data[:20])
    assert picture_count(tmp_path / "b") == 1
    (tmp_path / "c").write_text("no picture")
    with pytest.raises(InvalidFile, match="is not a PNG, JPEG or WebP picture"):
        picture_count(tmp_path / "c")
