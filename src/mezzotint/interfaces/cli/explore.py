"""`mezzotint explore`: one page of pictures over two or three options."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from mezzotint.conditioning.prompt import expanded_prompts, lifted
from mezzotint.errors import InvalidOption, MezzotintError
from mezzotint.interfaces.cli.brief import Brief
from mezzotint.interfaces.cli.drawing import drawing_options
from mezzotint.interfaces.cli.on_a_picture import picture_options
from mezzotint.interfaces.cli.options import (
    aside,
    compile_option,
    format_option,
    hires_options,
    set_threads,
    wait_quietly,
)
from mezzotint.interfaces.cli.output import emit_json
from mezzotint.interfaces.cli.progress import bar
from mezzotint.interfaces.cli.references import reference_options
from mezzotint.interfaces.cli.typed import all_as_typed
from mezzotint.interfaces.drawn_on import drawn_on
from mezzotint.interfaces.pictures import Destination, check_apart, make_folder, slug
from mezzotint.interfaces.references import NAMES, References
from mezzotint.interfaces.sheet_actions import check_one
from mezzotint.interfaces.sizing import NONE
from mezzotint.interfaces.sources import named, read_sources
from mezzotint.request import Request, random_seed

if TYPE_CHECKING:
    from mezzotint.interfaces.plots import Axis, Cell, Reader
    from mezzotint.interfaces.sources import Sources
    from mezzotint.pipeline import Pipeline

NO_AXIS = {"n", "image", "mask"}


@click.command(
    cls=Brief,
    short_help="Draw one page of pictures over two or three options.",
    usual={
        "What changes": ("--x", "--y", "--z"),
        "What is the same": ("--image", "--seed", "--size", "--style", "--guidance", "--steps", "--solver"),
        "With what, and whereto": ("--model", "--out", "--each"),
    },
)
@click.argument("prompt")
@click.option(
    "--x",
    required=True,
    metavar="OPTION=VALUES",
    help="What changes from column to column, such as guidance=1,3,5; values that have commas are divided by |.",
)
@click.option("--y", metavar="OPTION=VALUES", help="What changes from row to row.")
@click.option("--z", metavar="OPTION=VALUES", help="What changes from block to block.")
@click.option("--each", is_flag=True, help="Also write every picture, with its recipe, into a folder beside the page.")
@click.option("--image", type=click.Path(path_type=Path), metavar="FILE", help="A picture to draw on, as edit does.")
@picture_options
@click.option("--source-prompt", default="", metavar="TEXT", help="With --invert: what the picture shows now.")
@drawing_options
@compile_option
@reference_options
@hires_options
@format_option
def explore(
    prompt: str,
    image: Path | None,
    mask: Path | str | None,
    x: str,
    y: str | None,
    z: str | None,
    each: bool,
    out: str | None,
    threads: Any,
    compiled: bool,
    form: str,
    **options: Any,
) -> None:
    """Draw PROMPT with every combination of some options' values, on one labelled page with a JSON file beside it.

    Every option here that says what is drawn can be an axis, and prompt=a cat|a dog, whose first value is replaced by
    the others. The JSON file has the recipe of each picture. A combination that is refused is grey, and its sentence is
    in the file.

    \b
    mezzotint explore "a red apple" --x guidance=1,4,8 --y solver=ddim,unipc-2 --seed 7
    mezzotint explore "a cat in a hat" --x "prompt=a cat|a dog|an owl" --y seed=1,2 --z steps=6,24
    mezzotint explore "a castle" --x "grid=karras|1,0.7,0.4,0" --y guidance-method=cfg,apg
    mezzotint explore "a house" --style-ref fox.png --x style-weight=0,0.5,1
    mezzotint explore "a red apple" --size 128 --hires --x hires-strength=0,0.3,0.6
    mezzotint explore "a green apple" --image apple.png --x strength=0.5,0.7,0.9
    """
    from mezzotint.interfaces.plots import axis_of, cells_of

    context = click.get_current_context()
    readers = _readers(context)
    given = {"x": x, "y": y, "z": z}
    if z is not None and y is None:
        raise InvalidOption("z is given and y is not; call it y.")
    axes = [axis_of(name, text, readers) for name, text in given.items() if text is not None]
    for axis in axes:
        if axis.option != "prompt" and context.get_parameter_source(axis.option) is ParameterSource.COMMANDLINE:
            raise InvalidOption(f"{axis.option} is given, and is an axis too; leave one of the two out.")
    if options.get("seed") is None and not _states_seed(prompt):
        options["seed"] = random_seed()
    given_pictures = _Given.read(image, mask)
    cells = cells_of(prompt, given_pictures.digests(options), axes, given_pictures.digests)
    first = next((cell.request for cell in cells if cell.request is not None), None)
    if first is None:
        raise InvalidOption(str(cells[0].refused))
    sheet, notes = _files(out, first)
    check_apart(Destination.of(str(sheet), 1), [file for file in (image, mask) if isinstance(file, Path)])
    wait_quietly()
    set_threads(threads)
    done = [_typed(cell) for cell in _drawn(cells, given_pictures, compiled)]
    if all(cell.image is None for cell in done):
        raise InvalidOption(str(done[0].refused))
    folder = sheet.with_suffix("") if each else None
    _write(sheet, notes, folder, prompt, axes, done)
    _tell(sheet, notes, folder, axes, done, form)


def _typed(cell: "Cell") -> "Cell":
    """A cell that says why it is refused with options as they are typed."""
    return cell if cell.refused is None else replace(cell, refused=all_as_typed([cell.refused])[0])


def _states_seed(prompt: str) -> bool:
    """Whether a prompt has a seed among its flags, by whatever name and dash. One that cannot be read has none."""
    try:
        return any("seed" in lifted(text, {}) for text in expanded_prompts(prompt))
    except InvalidOption:
        return False


def _readers(context: click.Context) -> "dict[str, Reader]":
    """How a value of each option is read that a cell may have, by its names here and in a `Request`."""
    known = {item.name for item in fields(Request)} - NO_AXIS

    def read(option: click.Parameter, text: str) -> Any:
        value = option.type.convert(text, option, context)
        return [value] if option.multiple else value

    found: dict[str, Reader] = {"prompt": ("prompt", str)}
    for option in context.command.get_params(context):
        a_file = isinstance(option.type, click.Path) and option.name not in NAMES
        if isinstance(option, click.Option) and option.name in known and not a_file:
            names = {option.name, *(flag.removeprefix("--").replace("-", "_") for flag in option.opts)}
            found |= dict.fromkeys(names, (option.name, partial(read, option)))
    return found


def _files(out: str | None, request: Request) -> tuple[Path, Path]:
    """Where the page goes, and its JSON file, neither of which takes another file's place but by --out FILE."""
    to = Destination.of(out, 1)
    if to.file is not None:
        notes = to.file.with_suffix(".json")
        if notes.exists() and not to.file.exists():
            raise InvalidOption(f"{notes} is there already, without {to.file.name}; choose another name with --out.")
        return to.file, notes
    stem = first = f"{slug(request.prompt)}-{request.seed}-explore"
    count = 1
    while any((to.folder / f"{stem}{end}").exists() for end in (".png", ".json")):
        count += 1
        stem = f"{first}-{count}"
    return to.folder / f"{stem}.png", to.folder / f"{stem}.json"


