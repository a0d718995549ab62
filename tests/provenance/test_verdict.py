"""The verdict on a redrawn picture: the pixels decide, the recipes explain."""

import json
import math
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.provenance.verdict import SAME_PSNR, compare, differing_facts
from tests.provenance.recipes import noise_image, recipe_of


def shifted(image: Image.Image, levels: int, channel: slice = slice(0, 3)) -> Image.Image:
    """The picture with its channels moved by `levels`, away from the ends; opaque, so that a level is a level."""
    pixels = np.asarray(image).astype(int)
    pixels[..., 3] = 255
    pixels[..., channel] = np.clip(pixels[..., channel], 60, 190) + levels
    return Image.fromarray(pixels.astype(np.uint8))


BASE = shifted(noise_image(), 0)


def test_the_threshold_is_stated() -> None:
    assert SAME_PSNR == 40.0


def test_identical() -> None:
    verdict = compare(recipe_of(BASE), recipe_of(BASE), BASE, BASE)
    assert (verdict.status, verdict.psnr, verdict.causes) == ("identical", math.inf, ())
    assert verdict.sentence == "identical: every pixel is equal."
    assert verdict.to_json_dict() == {"status": "identical", "psnr": None, "same_from_psnr": 40.0, "causes": []}


def test_identical_on_another_machine_says_what_made_no_difference() -> None:
    now = recipe_of(BASE, {"threads": 4})
    verdict = compare(recipe_of(BASE), now, BASE, BASE)
    assert verdict.status == "identical"
    assert verdict.sentence.endswith("equal, although the number of threads was 2 and is now 4.")


def test_identical_by_the_recipe_alone() -> None:
    assert compare(recipe_of(BASE), recipe_of(BASE), BASE).status == "identical"
    other = shifted(BASE, 1)
    verdict = compare(recipe_of(BASE), recipe_of(other), other)
    assert (verdict.status, verdict.psnr) == ("different", None)


# one level in three of four channels: mse 0.75, 49.4 dB; four levels: 37.3 dB
@pytest.mark.parametrize(
    ("levels", "status", "decibel"), [(1, "same", 49.38), (2, "same", 43.36), (4, "different", 37.34)]
)
def test_same_or_different_with_the_cause(levels: int, status: str, decibel: float) -> None:
    redrawn = shifted(BASE, levels)
    now = recipe_of(redrawn, {"torch": "2.14.0", "processor": "B CPU"})
    verdict = compare(recipe_of(BASE), now, redrawn, BASE)
    assert verdict.status == status
    assert verdict.psnr == pytest.approx(decibel, abs=0.01)
    assert verdict.causes == (
        "the torch version was 2.13.0 and is now 2.14.0",
        "the processor was A CPU (AVX2) and is now B CPU",
    )
    assert verdict.sentence.startswith(
        f"{status} (PSNR {decibel:.1f} dB, the same from 40 dB on): the torch version was"
    )
    assert json.dumps(verdict.to_json_dict(), allow_nan=False)


def test_another_pillow_is_a_cause_where_both_are_known() -> None:
    redrawn = shifted(BASE, 1)

    def causes(then: str, now: str) -> tuple[str, ...]:
        return compare(recipe_of(BASE, {"pillow": then}), recipe_of(redrawn, {"pillow": now}), redrawn, BASE).causes

    assert causes("11.3.0", "12.0.0") == ("the Pillow version was 11.3.0 and is now 12.0.0",)
    for then in ("", "12.0.0"):
        assert causes(then, "12.0.0")[0].startswith("nothing that the recipe records differs")


def test_a_difference_without_a_recorded_cause_says_so() -> None:
    redrawn = shifted(BASE, 1)
    verdict = compare(recipe_of(BASE), recipe_of(redrawn), redrawn, BASE)
    assert verdict.status == "same"
    assert verdict.causes == ("nothing that the recipe records differs, so the cause is in what it does not record",)


def test_an_edited_file_is_called_that() -> None:
    touched = BASE.copy()
    touched.paste((0, 0, 0, 255), (0, 0, 12, 8))
    then = recipe_of(BASE)  # the recipe is still of the picture before the edit
    verdict = compare(then, recipe_of(BASE, {"threads": 4}), BASE, touched)
    assert verdict.status == "different"
    assert len(verdict.causes) == 1  # the redrawn picture is the original one: the threads are innocent
    assert "its pixels were changed afterwards" in verdict.causes[0]


