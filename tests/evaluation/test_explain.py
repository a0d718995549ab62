"""What is said of a picture is so: by direct calls, by prompts typed anew, by planted copies."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from mezzotint.codecs.images import from_image
from mezzotint.conditioning.prompt import plain_words
from mezzotint.data.sources import PictureSet
from mezzotint.diffusion.probe import AttentionSite, Probe
from mezzotint.errors import InvalidOption
from mezzotint.evaluation.explain import explain, page
from mezzotint.evaluation.explain.attention import heat_of, recorded
from mezzotint.evaluation.explain.layout import heats_of_layout, layout_of, recorded_layout
from mezzotint.evaluation.explain.nearest import nearest_pictures
from mezzotint.evaluation.explain.page import heated
from mezzotint.evaluation.explain.words import without, words_of
from mezzotint.load import load_text
from mezzotint.pipeline import Pipeline
from mezzotint.request import Request
from tests.data.scenes.toy import pictures
from tests.support import model_folder

PROMPT = "a <b>red</b> fire-engine, please"


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return Pipeline.load(str(model_folder(tmp_path_factory.mktemp("model") / "m")))


def test_words_are_as_they_stand_and_know_their_pieces() -> None:
    text, _ = load_text(32)
    prompt = "A red  umbrellabird, isn't it?"
    words = words_of(text, prompt)
    assert [word.text for word in words][:3] == ["A", "red", "umbrellabird"]
    pieces = text.tokenizer.encode(prompt).tokens
    for word in words:
        spelled = "".join(pieces[place].removeprefix("##") for place in word.tokens)
        assert spelled == word.text.lower()
        assert prompt[word.begin : word.end] == word.text
    assert without(prompt, words[1]) == "A umbrellabird, isn't it?"
    short, _ = load_text(4)  # two of the places frame the words, so that these are read as two sentences
    words = words_of(short, "one two three four")
    assert [word.text for word in words] == ["one", "two", "three", "four"]
    assert [word.tokens for word in words] == [(1,), (2,), (5,), (6,)]


def test_the_heat_is_the_attention_of_every_step(pipe: Pipeline) -> None:
    """Summed by hand from calls of the network at the steps' own samples."""
    request = pipe.resolve(Request(prompt="a red apple", steps=3, seed=5, style="noto"))
    previews, attention = recorded(pipe, request, "a red apple")
    plain = list(pipe.stream(request))
    assert all(torch.equal(a.x, b.x) for a, b in zip(previews, plain, strict=True))
    cond = pipe.model.prepare(["a red apple"], ["noto"])
    seen: list[torch.Tensor] = []

    def look(site: AttentionSite, weights: torch.Tensor) -> torch.Tensor:
        seen.append(weights[0].mean(0)[site.image][:, site.text].double())
        return weights

    with torch.inference_mode():
        for preview in plain:
            assert preview.step.prediction is not None
            x, t = preview.step.prediction.x_t, torch.tensor(preview.step.move.t, dtype=torch.float64)
            pipe.model.denoiser(x, t, {"cond": cond}, probe=Probe(attention=look))
    assert len(seen) == 3 * 2
    torch.testing.assert_close(attention, torch.stack(seen).mean(0))
    words = words_of(pipe.model.conditioner, "a red apple")
    heats = heat_of(attention, words)
    assert [heat.word.text for heat in heats] == ["a", "red", "apple"]
    for heat in heats:
        column = attention[:, heat.word.tokens[0]]
        assert heat.share == pytest.approx(float(column.mean()))
        assert float(heat.map.mean()) == pytest.approx(1)
        torch.testing.assert_close(heat.map.flatten() * heat.share, column)


def test_an_explanation_is_of_this_picture_and_its_words(pipe: Pipeline) -> None:
    result = pipe.generate(PROMPT, steps=3, seed=5)
    found = explain(pipe, result.recipes[0], None)
    assert torch.equal(from_image(found.image), from_image(result.images[0]))
    assert [heat.word.text for heat in found.heats] == ["a", "b", "red", "b", "fire", "engine", "please"]
    red = found.removals[2]
    assert red.prompt == "a <b></b> fire-engine, please"
    direct = pipe.generate(red.prompt, steps=3, seed=5).images[0]
    assert torch.equal(from_image(red.image), from_image(direct))
    apart = (from_image(direct) - from_image(result.images[0])).double() / 2
    assert red.change == pytest.approx(float(apart.square().mean().sqrt()), rel=1e-5)
    assert red.change > 1e-4
    data = found.to_json_dict()
    assert data["words"][2]["change_without_it"] == red.change
    assert data["nearest"] is None
    assert [moment["step"] for moment in data["path"]] == [0, 1, 2]


