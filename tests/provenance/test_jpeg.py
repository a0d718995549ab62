"""A JPEG carries its recipe and a text for other programs, and tells whether its pixels are as they were written."""

import io
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from mezzotint.errors import InvalidOption
from mezzotint.provenance.exif import DESCRIPTION, EXIF_IFD, UNIQUE_ID, USER_COMMENT
from mezzotint.provenance.infotext import infotext_of
from mezzotint.provenance.jpeg import as_jpeg, jpeg_bytes, jpeg_unchanged
from mezzotint.provenance.pixels import psnr
from mezzotint.provenance.read import read_metadata, read_picture
from mezzotint.provenance.verdict import Lossy, compare
from tests.provenance.recipes import noise_image, recipe_of


def smooth(seed: int = 0) -> Image.Image:
    """An opaque picture such as JPEG is made for."""
    picture = noise_image(seed, 64, 48).filter(ImageFilter.GaussianBlur(6))
    picture.putalpha(255)
    return picture


def written(folder: Path, image: Image.Image, **asked: object) -> Path:
    (folder / "a.jpg").write_bytes(jpeg_bytes(image, recipe_of(image, **asked)))
    return folder / "a.jpg"


def judged(path: Path, again: Image.Image) -> tuple[str, float | None]:
    then, unchanged = read_metadata(path).recipe, jpeg_unchanged(path)
    assert then is not None
    assert unchanged is not None
    lossy = Lossy(as_jpeg(again), unchanged)
    verdict = compare(then, recipe_of(again), again, read_picture(path), lossy)
    return verdict.status, verdict.psnr


def test_the_recipe_comes_back_and_the_picture_nearly(tmp_path: Path) -> None:
    image = smooth()
    path = written(tmp_path, image, prompt="a cat \u4e00, \U0001f34e", negative="\x00é")
    found = read_metadata(path)
    assert (found.format, found.size, found.source) == ("JPEG", image.size, "mezzotint")
    assert found.recipe == recipe_of(image, prompt="a cat \u4e00, \U0001f34e", negative="\x00é")
    assert 45 < psnr(read_picture(path), image) < math.inf
    assert path.stat().st_size < 10_000


def test_clear_pixels_lie_on_white(tmp_path: Path) -> None:
    image = Image.fromarray(np.full((16, 16, 4), (200, 30, 10, 128), dtype=np.uint8))
    shown = read_picture(written(tmp_path, image)).getpixel((8, 8))
    assert shown == pytest.approx((227, 142, 132, 255), abs=2)  # the mean of the colour and 255
    assert as_jpeg(image).getpixel((8, 8)) == shown


def test_other_programs_find_a_text_where_they_look(tmp_path: Path) -> None:
    image = smooth()
    with Image.open(written(tmp_path, image)) as seen:
        comment = seen.getexif().get_ifd(EXIF_IFD)[USER_COMMENT]
    assert comment[:8] == b"UNICODE\0"
    assert comment[8:].decode("utf-16-be") == infotext_of(recipe_of(image))


def test_the_same_drawn_again_is_identical(tmp_path: Path) -> None:
    path = written(tmp_path, smooth())
    assert jpeg_unchanged(path) is True
    assert judged(path, smooth()) == ("identical", math.inf)


def test_nearly_the_same_is_measured_in_what_a_jpeg_shows(tmp_path: Path) -> None:
    image = smooth()
    path = written(tmp_path, image)
    moved = Image.fromarray(np.clip(np.asarray(image).astype(int) + np.array([2, -2, 2, 0]), 0, 255).astype(np.uint8))
    status, measured = judged(path, moved)
    assert status == "same"
    assert measured == pytest.approx(psnr(read_picture(path), as_jpeg(moved)))
    assert judged(path, smooth(1))[0] == "different"


def test_changed_pixels_and_changed_tables_are_told_and_changed_metadata_are_not(tmp_path: Path) -> None:
    image, path = smooth(), tmp_path / "a.jpg"
    recipe = recipe_of(image)
    data = jpeg_bytes(image, recipe)
    commented = data[:2] + b"\xff\xfe\x00\x07hello" + data[2:]
    path.write_bytes(commented)
    assert jpeg_unchanged(path) is True
    table = data.index(b"\xff\xdb") + 10
    for place in (table, data.index(b"\xff\xda") + 40):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert jpeg_unchanged(path) is False
    with Image.open(io.BytesIO(data)) as seen:  # painted over, with the EXIF of before
        painted = seen.convert("RGB")
        painted.paste((255, 0, 0), (0, 0, 32, 32))
        painted.save(path, "JPEG", quality=95, exif=seen.getexif())
    assert jpeg_unchanged(path) is False
    assert judged(path, image)[0] == "different"


def test_a_jpeg_of_others_has_no_digest(tmp_path: Path) -> None:
    path = tmp_path / "a"
    smooth().convert("RGB").save(path, "JPEG")
    assert jpeg_unchanged(path) is False
    smooth().save(path, "PNG")
    assert jpeg_unchanged(path) is None


def test_what_an_exif_cannot_hold_leaves_out_the_text_for_others_first(tmp_path: Path) -> None:
    image = smooth()
    path = written(tmp_path, image, prompt="word " * 8_000)
    with Image.open(path) as seen:
        own = seen.getexif().get_ifd(EXIF_IFD)
        assert set(own) == {UNIQUE_ID}
        assert "word word" in seen.getexif()[DESCRIPTION]
    assert read_metadata(path).recipe == recipe_of(image, prompt="word " * 8_000)
    with pytest.raises(InvalidOption, match=r"longer than the 65527 bytes that a JPEG holds; give a file that ends in"):
        jpeg_bytes(image, recipe_of(image, prompt="word " * 14_000))
