"""An SVG carries its recipe, and is read as a stranger's file."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from mezzotint.errors import InvalidFile
from mezzotint.provenance.read import read_drawing, read_metadata, read_picture
from mezzotint.provenance.svg import BrokenSvg, looks_like_svg, read_svg, svg_text
from mezzotint.recipe import Recipe
from tests.provenance.recipes import recipe_of

PROMPT = 'a <b> & "c" ]]> </metadata> é 😀 \ufffe'
DRAWING = '<path fill="#f00" d="m1 1h2v2z"/>'


def written() -> Recipe:
    return recipe_of(Image.new("RGBA", (4, 4)), prompt=PROMPT)


def test_the_recipe_comes_back_whatever_the_prompt(tmp_path: Path) -> None:
    file = tmp_path / "a.svg"
    file.write_text(svg_text(DRAWING, (30, 20), written(), 5))
    found = read_metadata(file)
    assert (found.format, found.size, found.source) == ("SVG", (30, 20), "mezzotint")
    assert found.recipe == written()
    assert json.loads(json.dumps(found.to_json_dict()))["format"] == "SVG"
    facts = read_drawing(file)
    assert facts is not None
    assert (facts.unchanged, facts.colours) == (True, 5)


def test_a_changed_drawing_is_noticed_and_a_changed_recipe_is_none() -> None:
    text = svg_text(DRAWING, (30, 20), written())
    assert read_svg(text.replace("#f00", "#f10").encode()).unchanged is False
    assert read_svg(text.encode()).unchanged is True
    assert read_svg(text.encode()).colours is None


def test_other_programs_svgs_have_a_size_and_no_recipe(tmp_path: Path) -> None:
    space = 'xmlns="http://www.w3.org/2000/svg"'
    for opening, size in (
        (f'<svg {space} width="12px" height="7.6"/>', (12, 8)),
        (f'<svg {space} viewBox="1 2, 30 40"/>', (30, 40)),
        (f'<svg {space} width="100%" height="1em" viewBox="0 0 5 6"/>', (5, 6)),
        (f"<svg {space}/>", (0, 0)),
    ):
        file = tmp_path / "b.svg"
        file.write_text(f'<?xml version="1.0"?>\n<!-- x -->\n{opening}')
        found = read_metadata(file)
        assert (found.size, found.source, found.recipe) == (size, None, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>', "defines entities"),
        ("<svg", "is a damaged SVG"),
        ("<svg>" + "<g>" * 20_000, "is a damaged SVG"),
        ('<svg xmlns="urn:x"/>', "no SVG"),
    ],
)
def test_hostile_and_broken_files_are_refused_in_a_sentence(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(BrokenSvg, match=words):
        read_svg(text.encode())
    (tmp_path / "c.svg").write_text(text)
    with pytest.raises(InvalidFile, match=words):
        read_metadata(tmp_path / "c.svg")


def test_two_recipes_are_none() -> None:
    text = svg_text("", (4, 4), written())
    whole = text[text.index("<metadata>") : text.index("</svg>")]
    with pytest.raises(BrokenSvg, match="has 2 recipes"):
        read_svg(text.replace("</svg>", f"{whole}</svg>").encode())


def test_a_recipe_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "d.svg"
    file.write_text(svg_text("", (4, 4), written()).replace("recipe_version", "recipe_weasel"))
    with pytest.raises(InvalidFile, match="cannot be used"):
        read_metadata(file)


def test_an_svg_is_no_picture_of_pixels_and_png_is_no_svg(tmp_path: Path) -> None:
    file = tmp_path / "e.svg"
    file.write_text(svg_text(DRAWING, (4, 4)))
    with pytest.raises(InvalidFile, match="is not a PNG, JPEG or WebP picture"):
        read_picture(file)
    Image.new("RGBA", (2, 2)).save(tmp_path / "f.svg", "PNG")
    assert read_drawing(tmp_path / "f.svg") is None
    assert read_metadata(tmp_path / "f.svg").format == "PNG"
    assert read_drawing(tmp_path / "nowhere.svg") is None
    assert not looks_like_svg(b"<html><svg>")


def test_the_document_is_well_formed_xml() -> None:
    root = ElementTree.fromstring(svg_text(DRAWING, (30, 20), written()))
    (told,) = root.iter("{urn:mezzotint:recipe}recipe")
    assert Recipe.from_json_dict(json.loads(told.text or "")) == written()