def planted(image: np.ndarray) -> PictureSet:
    """The toy pictures, one of them replaced by this one."""
    toy = pictures()
    rows = np.array(toy.pictures)
    small = np.stack([row[::2, ::2] for row in rows])
    small[3] = image
    held = toy.records[14]
    assert held.split == "heldout"
    small[14] = image  # a held-out copy must not be found: it taught nothing
    records = [replace(r, licence="MIT", author="Ann <Other>", set="toys") for r in toy.records]
    return PictureSet(small, records, toy.digest)


def test_a_planted_copy_is_the_nearest_with_its_licence(pipe: Pipeline) -> None:
    result = pipe.generate("a red apple", steps=3, seed=5)
    copy = ((from_image(result.images[0])[:, 0].permute(1, 2, 0) + 1) * 127.5).round().byte().numpy()
    known = planted(copy)
    first, second, *_ = nearest_pictures(result.images[0], known)
    assert (first.record.id, first.record.licence) == (known.records[3].id, "MIT")
    assert first.distance < 0.01 < second.distance
    text = page(explain(pipe, result.recipes[0], known))
    assert "toys, MIT, Ann &lt;Other&gt;" in text


def test_the_page_escapes_what_it_is_given_and_needs_nothing_else(pipe: Pipeline) -> None:
    found = explain(pipe, pipe.generate(PROMPT, steps=2).recipes[0], None)
    text = page(found)
    assert "<b>" not in text
    assert "a &lt;b&gt;red&lt;/b&gt; fire-engine" in text
    assert "http" not in text
    assert text.count("data:image/png;base64,") == 1 + 2 * len(found.heats) + len(found.path)


def test_a_hot_patch_is_bright_and_warm(pipe: Pipeline) -> None:
    image = pipe.generate("a cat", steps=1).images[0]
    heat = torch.zeros(4, 4)
    heat[1, 2] = 3.0
    pixels = np.asarray(heated(image, heat)).astype(int)
    hot, cold = pixels[12, 20], pixels[28, 4]
    assert hot[0] - hot[2] > 60
    assert abs(cold[0] - cold[2]) < 12
    assert hot.sum() > cold.sum()


def test_marks_in_a_prompt_of_plain_words_stay_words(pipe: Pipeline) -> None:
    found = explain(pipe, pipe.generate(r"an \(old\) apple --weird 3", steps=2, seed=5).recipes[0], None)
    assert [removal.word.text for removal in found.removals] == ["an", "old", "apple"]
    assert [plain_words(removal.prompt) for removal in found.removals] == ["(old) apple", "an () apple", "an (old)"]
    assert [plain_words(removal.prompt) for removal in found.removals if removal.change == 0] == []


def test_a_prompt_that_is_more_than_words_is_refused(pipe: Pipeline) -> None:
    with pytest.raises(InvalidOption, match="only one of plain words can be explained"):
        explain(pipe, pipe.generate("an (old) apple", steps=2, seed=5).recipes[0], None)


BOXES = (((0.0, 0.0, 0.5, 0.5), "a red cat"), ((0.5, 0.0, 1.0, 1.0), "a hat"), ((0.0, 0.5, 0.5, 1.0), "a red cat"))


def test_the_heat_of_a_layout_is_the_attention_of_what_the_network_was_shown(pipe: Pipeline) -> None:
    """What drawing shows the network is caught at its door, shown again, and summed by hand, box by box."""
    asked = Request(prompt="", region=BOXES, size=(48, 48), steps=3, seed=5, guidance=1.0, style="noto")
    request = pipe.resolve(asked)
    layout = layout_of(pipe, request)
    assert (layout.texts, dict(layout.places)) == (("a red cat", "a hat"), {"a red cat": (0, 2), "a hat": (1,)})
    previews, attention = recorded_layout(pipe, request, layout)
    network = pipe.model.denoiser.network
    assert isinstance(network, torch.nn.Module)
    shown: list[tuple[torch.Tensor, torch.Tensor]] = []
    handle = network.register_forward_hook(lambda _, given, said: shown.append((given[0].clone(), given[1].clone())))
    plain = list(pipe.stream(request))
    handle.remove()
    assert all(torch.equal(a.x, b.x) for a, b in zip(previews, plain, strict=True))
    assert len(shown) == 3 * 3
    for k, (_, text) in enumerate(BOXES):
        cond = pipe.model.prepare([text], ["noto"])
        seen: list[torch.Tensor] = []

        def look(site: AttentionSite, weights: torch.Tensor, seen: list[torch.Tensor] = seen) -> torch.Tensor:
            seen.append(weights[0].mean(0)[site.image][:, site.text].double())
            return weights

        with torch.inference_mode():
            for x, t in shown[k::3]:
                network(x, t, cond, probe=Probe(attention=look))
        torch.testing.assert_close(attention[k], torch.stack(seen).mean(0))


