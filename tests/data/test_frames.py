"""What people write around what they want: it can be taken off again, and IconEval's own ways are none of it."""

import re
from dataclasses import replace

import pytest

from mezzotint.data.captions import LONGEST, compose
from mezzotint.data.colours import Facts
from mezzotint.data.frames import FRAMES, framed, framed_captions, unframed
from mezzotint.data.scenes import Scenes
from mezzotint.data.scenes.phrases import an
from mezzotint.data.sources import PictureSet
from mezzotint.evaluation.iconeval.prompts import load_prompts
from tests.data.scenes import toy

TEXTS = ("a fox", "an owl on a red background", "three red apples to the left of a blue cat", "the sea")
# how the second half of IconEval's prompts is phrased, each by what no other phrasing has
THEIRS = (
    r"^just ", r"^here is ", r", alone\b", r"^both .* and also ", r"^a group of ", r"\bin all\b", r"\bpainted\b",
    r", and (?:to the (?:left|right) of|above|below) it ", r" in [a-z]+, an? .* in [a-z]+$", r"\bwritten in large\b",
    r"fingers? up\b", r"stretched out", r"that holds up",
)  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_a_frame_can_be_taken_off_again(text: str) -> None:
    said = [framed(text, number) for number in range(len(FRAMES))]
    assert len(set(said)) == len(FRAMES) > 20
    assert all(text in one and one != text for one in said)
    assert [unframed(one) for one in said] == [text] * len(FRAMES)
    assert unframed(text) == text
    assert framed(text, len(FRAMES) + 3) == said[3]


@pytest.mark.parametrize(
    "text",
    [
        *("", "fox", "red apples", "exactly three foxes", '"HI"', "an owl is above a bus", "a bus. an owl is above it"),
        *("there is a bus; above it is an owl", "three times the same fox", "two things: a fox and a bus"),
        *("seven o'clock", "a cat is to the left of a dog"),
    ],
)
def test_only_things_with_their_article_or_number_get_a_frame(text: str) -> None:
    assert framed(text, 0) == ""
    assert unframed(text) == text


def described() -> PictureSet:
    """The toy pictures, captioned as icons are."""
    pictures = toy.pictures()
    records = []
    for record in pictures.records:
        it = an(record.concept)
        records.append(replace(record, captions=(record.concept, it, f"{it}, mostly red", f"{record.concept} icon")))
    return replace(pictures, records=records)


def test_training_pictures_get_two_framed_captions_and_others_none() -> None:
    pictures = described()
    more = framed_captions(pictures, LONGEST)
    assert more.digest == pictures.digest
    for old, new in zip(pictures.records, more.records, strict=True):
        assert new.captions[: len(old.captions)] == old.captions
        added = new.captions[len(old.captions) :]
        if old.split == "train":
            assert len(added) == 2
            assert {unframed(text) for text in added} == {an(old.concept)}
        else:
            assert not added
    bare = replace(pictures, records=[replace(record, captions=("fox", "a fox, red")) for record in pictures.records])
    assert list(framed_captions(bare, LONGEST).records) == list(bare.records)


def test_every_frame_comes_and_none_makes_a_caption_too_long() -> None:
    pictures = described()
    many = replace(pictures, records=[r for r in pictures.records if r.split == "train"][:1] * len(FRAMES))
    added = [record.captions[4:] for record in framed_captions(many, LONGEST).records]
    assert len({text for two in added for text in two}) == len(FRAMES)
    for longest in (2, 3, 4):
        kept = [text for record in framed_captions(many, longest).records for text in record.captions[4:]]
        assert sorted(kept) == sorted(text for two in added for text in two if len(text.split()) <= longest)


def composed() -> set[str]:
    """Captions of icons, as the data set's are composed."""
    facts = Facts(colours=("red", "white"), shares=(0.7, 0.2), shading="flat", outlined=True)
    icons = [
        replace(record, captions=compose(record.concept, facts=facts, style="noto", medium="icon", colour="red"))
        for record in toy.pictures().records
    ]
    framed_ones = framed_captions(replace(toy.pictures(), records=icons), LONGEST)
    return {text for record in framed_ones.records for text in record.captions}


def test_no_training_caption_is_phrased_as_the_second_half_of_iconeval_is() -> None:
    theirs = [prompt.text for prompt in load_prompts() if not prompt.known]
    ways = [re.compile(way) for way in THEIRS]
    assert all(any(way.search(text) for way in ways) for text in theirs)
    assert all(any(way.search(text) for text in theirs) for way in ways)
    captions = composed()
    for hands in (0.0, 1.0):
        scenes = Scenes(toy.pictures(), toy.fonts(), seed=11, hands=hands)
        captions |= {text for number in range(1200) for text in scenes.captions(scenes.plan(number))}
    assert len(captions) > 5000
    captions |= {unframed(text) for text in captions}
    assert not [text for text in captions if any(way.search(text) for way in ways)]