def test_an_edited_file_on_another_machine_names_both() -> None:
    redrawn = shifted(BASE, 1)
    verdict = compare(recipe_of(BASE), recipe_of(redrawn, {"threads": 4}), redrawn, noise_image(3))
    assert "changed afterwards" in verdict.causes[0]
    assert "threads" in verdict.causes[1]


def test_another_size() -> None:
    redrawn = BASE.resize((8, 8))
    verdict = compare(recipe_of(BASE), recipe_of(redrawn), redrawn, BASE)
    assert (verdict.status, verdict.psnr) == ("different", None)
    assert verdict.causes == ("the size was 24x16 and is now 8x8",)
    cropped = compare(recipe_of(BASE), recipe_of(BASE), BASE, BASE.crop((0, 0, 8, 8)))
    assert cropped.causes[0] == "the size was 8x8 and is now 24x16"
    assert "changed afterwards" in cropped.causes[1]


def test_invisible_pixels() -> None:
    a, b = Image.new("RGBA", (4, 4), (9, 9, 9, 0)), Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    verdict = compare(recipe_of(a), recipe_of(b), b, a)
    assert (verdict.status, verdict.psnr) == ("same", math.inf)
    assert "only what does not show differs, such as colours of clear pixels" in verdict.sentence


@pytest.mark.parametrize(
    ("changes", "clause"),
    [
        ({"weights_sha256": "f" * 64}, "the weights digest was 0123456789 and is now ffffffffff"),
        ({"text_encoder_sha256": None}, "the text encoder digest was fedcba9876 and is now none"),
        ({"noise_version": 2}, "the noise version was 1 and is now 2"),
        ({"schedule": "vp_cosine"}, "the schedule was rectified_flow and is now vp_cosine"),
        ({"codec": "kl"}, "the codec was pixel and is now kl"),
        ({"dtype": "bfloat16"}, "the dtype was float32 and is now bfloat16"),
        ({"device": "cuda"}, "the device was cpu and is now cuda"),
        ({"batching": "fast"}, "the batching was exact and is now fast"),
        ({"guidance_interval": (0.1, 1)}, "the guidance_interval was 0.0 to 1.0 and is now 0.1 to 1.0"),
        (
            {"grid": (1, *(i / 12 for i in range(11, -1, -1)))},
            "the grid was uniform and is now 1.0, 0.9166666666666666, 0.8333333333333334, 0.75, 0.6666...",
        ),
        ({"guidance_methods": ("apg", "pag:scale=2")}, "the guidance_methods was none and is now apg, pag:scale=2"),
        ({"also": (("a hat", 0.7), ("a cat", -1))}, "the also was none and is now a hat:0.7, a cat:-1"),
        ({"prompt": "x" * 99}, f"the prompt was a red apple and is now {'x' * 57}..."),
        ({"seed": 8}, "the seed was 7 and is now 8"),
        ({"environment": {"mezzotint": "0.2.0"}}, "the mezzotint version was 0.1.0 and is now 0.2.0"),
        ({"environment": {"threads": 1}}, "the number of threads was 2 and is now 1"),
    ],
)
def test_every_recorded_fact_is_named(changes: dict[str, Any], clause: str) -> None:
    assert differing_facts(recipe_of(BASE), recipe_of(BASE, **changes)) == (clause,)


def test_another_weak_model_is_named() -> None:
    then, now = (recipe_of(BASE, weak_model="small", weak_weights_sha256=letter * 64) for letter in "ab")
    assert differing_facts(then, now) == ("the weak model's weights digest was aaaaaaaaaa and is now bbbbbbbbbb",)


def test_the_recipes_own_pixels_are_not_a_cause() -> None:
    assert differing_facts(recipe_of(BASE), recipe_of(BASE, pixels_sha256=pixel_sha256(noise_image(5)))) == ()


def test_a_picture_of_a_fast_batch_has_its_batch_for_a_cause() -> None:
    fast = recipe_of(BASE, batching="fast")
    assert differing_facts(fast, fast) == (
        "the pictures of a fast batch shared network calls, and this one was redrawn alone",
    )
    assert differing_facts(recipe_of(BASE), recipe_of(BASE)) == ()
