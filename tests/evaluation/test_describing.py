"""Descriptions: names are ranked by the encoder's cosine, colours are measured, what is seen is said in plain words."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from mezzotint import Pipeline
from mezzotint.codecs import from_image
from mezzotint.data.icons.lexicon import lexicon
from mezzotint.data.icons.nouns import HELD_OUT, TRAINED
from mezzotint.evaluation.describing import Describer, Description, _scenes, names
from mezzotint.evaluation.detector import SightOf, load_detector
from mezzotint.evaluation.encoder import load_encoder
from mezzotint.load import INSTRUMENTS

FEW = ("apple", "castle", "fish", "octopus", "stop sign", "tree", "trousers")


@pytest.fixture(scope="module")
def teller() -> Describer:
    return Describer(load_encoder(INSTRUMENTS / "encoder"), load_detector(INSTRUMENTS / "detector"), FEW)


@pytest.fixture(scope="module")
def apple() -> Image.Image:
    return Pipeline.load().generate("a red apple", seed=7).images[0]


def test_names_are_ranked_by_the_cosine_with_their_prompts(teller: Describer, apple: Image.Image) -> None:
    found = teller.describe(apple, 4).names
    prompts = ["an apple", "a castle", "a fish", "an octopus", "a stop sign", "a tree", "trousers"]
    pictures = from_image(apple)[None].expand(len(FEW), -1, -1, -1, -1)
    scores = dict(zip(FEW, teller.encoder.alignment(pictures, prompts).tolist(), strict=True))
    best = sorted(FEW, key=lambda name: -scores[name])[:4]
    assert [name for name, _ in found] == best
    assert [score for _, score in found] == pytest.approx([scores[name] for name in best], abs=1e-3)  # of 8-bit pixels
    assert found[0][0] == "apple"


def test_captions_are_ranked_too_and_come_from_the_best_names(teller: Describer, apple: Image.Image) -> None:
    found = teller.describe(apple, 5)
    texts = [text for text, _ in found.captions]
    assert len(set(texts)) == 5
    assert "apple" in texts[0]
    scores = [score for _, score in found.captions]
    assert scores == sorted(scores, reverse=True)
    again = (teller.encoder.images([apple]) @ teller.encoder.prompts(texts).T)[0]
    assert torch.allclose(again, torch.tensor(scores), atol=1e-5)
    assert [one.thing for one in found.things] == ["apple"]


def test_colours_are_measured_and_not_guessed(teller: Describer) -> None:
    image = Image.new("RGBA", (128, 128))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 127, 95), "#009688")
    pen.rectangle((0, 96, 127, 127), "#ffeb3b")
    facts = teller.describe(image).facts
    shares = dict(zip(facts.colours, facts.shares, strict=True))
    assert shares == pytest.approx({"teal": 0.75, "yellow": 0.25}, abs=0.02)
    assert (facts.shading, facts.outlined) == ("flat", False)


def test_a_better_encoder_score_wins_whatever_the_order_of_the_names(teller: Describer, apple: Image.Image) -> None:
    turned = Describer(teller.encoder, None, FEW[::-1])
    one, other = teller.describe(apple, 7).names, turned.describe(apple, 7).names
    assert [name for name, _ in one] == [name for name, _ in other]


def seen(thing: str, colour: str, sure: float = 0.9) -> SightOf:
    return SightOf(thing, 0.9, (0, 0, 9, 9), colour, sure)


def test_what_is_seen_is_counted_and_said() -> None:
    things = (seen("apple", "red"), seen("cat", "blue"), seen("apple", "red"), seen("apple", "green"))
    assert _scenes(things, "") == [
        "two red apples, a blue cat and a green apple",
        "three apples and a cat",
    ]
    assert _scenes((seen("knife", "grey", 0.2),), "STOP") == [
        "a knife",
        'a sign that says "STOP"',
        'the word "STOP"',
    ]
    assert _scenes((), "") == []
    assert _scenes((seen("owl", "red"),) * 12, "")[0] == "many red owls"


def test_the_names_are_those_of_the_data_set_and_of_scenes() -> None:
    known = names()
    assert list(known) == sorted(set(known))
    assert {*HELD_OUT, "octopus", "motorcycle"} <= set(known)
    assert len(set(TRAINED) & set(known)) >= 18
    rare = {name for name, entry in lexicon().items() if entry.pictures < 3}
    assert len(rare & set(known)) < 20  # only those that scenes have


def test_a_description_is_plain_json(teller: Describer, apple: Image.Image) -> None:
    found = teller.describe(apple, 2)
    assert isinstance(found, Description)
    told = found.to_json_dict()
    assert [entry["text"] for entry in told["captions"]] == [text for text, _ in found.captions]
    assert told["colours"][0]["name"] == "red"
    assert told["things"][0]["name"] == "apple"
    assert np.isfinite(told["things"][0]["box"]).all()
    assert replace(found, text="x").to_json_dict()["text"] == "x"
