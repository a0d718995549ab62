"""`mezzotint imagine`: draw pictures from a prompt."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.cli.options import (
    GRID,
    INTERVAL,
    REAL,
    WEIGHTED,
    WHOLE,
    device_option,
    dtype_option,
    format_option,
    set_threads,
    threads_option,
    wait_quietly,
)
from mezzotint.interfaces.cli.output import EXIT_INTERRUPTED, emit_json
from mezzotint.interfaces.cli.progress import bar
from mezzotint.interfaces.pictures import Destination
from mezzotint.request import Recipe, Request, random_seed

if TYPE_CHECKING:
    from mezzotint.diffusion.sampling import Step
    from mezzotint.interfaces.film import Film
    from mezzotint.pipeline import Pipeline, Preview


@dataclass(frozen=True)
class Drawn:
    """A finished picture on disk. `seconds` is its share of the drawing; `watch` are the files that show it."""

    file: Path
    recipe: Recipe
    seconds: float
    watch: tuple[Path, ...] = ()

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
        return self._line, *found, *(f"  {click.format_filename(path)}" for path in self.watch)

    @property
    def _line(self) -> str:
        request, size = self.recipe.request, "x".join(map(str, self.recipe.request.size or ()))
        facts = f"seed {request.seed}, {size}, {request.steps} steps of {request.solver}, guidance {request.guidance:g}"
        facts += "".join(f", {method}" for method in request.guidance_methods)
        facts += "".join(f", lora {name}:{strength:g}" for name, strength in request.lora)
        work = f"{self.evaluations} evaluations, {self.seconds:.2f} s"
        return f"{click.format_filename(self.file)}  ({facts}; {work})"


@dataclass
class Session:
    """What a call of `imagine` has drawn so far."""

    pipe: "Pipeline"
    to: Destination
    watch: bool
    begun: float = field(default_factory=time.perf_counter)
    drawn: list[Drawn] = field(default_factory=list)
    _films: dict[int, "Film"] = field(default_factory=dict)
    _step: "Step | None" = None
    _seconds: float = 0.0

    def take(self, preview: "Preview") -> tuple[str, ...]:
        """One step of one picture: remembered if watched, saved if it is the last; returns what there is to say."""
        if self.watch:
            from mezzotint.interfaces.film import Film

            self._films.setdefault(preview.picture, Film()).add(self.pipe, preview)
        if preview.image is None or preview.recipe is None:
            return ()
        file = self.to.save(preview.image, preview.recipe)
        done = Drawn(file, preview.recipe, self._share(preview), self._shown(preview.picture, file))
        self.drawn.append(done)
        return done.lines

    def _share(self, preview: "Preview") -> float:
        """Seconds since the pictures before, divided by those that were drawn together."""
        if self._step is not preview.step:
            now = time.perf_counter()
            self._step, self._seconds = preview.step, (now - self.begun) / preview.step.x.shape[0]
            self.begun = now
        return self._seconds

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

    @property
    def ignored(self) -> list[str]:
        """What had no effect, each once."""
        return list(dict.fromkeys(item for done in self.drawn for item in done.recipe.ignored))

    @property
    def warnings(self) -> list[str]:
        """The warnings, each once."""
        return list(dict.fromkeys(item for done in self.drawn for item in done.recipe.warnings))

    def summary(self, seconds: float) -> dict[str, Any]:
        """The JSON form of everything drawn."""
        return {
            "model": self.pipe.model.name,
            "pictures": [done.as_dict() for done in self.drawn],
            "ignored": self.ignored,
            "warnings": self.warnings,
            "evaluations": sum(done.evaluations for done in self.drawn),
            "seconds": round(seconds, 4),
        }


@click.command(short_help="Draw pictures from a prompt.")
@click.argument("prompt")
@click.option(
    "--n",
    type=WHOLE,
    default=1,
    show_default=True,
    metavar="N",
    help="How many pictures; picture i (from 0) has the seed SEED + i, and a further try k the seed SEED + i + k N.",
)
@click.option(
    "--seed",
    type=WHOLE,
    metavar="SEED",
    help="Which noise to start from, 0 to 2^64 - 1; random and printed if not given.",
)
@click.option(
    "--steps", type=WHOLE, metavar="N", help="Steps from noise to picture; the model's own number if not given."
)
@click.option("--guidance", type=REAL, metavar="SCALE", help="How strongly the prompt pulls; 1 is off.")
@click.option(
    "--guidance-interval",
    type=INTERVAL,
    metavar="LOW,HIGH",
    help="The part of t in [0, 1] (0 = data, 1 = noise) where guidance acts.",
)
@click.option(
    "--guidance-method",
    "guidance_methods",
    multiple=True,
    metavar="SPEC",
    help="How to guide, such as apg:momentum=-0.5 or pag:scale=2; may be repeated: one rule, which gets the SCALE of "
    "--guidance, and modifiers, the first innermost. `mezzotint guidances` lists them.",
)
@click.option(
    "--solver",
    metavar="SPEC",
    help="How a step is taken, such as heun or ddim:eta=0.5; `mezzotint solvers` lists them.",
)
@click.option(
    "--eta", type=REAL, metavar="SHARE", help="Fresh noise in each step, from 0 to 1, for solvers that have it (ddim)."
)
@click.option(
    "--grid",
    type=GRID,
    metavar="SPEC",
    help="Where the steps lie in t, such as karras or shifted:shift=2 (`mezzotint grids` lists them), or the times "
    "themselves, such as 1,0.7,0.4,0.",
)
@click.option("--size", metavar="WIDTHxHEIGHT", help="Size in pixels; it must be one that the model draws.")
@click.option(
    "--negative", default="", metavar="TEXT", help="What guidance pulls away from, instead of the empty prompt."
)
@click.option(
    "--also",
    type=WEIGHTED,
    multiple=True,
    metavar="TEXT:WEIGHT",
    help="A further prompt with its weight, in units of --guidance; a negative one repels. May be repeated.",
)
@click.option("--style", metavar="NAME", help="A drawing style of the model; `mezzotint models` lists them.")
@click.option("--model", default="house", show_default=True, metavar="NAME", help="A model's name or its folder.")
@click.option(
    "--lora",
    type=WEIGHTED,
    multiple=True,
    metavar="NAME[:STRENGTH]",
    help="A LoRA that `mezzotint teach` made, by its name or file, and how strongly it acts, 1 if not given. May be "
    "repeated.",
)
@click.option(
    "--weak-model", metavar="NAME", help="The weaker model that --guidance-method autoguidance steers away from."
)
@click.option("--out", metavar="PATH", help="A file that ends in .png, or a folder; mezzotint-out if not given.")
@click.option(
    "--batching",
    default="exact",
    show_default=True,
    metavar="HOW",
    help="exact: each picture alone, the same pixels as with its own seed; fast: network calls are shared.",
)
@device_option
@dtype_option
@threads_option
@click.option(
    "--check",
    is_flag=True,
    help="Look at each picture: things, counts, colours, places, text; draw again until it is right. The verdict goes "
    "into the recipe.",
)
@click.option(
    "--tries", type=WHOLE, metavar="N", help="With --check: most pictures drawn for one that is kept; 4 if not given."
)
@click.option(
    "--best-of", type=WHOLE, metavar="N", help="Draw N for each picture and keep the one that fits the prompt best."
)
@click.option(
    "--watch", is_flag=True, help="Also write the denoising: a contact sheet and an animation beside each picture."
)
@click.option("--strict", is_flag=True, help="Refuse a prompt or option of which a part would be ignored.")
@format_option
def imagine(
    prompt: str,
    model: str,
    out: str | None,
    threads: Any,
    check: bool,
    tries: Any,
    best_of: Any,
    watch: bool,
    strict: bool,
    form: str,
    **options: Any,
) -> None:
    """Draw PROMPT, which may be empty, and say where the picture is.

    Each file carries its recipe: `mezzotint reproduce FILE` draws it again.

    \b
    mezzotint imagine "a red apple" --seed 7 --steps 12 --solver ddim:eta=0.5
    mezzotint imagine "a cat" --guidance 8 --guidance-method apg --guidance-method rescale:amount=0.7
    mezzotint imagine "a cat" --guidance-method pag:scale=2 --guidance-interval 0.2,0.9
    mezzotint imagine "a cat" --also "a hat:0.7" --also "a ball:-0.3"
    mezzotint imagine "a zorp on a skateboard" --lora zorp:0.8
    mezzotint imagine "three red apples" --check --n 4
    """
    if options["seed"] is None:
        options["seed"] = random_seed()
    request = Request.from_json_dict({"prompt": prompt, **options})
    to = Destination.of(out, request.n)
    wait_quietly()
    set_threads(threads)
    from mezzotint.interfaces.choosing import choosing_of, previews_of
    from mezzotint.pipeline import Pipeline

    how = choosing_of(check, tries, best_of)
    pipe = Pipeline.load(model, device=request.device, dtype=request.dtype)
    if strict and (unused := pipe.ignored(pipe.resolve(request))):
        raise InvalidOption(
            f"{', '.join(map(repr, unused))} would be ignored; leave it out, or leave out --strict to draw without it."
        )
    session = Session(pipe, to, watch)
    begun = session.begun
    interrupted = False
    try:
        tries = 1 if how is None else how.tries
        with bar(request.n * tries * len(pipe.time_grid(pipe.resolve(request))), "drawing", "step") as shown:
            for preview in previews_of(pipe, request, how, shown.move):
                lines = session.take(preview)
                for line in lines if form == "text" else ():
                    shown.say(line)
    except KeyboardInterrupt:
        interrupted = True
    _report(session, form, time.perf_counter() - begun)
    if interrupted:
        click.echo(f"mezzotint: interrupted; {len(session.drawn)} of {request.n} pictures are finished.", err=True)
        raise click.exceptions.Exit(EXIT_INTERRUPTED)


def _report(session: Session, form: str, seconds: float) -> None:
    """What is told when the drawing has ended."""
    if form == "json":
        emit_json(session.summary(seconds))
        return
    if session.ignored:
        click.echo(f"ignored: {', '.join(repr(item) for item in session.ignored)}")
    for warning in session.warnings:
        click.echo(f"warning: {warning}")
