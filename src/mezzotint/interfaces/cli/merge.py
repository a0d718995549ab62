"""`mezzotint merge`: make one model of several of one kind."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.cli.options import GRID, format_option, model_name_option, model_out_option, refuse_occupied
from mezzotint.interfaces.cli.output import emit_json
from mezzotint.interfaces.cli.pack import STORAGE
from mezzotint.request import Request

CARD, CREDITS = "README.md", "ATTRIBUTION.md"
MOST = 16
"""Models in one sum."""
UNSAID = "not stated"
"""The licence of a model whose folder names none, and of what it is a part of."""


@click.command(short_help="Make one model of several of one kind.")
@click.argument("models", nargs=-1, metavar="MODEL MODEL...")
@model_out_option
@click.option(
    "--weights",
    type=GRID,
    metavar="A,B,...",
    help="How much each model counts, such as 3,1; they are divided by their sum, and may be below 0. All the same if "
    "not given.",
)
@model_name_option
@click.option(
    "--storage",
    type=click.Choice(STORAGE),
    help="How matrices are stored: 1, 2 or 4 bytes a value; as those of the first model if not given.",
)
@format_option
def merge(models: tuple[str, ...], out: Path, weights: Any, name: str | None, storage: str | None, form: str) -> None:
    """Write the sum of the weights of two or more MODELs, names or folders, as a model's folder.

    They must be of one kind: the same network, schedule and drawing styles. Ends of one training, or of trainings that
    began with the same weights, make a model that may well be better than each; others hardly do. What it draws with
    unless asked otherwise is the first one's. Time grids that were fitted to a part are not those of the sum.

    \b
    mezzotint merge first second --out mean
    mezzotint merge house mine base --weights 1,0.5,-0.5 --out house-and-half-of-what-mine-learned
    """
    if not 2 <= len(models) <= MOST:
        count = "1 model is" if len(models) == 1 else f"{len(models)} models are"
        raise InvalidOption(f"{count} given; merge takes 2 to {MOST}.")
    if weights is not None and not (isinstance(weights, list) and all(isinstance(w, float) for w in weights)):
        raise InvalidOption(f"weights is {weights!r}; give a number for each model, with commas between, such as 3,1.")
    label = out.resolve().name if name is None else name
    Request(prompt="", model=label)
    refuse_occupied(out)
    from mezzotint.checkpoints.merge import Part, card, merged, shares
    from mezzotint.checkpoints.model_folder import read_model_folder, write_model_folder
    from mezzotint.interfaces.cli.models import describe
    from mezzotint.load import find_model

    counts = shares(weights, len(models))
    folders = [find_model(model) for model in models]
    parts = [
        Part(name, share, read_model_folder(folder, find_model))
        for name, share, folder in zip(_names(folders), counts, folders, strict=True)
    ]
    network, about = merged(parts)
    licences = {str(part.files.description.get("licence", UNSAID)): None for part in parts}
    documents = {CARD: card(label, parts, [_text(folder / CARD) for folder in folders])}
    credits = dict.fromkeys(said for folder in folders if (said := _text(folder / CREDITS)))
    if credits:
        documents[CREDITS] = "\n".join(credits)
    description = {**about, "name": label, "licence": UNSAID if UNSAID in licences else " and ".join(licences)}
    text = parts[0].files.text_root if parts[0].files.encoder else None
    kind = storage or str(parts[0].files.description["storage"])
    write_model_folder(out, network, text, description, kind, documents)  # type: ignore[arg-type]
    facts = describe(out, "folder")
    if form == "json":
        emit_json({**facts, "merged_from": description["training"]["merged_from"]})
        return
    told = ", ".join(f"{part.share:.3g} of {part.name}" for part in parts)
    click.echo(f"{click.format_filename(out)}: {label}, {told}; {facts['parameters'] / 1e6:.1f} M parameters")


def _names(folders: Sequence[Path]) -> list[str]:
    """What parts are called: their folders' names, with a number behind one that was there before."""
    found: list[str] = []
    for folder in folders:
        name = folder.resolve().name
        before = sum(one == name or one.startswith(f"{name} (") for one in found)
        found.append(f"{name} ({before + 1})" if before else name)
    return found


def _text(path: Path) -> str:
    """What a file says; nothing if it is not there."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""
