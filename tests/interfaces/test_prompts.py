"""The prompt language on the command line: choices, wildcards, files of prompts, and how a prompt is understood."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from mezzotint.checked import Checked
from mezzotint.diffusion.noise import Purpose, philox_uniform
from mezzotint.interfaces.pictures import Destination
from mezzotint.interfaces.prompts import resumed
from mezzotint.load import lora_folder
from mezzotint.pipeline import Pipeline
from mezzotint.provenance import read_metadata
from mezzotint.request import Request
from tests.interfaces.conftest import Run, parsed, sentence
from tests.support import lora_file


@pytest.fixture
def draw(run: Run, model: Path) -> Any:
    """The pictures of a call of `imagine` as JSON, in two steps."""

    def call(*args: object) -> Any:
        return parsed(run("imagine", *args, "--model", model, "--steps", 2, "--format", "json"))

    return call


@pytest.fixture
def cards(here: Path) -> Path:
    """A folder of wildcards."""
    (here / "cards" / "place").mkdir(parents=True)
    (here / "cards" / "animal.txt").write_text("# who\ncat\n\ndog\n(fox:1.3)\nowl <lora:zorp:0.5>\nhen\n")
    (here / "cards" / "place" / "sea.txt").write_text("a {pier, boat}\n")
    return here / "cards"


def asked(found: Any, *names: str) -> list[Any]:
    """Fields of the requests of what was drawn."""
    requests = [picture["recipe"]["request"] for picture in found["pictures"]]
    return [request[names[0]] if len(names) == 1 else [request[name] for name in names] for request in requests]


# ---- choices


def test_choices_are_drawn_in_order_with_the_same_seeds(draw: Any) -> None:
    found = draw("a {red, (blue:1.5)} {apple, hat}", "--n", 2, "--out", "d")
    seeds = asked(found, "seed")
    assert asked(found, "prompt") == [
        prompt for prompt in ("a red apple", "a red hat", "a (blue:1.5) apple", "a (blue:1.5) hat") for _ in range(2)
    ]
    assert seeds == [seeds[0], seeds[0] + 1] * 4
    alone = draw("a (blue:1.5) apple", "--seed", seeds[1], "--out", "one.png")
    assert alone["pictures"][0]["pixels_sha256"] == found["pictures"][5]["pixels_sha256"]


def test_a_flag_in_a_choice_counts(draw: Any) -> None:
    found = draw("a cat --seed {7, 9} --repeat 2", "--out", "d")
    assert asked(found, "seed") == [7, 8, 9, 10]
    assert asked(found, "prompt") == ["a cat"] * 4


def test_several_pictures_need_a_folder(run: Run, model: Path, here: Path) -> None:
    args = ("--model", model, "--out", "a.png")
    assert "a.png is one file for 2 pictures" in sentence(run("imagine", "a {red, blue} cat", *args))
    assert "a.png is one file for 3 pictures" in sentence(run("imagine", "a cat --repeat 3", *args))
    assert list(here.iterdir()) == []


# ---- wildcards


def test_a_wildcard_is_picked_by_the_seed_of_its_picture(draw: Any, model: Path, cards: Path) -> None:
    lora_file(lora_folder() / "zorp.safetensors", model)
    lines = ("cat", "dog", "(fox:1.3)", "owl <lora:zorp:0.5>", "hen")
    found = draw("a __animal__ and __animal__", "--seed", 20, "--n", 6, "--wildcards", cards, "--out", "d")
    for number, (prompt, seed, n, loras) in enumerate(asked(found, "prompt", "seed", "n", "lora")):
        shares = philox_uniform(20 + number, torch.arange(2), Purpose.PROMPT)
        picks = [lines[int(float(share) * 5)] for share in shares]
        assert prompt == f"a {picks[0]} and {picks[1]}".replace(" <lora:zorp:0.5>", "")
        assert (seed, n) == (20 + number, 1)
        assert loras == ([["zorp", 0.5]] if any("zorp" in pick for pick in picks) else [])
    assert len(set(asked(found, "prompt"))) > 2
    alone = draw("a __animal__ and __animal__", "--seed", 23, "--wildcards", cards, "--out", "one.png")
    assert alone["pictures"][0]["pixels_sha256"] == found["pictures"][3]["pixels_sha256"]
    in_text = draw("a __animal__ and __animal__ --seed 23", "--wildcards", cards, "--out", "one.png")
    assert in_text["pictures"][0]["recipe"] == alone["pictures"][0]["recipe"]


@pytest.mark.parametrize(
    ("prompt", "folder", "words"),
    [
        ("a __animal__", None, "has the wildcard __animal__; give the folder of animal.txt with --wildcards"),
        ("a __anmial__", "cards", "There is no wildcard called 'anmial'; did you mean animal?"),
        ("a __place/see__", "cards", "did you mean place/sea"),
        ("a __animal__", "nowhere", "nowhere is no folder"),
        ("a __place/sea__", "cards", "The line 'a {pier, boat}' of the wildcard place/sea has braces"),
        ("a __animal__ --repeat 1001", "cards", "n is 1001; of a prompt with wildcards it must be at most 1000"),
    ],
)
def test_wildcards_that_are_not_there_are_refused(
    run: Run, model: Path, cards: Path, prompt: str, folder: str | None, words: str
) -> None:
    args = () if folder is None else ("--wildcards", folder)
    assert words in sentence(run("imagine", prompt, "--model", model, *args))
    assert not Path("mezzotint-out").exists()


# ---- files of prompts


def test_a_file_of_prompts_is_drawn_and_only_what_is_missing_again(draw: Any, here: Path) -> None:
    file = here / "prompts.txt"
    file.write_text("# two animals\na cat\n\n  a {red, blue} [dog:fox:1]\na cat --seed 5\n")
    args = ("--prompts", file, "--n", 2, "--out", "d")
    first = draw(*args)
    assert asked(first, "prompt", "seed") == [
        [prompt, seed]
        for prompt, begin in (("a cat", 0), ("a red [dog:fox:1]", 0), ("a blue [dog:fox:1]", 0), ("a cat", 5))
        for seed in (begin, begin + 1)
    ]
    assert first["there_already"] == []
    again = draw(*args)
    assert (again["pictures"], len(again["there_already"])) == ([], 8)
    assert sorted(again["there_already"]) == sorted(picture["file"] for picture in first["pictures"])
    lost = [here / first["pictures"][number]["file"] for number in (1, 4)]
    before = [path.read_bytes() for path in lost]
    for path in lost:
        path.unlink()
    rest = draw(*args)
    assert asked(rest, "prompt", "seed") == [["a cat", 1], ["a blue [dog:fox:1]", 0]]
    assert len(rest["there_already"]) == 6
    assert [path.read_bytes() for path in lost] == before
    assert len(list((here / "d").iterdir())) == 8


def test_a_picture_of_another_recipe_is_not_what_was_asked_for(
    draw: Any, run: Run, here: Path, other_model: Path
) -> None:
    (here / "prompts.txt").write_text("a cat\n")
    args = ("--prompts", "prompts.txt", "--out", "d")
    draw(*args)
    for more in (("--guidance", 2), ("--seed", 1), ("--negative", "red")):
        found = draw(*args, *more)
        assert (len(found["pictures"]), found["there_already"]) == (1, [])
        assert len(draw(*args, *more)["there_already"]) == 1
    other = parsed(run("imagine", *args, "--model", other_model, "--steps", 2, "--format", "json"))
    assert len(other["pictures"]) == 1  # the same request of other weights
    (here / "d" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert len(draw(*args)["there_already"]) == 1


def test_of_pictures_that_were_chosen_any_seed_that_may_have_been_kept_counts(model: Path, here: Path) -> None:
    pipe, to = Pipeline.load(str(model)), Destination.of("d", 2)
    request = Request(prompt="a cat", n=2, seed=10, steps=2)
    kept = [pipe.generate("a cat", seed=seed, steps=2) for seed in (12, 11)]  # the second try of the first picture
    files = [
        to.save(one.images[0], replace(one.recipes[0], check=Checked(asked=(), faults=(), tries=2))) for one in kept
    ]
    assert resumed(pipe, [request], to, tries=2) == ((), tuple(files))
    assert resumed(pipe, [request], to, tries=1) == ((request,), ())
    assert resumed(pipe, [replace(request, seed=12)], to) == ((replace(request, seed=12),), ())  # nobody looked
    files[0].unlink()
    assert resumed(pipe, [request], to, tries=2) == ((request,), ())  # they are chosen together


def test_what_is_there_is_said(run: Run, model: Path, here: Path) -> None:
    (here / "prompts.txt").write_text("a cat\na dog\n")
    args = ("imagine", "--prompts", "prompts.txt", "--model", model, "--steps", 2, "--out", "d")
    run(*args)
    (here / "d" / "a-dog-0.png").unlink()
    there, drawn, *_ = run(*args).stdout.splitlines()
    assert there == f"{Path('d/a-cat-0.png')}  (there already)"
    assert drawn.startswith(f"{Path('d/a-dog-0.png')}  (seed 0, ")


@pytest.mark.parametrize(
    ("content", "args", "words"),
    [
        ("a cat\n", ("a dog",), "prompts is prompts.txt, and there is a PROMPT too; give one of them"),
        ("# none\n\n", (), "prompts.txt has no prompt; give a text file with one prompt a line"),
        (None, (), "prompts.txt cannot be read (No such file or directory)"),
        ("a (cat\n", (), "At character 3 (near 'a (cat')"),
    ],
)
def test_a_file_of_prompts_that_cannot_be_used_is_refused(
    run: Run, model: Path, here: Path, content: str | None, args: tuple[str, ...], words: str
) -> None:
    if content is not None:
        (here / "prompts.txt").write_text(content)
    assert words in sentence(run("imagine", *args, "--prompts", "prompts.txt", "--model", model))
    assert not (here / "mezzotint-out").exists()


def test_variations_are_found_again_and_go_with_wildcards(draw: Any, here: Path, cards: Path) -> None:
    (here / "prompts.txt").write_text("a cat\n")
    args = ("--prompts", "prompts.txt", "--n", 2, "--vary", "0.3:6", "--seed", 5, "--out", "d")
    first = draw(*args)
    assert asked(first, "seed", "vary") == [[5, [[0.3, 6]]], [6, [[0.3, 7]]]]
    again = draw(*args)
    assert (again["pictures"], len(again["there_already"])) == ([], 2)
    cards.joinpath("animal.txt").write_text("cat\n")
    more = ("--n", 2, "--vary", "0.3:6", "--seed", 5, "--wildcards", cards, "--out", "w")
    picked = draw("a __animal__", *more)
    assert [one["pixels_sha256"] for one in picked["pictures"]] == [one["pixels_sha256"] for one in first["pictures"]]


def test_pictures_of_another_lora_or_weak_model_are_not_there(
    draw: Any, here: Path, model: Path, other_model: Path
) -> None:
    (here / "prompts.txt").write_text("a cat\n")
    args = ("--prompts", "prompts.txt", "--out", "d", "--lora", "zorp")
    for seed in (0, 1):
        lora_file(lora_folder() / "zorp.safetensors", model, seed=seed)
        assert len(draw(*args)["pictures"]) == 1
        assert len(draw(*args)["there_already"]) == 1
    args = (*args[:4], "--guidance-method", "autoguidance:scale=2", "--weak-model")
    folders = [here / "1" / "weak", here / "2" / "weak"]  # two of one name
    for folder, source in zip(folders, (model, other_model), strict=True):
        shutil.copytree(source, folder)
        description = json.loads((folder / "model.json").read_text())
        (folder / "model.json").write_text(json.dumps({**description, "name": "weak"}))
        assert len(draw(*args, folder)["pictures"]) == 1
        assert len(draw(*args, folder)["there_already"]) == 1


def test_pictures_of_another_text_encoder_are_not_there(model: Path, here: Path) -> None:
    pipe, to = Pipeline.load(str(model)), Destination.of("d", 2)
    request = Request(prompt="a cat", steps=2)
    drawn = pipe.generate(request)
    file = to.save(drawn.images[0], drawn.recipes[0])
    assert resumed(pipe, [request], to) == ((), (file,))
    other = Pipeline(replace(pipe.model, text_encoder_sha256="f" * 64))
    assert resumed(other, [request], to) == ((request,), ())


def test_a_folder_of_wildcards_that_is_not_used_is_told(draw: Any, run: Run, model: Path, cards: Path) -> None:
    found = draw("a cat", "--wildcards", cards, "--out", "a.png")
    assert found["ignored"][0] == f"wildcards {cards}: no prompt has one"
    used = draw("a __animal__", "--seed", 1, "--wildcards", cards, "--out", "b.png")
    assert not any("wildcards" in item for item in used["ignored"])
    args = ("--model", model, "--wildcards")
    assert "would be ignored" in sentence(run("imagine", "a cat", *args, cards, "--strict"))
    assert "nowhere is no folder" in sentence(run("imagine", "a cat", *args, "nowhere"))


# ---- recipes


@pytest.mark.parametrize(
    "prompt",
    ["a (red:1.5) [cat:dog:0.5] BREAK sky", "a cat AND a hat :0.7", "a <lora:zorp:0.8> zorp --weird 3 --no red"],
)
def test_a_picture_of_a_prompt_is_drawn_again(run: Run, model: Path, here: Path, prompt: str) -> None:
    lora_file(lora_folder() / "zorp.safetensors", model)
    args = ("--seed", 7, "--steps", 3, "--out", "a.png", "--model", model, "--threads", 1)
    assert run("imagine", prompt, *args).exit_code == 0
    result = run("reproduce", "a.png", "--model", model)
    assert (result.exit_code, result.stdout) == (0, "a.png: identical: every pixel is equal.\n")


def test_aspect_and_stop_reach_the_recipe(draw: Any, run: Run, model: Path) -> None:
    found = draw("a cat", "--aspect", "2:2", "--stop", 0.5, "--out", "a.png")
    assert asked(found, "size", "aspect", "stop", "steps") == [[[32, 32], None, 0.5, 2]]
    found = draw("a cat --ar 3:2", "--out", "wide.png")
    assert asked(found, "size", "aspect") == [[[48, 32], None]]
    refused = sentence(run("imagine", "a cat", "--aspect", "99:2", "--model", model))
    assert "draws pictures of 32x32 pixels, not of the shape 99:2, or larger ones" in refused
    assert "stop is 0.0; it must be a number above 0" in sentence(run("imagine", "x", "--stop", 0, "--model", model))


def test_an_edit_takes_the_language_too(run: Run, draw: Any, model: Path, here: Path) -> None:
    draw("a cat", "--seed", 1, "--out", "a.png")
    args = ("edit", "a.png", "--model", model, "--steps", 4, "--out", "b.png", "--format", "json")
    found = parsed(run(*args[:2], "a (red:1.5) [cat:dog:0.5] --seed 4 --no sky", *args[2:]))
    assert asked(found, "prompt", "seed", "negative") == [["a (red:1.5) [cat:dog:0.5]", 4, "sky"]]
    assert "braces stand for several prompts" in sentence(run(*args[:2], "a {red, blue} cat", *args[2:-2]))
    assert "seed is given twice" in sentence(run(*args[:2], "a --seed 4", *args[2:-2], "--seed", 5))


def test_only_plain_words_are_explained(run: Run, draw: Any, model: Path) -> None:
    draw("a (red:1.5) apple", "--seed", 1, "--out", "a.png")
    assert "only one of plain words can be explained" in sentence(run("explain", "a.png", "--model", model))
    draw(r"an \(old\) apple --weird 3", "--seed", 1, "--out", "b.png")
    found = parsed(run("explain", "b.png", "--model", model, "--format", "json"))
    assert [word["text"] for word in found["words"]] == ["an", "old", "apple"]
    assert all(word["change_without_it"] > 0 for word in found["words"])


# ---- mezzotint prompt


PROMPT = "a (red:1.5) apple BREAK ☃ sky AND [a cat:a dog:0.5] :0.7 --weird 250 --seed 4 --no leaf"


def test_a_prompt_is_shown_as_it_is_understood(run: Run, model: Path, here: Path) -> None:
    found = parsed(run("prompt", PROMPT, "--model", model, "--steps", 4, "--format", "json"))
    assert found["canonical"] == "a (red:1.5) apple BREAK ☃ sky :1 AND [a cat:a dog:0.5] :0.7 --weird 250"
    assert found["options"] == {"seed": 4, "negative": "leaf"}
    assert [(flag["name"], bool(flag["meaning"])) for flag in found["flags"]] == [
        ("weird", False),
        ("seed", True),
        ("no", True),
    ]
    (weight,) = [node for node in found["parts"][0]["chunks"][0] if "weight" in node]
    assert PROMPT[weight["begin"] : weight["end"]] == "(red:1.5)"
    assert found["parts"][1]["weight"] == 0.7
    cond, (cat, dog) = found["reads"]["cond"], found["reads"]["also-1"]
    assert [spell["texts"] for spell in cond] == [["a red apple", "☃ sky"]]
    pieces = [(one["piece"], one["weight"], one["known"], one["sentence"]) for one in cond[0]["pieces"]]
    assert pieces == [
        *(("a", 1.0, True, 0), ("red", 1.5, True, 0), ("apple", 1.0, True, 0)),
        *(("[UNK]", 1.0, False, 1), ("sky", 1.0, True, 1)),
    ]
    assert (cat["from"], cat["to"], cat["texts"]) == (1, 2, ["a cat"])
    assert (dog["from"], dog["to"], dog["texts"]) == (3, 4, ["a dog"])
    assert found["ignored"] == ["☃", "--weird 250: it has no meaning here"]
    drawn = parsed(run("imagine", PROMPT, "--model", model, "--steps", 4, "--out", "a.png", "--format", "json"))
    assert drawn["ignored"] == found["ignored"]
    assert list(here.iterdir()) == [here / "a.png"]


def test_the_text_form_says_the_same(run: Run, model: Path) -> None:
    lines = run("prompt", PROMPT, "--model", model, "--steps", 4).stdout.splitlines()
    for line in (
        "part 2: weight 0.7, characters 34 to 57",
        "  weight 1.5, characters 3 to 11",
        "    words 'red', characters 4 to 6",
        "    pieces: a red:1.5 apple",
        "    pieces: [UNK] (unknown) sky",
        "  3 to 4: a dog",
        "option seed: 4",
        "flag --weird: no meaning here",
        "ignored: '☃', '--weird 250: it has no meaning here'",
    ):
        assert line in lines, line
    assert PROMPT[33:57].strip() == "[a cat:a dog:0.5] :0.7"


def test_a_prompt_that_stands_for_several_is_shown_as_these(run: Run, model: Path) -> None:
    assert parsed(run("prompt", "a {red, blue} cat", "--format", "json")) == {"stands_for": ["a red cat", "a blue cat"]}
    assert run("prompt", "a {red, blue} cat").stdout.splitlines() == [
        "stands for 2 prompts:",
        "  a red cat",
        "  a blue cat",
    ]
    found = parsed(run("prompt", "a __animal__ {cat}", "--model", model, "--format", "json"))
    assert found["wildcards"] == ["animal"]
    refused = sentence(run("prompt", "a (cat", "--model", model))
    assert refused.startswith("mezzotint: At character 3 (near 'a (cat')")


def test_a_prompt_with_a_lora_that_is_not_there_is_shown_and_told(
    run: Run, model: Path, other_model: Path, here: Path
) -> None:
    lora_file(lora_folder() / "zorp.safetensors", model)
    lora_file(lora_folder() / "theirs.safetensors", other_model)
    words = ("prompt", "a (red:1.5) cat <lora:absent:0.8><lora:zorp:0><lora:theirs:1>", "--model", model)
    found = parsed(run(*words, "--format", "json"))
    assert found["options"] == {"lora": [["absent", 0.8], ["zorp", 0.0], ["theirs", 1.0]]}
    assert [spell["texts"] for spell in found["reads"]["cond"]] == [["a red cat"]]
    assert found["ignored"] == ["lora: zorp"], "what is there is looked at as ever"
    absent, theirs = found["refused"]
    assert absent.startswith("There is no LoRA called 'absent' in ")
    assert theirs.startswith("The LoRA theirs was made for the model ")
    lines = run(*words).stdout.splitlines()
    assert "  weight 1.5, characters 3 to 11" in lines
    assert lines[-2:] == [f"refused when drawn: {one}" for one in (absent, theirs)]
    assert absent in sentence(run("imagine", words[1], "--model", model)), "drawing it is refused"
    assert parsed(run("prompt", "a cat", "--model", model, "--format", "json"))["refused"] == []


def test_recipes_keep_the_prompt_as_it_was_drawn(draw: Any, here: Path) -> None:
    draw("a {(red:1.2) cat} --seed 4 --weird 3", "--out", "a.png")
    recipe = read_metadata(here / "a.png").recipe
    assert recipe is not None
    assert recipe.request.prompt == "a (red:1.2) cat --weird 3"
    assert recipe.ignored == ("--weird 3: it has no meaning here", *recipe.ignored[1:])
