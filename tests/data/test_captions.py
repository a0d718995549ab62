import pytest

from mezzotint.data.captions import LONGEST, article, compose, join
from mezzotint.data.colours import Facts

PLAIN = Facts(("red",), (0.95,), "flat", False)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("apple", "an apple"), ("red apple", "a red apple"), ("umbrella", "an umbrella"), ("unicorn", "a unicorn"),
        ("hourglass", "an hourglass"), ("ukulele", "a ukulele"), ("ice skate", "an ice skate"), ("bus", "a bus"),
        ("chopsticks", "chopsticks"), ("cup of coffees", "a cup of coffees"), ("glass", "a glass"),
        ("flag of brazil", "the flag of brazil"), ("people hugging", "people hugging"), ("two hearts", "two hearts"),
        ("man's shoe", "a man's shoe"), ("compass", "a compass"), ("face with open eyes", "a face with open eyes"),
    ],
)  # fmt: skip
def test_articles(name: str, said: str) -> None:
    assert article(name) == said


def test_masses_take_no_article() -> None:
    assert article("cooked rice", lambda word: word == "rice") == "cooked rice"


def test_join() -> None:
    assert join(["red"]) == "red"
    assert join(["red", "green", "blue"]) == "red, green and blue"


def test_every_caption_of_a_thing() -> None:
    facts = Facts(("red", "green"), (0.8, 0.1), "gradient", True)
    assert compose(
        "red apple",
        others=("apple",),
        keywords=("food",),
        topic="fruit",
        style="noto-classic",
        medium="noto emoji",
        facts=facts,
    ) == (
        "red apple",
        "a red apple",
        "an apple",
        "red apple, fruit, food",
        "a red apple, noto classic style",
        "a red apple, mostly red with some green",
        "a softly shaded noto emoji of a red apple, fruit, mostly red with some green, with dark outlines",
    )


def test_what_is_no_thing_is_called_an_icon() -> None:
    captions = compose("align left", countable=False, colour="red", style="sharp", medium="sharp icon", facts=PLAIN)
    assert captions[:3] == ("align left", "align left icon", "red align left icon")
    assert captions[-1] == "a flat sharp icon of red align left, all red"


def test_colour_stands_before_the_name_and_detail_after() -> None:
    captions = compose("car", detail="with dark wheels", colour="red", facts=PLAIN)
    assert "a red car with dark wheels" in captions


def test_captions_are_lower_case_distinct_and_short() -> None:
    long = " ".join(f"Word{i}" for i in range(40))
    captions = compose(long, keywords=(long,), facts=PLAIN)
    assert len(set(captions)) == len(captions)
    assert all(caption == caption.lower() and len(caption.split()) <= LONGEST for caption in captions)
    assert any(len(caption.split()) == LONGEST for caption in captions)
