"""`mezzotint train`: teach a model to draw."""

import math
import shlex
import time
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mezzotint.errors import InvalidOption, TrainingError, unknown_name
from mezzotint.interfaces.cli.options import (
    REAL,
    WHOLE,
    device_option,
    dtype_option,
    format_option,
    set_threads,
    threads_option,
    whole_number,
)
from mezzotint.interfaces.cli.output import EXIT_SAVED, emit_json
from mezzotint.interfaces.cli.progress import bar, counted, watched

if TYPE_CHECKING:
    from mezzotint.conditioning.text import TextConditioner
    from mezzotint.training.config import Run
    from mezzotint.training.trainer import Trainer, TrainStep

PRECISIONS = {"bfloat16": "bf16", "float32": "fp32"}
RECENT = 50
"""Updates in the running means of loss and speed."""


@click.command(short_help="Teach a model to draw.")
@click.argument("run")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="A.B=C",
    help="Change a setting of the run, for example steps=60 or data.path=FOLDER; may be repeated.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the run's state lives; the user's cache folder if not given.",
)
@click.option(
    "--resume", is_flag=True, help="Go on from the newest checkpoint, with the settings that it was made with."
)
@click.option(
    "--stop-after", type=WHOLE, metavar="STEP", help="End after this step with a checkpoint, as an interruption would."
)
@click.option(
    "--warm-start",
    metavar="MODEL",
    help="Begin with the weights of a model (a name or a folder) instead of random ones.",
)
@click.option(
    "--from-student",
    metavar="MODEL",
    help="Of a student: begin with what this one differed in from weights that its teacher had before.",
)
@click.option(
    "--minutes",
    type=REAL,
    metavar="M",
    help="End the run within about so many minutes: its learning rate decays early enough for that.",
)
@click.option(
    "--pflop",
    type=REAL,
    metavar="P",
    help="Instead of the run's own number of updates, as many as cost P · 10^15 floating-point operations.",
)
@click.option(
    "--workers",
    type=WHOLE,
    default="0",
    show_default=True,
    metavar="N",
    help="Processes that make batches ahead; worth it beside a GPU. The batches are the same.",
)
@device_option
@dtype_option
@threads_option
@format_option
def train(
    run: str,
    settings: tuple[str, ...],
    out: Path | None,
    resume: bool,
    stop_after: Any,
    warm_start: str | None,
    from_student: str | None,
    minutes: Any,
    pflop: Any,
    workers: Any,
    device: str,
    dtype: str,
    threads: Any,
    form: str,
) -> None:
    """Train RUN: tiny (a minute), house (the house model, hours on two cores), icons (the same without scenes),
    house_gpu (a larger one, minutes of a GPU); student (which draws in few evaluations what the model of --warm-start
    draws in many); gan (which draws in one evaluation, to compare with); upscaler (which
    makes pictures larger); encoder (which measures how well pictures fit their prompts), detector and second_detector
    (which say what is to be seen in a picture).

    Metrics go to metrics.jsonl and sheets of samples to samples/ in the run's folder. SIGTERM or Ctrl-C finishes the
    step, saves, and exits with 75; --resume then goes on as if nothing had happened, bit for bit on the same machine.
    """
    begun = time.perf_counter()
    set_threads(threads)
    if stop_after is not None:
        stop_after = whole_number("stop-after", stop_after, 1, 10**9)
    workers = whole_number("workers", workers, 0, 1024)
    if minutes is not None and not (isinstance(minutes, float) and 0 < minutes < math.inf):
        raise InvalidOption(f"minutes is {minutes!r}; it must be a number above 0.")
    for name, given in (("--warm-start", warm_start), ("--from-student", from_student)):
        if resume and given is not None:
            raise InvalidOption(f"A resumed run has weights already; leave out --resume or {name}.")
    if from_student is not None and warm_start is None:
        raise InvalidOption(
            "--from-student says how a student begins, and nothing says who its teacher is; give --warm-start too, or "
            "leave out --from-student."
        )
    from mezzotint.interfaces.stopping import locked

    config, folder = configuration(run, settings, out, resume, dtype)
    config = config if pflop is None else within(config, pflop, resume)
    with locked(folder):
        trainer, text = _prepared(config, folder, resume, (warm_start, from_student), device)
        outcome = Outcome(trainer, form, shlex.join(_resume_words(run, out, minutes, workers)))
        left = None if minutes is None else 60 * minutes - (time.perf_counter() - begun)
        pace = Pace(stop_after, workers, left)
        _loop(trainer, text, pace, outcome)
    outcome.report()
    if outcome.stopped:
        raise click.exceptions.Exit(EXIT_SAVED)


