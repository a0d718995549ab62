from mezzotint.data.draws import fraction
from mezzotint.data.icons.job import Job, Title
from mezzotint.data.icons.nouns import HELD_OUT, TRAINED, has_noun, names_held_out
from mezzotint.data.icons.split import HELD_OUT_PART, held_out_concepts


def jobs(*titles: Title) -> list[Job]:
    return [Job(f"set:{i}", "set", title) for i, title in enumerate(titles)]


def test_the_lists_do_not_meet() -> None:
    assert len(set(HELD_OUT)) == len(set(TRAINED)) == 20
    assert not set(HELD_OUT) & set(TRAINED)


def test_words_are_matched_whole_and_in_the_plural() -> None:
    assert names_held_out("a ring of keys")
    assert names_held_out("three butterflies, insect")
    assert names_held_out("tortoise")
    assert not names_held_out("a monkey at the keyboard")
    assert not names_held_out("lampoon and turnkeyed")
    assert has_noun("two cats", "cat")
    assert not has_noun("category", "cat")


def test_a_concept_is_held_out_when_any_of_its_names_has_a_noun() -> None:
    held = held_out_concepts(
        jobs(
            Title("circus tent", concept="circus tent"),
            Title("camping", concept="camping"),
            Title("fungi", ("red mushroom",), concept="fungi"),
            Title("apple", concept="apple"),
        )
    )
    assert {"circus tent", "camping", "fungi"} <= held
    assert "apple" not in held


def test_trained_nouns_are_never_drawn_and_others_at_the_stated_rate() -> None:
    colours = [Title(f"{noun} number {i}", concept=f"{noun} {i}") for noun in TRAINED for i in range(50)]
    assert not held_out_concepts(jobs(*colours))
    other = [Title(f"thing {i}", concept=f"thing {i}") for i in range(4000)]
    rate = len(held_out_concepts(jobs(*other))) / 4000
    assert abs(rate - HELD_OUT_PART) < 4 * (HELD_OUT_PART * (1 - HELD_OUT_PART) / 4000) ** 0.5


def test_draws_are_fixed_forever() -> None:
    # The first seven bytes that `printf 'held out:apple' | sha256sum` prints.
    assert fraction("held out", "apple") == 0xE9B66800A56830 / 2**56
    assert fraction("held out", "apple") != fraction("flag", "apple")
