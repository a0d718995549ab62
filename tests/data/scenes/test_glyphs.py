"""Words of the atlas against the font library's own rendering of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont

from mezzotint.data.scenes import typefaces
from mezzotint.data.scenes.glyphs import CHARACTERS, EM, Font, Fonts, load_fonts, render_font
from mezzotint.data.scenes.typefaces import FAMILIES, attribution, font_files
from mezzotint.errors import InvalidFile

FACE = ImageFont.load_default(EM)


@pytest.fixture(scope="module")
def font() -> Font:
    return render_font("default", "sans serif", FACE)


@pytest.mark.parametrize("text", ["HELLO", "mimosa", "Yard", "2048", "I", "go!"])
def test_a_word_is_what_the_font_library_renders(font: Font, text: str) -> None:
    ink, letters = font.word(text)
    mask, _ = FACE.getmask2(text, mode="L", features=["-kern"] if FACE.layout_engine == ImageFont.Layout.RAQM else None)
    theirs = np.asarray(mask, dtype=np.uint8).reshape(mask.size[::-1])
    rows, columns = np.flatnonzero(theirs.any(1)), np.flatnonzero(theirs.any(0))
    theirs = theirs[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (min(a, b) for a, b in zip(ink.shape, theirs.shape, strict=True))
    assert max(ink.shape[0] - height, theirs.shape[0] - height) == 0
    assert max(ink.shape[1], theirs.shape[1]) - width <= len(text)  # pens are rounded to whole pixels
    ours, other = ink[:, :width] >= 128, theirs[:, :width] >= 128
    assert (ours & other).sum() / (ours | other).sum() > 0.85
    assert len(letters) == len(text)


def test_letters_fill_their_boxes(font: Font) -> None:
    ink, letters = font.word("Qi7")
    for letter, box in zip("Qi7", letters, strict=True):
        assert (ink[box.top : box.bottom, box.left : box.right] == font.glyphs[letter].ink).all()
    assert ink.any(0)[[0, -1]].all()
    assert ink.any(1)[[0, -1]].all()


def test_the_digest_sees_every_letter(font: Font) -> None:
    whole = Fonts((font,)).digest
    assert set(font.glyphs) == set(CHARACTERS)
    assert Fonts((render_font("default", "sans serif", FACE),)).digest == whole
    wider = {**font.glyphs, "x": replace(font.glyphs["x"], advance=font.glyphs["x"].advance + 1)}
    assert Fonts((replace(font, glyphs=wider),)).digest != whole
    assert Fonts((replace(font, held_out=True),)).digest != whole


def _package(folder: Path, *, licence: str = "OFL-1.1", content: bytes = b"font") -> None:
    family = FAMILIES[0]
    file = folder / family.package / family.file
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    (folder / family.package / "package.json").write_text(f'{{"license": "{licence}"}}', "utf-8")


def test_only_the_pinned_files_under_the_stated_licence_are_used(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="mezzotint data build fonts"):
        load_fonts(tmp_path)
    _package(tmp_path / "other", content=b"another font")
    with pytest.raises(InvalidFile, match="not the pinned one"):
        font_files(tmp_path / "other", FAMILIES[:1])
    pinned = replace(FAMILIES[0], sha256=typefaces.sha256(b"font").hexdigest())
    _package(tmp_path / "licence", licence="CC-BY-NC-4.0")
    with pytest.raises(InvalidFile, match="says its licence is CC-BY-NC"):
        font_files(tmp_path / "licence", [pinned])
    _package(tmp_path / "good")
    assert font_files(tmp_path / "good", [pinned])[0].read_bytes() == b"font"


def test_the_families() -> None:
    assert {family.licence for family in FAMILIES} == {"OFL-1.1", "Apache-2.0"}
    assert [family.name for family in FAMILIES if family.held_out] == ["fredoka", "zilla-slab"]
    assert len({family.look for family in FAMILIES if not family.held_out}) == 10
    assert all(family.author in attribution() and family.licence in attribution() for family in FAMILIES)
