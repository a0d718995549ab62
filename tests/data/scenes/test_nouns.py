"""The list of things and their English."""

import pytest

from mezzotint.data.icons.nouns import HELD_OUT, TRAINED
from mezzotint.data.scenes.nouns import nouns, plural_of, shows_its_name
from mezzotint.data.scenes.phrases import an


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("apple", "apples"), ("bus", "buses"), ("box", "boxes"), ("peach", "peaches"), ("toothbrush", "toothbrushes"),
        ("cherry", "cherries"), ("monkey", "monkeys"), ("wolf", "wolves"), ("leaf", "leaves"), ("mouse", "mice"),
        ("goose", "geese"), ("fish", "fish"), ("tropical fish", "tropical fish"), ("sheep", "sheep"), ("ox", "oxen"),
        ("die", "dice"), ("potato", "potatoes"), ("piano", "pianos"), ("wine glass", "wine glasses"),
        ("snowman", "snowmen"), ("moose", "moose"), ("kiwi", "kiwis"), ("giraffe", "giraffes"), ("safe", "safes"),
    ],
)  # fmt: skip
def test_plurals(one: str, many: str) -> None:
    assert plural_of(one) == many


def test_names_of_pictures_belong_to_one_thing_and_are_short() -> None:
    names = [name for noun in nouns() for name in noun.names]
    assert len(names) == len(set(names))
    assert all(1 <= len(noun.one.split()) <= 3 for noun in nouns())
    assert sum(len(noun.one.split()) == 3 for noun in nouns()) == 1  # the hot air balloon
    assert [noun.one for noun in nouns()] == sorted(noun.one for noun in nouns())


def test_the_nouns_of_the_tests_of_recognition_are_among_them() -> None:
    known = {name for noun in nouns() for name in (noun.one, *noun.names)}
    assert [noun for noun in (*HELD_OUT, *TRAINED) if noun not in known] == []


def test_pictures_left_out_by_hand() -> None:
    assert not shows_its_name("icon-park:anchor-one", "icon-park")  # a handle of a drawing program
    assert not shows_its_name("emojione:turkey", "emojione")  # a flag
    assert not shows_its_name("streamline-kameleon-color:cat", "streamline-kameleon-color")
    assert shows_its_name("noto:anchor", "noto")


def test_every_thing_takes_its_article() -> None:
    said = {noun.one: an(noun.one).split()[0] for noun in nouns()}
    assert set(said.values()) == {"a", "an"}
    assert [said[name] for name in ("police car", "hourglass", "unicorn", "owl", "hibiscus")] == [
        "a",
        "an",
        "a",
        "an",
        "a",
    ]
    vowels = {name for name, word in said.items() if (name[0] in "aeiou") != (word == "an")}
    assert vowels == {"hourglass", "unicorn"}
