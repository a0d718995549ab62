"""`mezzotint models`: what can be drawn with."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from mezzotint.errors import InvalidCheckpoint, MezzotintError
from mezzotint.interfaces.cli.options import format_option
from mezzotint.interfaces.cli.output import emit_json

SCALES = ".int8_scale"
"""The suffix of the scales that `checkpoints.quantise` stores beside 8-bit weights."""


@click.command(short_help="List the models, with their styles, the LoRAs, solvers and grids.")
@click.argument("names", nargs=-1, metavar="[MODEL]...")
@format_option
def models(names: tuple[str, ...], form: str) -> None:
    """List the installed models, or describe each MODEL (a name or a folder); list LoRAs, solvers and time grids."""
    from mezzotint.diffusion.solvers import SOLVERS
    from mezzotint.diffusion.timegrid import GRIDS
    from mezzotint.load import find_model, lora_files, model_folders

    installed = model_folders()
    folders = {name: find_model(name) for name in names} if names else dict(installed)
    kinds = dict.fromkeys(installed.values(), "installed")
    found = [describe(path, kinds.get(path, "folder")) for path in folders.values()]
    solvers, grids, loras = sorted(SOLVERS), sorted(GRIDS), sorted(lora_files())
    if form == "json":
        emit_json({"models": found, "solvers": solvers, "grids": grids, "loras": loras})
        return
    for model in found:
        click.echo(_paragraph(model))
    if not found:
        click.echo(
            "No model is installed; train one (mezzotint train icons), pack it, and give its folder with --model."
        )
    click.echo(f"LoRAs    {', '.join(loras) or 'none'}")
    click.echo(f"solvers  {', '.join(solvers)}\ngrids    {', '.join(grids)}")


def describe(folder: Path, kind: str) -> dict[str, Any]:
    """What a model's folder says of itself, without loading it. A model that cannot be read has the key "error"."""
    from mezzotint.checkpoints.grids import read_grids
    from mezzotint.checkpoints.model_folder import BESIDE, ENCODER, TEXT, WEIGHTS, read_description

    try:
        facts = read_description(folder)
        weights = str(facts["files"][WEIGHTS])
        fitted = [{**g.to_json_dict(), "current": g.weights_sha256 == weights} for g in read_grids(folder)]
        return {
            "name": str(facts["name"]),
            "kind": kind,
            "folder": str(folder),
            "family": str(facts["family"]),
            "parameters": parameters(folder / WEIGHTS),
            "size": list(facts["size"]),
            "styles": list(facts["styles"]),
            "defaults": dict(facts["defaults"]),
            "storage": str(facts["storage"]),
            "licence": str(facts.get("licence", "not stated")),
            "weights_sha256": weights,
            "beside": dict(facts[BESIDE]) if BESIDE in facts else None,
            "text_encoder_sha256": facts["files"].get(f"{TEXT}/{ENCODER}", _shared_text(facts)),
            "fitted_grids": fitted,
        }
    except MezzotintError as error:
        return {"name": folder.name, "kind": kind, "folder": str(folder), "error": str(error)}
    except (KeyError, TypeError, ValueError) as error:
        broken = InvalidCheckpoint(f"The model.json in {folder} is not complete ({error}); get the model again.")
        return {"name": folder.name, "kind": kind, "folder": str(folder), "error": str(broken)}


def _shared_text(facts: Mapping[str, Any]) -> str | None:
    """The digest of the text encoder of the model that another one stands beside; None if it stands alone."""
    from mezzotint.checkpoints.model_folder import BESIDE

    return str(facts[BESIDE]["text_encoder_sha256"]) if BESIDE in facts else None


def parameters(weights: Path) -> int:
    """How many values a safetensors file holds, the scales of 8-bit storage left out; from its header alone."""
    from mezzotint.checkpoints.header import read_header

    return sum(math.prod(entry.shape) for name, entry in read_header(weights).items() if not name.endswith(SCALES))


def _paragraph(model: dict[str, Any]) -> str:
    if "error" in model:
        return f"{model['name']} ({model['kind']})\n  {model['error']}\n"
    size = "x".join(map(str, model["size"]))
    usual = model["defaults"].get("style")
    drawn = f"; {usual} unless asked otherwise" if usual else ""
    beside = "" if model["beside"] is None else f" beside those of {model['beside']['model']}"
    return (
        f"{model['name']} ({model['kind']}): {model['family']}, {model['parameters'] / 1e6:.1f} M parameters{beside}, "
        f"{size} pixels, {model['storage']}\n"
        f"  folder   {click.format_filename(model['folder'])}\n"
        f"  licence  {model['licence']}\n"
        f"  weights  {model['weights_sha256']}\n"
        f"  styles   {', '.join(model['styles']) or 'none'}{drawn}\n"
        f"  fitted   {', '.join(map(_fitted, model['fitted_grids'])) or 'no grids'}\n"
    )


def _fitted(grid: dict[str, Any]) -> str:
    note = "" if grid["current"] else " (for other weights, not used)"
    return f"{grid['solver']} with {grid['steps']} steps, guidance {grid['guidance']:g}{note}"