@dataclass(frozen=True)
class _Given:
    """The pictures of a page: what is drawn on, if anything is, and references."""

    sources: "Sources | None"
    references: References

    @classmethod
    def read(cls, image: Path | None, mask: Path | str | None) -> "_Given":
        """Those of a call. Raises InvalidOption and InvalidFile."""
        if image is None and mask is not None:
            raise InvalidOption("mask is given, but there is no picture to draw on; give one with --image.")
        if image is None:
            return cls(None, References())
        sources = read_sources(image, mask)
        check_one(image)
        return cls(sources, References())

    @cached_property
    def _named(self) -> dict[str, Any]:
        from mezzotint.tasks import with_digests

        return {} if self.sources is None else with_digests("", {}, named(self.sources))

    def digests(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options with digests in the place of files."""
        return self.references.digests(options) | self._named

    def fitted(self, pipe: "Pipeline", request: Request) -> tuple[Request, dict[str, Any]]:
        """A request and its pictures as a pipeline takes them; those of a page are not enlarged in the end."""
        if self.sources is None:
            return self.references.named(pipe, request)
        return drawn_on(pipe, request, self.sources, self.references, NONE)


def _drawn(cells: "Sequence[Cell]", pictures_given: _Given, compiled: bool) -> "list[Cell]":
    """The cells with their pictures, or with why there is none. All requests are looked at before one is drawn."""
    from mezzotint.pipeline import Pipeline, Preview

    load = partial(Pipeline.load, compiled=compiled, said=aside)
    pipes: dict[tuple[str, str, str], Pipeline] = {}
    asked: list[tuple[Iterator[Preview], Cell]] = []
    steps = 0
    for cell in cells:
        stream: Iterator[Preview] = iter(())
        try:
            if (request := cell.request) is not None:
                key = (request.model, request.device, request.dtype)
                if key not in pipes:
                    pipes[key] = load(request.model, device=request.device, dtype=request.dtype)
                request, pictures = pictures_given.fitted(pipes[key], request)
                stream, pipe = pipes[key].stream(request, **pictures), pipes[key].adapted(request)
                steps += pipe.count(pipe.resolve(request))
        except MezzotintError as error:
            cell = replace(cell, request=None, refused=str(error))
        asked.append((stream, cell))
    done = []
    with bar(steps, "drawing", "step") as shown:
        for stream, cell in asked:
            try:
                for preview in stream:
                    shown.move()
                    cell = replace(cell, image=preview.image, recipe=preview.recipe)
            except MezzotintError as error:  # the others are drawn all the same
                cell = replace(cell, request=None, refused=str(error), image=None, recipe=None)
            done.append(cell)
    return done


def _write(
    sheet: Path, notes: Path, folder: Path | None, prompt: str, axes: "Sequence[Axis]", cells: "Sequence[Cell]"
) -> None:
    from mezzotint.interfaces.plots import page
    from mezzotint.interfaces.sheets import png
    from mezzotint.provenance.files import write_atomically

    make_folder(sheet.parent)
    told_of = [cell.to_json_dict(axes) for cell in cells]
    facts = {
        "prompt": prompt,
        "page": sheet.name,
        "axes": {name: axis.to_json_dict() for name, axis in zip("xyz", axes, strict=False)},
        "cells": told_of,
    }
    if folder is not None:
        to = Destination(folder)
        for cell, told in zip(cells, told_of, strict=True):
            if cell.image is not None and cell.recipe is not None:
                told["file"] = to.save(cell.image, cell.recipe).relative_to(sheet.parent).as_posix()
    write_atomically(sheet, png(page(prompt, axes, cells)))
    write_atomically(notes, (json.dumps(facts, indent=1, allow_nan=False) + "\n").encode())


def _tell(
    sheet: Path, notes: Path, folder: Path | None, axes: "Sequence[Axis]", cells: "Sequence[Cell]", form: str
) -> None:
    refused = [cell for cell in cells if cell.image is None]
    ignored = dict.fromkeys(item for cell in cells if cell.recipe for item in cell.recipe.ignored)
    if form == "json":
        emit_json(
            {
                "page": str(sheet),
                "notes": str(notes),
                "each": None if folder is None else str(folder),
                "cells": [cell.to_json_dict(axes) for cell in cells],
                "ignored": list(ignored),
            }
        )
        return
    seeds = dict.fromkeys(cell.recipe.request.seed for cell in cells if cell.recipe)
    seed = f"seed {next(iter(seeds))}" if len(seeds) == 1 else f"{len(seeds)} seeds"
    by = " by ".join(str(len(axis.labels)) for axis in axes)
    click.echo(f"{click.format_filename(sheet)}  ({by} pictures, {seed}; recipes in {notes.name})")
    for path in () if folder is None else (folder,):
        click.echo(f"  {click.format_filename(path)}")
    for line in dict.fromkeys(str(cell.refused) for cell in refused):
        count = sum(cell.refused == line for cell in refused)
        click.echo(f"refused: {line}" + (f" ({count} times)" if count > 1 else ""))
    if ignored:
        click.echo(f"ignored: {', '.join(map(repr, all_as_typed(ignored)))}")