def configuration(
    run: str, settings: tuple[str, ...], out: Path | None, resume: bool, dtype: str
) -> "tuple[Run, Path]":
    """The run's configuration and folder. A resumed run has the configuration of its checkpoint.

    Raises InvalidOption and TrainingError: for unknown names, for a folder that holds a run already, or holds none.
    """
    from mezzotint.interfaces.cli.taken_up import newest_checkpoint
    from mezzotint.runs import RUNS
    from mezzotint.training import state
    from mezzotint.training.config import from_dict, override
    from mezzotint.training.prepare import run_folder

    if run not in RUNS:
        raise unknown_name("run", run, RUNS)
    config = RUNS[run]()
    folder = run_folder(config) if out is None else out
    present = state.steps(folder / "checkpoints")
    if present and not resume:
        raise TrainingError(
            f"{folder} holds a run already, up to {present[-1].name}; go on with --resume, or start anew in another "
            "folder with --out."
        )
    if resume:
        newest = newest_checkpoint(folder)
        saved = state.read_facts(newest)["run"]
        if saved["name"] != run:
            raise TrainingError(
                f"{folder} holds the run {saved['name']}, not {run}; resume that one, or choose another --out."
            )
        config = from_dict(type(config), saved)
    if dtype != "auto":
        if dtype not in PRECISIONS:
            raise unknown_name("dtype for training", dtype, ["auto", *PRECISIONS])
        settings = (*settings, f"precision={PRECISIONS[dtype]}")
    config = override(config, settings)
    return config if config.name == run else replace(config, name=run), folder


def within(config: "Run", pflop: Any, resume: bool) -> "Run":
    """The run with as many updates as a budget buys. Raises InvalidOption for one that cannot be kept."""
    from mezzotint.training.budget import steps_within
    from mezzotint.training.config import GanRun, RunConfig

    if not (isinstance(pflop, float) and 0 < pflop < math.inf):
        raise InvalidOption(f"pflop is {pflop!r}; it must be a number above 0.")
    if resume:
        raise InvalidOption("A resumed run has its number of updates already; leave out --resume or --pflop.")
    if not isinstance(config, RunConfig | GanRun) or type(config) not in (RunConfig, GanRun):
        raise InvalidOption(
            f"pflop is given, but what an update of {config.name} costs is not counted; set steps instead."
        )
    return replace(config, steps=steps_within(config, pflop))


def _prepared(
    config: "Run", folder: Path, resume: bool, start: tuple[str | None, str | None], device: str
) -> "tuple[Trainer, TextConditioner]":
    """A trainer that is ready for its next step, and the text encoder. start: the models that it begins with: its
    weights or teacher, and an earlier student."""
    from mezzotint.interfaces.warm import check_from_student, learned_from, warm_started
    from mezzotint.load import load_text, resolve_device
    from mezzotint.training import state
    from mezzotint.training.prepare import prepare

    warm_start, from_student = start
    config = config if resume else learned_from(config, warm_start)
    if from_student is not None:
        check_from_student(config, from_student)  # before captions are embedded
    where = resolve_device(device)
    text, digest = load_text(config.text_length)
    with counted("captions", "caption") as tell:
        trainer = prepare(
            config, text, digest, folder, device=where, progress=lambda what, done, total: tell(done, total)
        )
    if warm_start is not None:
        trainer = warm_started(trainer, warm_start, from_student)
    if resume:
        newest = state.newest(folder / "checkpoints")
        assert newest is not None
        trainer.resume(newest)
    return trainer, text


