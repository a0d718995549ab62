"""The prompts are what they are said to be: complete, different, held out, and true to what is wanted."""

from collections import Counter

import pytest

from mezzotint.data.icons.nouns import names_held_out
from mezzotint.data.scenes import COLOURS
from mezzotint.data.scenes.hand import SKINS
from mezzotint.data.scenes.held import is_held, is_held_hand
from mezzotint.data.scenes.nouns import nouns, plural_of
from mezzotint.data.scenes.relate import OPPOSITE
from mezzotint.evaluation.iconeval import TASKS, IconPrompt, load_prompts

PROMPTS = load_prompts()
NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def test_every_task_has_a_hundred_different_prompts_half_of_them_in_other_words() -> None:
    assert Counter(prompt.task for prompt in PROMPTS) == dict.fromkeys(TASKS, 100)
    assert len({prompt.text for prompt in PROMPTS}) == len(PROMPTS)
    assert Counter((prompt.task, prompt.known) for prompt in PROMPTS) == {(t, k): 50 for t in TASKS for k in (0, 1)}
    assert [IconPrompt.from_json_dict(prompt.to_json_dict()) for prompt in PROMPTS] == list(PROMPTS)


@pytest.mark.parametrize("task", TASKS)
def test_a_prompt_says_what_is_wanted(task: str) -> None:
    known = {noun.one for noun in nouns()}
    for prompt in (prompt for prompt in PROMPTS if prompt.task == task):
        assert not names_held_out(prompt.text)
        for thing in prompt.wanted:
            assert thing.thing in known
            assert (plural_of(thing.thing) if thing.count > 1 else thing.thing) in prompt.text
            assert thing.colour in prompt.text
            assert not thing.colour or thing.colour in COLOURS
            if thing.count > 1:
                assert NUMBERS[thing.count] in prompt.text or str(thing.count) in prompt.text
        assert (f'"{prompt.word}"' in prompt.text) == bool(prompt.word)
        assert bool(prompt.word) == (task == "spelling")
        assert bool(prompt.relation) == (task == "position")
        assert prompt.relation.split(" ")[0] in prompt.text
        assert len(prompt.wanted) == {"spelling": 0, "hands": 0, "two": 2, "position": 2, "attribution": 2}.get(task, 1)


def test_the_combinations_never_train() -> None:
    for prompt in PROMPTS:
        first = prompt.wanted[0] if prompt.wanted else None
        if prompt.task == "counting" and first:
            assert is_held("count", first.thing, first.count)
        if prompt.task in ("colours", "attribution"):
            assert any(is_held("colour", thing.thing, thing.colour) for thing in prompt.wanted)
        if prompt.task == "position":
            a, b = (thing.thing for thing in prompt.wanted)
            word = prompt.relation
            assert is_held("relation", *((b, OPPOSITE[word], a) if word in ("right of", "below") else (a, word, b)))
        if prompt.task == "spelling":
            assert is_held("word", prompt.word.lower())


def test_hands_say_their_count_and_a_combination_that_never_trains() -> None:
    """Tone and side are read from the text: they are held out, but nobody measures them."""
    said = ("no", "one", "two", "three", "four", "five")
    counts: Counter[int] = Counter()
    for prompt in PROMPTS:
        assert (prompt.fingers is not None) == (prompt.task == "hands")
        if prompt.fingers is None:
            continue
        words = prompt.text.replace(",", "").replace(":", "").split()
        assert [word for word in words if word in said] == [said[prompt.fingers]]
        tones = [tone for tone in SKINS if f" {tone} " in f" {' '.join(words)} "]
        sides = [side for side in ("left", "right") if side in words]
        assert len(tones) == len(sides) == 1
        assert is_held_hand(prompt.fingers, tones[0], sides[0])
        assert "raised" in words if prompt.known else "raised" not in words
        counts[prompt.fingers] += 1
    assert set(counts) == set(range(6))
    assert min(counts.values()) >= 12


def test_the_side_that_is_said_is_the_side_of_the_first_thing() -> None:
    """ "A cat to the left of a dog" and "a dog, and to the left of it a cat" want the same."""
    for prompt in (prompt for prompt in PROMPTS if prompt.task == "position"):
        a, b = (thing.thing for thing in prompt.wanted)
        where = prompt.text.index(prompt.relation.split(" ")[0])
        before, after = prompt.text[:where], prompt.text[where:]
        assert (a in before and b in after) if prompt.known else (b in before and a in after)
