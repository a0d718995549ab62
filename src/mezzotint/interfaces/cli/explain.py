"""`mezzotint explain`: how a picture came to be, on one page."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mezzotint.conditioning.prompt import plain_words
from mezzotint.errors import InvalidFile, InvalidOption
from mezzotint.interfaces.cli.options import (
    device_option,
    dtype_option,
    format_option,
    set_threads,
    threads_option,
    wait_quietly,
)
from mezzotint.interfaces.cli.output import emit_json
from mezzotint.interfaces.cli.reproduce import loras_of, pipeline_of, recipe_of
from mezzotint.interfaces.cli.typed import option_of
from mezzotint.interfaces.references import NAMES as REFERENCES
from mezzotint.request import Request

if TYPE_CHECKING:
    from mezzotint.data.sources import PictureSet


def beyond_words(request: Request) -> str:
    """What besides one prompt made a picture, such as "--region and --tile"; empty if nothing did."""
    from mezzotint.evaluation.explain import is_laid_out

    named = ["blend", "region", "region_masks", "keep_layout", "tile", *REFERENCES, "hires", "detail"]
    if is_laid_out(request):
        named.remove("region")
    return " and ".join(dict.fromkeys(option_of(name) for name in named if getattr(request, name)))


@click.command(short_help="Show how a picture came to be: words, noise, training pictures.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="PATH", help="The page; FILE with the ending .html if not given."
)
@click.option("--model", metavar="NAME", help="A model's name or folder, instead of the one that the recipe names.")
@device_option
@dtype_option
@threads_option
@format_option
def explain(file: Path, out: Path | None, model: str | None, device: str, dtype: str, threads: Any, form: str) -> None:
    """Draw FILE again from its recipe, and write a page of HTML and a JSON file beside it.

    They show where each word of the prompt acted, what removing it changes, the way from the noise, and the nearest
    training pictures with their licences; of a picture that was laid out, for each thing.
    """
    wait_quietly()
    recipe = recipe_of(file)
    target = file.with_suffix(".html") if out is None else out
    if target.suffix.lower() not in (".html", ".htm") or target.is_dir():
        raise InvalidOption(f"out is {target}; it must be a file that ends in .html.")
    if recipe.request.image is not None:
        raise InvalidOption(f"{file} is an edit of another picture; only pictures that imagine drew can be explained.")
    if more := beyond_words(recipe.request):
        raise InvalidOption(f"{file} was drawn with {more}; only pictures that one prompt alone made can be explained.")
    if plain_words(recipe.request.prompt) == "" and not recipe.request.region:
        raise InvalidOption(f"{file} was drawn without a prompt, so there are no words to explain.")
    set_threads(threads)
    from mezzotint.evaluation.explain import explain as explained
    from mezzotint.evaluation.explain import page
    from mezzotint.provenance.files import write_atomically

    loras_of(recipe)  # it says which one is not installed
    pipe = pipeline_of(recipe, model, device, dtype)
    if recipe.request.size != pipe.model.size and not recipe.request.region:
        drawn, own = ("x".join(map(str, size or ())) for size in (recipe.request.size, pipe.model.size))
        raise InvalidOption(f"{file} was drawn at {drawn} pixels, in windows; only pictures of {own} can be explained.")
    found = explained(pipe, recipe, _training_set(pipe.model.size[0]))
    facts = found.to_json_dict()
    data = target.with_suffix(".json")
    write_atomically(target, page(found).encode())
    write_atomically(data, (json.dumps(facts, indent=1) + "\n").encode())
    if form == "json":
        emit_json({"file": str(file), "page": str(target), "data": str(data), **facts})
        return
    for word in facts["words"]:
        click.echo(
            f"{word['text']:<16} {word['share_of_attention']:.1%} of the attention; "
            f"without it the picture changes by {word['change_without_it']:.3f}"
        )
    click.echo(f"{click.format_filename(target)}, {click.format_filename(data)}")


def _training_set(size: int) -> "PictureSet | None":
    """The house data set, if it is built at this size."""
    from mezzotint.data.icons import default_folder
    from mezzotint.data.sources import IconSource

    try:
        return IconSource(default_folder()).load(size)
    except InvalidFile:
        return None
