"""What a call that draws has drawn so far: saved, told, summed up."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.cli.output import EXIT_INTERRUPTED, emit_json
from mezzotint.interfaces.cli.progress import bar
from mezzotint.interfaces.cli.typed import all_as_typed
from mezzotint.interfaces.pictures import Destination
from mezzotint.interfaces.stopping import finishing
from mezzotint.recipe import Recipe
from mezzotint.request import Request

if TYPE_CHECKING:
    from mezzotint.diffusion.sampling import Step
    from mezzotint.interfaces.film import Film
    from mezzotint.interfaces.vector.document import Vector
    from mezzotint.pipeline import Pipeline, Preview

__all__ = ["Drawn", "Session", "counted_previews", "draw", "refuse_ignored"]

Previews = Callable[[Callable[[], None]], "Iterator[Preview]"]
"""From what hears of every step to the previews."""


@dataclass(frozen=True)
class Drawn:
    """A finished picture on disk, of a size (width, height). `seconds` is its share of the drawing; `watch` are the
    files that show it; `vector` is what there is to say of an SVG."""

    file: Path
    recipe: Recipe
    seconds: float
    size: tuple[int, int]
    watch: tuple[Path, ...] = ()
    vector: "Vector | None" = None

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "file": str(self.file),
            "seed": self.recipe.request.seed,
            "pixels_sha256": self.recipe.pixels_sha256,
            "evaluations": self.evaluations,
            "seconds": round(self.seconds, 4),
            "ignored": list(self.recipe.ignored),
            "warnings": list(self.recipe.warnings),
            "watch": [str(path) for path in self.watch],
            "svg": None if self.vector is None else self.vector.as_dict(),
            "recipe": self.recipe.to_json_dict(),
        }

    @property
    def evaluations(self) -> int:
        """Network forwards for it, those for pictures that were not kept included."""
        check = self.recipe.check
        return self.recipe.evaluations if check is None or check.evaluations is None else check.evaluations

    @property
    def lines(self) -> tuple[str, ...]:
        """The text form: the picture, what was found in it, and what else shows it."""
        check = self.recipe.check
        found = () if check is None else (f"  {check.line}",)
        drawing = () if self.vector is None else (f"  {self.vector.line}",)
        return self._line, *drawing, *found, *(f"  {click.format_filename(path)}" for path in self.watch)

    @property
    def _line(self) -> str:
        # the request's size is of what is drawn, which may be a part of the picture
        request, size = self.recipe.request, "x".join(map(str, self.size))
        learned = request.distilled_guidance
        scale = f"guidance {request.guidance:g}" if learned is None else f"distilled guidance {learned:g}"
        facts = f"seed {request.seed}, {size}, {request.steps} steps of {short(request.solver)}, {scale}"
        facts += "".join(f", {method}" for method in request.guidance_methods)
        facts += "".join(f", lora {name}:{strength:g}" for name, strength in request.lora)
        work = f"{self.evaluations} evaluations, {self.seconds:.2f} s"
        return f"{click.format_filename(self.file)}  ({facts}; {work})"


def short(solver: str | None) -> str:
    """A solver's spec, without the numbers that were fitted to a model."""
    name, _, options = str(solver).partition(":")
    return name if "times=" in options else str(solver)


