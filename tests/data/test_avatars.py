"""Avatars: a made-up package through the whole path, captions against pixels, and what the tables of the styles say."""

import re
from pathlib import Path

import numpy as np
import pytest

from mezzotint.data.avatars import STYLES, AvatarStyle, build_avatars
from mezzotint.data.avatars.components import Drawings, compose, inks_of, read_variants
from mezzotint.data.avatars.held import is_held
from mezzotint.data.avatars.palette import BACKDROPS, PALETTES
from mezzotint.data.avatars.phrases import KINDS
from mezzotint.data.avatars.table import Option
from mezzotint.data.check import check
from mezzotint.data.colours import colour_name
from mezzotint.data.icons import Summary
from mezzotint.data.icons.nouns import names_held_out
from mezzotint.data.manifest import Record
from mezzotint.data.sources import IconSource, PictureSet
from mezzotint.errors import InvalidFile, InvalidOption
from tests.data import avatar_packages

Made = tuple[Path, AvatarStyle]
COUNT = 240


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return avatar_packages.make(tmp_path_factory.mktemp("node_modules"))


@pytest.fixture(scope="module")
def built(made: Made, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    out = tmp_path_factory.mktemp("data") / "avatars"
    return out, build_avatars(out, size=32, count=COUNT, packages=made[0], styles=[made[1]])


@pytest.fixture(scope="module")
def avatars(built: tuple[Path, Summary]) -> PictureSet:
    return IconSource(built[0], "avatars").load(32)


def shade(picture: np.ndarray, x: int, y: int) -> str:
    """The hex colour of a pixel of what is drawn at 32 by 32 units."""
    return "#" + "".join(f"{int(v):02x}" for v in picture[y, x, :3])


def facts(record: Record) -> str:
    """All that the captions of a picture say."""
    return " ; ".join(record.captions)


def test_a_part_is_read_as_it_is_written() -> None:
    nested = avatar_packages.hole("ears", "_c", "_d")
    text = avatar_packages.part_file("hair", {"crop": f'<path fill="{avatar_packages.HAIR}"/>{nested}', "none": ""})
    assert read_variants(text, "x", "hair") == {"crop": '<path fill="{colour hair}"/>{part ears}', "none": ""}
    quoted = text.replace("    crop:", "    'crop':").replace(
        "none: (components, colors) => ``", "none: (components, colors) => { var _c, _d; return `<g/>`; }"
    )
    assert read_variants(quoted, "x", "hair") == {"crop": '<path fill="{colour hair}"/>{part ears}', "none": "<g/>"}


@pytest.mark.parametrize(
    "drawing",
    [
        "<script>x</script>",
        '<image href="a.png"/>',
        '<path fill="url(file:///x)"/>',
        '<path onload="x"/>',
        "${process.exit()}",
        "<!DOCTYPE x>",
        "<g>&entity;</g>",
        "{colour skin}{other}",
    ],
)
def test_what_is_no_plain_drawing_is_refused(drawing: str) -> None:
    with pytest.raises(InvalidFile):
        read_variants(avatar_packages.part_file("hair", {"crop": drawing}), "x", "hair")


@pytest.mark.parametrize("more", ["fetch('x');\n", "    evil: fetch('x'),\n"])
def test_code_beside_the_drawings_is_refused(more: str) -> None:
    text = avatar_packages.part_file("hair", {"crop": "<g/>"})
    assert read_variants(text, "x", "hair") == {"crop": "<g/>"}
    with pytest.raises(InvalidFile, match="does not have the form"):
        read_variants(text.replace("};\n", f"{more}}};\n"), "x", "hair")
    with pytest.raises(InvalidFile, match="does not have the form"):
        read_variants(text, "x", "eyes")


def test_a_picture_is_composed_of_the_chosen_parts() -> None:
    parts = {"head": {"a": '<g fill="{colour skin}">{part hat}</g>'}, "hat": {"b": '<path fill="{colour hair}"/>'}}
    drawings = Drawings("0 0 8 8", "{part head}", parts)
    inks = {"skin": "#111111", "hair": "#222222"}
    with_hat = compose(drawings, {"head": "a", "hat": "b"}, inks, ground="<rect/>", view_box="1 1 6 6")
    assert with_hat.endswith('<rect/><g fill="#111111"><path fill="#222222"/></g></svg>')
    assert 'viewBox="1 1 6 6"' in with_hat
    assert '"><g fill="#111111"></g></svg>' in compose(drawings, {"head": "a"}, inks)
    assert inks_of(drawings, {"head": "a"}) == {"skin"}
    with pytest.raises(InvalidFile, match="no hat called 'c'"):
        compose(drawings, {"head": "a", "hat": "c"}, inks)
    with pytest.raises(InvalidFile, match="'hair'"):
        compose(drawings, {"head": "a", "hat": "b"}, {"skin": "#111111"})


def test_captions_say_what_the_pixels_show(avatars: PictureSet) -> None:
    seen = set()
    for picture, record in zip(avatars.pictures, avatars.records, strict=True):
        said = facts(record)
        hair = next(name for name, shades in PALETTES["hair"].items() if shade(picture, 16, 6) in shades)
        assert re.search(rf"\b(short {hair} hair|an? {hair} mane)", said), (hair, said)
        assert ("mane" in said) == (shade(picture, 3, 6) == shade(picture, 16, 6))
        eyewear = {"#0000ff": "blue glasses", "#000000": "sunglasses"}.get(shade(picture, 20, 14), "")
        assert eyewear in said
        assert ("glasses" in said) == bool(eyewear)
        mood = "smiling" if shade(picture, 11, 22) == "#ff0000" else "winking"
        assert mood in said
        # a wink behind dark glasses cannot be seen
        assert (mood, eyewear) != ("winking", "sunglasses")
        tone = next(name for name, shades in PALETTES["skin"].items() if shade(picture, 16, 18) in shades)
        assert all(found == f"{tone} skin" for found in re.findall(r"\w+ skin", said))
        backed = shade(picture, 0, 31) if picture[31, 0, 3] else ""
        ground = next((name for name, shades in BACKDROPS.items() if backed in shades), "transparent")
        assert all(found == ground for found in re.findall(r"on an? ([\w ]+) background", said))
        assert 3 <= len(record.captions) <= 5
        seen |= {mood, eyewear, tone, ground == "transparent", "orange hair" in said}
    assert seen == {"smiling", "winking", "blue glasses", "sunglasses", "", "light", "medium", "dark", True, False}
    assert any("an orange mane" in facts(record) for record in avatars.records)


def test_captions_go_from_short_to_dense(avatars: PictureSet) -> None:
    for record in avatars.records:
        words = [len(caption.split()) for caption in record.captions]
        assert words[0] < words[-1] <= 22
        assert record.style == "boxy"
    assert any(record.captions[-1].startswith("a boxy portrait of a ") for record in avatars.records)
    assert any("boxy style" in facts(record) for record in avatars.records)


def test_held_out_pairs_never_train(avatars: PictureSet) -> None:
    splits = {"train": 0, "heldout": 0}
    for record in avatars.records:
        said = facts(record)
        hair = next(name for name in PALETTES["hair"] if re.search(rf"{name} (hair|mane)", said))
        things = [thing for thing in ("glasses", "sunglasses", "smiling", "winking") if re.search(rf"\b{thing}", said)]
        assert record.split == ("heldout" if any(is_held(hair, thing) for thing in things) else "train")
        splits[record.split] += 1
    assert splits["heldout"] >= 0.03 * COUNT
    share = np.mean([is_held(f"c{i}", f"t{j}") for i in range(60) for j in range(60)])
    assert share == pytest.approx(0.1, abs=0.02)


def test_a_seed_decides_everything(made: Made, built: tuple[Path, Summary], tmp_path: Path) -> None:
    assert (built[1].pictures, built[1].licences, built[1].size) == (COUNT, {"CC0-1.0": COUNT}, 32)
    again = build_avatars(tmp_path / "again", size=32, count=COUNT, packages=made[0], styles=[made[1]])
    other = build_avatars(tmp_path / "other", size=32, count=COUNT, seed=1, packages=made[0], styles=[made[1]])
    assert again.digest == built[1].digest != other.digest
    assert (tmp_path / "again/pictures-32.npy").read_bytes() == (built[0] / "pictures-32.npy").read_bytes()
    assert check(built[0]).ok
    assert "| boxy | @toy/boxy 1.0.0 | Ann | CC0-1.0 |" in (built[0] / "ATTRIBUTION.md").read_text()


def test_only_the_pinned_package_is_used(made: Made, tmp_path: Path) -> None:
    root, style = avatar_packages.make(tmp_path)
    folder = root / style.package
    mouth = folder / "lib/components/mouth.js"
    mouth.write_text(mouth.read_text().replace("#ff0000", "#ff0001"))
    with pytest.raises(InvalidFile, match="is not the pinned one"):
        build_avatars(tmp_path / "out", packages=root, styles=[style])
    licence = folder / "LICENSE"
    licence.write_text(licence.read_text().replace("CC0 1.0", "CC BY-NC 4.0"))
    with pytest.raises(InvalidFile, match="until someone has looked"):
        build_avatars(tmp_path / "out", packages=root, styles=[style])
    with pytest.raises(InvalidFile, match="none of the avatar packages"):
        build_avatars(tmp_path / "out", packages=tmp_path / "nowhere", styles=[style])
    with pytest.raises(InvalidOption, match="count is 0"):
        build_avatars(tmp_path / "out", count=0, packages=made[0], styles=[made[1]])
    assert not (tmp_path / "out").exists()


def options(style: AvatarStyle) -> list[Option]:
    return [option for choice in style.choices for option in choice.options]


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_a_style_says_only_what_it_may(style: AvatarStyle) -> None:
    said = [(kind, phrase) for option in options(style) for kind, phrase in option.says.items()]
    said += list(style.says.items())
    assert {kind for kind, _ in said} <= set(KINDS)
    palettes = set(style.inks.values())
    texts = [phrase for _, phrase in said] + [option.mood for option in options(style)] + [*style.nouns, style.medium]
    for text in texts:
        assert set(re.findall(r"\{(\w+)\}", text)) <= palettes <= set(PALETTES)
        assert not names_held_out(text)
        assert not re.search(r"\b(man|woman|boy|girl|male|female|lady|guy|his|her|african|asian|european)\b", text)
        assert text == text.lower()
    assert style.licence in ("CC0-1.0", "CC-BY-4.0")
    assert re.fullmatch("[0-9a-f]{64}", style.sha256)
    # whatever earlier choices cover, something is left to choose: nobody is without a mouth
    covered = frozenset[str]()
    for choice in style.choices:
        if choice.percent == 100:
            assert any(not option.shows & covered for option in choice.options), choice
        covered = covered.union(*(option.covers for option in choice.options)) & {"eyes", "mouth"}


def test_colours_bear_the_names_that_the_measuring_of_pictures_gives_them() -> None:
    for palette in (PALETTES["cloth"], PALETTES["paper"], BACKDROPS):
        for name, shades in palette.items():
            found = {colour_name(*(int(one[i : i + 2], 16) for i in (1, 3, 5))) for one in shades}
            assert found == {name}, (name, shades)
