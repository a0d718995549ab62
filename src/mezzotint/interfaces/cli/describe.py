"""`mezzotint describe`: what pictures show, in words."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.cli.options import (
    WHOLE,
    format_option,
    set_threads,
    threads_option,
    wait_quietly,
    whole_number,
)
from mezzotint.interfaces.cli.output import emit_json, one_line

if TYPE_CHECKING:
    from mezzotint.evaluation.describing import Describer, Description


@click.command(short_help="Say in words what pictures show.")
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IMAGE...")
@click.option("--count", type=WHOLE, default=5, show_default=True, metavar="N", help="How many captions and names.")
@click.option(
    "--clip",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Rank with the CLIP whose published files FOLDER holds, instead of the encoder.",
)
@threads_option
@format_option
def describe(images: tuple[Path, ...], count: Any, clip: Path | None, threads: Any, form: str) -> None:
    """Say what each IMAGE (PNG, JPEG or WebP) shows: captions that can be prompts, names, colours, things.

    The encoder ranks the names that the house data set has for things; captions are composed as those of the data set
    are. It knows icons and simple scenes, not photographs; with --clip, a CLIP ranks the same names and captions.

    \b
    mezzotint describe apple.png
    mezzotint describe photo.jpg --clip clip-vit-base-patch32
    """
    count = whole_number("count", count, 1, 100)
    from mezzotint.interfaces.sources import read_sources

    pictures = [read_sources(path, None)[0] for path in images]
    for path, picture in zip(images, pictures, strict=True):
        if picture.getchannel("A").getextrema() == (0, 0):
            raise InvalidOption(f"{path} is clear everywhere, so there is nothing to describe.")
    wait_quietly()
    set_threads(threads)
    teller = _teller(clip)
    found = [teller.describe(picture, count) for picture in pictures]
    if form == "json":
        digest = teller.encoder.weights_sha256
        told = [{"file": str(path), **one.to_json_dict()} for path, one in zip(images, found, strict=True)]
        emit_json({"encoder_sha256": digest, "pictures": told})
        return
    for path, one in zip(images, found, strict=True):
        click.echo(f"{click.format_filename(path)}:")
        for line in _lines(one):
            click.echo(f"  {line}")


def _teller(clip: Path | None) -> "Describer":
    """What describes: the shipped encoder, or a CLIP. Raises InvalidOption, InvalidCheckpoint, MissingDependency."""
    from mezzotint.evaluation.describing import Describer, Ranker
    from mezzotint.evaluation.detector import load_detector
    from mezzotint.evaluation.encoder import load_encoder
    from mezzotint.evaluation.published import load_clip
    from mezzotint.interfaces.name_features import remembered
    from mezzotint.load import INSTRUMENTS

    eye = INSTRUMENTS / "detector"
    ranker: Ranker = load_encoder(INSTRUMENTS / "encoder") if clip is None else load_clip(clip)
    return remembered(Describer(ranker, load_detector(eye) if eye.is_dir() else None))


def _lines(found: "Description") -> list[str]:
    facts = found.facts
    colours = ", ".join(f"{name} {share:.0%}" for name, share in zip(facts.colours, facts.shares, strict=True))
    things = ", ".join(f"{one.thing} ({one.colour}, {one.score:.2f})" for one in found.things)
    return [
        *(f"{score:.2f}  {text}" for text, score in found.captions),
        "names    " + ", ".join(f"{name} {score:.2f}" for name, score in found.names),
        f"colours  {colours or 'none'}; {facts.shading}" + (", with dark outlines" if facts.outlined else ""),
        *([f"seen     {things}"] if things else []),
        *([f"read     {one_line(found.text)}"] if found.text else []),
    ]
