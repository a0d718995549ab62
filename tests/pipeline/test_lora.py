"""LoRAs through the pipeline: who asks gets them, at the strength asked for, and nobody else notices."""

import threading
from pathlib import Path

import pytest

from mezzotint import Pipeline, Recipe, Request
from mezzotint.checkpoints.tensors import file_digest
from mezzotint.errors import InvalidCheckpoint, InvalidOption
from mezzotint.load import lora_folder
from mezzotint.provenance.pixels import psnr
from tests.support import lora_file


@pytest.fixture(autouse=True)
def loras(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, with the LoRAs zorp and blick."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for seed, word in enumerate(("zorp", "blick")):
        lora_file(lora_folder() / f"{word}.safetensors", folder, word, seed)
    return lora_folder()


def drawn(pipe: Pipeline, lora: object = (), **options: object) -> Recipe:
    return pipe.generate("a zorp", seed=5, steps=3, lora=lora, **options).recipes[0]


def test_a_lora_acts_as_strongly_as_asked_and_zero_is_the_plain_picture(pipe: Pipeline) -> None:
    plain = drawn(pipe)
    found = [drawn(pipe, [("zorp", strength)]) for strength in (0, 0.5, 1, -1)]
    assert found[0].pixels_sha256 == plain.pixels_sha256
    assert len({recipe.pixels_sha256 for recipe in found}) == 4
    assert drawn(pipe, ["zorp"]) == found[2]
    assert found[0].ignored == ("lora: zorp",)
    assert found[1].ignored == ()
    assert drawn(pipe) == plain


def test_the_recipe_says_which_and_draws_it_again(pipe: Pipeline, loras: Path, tmp_path: Path) -> None:
    elsewhere = (loras / "zorp.safetensors").rename(tmp_path / "zorp.safetensors")
    recipe = drawn(pipe, [(str(elsewhere), 0.8), ("blick", 0.0)])
    assert recipe.request.lora == (("zorp", 0.8), ("blick", 0.0))
    assert recipe.lora_sha256 == (file_digest(elsewhere), file_digest(loras / "blick.safetensors"))
    assert recipe.ignored == ("lora: blick",)
    assert Recipe.from_json_dict(recipe.to_json_dict()) == recipe
    elsewhere.rename(loras / "zorp.safetensors")
    assert pipe.generate(recipe.request).recipes[0] == recipe


def test_two_loras_act_together_and_their_order_does_not_matter(pipe: Pipeline) -> None:
    pair = [("zorp", 0.6), ("blick", 0.9)]
    both, turned = (pipe.generate("a zorp", seed=5, steps=3, lora=some) for some in (pair, pair[::-1]))
    assert psnr(both.images[0], turned.images[0]) > 60
    for alone in pair:
        assert psnr(both.images[0], pipe.generate("a zorp", seed=5, steps=3, lora=[alone]).images[0]) < 40


def test_every_branch_and_every_picture_of_a_fast_batch_has_them(pipe: Pipeline) -> None:
    options = {"n": 3, "lora": [("zorp", 0.7)], "also": (("a hat", 0.7),), "steps": 3, "seed": 1}
    exact, fast = (pipe.generate("a zorp", batching=how, **options) for how in ("exact", "fast"))
    for a, b in zip(exact.images, fast.images, strict=True):
        assert psnr(a, b) > 60


def test_requests_with_other_strengths_at_once_do_not_disturb_each_other(pipe: Pipeline) -> None:
    asked = [[("zorp", 1.0)], [("zorp", 0.3)], [], [("blick", -1.0), ("zorp", 0.5)]]
    alone = [drawn(pipe, lora) for lora in asked]
    streams = [pipe.stream("a zorp", seed=5, steps=3, lora=lora) for lora in asked]
    for _ in range(3):
        last = [next(stream) for stream in streams]
    assert [preview.recipe for preview in last] == alone
    found: dict[int, Recipe] = {}

    def draw(number: int) -> None:
        found[number] = drawn(pipe, asked[number])

    threads = [threading.Thread(target=draw, args=(number,)) for number in range(len(asked))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(len(asked))] == alone


def test_a_lora_that_was_taught_anew_is_read_anew(pipe: Pipeline, folder: Path, loras: Path) -> None:
    first = drawn(pipe, ["zorp"])
    lora_file(loras / "zorp.safetensors", folder, "a-longer-word", seed=7)
    second = drawn(pipe, ["zorp"])
    assert first.lora_sha256 != second.lora_sha256
    assert first.pixels_sha256 != second.pixels_sha256


def test_a_half_precision_model_draws_with_it(folder: Path, pipe: Pipeline) -> None:
    rough = Pipeline.load(str(folder), dtype="bfloat16").generate("a zorp", seed=5, steps=3, lora=["zorp"])
    assert psnr(rough.images[0], pipe.generate("a zorp", seed=5, steps=3, lora=["zorp"]).images[0]) > 20


def test_what_cannot_be_drawn_with_is_one_sentence(
    pipe: Pipeline, weak_folder: Path, folder: Path, loras: Path, tmp_path: Path
) -> None:
    lora_file(loras / "other.safetensors", weak_folder)
    twin = lora_file(tmp_path / "zorp.safetensors", folder)
    for lora, error, words in (
        (["zorb"], InvalidOption, r"There is no LoRA called 'zorb' in .*loras; did you mean zorp\?"),
        (["qqq"], InvalidOption, "there are: blick, other, zorp; or give a file"),
        (["other"], InvalidCheckpoint, "LoRA other was made for the model random with weights .* has weights"),
        (["zorp", str(twin)], InvalidOption, "Two of the LoRAs are called zorp; rename the file of one"),
    ):
        with pytest.raises(error, match=words):
            pipe.stream("a zorp", lora=lora)
    with pytest.raises(InvalidOption, match="cannot be drawn with together with these LoRAs"):
        Pipeline(pipe.model).stream(Request(prompt="a zorp", lora=["zorp"]))
