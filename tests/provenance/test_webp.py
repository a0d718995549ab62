"""A WebP is the picture to the bit, and carries its recipe and a text for other programs."""

import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mezzotint.errors import InvalidFile
from mezzotint.provenance.exif import DESCRIPTION, EXIF_IFD, RECIPE_MARK, USER_COMMENT
from mezzotint.provenance.infotext import infotext_of
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.provenance.read import read_metadata, read_picture
from mezzotint.provenance.webp import webp_bytes
from tests.provenance.recipes import noise_image, recipe_of


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prompt=st.text(max_size=60), negative=st.text(max_size=20))
def test_recipe_and_pixels_come_back(tmp_path: Path, prompt: str, negative: str) -> None:
    image = noise_image()
    recipe = recipe_of(image, prompt=prompt, negative=negative)
    (tmp_path / "a.webp").write_bytes(webp_bytes(image, recipe))
    found = read_metadata(tmp_path / "a.webp")
    assert (found.format, found.size, found.source, found.recipe) == ("WEBP", image.size, "mezzotint", recipe)
    assert pixel_sha256(read_picture(tmp_path / "a.webp")) == recipe.pixels_sha256


def test_clear_pixels_keep_their_colours(tmp_path: Path) -> None:
    image = Image.new("RGBA", (8, 8), (200, 30, 10, 0))
    (tmp_path / "a.webp").write_bytes(webp_bytes(image, recipe_of(image)))
    assert read_picture(tmp_path / "a.webp").getpixel((3, 3)) == (200, 30, 10, 0)


def test_other_programs_find_a_text_where_they_look(tmp_path: Path) -> None:
    image = noise_image()
    recipe = recipe_of(image, prompt="a cat \u4e00, \U0001f34e")
    with Image.open(io.BytesIO(webp_bytes(image, recipe))) as seen:
        comment = seen.getexif().get_ifd(EXIF_IFD)[USER_COMMENT]
    assert comment[:8] == b"UNICODE\0"
    assert comment[8:].decode("utf-16-be") == infotext_of(recipe)


def with_description(text: str, kind: str) -> bytes:
    exif = Image.Exif()
    exif[DESCRIPTION] = text
    stream = io.BytesIO()
    Image.new("RGB", (4, 4)).save(stream, kind, exif=exif)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["WEBP", "JPEG"])
def test_a_description_of_another_kind_says_nothing_and_a_broken_recipe_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(with_description("a fox in the snow", kind))
    assert read_metadata(path).source is None
    for broken in ("{", "[" * 100_000, '{"request": 3}', "NaN"):
        path.write_bytes(with_description(RECIPE_MARK + broken[:60_000], kind))
        with pytest.raises(InvalidFile, match="has a recipe that"):
            read_metadata(path)