@dataclass
class Outcome:
    """What has happened so far, and how it is told. `again` is the command that goes on."""

    trainer: "Trainer"
    form: str
    again: str
    stopped: bool = False
    losses: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    validation: float | None = None
    sheet: Path | None = None
    told: int = 0
    begun: float = field(default_factory=time.perf_counter)

    def take(self, step: "TrainStep") -> None:
        """An update was done."""
        self.losses.append(step.loss)
        self.seconds.append(step.seconds)
        if step.validation:
            self.validation = step.validation["mean"]
            if self.form == "text" and not watched():
                self._tell()

    def _tell(self) -> None:
        self.told = self.trainer.step
        click.echo(f"step {self.told} of {self.trainer.run.steps}: {self.line}")

    @property
    def loss(self) -> float | None:
        """The running mean."""
        return sum(self.losses) / len(self.losses) if self.losses else None

    @property
    def line(self) -> str:
        """Speed and losses, for a bar or a log."""
        speed = self.trainer.run.batch * len(self.seconds) / max(sum(self.seconds), 1e-9)
        validation = "" if self.validation is None else f", validation {self.validation:.4f}"
        return f"{speed:.1f} pictures/s, loss {self.loss or 0:.4f}{validation}"

    def report(self) -> None:
        """Say where the state is and what can be done next."""
        from mezzotint.interfaces.metrics import finite

        trainer = self.trainer
        finished = trainer.step >= trainer.run.steps
        pack = shlex.join(["mezzotint", "pack", str(trainer.folder), "--out", f"{trainer.run.name}-model"])
        if self.form == "json":
            emit_json(
                {
                    "run": trainer.run.name,
                    "folder": str(trainer.folder),
                    "step": trainer.step,
                    "steps": trainer.run.steps,
                    "pictures": trainer.pictures,
                    "finished": finished,
                    "stopped_by_signal": self.stopped,
                    "loss": finite(self.loss),
                    "validation": finite(self.validation),
                    "samples": None if self.sheet is None else str(self.sheet),
                    "seconds": round(time.perf_counter() - self.begun, 2),
                    "resume": None if finished else self.again,
                    "pack": pack,
                }
            )
            return
        if self.losses and self.told != trainer.step:
            self._tell()
        what = "Finished" if finished else "Stopped and saved" if self.stopped else "Saved"
        click.echo(f"{what} at step {trainer.step} of {trainer.run.steps} in {click.format_filename(trainer.folder)}.")
        if self.sheet is not None:
            click.echo(f"samples: {click.format_filename(self.sheet)}")
        if not finished:
            click.echo(f"go on:   {self.again}")
        click.echo(f"a model: {pack}")


@dataclass(frozen=True)
class Pace:
    """How far and how fast to train: see the options."""

    stop_after: int | None
    workers: int
    seconds: float | None


def _loop(trainer: "Trainer", text: "TextConditioner", pace: Pace, outcome: Outcome) -> None:
    """Train to the end, to `stop_after`, or until a signal asks to stop; there is a checkpoint in each case."""
    from mezzotint.interfaces.metrics import Metrics
    from mezzotint.interfaces.samples import draw_sheet
    from mezzotint.interfaces.stopping import StopSignals
    from mezzotint.training.config import GanRun, RunConfig

    run = trainer.run
    sheets = run.sample_every if isinstance(run, RunConfig | GanRun) else None  # an encoder draws nothing
    if trainer.step >= min(run.steps, pace.stop_after or run.steps):
        return
    with (
        StopSignals() as stop,
        Metrics(trainer.folder, trainer.step) as metrics,
        bar(run.steps, run.name, "step", trainer.step, leave=True) as shown,
    ):
        for step in trainer.steps(pace.stop_after, workers=pace.workers, seconds=pace.seconds):
            last = min(trainer.run.steps, pace.stop_after or trainer.run.steps)  # a run may be shortened
            metrics.write(step)
            outcome.take(step)
            shown.until(trainer.run.steps)
            shown.move(outcome.line)
            if sheets and not stop.asked and (step.step % sheets == 0 or step.step == trainer.run.steps):
                outcome.sheet = draw_sheet(trainer, text, lambda: stop.asked) or outcome.sheet
            if stop.asked and step.step < last:
                if step.checkpoint is None:
                    trainer.save()
                outcome.stopped = True
                return


def _resume_words(run: str, out: Path | None, minutes: float | None, workers: int) -> list[str]:
    words = ["mezzotint", "train", run, "--resume"]
    words += [] if out is None else ["--out", str(out)]
    words += ["--workers", str(workers)] if workers else []
    return words + ([] if minutes is None else ["--minutes", f"{minutes:g}"])
