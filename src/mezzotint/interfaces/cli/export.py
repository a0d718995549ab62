"""`mezzotint export`: a model as graphs for other programs."""

from pathlib import Path

import click

from mezzotint.interfaces.cli.output import emit_json


@click.command(short_help="Write a model as ONNX or OpenVINO graphs.")
@click.argument("model")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["onnx", "openvino"]),
    default="onnx",
    show_default=True,
    help="For which program the graphs are.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder of the graphs; it must not exist yet, or be empty, or hold an export.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what is in drive.json.")
def export(model: str, kind: str, out: Path, as_json: bool) -> None:
    """Write MODEL, a name or a folder, as three graphs, of text encoder, prompt and network, and drive.json, which says
    how to draw with them.

    Each graph is run beside the network, and by how much its numbers differ is told. The graphs are for float32, any
    number of pictures at once, and the model's own size.
    """
    from mezzotint.interfaces.exporting import export as exported
    from mezzotint.pipeline import Pipeline

    drive = exported(Pipeline.load(model, device="cpu", dtype="float32"), out, "onnx" if kind == "onnx" else "openvino")
    if as_json:
        emit_json(drive)
        return
    for name, graph in drive["graphs"].items():
        click.echo(f"{out / graph['file']}: within {drive['parity'][name]:.1e} of the network's numbers")
    click.echo(f"How to draw with them is in {out / 'drive.json'}.")
