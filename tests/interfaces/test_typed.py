"""Sentences of the command line name options as they are typed, whatever field of a request they are about."""

import json
from dataclasses import fields
from pathlib import Path

import click
import pytest
from PIL import Image

from mezzotint.interfaces.cli.main import VERBS, cli
from mezzotint.interfaces.cli.typed import as_typed, option_of
from mezzotint.request import Request
from tests.interfaces.conftest import Run, parsed, sentence

FIELDS = sorted(item.name for item in fields(Request) if item.name != "original_prompt")


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def test_every_field_of_a_request_is_called_by_an_option_that_there_is() -> None:
    known = {name: {flag for one in command(name).params for flag in one.opts} for name in VERBS}
    anywhere = set().union(*known.values())
    for name in FIELDS:
        assert option_of(name) in anywhere or name in ("image", "prompt"), name  # these are arguments
        for verb in ("imagine", "explore", "edit", "blend", "vary", "reproduce"):
            own = [one for one in command(verb).params if one.name == name and isinstance(one, click.Option)]
            assert not own or option_of(name, command(verb)) in own[0].opts, (name, verb)
            said = as_typed(f"{name} is 3; it must be another.", command(verb))
            assert said.startswith(f"{option_of(name, command(verb)) if '_' in name else name} is 3;")


@pytest.mark.parametrize(
    ("verb", "given", "said"),
    [
        ("imagine", "guidance_methods is 'apg:eta'; give spec.", "--guidance-method is 'apg:eta'; give spec."),
        ("imagine", "region_masks[1] is black all over.", "mask 2 of --region is black all over."),
        ("reproduce", "The region_masks[0] has 8x8 pixels.", "The mask 1 of --region-mask has 8x8 pixels."),
        ("blend", "blend_weights is 3; blend_images[2] is not.", "--weights is 3; picture 3 of --blend-image is not."),
        ("edit", "give style_ref.", "give --style-ref."),
        # somebody's own text
        ("edit", "There is no file my/style_ref.png.", "There is no file my/style_ref.png."),
        ("edit", "x is 'style_ref'; no style_refs.", "x is 'style_ref'; no style_refs."),
        (
            "edit",
            "the prompt is 'draw style_ref here'; \"my style_ref\" too.",
            "the prompt is 'draw style_ref here'; \"my style_ref\" too.",
        ),
        (
            "edit",
            "C:\\style_ref is none; the picture's style_ref is.",
            "C:\\style_ref is none; the picture's --style-ref is.",
        ),
        ("train", "network.distilled_guidance is true.", "network.distilled_guidance is true."),
        ("pack", "The defaults have distilled_guidance 3.", "The defaults have distilled_guidance 3."),
    ],
)
def test_what_is_a_name_and_what_is_not(verb: str, given: str, said: str) -> None:
    assert as_typed(given, command(verb)) == said


def test_errors_cells_and_what_is_ignored_name_options(run: Run, model: Path, here: Path) -> None:
    Image.new("L", (32, 32)).save(here / "black.png")
    Image.new("RGB", (32, 32), (200, 30, 30)).save(here / "red.png")
    draw = ("imagine", "a cat", "--model", model, "--steps", 1, "--seed", 1, "--solver", "ddim")
    assert "mask 1 of --region is black all over" in sentence(run(*draw, "--region", "black.png:a dog"))
    assert "--hires-strength is for redrawing" in sentence(run(*draw, "--hires-strength", 0.5))
    assert parsed_error(run, *draw, "--guidance-method", "apg:eta").startswith("--guidance-method is 'apg:eta'")
    off = ("--style-ref", "red.png", "--style-weight", 0)
    assert "ignored: '--style-ref: nothing of it is drawn at weight 0'" in run(*draw, *off, "--out", "a.png").stdout
    assert "'--style-ref: nothing of it is drawn at weight 0' would" in sentence(run(*draw, *off, "--strict"))
    page = ("explore", "a cat", "--model", model, "--steps", 1, "--seed", 1, "--x", "style-weight=0,30")
    done = run(*page, "--style-ref", "red.png", "--out", "p.png")
    assert "refused: --style-weight is 30.0; it must be" in done.stdout
    assert "ignored: '--style-ref: nothing" in done.stdout
    # in JSON what is ignored stays as the recipe has it
    assert parsed(run(*draw, *off, "--format", "json"))["ignored"] == ["style_ref: nothing of it is drawn at weight 0"]


def parsed_error(run: Run, *words: object) -> str:
    """What --format json says of an error."""
    told: str = json.loads(run(*words, "--format", "json").stdout)["message"]
    return told
