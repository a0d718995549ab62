"""Pictures with a profile of colours: what edits read is sRGB, against profiles made by hand."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from mezzotint.provenance.profile import in_srgb
from mezzotint.provenance.read import read_picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PLACES = {name: SRGB.index(name) for name in (b"rXYZ", b"gXYZ")}


def crossed() -> bytes:
    """sRGB's profile with the names of its red and green primaries exchanged: 255, 0, 0 is green."""
    data = bytearray(SRGB)
    data[PLACES[b"rXYZ"] : PLACES[b"rXYZ"] + 4], data[PLACES[b"gXYZ"] : PLACES[b"gXYZ"] + 4] = b"gXYZ", b"rXYZ"
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "options"), [("a.png", {}), ("a.webp", {"lossless": True}), ("a.jpg", {"quality": 100})]
)
def test_numbers_mean_what_the_profile_says(tmp_path: Path, name: str, options: dict[str, object]) -> None:
    picture = Image.new("RGB", (16, 16), (250, 10, 128))
    picture.save(tmp_path / name, icc_profile=crossed(), **options)
    seen, lying = (np.asarray(read_picture(tmp_path / name, upright=upright)).mean((0, 1)) for upright in (True, False))
    assert seen == pytest.approx([10, 250, 128, 255], abs=3)
    assert lying == pytest.approx([250, 10, 128, 255], abs=3)
    assert read_picture(tmp_path / name, upright=True).info == {}


def test_alpha_stays_and_srgb_changes_nothing() -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (8, 8, 4), dtype=np.uint8)
    picture = Image.fromarray(pixels, "RGBA")
    assert np.array_equal(np.asarray(in_srgb(picture)), pixels)
    picture.info["icc_profile"] = SRGB
    assert np.abs(np.asarray(in_srgb(picture)).astype(int) - pixels).max() <= 1
    picture.info["icc_profile"] = crossed()
    swapped = np.asarray(in_srgb(picture)).astype(int)
    assert np.abs(swapped - pixels[..., [1, 0, 2, 3]]).max() <= 2
    grey = Image.new("L", (4, 4), 77)
    grey.info["icc_profile"] = crossed()
    assert np.asarray(in_srgb(grey)).reshape(-1, 4)[0] == pytest.approx([77, 77, 77, 255], abs=2)


@pytest.mark.parametrize("profile", [b"no profile", SRGB[:200], b"\0" * 4_000_001, "text", b""])
def test_a_strange_profile_is_none(profile: object) -> None:
    picture = Image.new("RGB", (4, 4), (250, 10, 128))
    picture.info["icc_profile"] = profile
    assert np.asarray(in_srgb(picture)).reshape(-1, 4).tolist() == [[250, 10, 128, 255]] * 16
