from pathlib import Path

import pytest

from mezzotint.data.concepts import concept_key
from mezzotint.data.icons.emoji import EmojiNames
from mezzotint.data.icons.names import clean, slug
from mezzotint.errors import InvalidFile


@pytest.fixture(scope="module")
def names(modules: Path) -> EmojiNames:
    return EmojiNames.read(modules / "emojibase-data", [modules / "@iconify-json" / "noto" / "chars.json"])


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("shopping-cart-2-flat", "shopping cart"), ("airplane-1", "airplane"), ("labtop-duo", "laptop"),
        ("donut", "doughnut"), ("star_filled", "star"), ("bookOpen", "book open"), ("tag-double-double", "tag double"),
        ("apple-one", "apple"), ("two-hands", "two hands"), ("color-palette", "palette"),
        ("smiley-smile1", "smiley smile"),
        ("icecream", "ice cream"),
    ],
)  # fmt: skip
def test_file_names_become_words(raw: str, name: str) -> None:
    assert clean(raw) == name


@pytest.mark.parametrize(
    ("name", "concept"),
    [
        ("red apple", "apple"), ("green apples", "apple"), ("woman singing", "person singing"),
        ("man singing", "person singing"),
        ("dog face", "dog"), ("clown face", "clown face"), ("orange", "orange"),
        ("waving hand: dark skin tone", "waving hand"),
        ("cherries", "cherry"), ("glasses", "glasses"), ("black cat", "cat"), ("!", ""), ("", ""),
    ],
)  # fmt: skip
def test_concepts(name: str, concept: str) -> None:
    assert concept_key(name) == concept


def test_slug() -> None:
    assert slug("Man’s Shoe") == "mans-shoe"


def test_emoji_by_code_points_and_tone(names: EmojiNames) -> None:
    plain, toned = names.title("1f44b"), names.title("1F44B-1F3FD")
    assert plain is not None
    assert toned is not None
    assert (plain.name, plain.tone) == ("waving hand", "")
    assert (toned.name, toned.tone, toned.tones, toned.concept) == ("waving hand", "medium", 1, "waving hand")
    assert names.title("1F600") is None


@pytest.mark.parametrize(
    ("raw", "name", "tone"),
    [
        ("red-apple", "red apple", ""), ("waving-hand-medium-dark-skin-tone", "waving hand", "medium-dark"),
        ("waving-hand-light", "waving hand", "light"), ("flag-for-brazil", "flag of brazil", ""),
        ("red-apple-2", "red apple", ""), ("red_car", "automobile", ""),
    ],
)  # fmt: skip
def test_emoji_by_the_names_that_sets_use(names: EmojiNames, raw: str, name: str, tone: str) -> None:
    title = names.by_name(raw)
    assert title is not None
    assert (title.name, title.tone) == (name, tone)


def test_everyday_names_find_the_emoji(names: EmojiNames) -> None:
    for said in ("car", "cars", "car red"):
        title = names.by_plain_name(said)
        assert title is not None
        assert title.concept == "automobile"
    assert names.by_plain_name("teapot") is None


def test_joined_names_are_split_into_known_words(names: EmojiNames) -> None:
    assert names.split("wavingapple") == "waving apple"
    assert names.split("sliceofpizza") == "pizza"  # from the table of exceptions
    assert names.split("redxyzzy") is None


def test_unreadable_names_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="emoji names"):
        EmojiNames.read(tmp_path, [])
