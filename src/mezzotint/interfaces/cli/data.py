"""`mezzotint data`: build the house data set, and check pictures before training."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.cli.lazy import NamedGroup
from mezzotint.interfaces.cli.options import WHOLE, cores, format_option, whole_number
from mezzotint.interfaces.cli.output import EXIT_DIFFERENT, emit_json
from mezzotint.interfaces.cli.progress import counted

if TYPE_CHECKING:
    from mezzotint.data.check import Finding
    from mezzotint.data.icons import Summary

SHOWN = 50
"""Most findings that the text form lists of each kind."""


_out_option = click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Where to; the user's cache folder if not given."
)
_packages_option = click.option(
    "--packages",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A node_modules folder with the pinned packages; fetched with npm if not given.",
)
_workers_option = click.option(
    "--workers", type=WHOLE, metavar="N", help="Processes that draw; one for each core if not given."
)


@click.group(cls=NamedGroup, short_help="Build and check training pictures.")
def data() -> None:
    """Build the house data set, and check pictures before training on them."""


@data.group(cls=NamedGroup, short_help="Build a data set.")
def build() -> None:
    """Build a data set from its sources."""


@build.command(short_help="Build the house data set from npm packages.")
@click.option("--size", type=WHOLE, default=64, show_default=True, metavar="N", help="Side of the pictures in pixels.")
@_out_option
@_packages_option
@_workers_option
@format_option
def icons(size: Any, out: Path | None, packages: Path | None, workers: Any, form: str) -> None:
    """Fetch the pinned icon packages with npm, render and caption them, and write the pictures with their manifest.

    The content does not depend on --workers. Training finds the default folder by itself.
    """
    from mezzotint.data.icons import default_folder

    _render(default_folder() if out is None else out, size, packages, workers, form)


@build.command(short_help="Build the large pictures that teach to enlarge.")
@click.option("--size", type=WHOLE, default=256, show_default=True, metavar="N", help="Side of the pictures in pixels.")
@_out_option
@_packages_option
@_workers_option
@format_option
def large(size: Any, out: Path | None, packages: Path | None, workers: Any, form: str) -> None:
    """Render the icons once more, large: 5 GB at 256 pixels. mezzotint train upscaler finds the default folder.

    Which of them are held out is as in the set of small ones.
    """
    from mezzotint.data.large import large_folder

    _render(large_folder() if out is None else out, size, packages, workers, form)


@build.command(short_help="Build the avatars from npm packages.")
@click.option("--size", type=WHOLE, default=64, show_default=True, metavar="N", help="Side of the pictures in pixels.")
@click.option("--count", type=WHOLE, default=6000, show_default=True, metavar="N", help="How many pictures.")
@click.option("--seed", type=WHOLE, default=0, show_default=True, metavar="N", help="Decides which pictures.")
@_out_option
@_packages_option
@format_option
def avatars(size: Any, count: Any, seed: Any, out: Path | None, packages: Path | None, form: str) -> None:
    """Fetch the pinned avatar packages with npm, compose faces and busts from their parts, and write the pictures with
    their captions.

    Training with --set data.avatars=SHARE finds the default folder by itself.
    """
    from mezzotint.data.avatars import build_avatars, default_folder

    side = whole_number("size", size, 16, 1024)
    wanted = whole_number("count", count, 1, 10**6)
    chosen = whole_number("seed", seed, 0, 2**64 - 1)
    folder = default_folder() if out is None else out
    check_replaceable(folder)
    with counted("drawing", "picture") as tell:
        summary = build_avatars(folder, size=side, count=wanted, seed=chosen, packages=packages, progress=tell)
    _sum_up(folder, summary, form)


def _render(folder: Path, size: Any, packages: Path | None, workers: Any, form: str) -> None:
    """Render the icons into a folder."""
    from mezzotint.data.icons import build as build_icons

    side = whole_number("size", size, 16, 1024)
    count = cores() if workers is None else whole_number("workers", workers, 1, 256)
    check_replaceable(folder)
    with counted("drawing", "picture") as tell:
        summary = build_icons(folder, size=side, packages=packages, workers=count, progress=tell)
    _sum_up(folder, summary, form)


def _sum_up(folder: Path, summary: "Summary", form: str) -> None:
    from dataclasses import asdict

    facts = asdict(summary)
    if form == "json":
        emit_json({"folder": str(folder), **facts})
        return
    side = summary.size
    click.echo(
        f"{click.format_filename(folder)}: {summary.pictures} pictures of {side}x{side}, digest {summary.digest[:16]}"
    )
    for name in ("splits", "styles", "licences", "concepts", "dropped"):
        counts = ", ".join(f"{key or 'none'} {value}" for key, value in facts.get(name, {}).items())
        click.echo(f"  {name:<9} {counts}")


@build.command(short_help="Fetch the fonts for words in scenes.")
@format_option
def fonts(form: str) -> None:
    """Fetch the pinned font packages with npm. Training with scenes (mezzotint train house) finds them by itself."""
    from mezzotint.data.scenes import FAMILIES, fetch_fonts

    folder = fetch_fonts().parent
    if form == "json":
        emit_json({"folder": str(folder), "families": [family.name for family in FAMILIES]})
        return
    click.echo(f"{click.format_filename(folder)}: {len(FAMILIES)} font families")


@data.command(short_help="Pack the built sets and fonts into one file, for another machine.")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@format_option
def bundle(path: Path, form: str) -> None:
    """Pack everything that was built (icons, avatars, fonts) into FILE, a zip file, without loss.

    On a machine without npm or a network, mezzotint data unbundle FILE lays it where training finds it.
    """
    from mezzotint.data.bundle import write_bundle
    from mezzotint.data.icons.fetch import cache_root

    sets = {name: folder for name, folder in _places().items() if (folder / "summary.json").is_file()}
    modules = cache_root() / "fonts" / "node_modules"
    fonts = modules if modules.is_dir() else None
    if not sets:
        raise InvalidOption("No data set is built yet; build one with mezzotint data build icons.")
    with counted("packing", "picture") as tell:
        write_bundle(path, sets, fonts, tell)
    names = [*sets, *(["fonts"] if fonts else [])]
    if form == "json":
        emit_json({"file": str(path), "bytes": path.stat().st_size, "holds": names})
        return
    click.echo(f"{click.format_filename(path)}: {', '.join(names)}, {path.stat().st_size / 1e6:.1f} MB")


@data.command(short_help="Lay what a bundle holds where training finds it.")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@format_option
def unbundle(path: Path, form: str) -> None:
    """Lay the data sets and fonts of FILE, which mezzotint data bundle wrote, into the user's cache folder.

    Every picture and font is checked. Sets that are there already are replaced.
    """
    from mezzotint.data.bundle import read_bundle
    from mezzotint.data.icons.fetch import cache_root

    places = _places()
    for folder in places.values():
        check_replaceable(folder)
    with counted("unpacking", "picture") as tell:
        names = read_bundle(path, places, cache_root() / "fonts" / "node_modules", tell)
    if form == "json":
        emit_json({"folder": str(cache_root()), "holds": names})
        return
    click.echo(f"{click.format_filename(cache_root())}: {', '.join(names)}")


def _places() -> dict[str, Path]:
    """Where the data sets are built."""
    from mezzotint.data.avatars import default_folder as avatars_folder
    from mezzotint.data.icons import default_folder as icons_folder

    return {"icons": icons_folder(), "avatars": avatars_folder()}


def check_replaceable(folder: Path) -> None:
    """Raises InvalidOption for a folder whose content is not a data set of ours: building replaces the whole folder."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "manifest.jsonl").is_file():
        raise InvalidOption(
            f"{folder} holds something else than a data set, and building would replace it; choose a new folder."
        )


@data.command(short_help="Check pictures and captions before training.")
@click.argument("path", type=click.Path(path_type=Path))
@format_option
def check(path: Path, form: str) -> None:
    """Check PATH, a built data set or a folder of captioned pictures.

    Reports broken, tiny, duplicate and captionless pictures. Exit code 1 if there are errors; warnings alone give 0.
    """
    from mezzotint.data.check import check as check_pictures

    with counted("checking", "picture") as tell:
        report = check_pictures(path, tell)
    if form == "json":
        emit_json(report.as_dict())
    else:
        for kind, findings in (("error", report.errors), ("warning", report.warnings)):
            _list(kind, findings)
        click.echo(
            f"{click.format_filename(path)}: {report.pictures} pictures, {len(report.errors)} errors, "
            f"{len(report.warnings)} warnings"
        )
    if not report.ok:
        raise click.exceptions.Exit(EXIT_DIFFERENT)


def _list(kind: str, findings: "tuple[Finding, ...]") -> None:
    for finding in findings[:SHOWN]:
        click.echo(f"{kind}: {finding.kind}: {finding.where}: {finding.message}")
    if len(findings) > SHOWN:
        click.echo(f"{kind}: and {len(findings) - SHOWN} more; --format json lists all.")