@dataclass
class Session:
    """What a call of `imagine` has drawn so far. there: the pictures that were there already, and are not drawn; sheet:
    whether every four pictures are shown on a sheet; unused: what of the call itself had no effect."""

    pipe: "Pipeline"
    to: Destination
    watch: bool
    there: tuple[Path, ...] = ()
    sheet: bool = False
    unused: tuple[str, ...] = ()
    begun: float = field(default_factory=time.perf_counter)
    drawn: list[Drawn] = field(default_factory=list)
    _films: dict[int, "Film"] = field(default_factory=dict)
    _step: "Step | None" = None
    _seconds: float = 0.0
    _begun: float | None = None
    _spent: dict[int, float] = field(default_factory=dict)

    def take(self, preview: "Preview") -> tuple[str, ...]:
        """One step of one picture: remembered if watched, saved if it is the last; returns what there is to say."""
        if self.watch:
            from mezzotint.interfaces.film import Film

            self._films.setdefault(preview.picture, Film()).add(self.pipe, preview)
        self._count_time(preview)
        if preview.image is None or preview.recipe is None:
            return ()
        saved = self.to.write(preview.image, preview.recipe)
        shown = self._shown(preview.picture, saved.path)
        done = Drawn(
            saved.path, preview.recipe, self._spent.pop(preview.picture), preview.image.size, shown, saved.vector
        )
        self.drawn.append(done)
        return done.lines

    def _count_time(self, preview: "Preview") -> None:
        """Add to a picture's seconds those of a step, or its share of one that pictures take together (the first pass;
        what enlarges a picture may come between the previews of such a step)."""
        together, number = preview.turn == 0, preview.picture
        if not (together and self._step is preview.step):
            now = time.perf_counter()
            spent, self._begun = now - (self.begun if self._begun is None else self._begun), now
            if together:
                self._step, self._seconds = preview.step, spent / preview.step.x.shape[0]
            else:
                self._spent[number] = self._spent.get(number, 0.0) + spent
        if together:
            self._spent[number] = self._spent.get(number, 0.0) + self._seconds

    def _shown(self, picture: int, file: Path) -> tuple[Path, ...]:
        if not self.watch:
            return ()
        from mezzotint.interfaces import sheets
        from mezzotint.provenance.files import write_atomically

        frames = self._films.pop(picture).frames
        sheet, film = (file.with_name(f"{file.stem}-watch{suffix}") for suffix in (".png", ".webp"))
        write_atomically(sheet, sheets.png(sheets.strip(frames)))
        write_atomically(film, sheets.animation(frames))
        return sheet, film

    def sheets(self) -> tuple[Path, ...]:
        """Write the sheets of what was drawn, if they are asked for; returns their paths."""
        if not self.sheet or not self.drawn:
            return ()
        from mezzotint.interfaces.sheet_actions import write_sheets

        return write_sheets([done.file for done in self.drawn], [done.recipe for done in self.drawn])

    @property
    def ignored(self) -> list[str]:
        """What had no effect, each once."""
        return list(dict.fromkeys([*self.unused, *(item for done in self.drawn for item in done.recipe.ignored)]))

    @property
    def warnings(self) -> list[str]:
        """The warnings, each once."""
        drawings = [item for done in self.drawn if done.vector is not None for item in done.vector.warnings]
        return list(dict.fromkeys([*(item for done in self.drawn for item in done.recipe.warnings), *drawings]))

    def summary(self, seconds: float, sheets: tuple[Path, ...] = ()) -> dict[str, Any]:
        """The JSON form of everything drawn, with the sheets that show it."""
        return {
            "model": self.pipe.model.name,
            "pictures": [done.as_dict() for done in self.drawn],
            "there_already": [str(path) for path in self.there],
            "sheets": [str(path) for path in sheets],
            "ignored": self.ignored,
            "warnings": self.warnings,
            "evaluations": sum(done.evaluations for done in self.drawn),
            "seconds": round(seconds, 4),
        }


def refuse_ignored(pipe: "Pipeline", resolved: Request, more: tuple[str, ...] = ()) -> None:
    """What --strict asks for. Raises InvalidOption if a part of a resolved request has no effect, or more has none."""
    if unused := (*more, *pipe.ignored(resolved)):
        items = ", ".join(map(repr, all_as_typed(unused)))
        raise InvalidOption(f"{items} would be ignored; leave it out, or leave out --strict to draw without it.")


def counted_previews(previews: "Iterator[Preview]", told: Callable[[], None]) -> "Iterator[Preview]":
    """The previews; `told` hears of each one that is taken."""
    for preview in previews:
        told()
        yield preview
        del preview  # it holds what was believed, several times as large as the picture


def draw(session: Session, previews: Previews, steps: int, pictures: int, form: str) -> None:
    """Take all previews, tell of each picture when it is there, and sum up at the end, or when the user interrupts.

    steps: how many there may be, for the bar; pictures: how many were asked for. Exits with `EXIT_INTERRUPTED` after an
    interruption.
    """
    begun, interrupted = session.begun, False
    for path in session.there if form == "text" else ():
        click.echo(f"{click.format_filename(path)}  (there already)")
    try:
        with bar(steps, "drawing", "step") as shown:
            for preview in previews(shown.move):
                # a picture on disk is a picture told and counted
                with finishing():
                    lines = session.take(preview)
                    for line in lines if form == "text" else ():
                        shown.say(line)
                del preview
    except KeyboardInterrupt:
        interrupted = True
    _report(session, form, time.perf_counter() - begun)
    if interrupted:
        click.echo(f"mezzotint: interrupted; {len(session.drawn)} of {pictures} pictures are finished.", err=True)
        raise click.exceptions.Exit(EXIT_INTERRUPTED)


def _report(session: Session, form: str, seconds: float) -> None:
    """What is told when the drawing has ended."""
    sheets = session.sheets()
    if form == "json":
        emit_json(session.summary(seconds, sheets))
        return
    for path in sheets:
        click.echo(f"{click.format_filename(path)}  (a sheet of the pictures above)")
    if session.ignored:
        click.echo(f"ignored: {', '.join(map(repr, all_as_typed(session.ignored)))}")
    for warning in session.warnings:
        click.echo(f"warning: {warning}")
