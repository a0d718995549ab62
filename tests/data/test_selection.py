from pathlib import Path

import pytest

from mezzotint.data.icons.emoji import EmojiNames
from mezzotint.data.icons.selection import chosen
from mezzotint.data.icons.table import SETS, IconSet, requirements
from tests.data import packages


@pytest.fixture(scope="module")
def names(modules: Path) -> EmojiNames:
    return EmojiNames.read(modules / "emojibase-data", [])


def toy(kind: str, shares: dict[str, float] | None = None, sizes: bool = False) -> IconSet:
    return IconSet("toy", "toy", "1", "MIT", "Ann", "", "toy", "toy icon", kind, shares or {}, sizes=sizes)


def identities(root: Path, icons: IconSet, drawn: list[str], names: EmojiNames, **categories: list[str]) -> set[str]:
    packages.iconify(root, icons, dict.fromkeys(drawn, packages.disc("#123456")), categories)
    return {job.identity.removeprefix("toy:") for job in chosen(icons, root, names)}


def near(count: int, part: float, of: int) -> bool:
    return abs(count - of * part) < 4 * (of * part * (1 - part)) ** 0.5


def test_one_skin_tone_in_six_is_kept(tmp_path: Path, names: EmojiNames) -> None:
    drawn = [f"waving-hand-light-skin-tone-{i}" for i in range(600)]
    assert near(len(identities(tmp_path, toy("emoji"), drawn, names)), 1 / 6, 600)


def test_couples_of_two_tones_are_not_used(tmp_path: Path, names: EmojiNames) -> None:
    drawn = [f"waving-hand-light-skin-tone-dark-skin-tone-{i}" for i in range(60)]
    assert identities(tmp_path, toy("emoji"), drawn, names) == set()


def test_categories_are_kept_by_share(tmp_path: Path, names: EmojiNames) -> None:
    ends = [f"q{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(400)]
    drawn = {name: [f"{name}-{end}" for end in ends] for name in ("some", "none", "rest")}
    every = [raw for part in drawn.values() for raw in part]
    icons = toy("icon", {"some": 0.3, "none": 0.0})
    kept = identities(tmp_path, icons, every, names, some=drawn["some"], none=drawn["none"])
    assert near(len(kept & set(drawn["some"])), 0.3, 400)
    assert not kept & set(drawn["none"])
    assert set(drawn["rest"]) <= kept


def test_icons_of_things_that_emoji_show_are_kept_except_of_brands(tmp_path: Path, names: EmojiNames) -> None:
    icons = toy("icon", {"*": 0.0})
    assert identities(tmp_path, icons, ["house", "gadget", "apple"], names, Brand=["apple"]) == {"house"}


@pytest.mark.parametrize("raw", ["google", "github-logo", "pokeball", "iphone-x", "regionalindicatora"])
def test_brands_and_broken_drawings_are_not_used(raw: str, tmp_path: Path, names: EmojiNames) -> None:
    assert identities(tmp_path, toy("icon"), [raw, "teapot"], names) == {"teapot"}


def test_the_largest_of_several_sizes(tmp_path: Path, names: EmojiNames) -> None:
    assert identities(tmp_path, toy("icon", sizes=True), ["star-16", "star-48", "star-24", "pot-20"], names) == {
        "star-48",
        "pot-20",
    }


def test_flags_are_named_by_country_code_and_thinned(tmp_path: Path, names: EmojiNames) -> None:
    packages.iconify(tmp_path, toy("flag"), {"br": packages.disc("#00ff00"), "european-union": ""}, {})
    jobs = chosen(toy("flag"), tmp_path, names)
    assert all(job.title.name == "flag of brazil" for job in jobs)


def test_the_table_is_permissive_pinned_and_distinct() -> None:
    assert {icons.licence for icons in SETS} == {"MIT", "Apache-2.0", "CC-BY-4.0"}
    assert len({icons.name for icons in SETS}) == len({icons.style for icons in SETS}) == len(SETS)
    assert all(version.count(".") == 2 and version.replace(".", "").isdigit() for version in requirements().values())
    doubtful = ("logos", "openmoji", "emojione-v1", "vscode-icons", "openclipart")
    assert not any(word in icons.package for icons in SETS for word in doubtful)
