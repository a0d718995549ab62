"""Prompts are read as they were meant: all of IconEval's, the captions of scenes, and what people write."""

import pytest

from mezzotint.data.scenes import Scenes
from mezzotint.data.scenes.nouns import nouns
from mezzotint.evaluation.detector import Sight, SightOf
from mezzotint.evaluation.iconeval.prompts import IconPrompt, Wanted, load_prompts
from mezzotint.evaluation.wishes import Wish, fulfilled, wish_of
from tests.data.scenes.toy import fonts, pictures

THINGS = tuple(noun.one for noun in nouns())


@pytest.mark.parametrize("task", ["single", "two", "counting", "colours", "position", "attribution", "spelling"])
def test_every_prompt_of_iconeval_is_read_as_it_was_made(task: str) -> None:
    for prompt in load_prompts():
        if prompt.task == task:
            wish = wish_of(prompt.text, THINGS)
            assert wish.word == prompt.word
            if not prompt.word:
                assert _meant(wish) == _asked(prompt), prompt.text


def _asked(prompt: IconPrompt) -> tuple[object, ...]:
    a = [wanted.thing for wanted in prompt.wanted]
    said = {(a[0], prompt.relation, a[1])} if prompt.relation else set()
    return set(prompt.wanted), said


def _meant(wish: Wish) -> tuple[object, ...]:
    names = [wanted.thing for wanted in wish.wanted]
    return set(wish.wanted), {(names[a], word, names[b]) for a, word, b in wish.relations}


def test_captions_of_scenes_are_true_of_their_scenes() -> None:
    scenes = Scenes(pictures(), fonts(), seed=2)
    read = 0
    for number in range(150):
        composed = scenes.at(number)
        scene = composed.scene
        box = [(group.one, group.colour, b) for group in scene.groups for b in group.boxes]
        things = tuple(
            SightOf(one, 1.0, (b.left, b.top, b.right, b.bottom), colour or "none", 1.0) for one, colour, b in box
        )
        sight = Sight(things, scene.lettering.text if scene.lettering else "")
        for caption in (*composed.captions, *composed.unseen):
            wish = wish_of(caption, [*THINGS, "mouse"])
            assert fulfilled(wish, sight).right, (caption, wish, fulfilled(wish, sight).faults)
            read += len(wish.sentences)
    assert read > 1000


@pytest.mark.parametrize(
    ("prompt", "sentences"),
    [
        ("three red apples to the left of a blue cat",
         ("exactly 3 apple in red", "at least 1 cat in blue", "apple left of cat")),
        ("a dog under a light blue umbrella", ("at least 1 dog", "at least 1 umbrella", "dog below umbrella")),
        ("a dog and, to the left of it, a bus", ("at least 1 dog", "at least 1 bus", "bus left of dog")),
        ("a big old red car", ("at least 1 car in red",)),
        ("exactly one star", ("exactly 1 star",)),
        ("cats", ("at least 1 cat",)),
        ("a cat in red boots", ("at least 1 cat", "at least 1 boot in red")),
        ("a hot dog", ("at least 1 hot dog",)),
        ('a sign that says "STOP" above a bus', ("at least 1 bus", 'the text "STOP"')),
        ("a bird against a starry night sky", ("at least 1 bird",)),
        ("a cat on a green background", ("at least 1 cat",)),
        ("one purple wug one cat", ("exactly 1 cat",)),
        ("one red apple and one green apple", ("exactly 1 apple in red", "exactly 1 apple in green")),
        ("a white horse and two black horses", ("at least 1 horse in white", "exactly 2 horse in black")),
        ("a cat to the left of another cat", ("at least 1 cat", "at least 1 cat")),
        ("a red cat to the left of a blue cat", ("at least 1 cat in red", "at least 1 cat in blue", "cat left of cat")),
        ("a cat and a dog; the cat is asleep", ("at least 1 cat", "at least 1 dog")),
        ("a cat without a hat", ("at least 1 cat",)),
        ("a cat, no dogs", ("at least 1 cat",)),
        ("a cat, not above a dog", ("at least 1 cat",)),
        ("a black and white cat", ("at least 1 cat",)),
        ("a red, blue and green ball", ("at least 1 ball",)),
        ("a cat in red and white", ("at least 1 cat",)),
        ("a red and a blue ball", ("at least 1 ball in blue",)),
        ("the number 8 ball", ("at least 1 ball",)),
        ("about three cats", ("at least 1 cat",)),
        ("two or three cats", ("at least 1 cat",)),
        ("at least two cats", ("at least 2 cat",)),
        ("a house and, on the right, a tree", ("at least 1 house", "at least 1 tree")),
        ("a cat on the left and a dog on the right", ("at least 1 cat", "at least 1 dog", "cat left of dog")),
        ("at the top a star, at the bottom a tree", ("at least 1 star", "at least 1 tree", "star above tree")),
        ("a cat looking over its shoulder at a dog", ("at least 1 cat", "at least 1 dog")),
        ("a bird that can fly", ("at least 1 bird",)),
        ("a bird flies", ("at least 1 bird",)),
        ("a dog house", ()),
        ("an orange cat", ("at least 1 cat in orange",)),
        ("cat above dog", ("at least 1 cat", "at least 1 dog", "cat above dog")),
        ('a "STOP" sign and a "GO" sign', ()),
        ('a sign that says "café"', ()),
        ("a sign that says “STOP”", ('the text "STOP"',)),
        ("freedom", ()),
        ("", ()),
    ],
)  # fmt: skip
def test_what_people_write(prompt: str, sentences: tuple[str, ...]) -> None:
    assert wish_of(prompt, THINGS).sentences == sentences