def test_heats_of_a_layout_lie_where_their_boxes_are(pipe: Pipeline) -> None:
    request = pipe.resolve(Request(prompt="", region=BOXES, size=(48, 48), steps=1))
    layout = layout_of(pipe, request)
    words = [word for text in layout.texts for word in words_of(pipe.model.conditioner, text)]
    pieces = 1 + max(max(word.tokens) for word in words)
    attention = [torch.full((16, pieces), value, dtype=torch.float64) for value in (0.1, 0.3, 0.2)]
    heats = {heat.word.text: heat for heat in heats_of_layout(layout, attention, words)}
    assert list(heats) == ["a", "red", "cat", "hat"]
    assert heats["red"].share == pytest.approx(0.15)
    cat, hat = heats["cat"].map, heats["hat"].map
    assert cat.shape == hat.shape == (12, 12)
    assert hat[:, :6].max() == 0
    assert hat.max() == pytest.approx(1)
    assert cat[:, 6:].max() == 0
    assert cat[:6, :6].max() == pytest.approx(0.1 / 0.15)
    assert cat[6:, :6].max() == pytest.approx(0.2 / 0.15)


def test_a_layout_is_explained_word_by_word(pipe: Pipeline) -> None:
    options: dict[str, Any] = {"region": BOXES, "size": (48, 48), "steps": 2, "seed": 5}
    result = pipe.generate("", **options)
    found = explain(pipe, result.recipes[0], planted(np.zeros((32, 32, 4), np.uint8)))
    assert torch.equal(from_image(found.image), from_image(result.images[0]))
    assert [(heat.word.prompt, heat.word.text) for heat in found.heats] == [
        *(("a red cat", word) for word in ("a", "red", "cat")),
        *(("a hat", word) for word in ("a", "hat")),
    ]
    red = found.removals[1]
    boxes = tuple((box, text.replace("red ", "")) for box, text in BOXES)
    direct = pipe.generate("", **{**options, "region": boxes}).images[0]
    assert torch.equal(from_image(red.image), from_image(direct))
    assert red.change > 0
    assert found.neighbours is not None
    assert [one.of for one in found.neighbours] == ["a red cat"] * 4 + ["a hat"] * 4
    (left, top, right, bottom) = layout_of(pipe, pipe.resolve(result.recipes[0].request)).box("a hat", (48, 48))
    cut = result.images[0].crop((left, top, right, bottom))
    assert [one.distance for one in found.neighbours[4:]] == [
        one.distance for one in nearest_pictures(cut, planted(np.zeros((32, 32, 4), np.uint8)))
    ]
    text = page(found)
    assert text.count("<h3>a red cat</h3>") == 3
    data = found.to_json_dict()
    assert [(word["prompt"], word["text"]) for word in data["words"]][3] == ("a hat", "a")


def test_a_box_is_empty_without_its_only_word(pipe: Pipeline) -> None:
    boxes = (((0.0, 0.0, 0.5, 0.5), "cat"), ((0.5, 0.5, 1.0, 1.0), "hat"))
    result = pipe.generate("", region=boxes, size=(48, 48), steps=2, seed=5)
    found = explain(pipe, result.recipes[0], None)
    alone = pipe.generate("", region=boxes[:1], size=(48, 48), steps=2, seed=5).images[0]
    assert torch.equal(from_image(found.removals[1].image), from_image(alone))


@pytest.mark.parametrize(
    ("region", "options", "words"),
    [
        ((((0.0, 0.0, 0.5, 1.0), "a (red) cat"),), {}, "is more than words"),
        ((((0.0, 0.0, 1.0, 1.0), "a cat"),), {}, "larger than what the model draws at once"),
        ((((0.0, 0.0, 0.5, 1.0), "a cat"),), {"vary": ((0.5, 3),)}, "is a variation"),
    ],
)
def test_layouts_that_cannot_be_explained_say_why(
    pipe: Pipeline, region: tuple[object, ...], options: dict[str, object], words: str
) -> None:
    result = pipe.generate("", region=region, size=(64, 64), steps=1, seed=5, **options)
    with pytest.raises(InvalidOption, match=words):
        explain(pipe, result.recipes[0], None)