def thing(name: str, left: float, top: float = 0, colour: str = "red", score: float = 0.9) -> SightOf:
    return SightOf(name, score, (left, top, left + 10, top + 10), colour, 0.9)


def test_a_thing_that_is_named_twice_is_counted_once() -> None:
    red, green, more = thing("apple", 0), thing("apple", 20, colour="green"), thing("apple", 40)
    wish = wish_of("one red apple and one green apple", THINGS)
    assert fulfilled(wish, Sight((red, green), "")).right
    assert fulfilled(wish, Sight((red,), "")).faults == ("it shows 1 of apple, not 2",)
    assert fulfilled(wish, Sight((red, green, more), "")).faults == ("it shows 3 of apple, not 2",)
    assert fulfilled(wish, Sight((red, more), "")).faults == ("0 of apple are green, not 1",)
    horses = wish_of("a white horse and two black horses", THINGS)
    white, black, third = (thing("horse", 20 * i, colour=c) for i, c in enumerate(("white", "black", "black")))
    assert fulfilled(horses, Sight((white, black, third), "")).right
    assert fulfilled(horses, Sight((black, third), "")).faults == ("it shows 2 of horse, not 3",)
    beside = wish_of("a red cat to the left of a blue cat", THINGS)
    left, right = thing("cat", 0), thing("cat", 40, colour="blue")
    assert fulfilled(beside, Sight((right, left), "")).right
    other = Sight((thing("cat", 40), thing("cat", 0, colour="blue")), "")
    assert fulfilled(beside, other).faults == ("the cat is not left of the cat",)


def test_faults_are_told_one_by_one() -> None:
    wish = wish_of("two red apples to the left of a blue cat", THINGS)
    cat = thing("cat", 50, colour="blue")
    right = Sight((thing("apple", 0), thing("apple", 12), cat), "")
    assert fulfilled(wish, right).right
    assert fulfilled(wish, Sight((thing("apple", 0), cat), "")).faults == ("it shows 1 of apple, not 2",)
    three = Sight((*right.things, thing("apple", 24)), "")
    assert fulfilled(wish, three).faults == ("it shows 3 of apple, not 2",)
    green = Sight((thing("apple", 0), thing("apple", 12, colour="green"), thing("cat", 50)), "")
    assert fulfilled(wish, green).faults == ("1 of apple is red, not 2", "the cat is red, not blue")
    turned = Sight((thing("apple", 40), thing("apple", 52), thing("cat", 0, colour="blue")), "")
    assert fulfilled(wish, turned).faults == ("the apple is not left of the cat",)
    assert not fulfilled(Wish(word="STOP"), Sight((), "SHOP")).right
    either = wish_of("a red apple", THINGS)
    assert fulfilled(either, Sight((thing("apple", 0, colour="green"), thing("apple", 12)), "")).right
    assert fulfilled(either, Sight((thing("apple", 0, score=0.2),), "")).faults == ("it shows 0 of apple, not 1",)
    assert either.wanted == (Wanted("apple", 1, "red"),)
