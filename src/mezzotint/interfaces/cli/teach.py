"""`mezzotint teach`: a word for a model, from a few pictures."""

import json
import shlex
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mezzotint.errors import InvalidOption, TrainingError
from mezzotint.interfaces.cli.options import (
    WHOLE,
    device_option,
    format_option,
    set_threads,
    threads_option,
    whole_number,
)
from mezzotint.interfaces.cli.output import emit_json
from mezzotint.interfaces.cli.progress import bar, watched
from mezzotint.request import SEEDS

if TYPE_CHECKING:
    from mezzotint.pipeline import Pipeline
    from mezzotint.training.lesson import Lesson
    from mezzotint.training.teach import Check, Teacher

MAX_RANK = 256


@click.command(short_help="Teach a model a word, from a few pictures.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--word", required=True, metavar="WORD", help="The word that stands for the pictures, such as zorp.")
@click.option("--steps", type=WHOLE, default=400, show_default=True, metavar="N", help="The most updates.")
@click.option(
    "--rank",
    type=WHOLE,
    default=8,
    show_default=True,
    metavar="N",
    help="Rank of the factors: how much can be learned.",
)
@click.option(
    "--seed", type=WHOLE, default=0, show_default=True, metavar="SEED", help="Of the factors, the order and all noise."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The LoRA, a file that ends in .safetensors; WORD.safetensors in the user's data folder if not given.",
)
@click.option("--model", default="house", show_default=True, metavar="NAME", help="A model's name or its folder.")
@device_option
@threads_option
@format_option
def teach(
    folder: Path,
    word: str,
    steps: Any,
    rank: Any,
    seed: Any,
    out: Path | None,
    model: str,
    device: str,
    threads: Any,
    form: str,
) -> None:
    """Teach a model WORD from the pictures in FOLDER, 5 to 50 of them, in minutes.

    A picture may have captions in a .txt file beside it, one a line, which must have the word; else it is called
    "a WORD". Of 6 pictures or more one in five is held out, to measure on. It ends by itself when the loss on these
    does not fall any more, and keeps the best. The result is a LoRA, a sheet from before and after, and the losses.

    \b
    mezzotint teach my-zorps --word zorp
    mezzotint imagine "a zorp on a skateboard" --lora zorp
    """
    whole_number("seed", seed, 0, SEEDS - 1)
    sizes = whole_number("steps", steps, 1, 100_000), whole_number("rank", rank, 1, MAX_RANK)
    set_threads(threads)
    from mezzotint.interfaces.pictures import make_folder
    from mezzotint.pipeline import Pipeline
    from mezzotint.training.lesson import check_word, read_lesson

    pipe = Pipeline.load(model, device=device, dtype="float32")
    if pipe.model.taught is not None:
        raise InvalidOption(
            f"The model {pipe.model.name} is a student, which learns from its teacher and not from pictures; teach the "
            "word to a model that is none."
        )
    word = check_word(word, pipe.model.conditioner)
    target = target_of(out, word)
    lesson = read_lesson(folder, word, pipe.model.size[0], pipe.model.conditioner, seed)
    make_folder(target.parent)  # better known before than after
    teacher, prior = _teacher(pipe, lesson, (*sizes, seed), form)
    outcome = Outcome(pipe, lesson, teacher, target, prior, form)
    _learn(teacher, outcome)
    outcome.write()
    outcome.report(model)


def target_of(out: Path | None, word: str) -> Path:
    """The file that is written. Raises InvalidOption if it is there already, or is none that can be drawn with."""
    from mezzotint.load import lora_folder

    target = out or lora_folder() / f"{word}.safetensors"
    if target.suffix != ".safetensors" or target.is_dir():
        raise InvalidOption(f"out is {target}; it must be a file that ends in .safetensors.")
    if target.exists():
        raise InvalidOption(f"{target} exists; remove it, or choose another file with --out.")
    return target


def _teacher(pipe: "Pipeline", lesson: "Lesson", sizes: tuple[int, int, int], form: str) -> "tuple[Teacher, str]":
    """What trains a copy of the model's network, and where the other pictures come from."""
    from mezzotint.adapters import shared_copy
    from mezzotint.diffusion.process import Process
    from mezzotint.interfaces.teaching import other_pictures
    from mezzotint.training.teach import TeachConfig, Teacher

    steps, rank, seed = sizes
    prior, source = other_pictures(pipe, seed)
    if form == "text":
        count, held = len(lesson.sha256), len(lesson.held)
        measured = f"{held} of them held out" if held else "none of them held out, since they are fewer than 6"
        click.echo(f"{lesson.word}: {count} pictures, {measured}; beside them {source}")
    leaf = pipe.model.denoiser
    config = TeachConfig(steps=steps, rank=rank, seed=seed)
    network = shared_copy(leaf.network)  # type: ignore[arg-type]
    process = Process(leaf.schedule, leaf.target)
    return Teacher(network, pipe.model.conditioner, config, lesson, prior, leaf.device, process), source


def _learn(teacher: "Teacher", outcome: "Outcome") -> None:
    """Train until it ends by itself, or a signal asks; what is best is in the teacher."""
    from mezzotint.interfaces.stopping import StopSignals

    with StopSignals() as stop, bar(teacher.config.steps, "teaching", "step") as shown:
        for step in teacher.steps():
            if step.step:
                shown.move(f"loss {step.loss:.4f}")
            if step.check is not None and outcome.form == "text" and not watched():
                outcome.tell(step.check)
            if stop.asked:
                outcome.interrupted = True
                return


@dataclass
class Outcome:
    """What came of it, and how it is told. prior: where the other pictures come from."""

    pipe: "Pipeline"
    lesson: "Lesson"
    teacher: "Teacher"
    target: Path
    prior: str
    form: str
    interrupted: bool = False
    begun: float = field(default_factory=time.perf_counter)

    def tell(self, check: "Check") -> None:
        """A line about a measurement."""
        click.echo(f"step {check.step}: {self._measured} {check.held:.4f}, of other pictures {check.prior:.4f}")

    @property
    def _measured(self) -> str:
        return "held-out loss" if len(self.lesson.held) else "loss of the pictures"

    @property
    def sheet(self) -> Path:
        """The sheet from before and after."""
        return self.target.with_name(f"{self.target.stem}-sheet.png")

    @property
    def losses(self) -> Path:
        """All measurements."""
        return self.target.with_name(f"{self.target.stem}-losses.json")

    @property
    def ended(self) -> str:
        """Why it ended."""
        if self.interrupted:
            return "it was interrupted"
        if self.teacher.exhausted:
            return f"the held-out loss did not fall for {self.teacher.config.patience} measurements"
        return "all steps were done"

    def write(self) -> None:
        """Write the LoRA, then draw with it. Raises TrainingError if nothing was learned, and OutOfSpace."""
        from mezzotint.checkpoints.loras import LoRAFacts, lora_bytes
        from mezzotint.interfaces.teaching import before_and_after
        from mezzotint.provenance.files import write_atomically

        if self.teacher.kept.step == 0:
            raise TrainingError(
                f"Nothing was learned that made the {self._measured} fall below {self.teacher.before.held:.4f}; give "
                "more pictures, captions that say in what they differ, or more --steps."
            )
        model, config = self.pipe.model, self.teacher.config
        facts = LoRAFacts(
            base=model.name,
            base_weights_sha256=model.weights_sha256,
            rank=config.rank,
            alpha=float(config.rank),
            word=self.lesson.word,
            training=self.facts(),
        )
        write_atomically(self.target, lora_bytes(self.teacher.best, facts))
        checks = [{"step": c.step, "held_out": c.held, "prior": c.prior} for c in self.teacher.checks]
        text = json.dumps({**self.facts(), "ended": self.ended, "losses": checks}, indent=1)
        write_atomically(self.losses, (text + "\n").encode())
        write_atomically(self.sheet, before_and_after(self.pipe, str(self.target), self.lesson.word))

    def facts(self) -> dict[str, Any]:
        """How it was taught, without the time that it took."""
        before, kept, config = self.teacher.before, self.teacher.kept, self.teacher.config
        return {
            "pictures_sha256": list(self.lesson.sha256),
            "held_out": len(self.lesson.held),
            "other_pictures": self.prior,
            "steps": kept.step,
            "batch": config.batch,
            "lr": config.optim.adam_lr,
            "seed": config.seed,
            "loss": {"before": before.held, "after": kept.held},
            "loss_of_other_pictures": {"before": before.prior, "after": kept.prior},
        }

    def report(self, model: str) -> None:
        """Say what was learned, where it is and how to draw with it. model: as it was asked for."""
        from mezzotint.data.captions import article
        from mezzotint.load import lora_folder

        teacher, seconds = self.teacher, time.perf_counter() - self.begun
        here = self.target.parent == lora_folder()
        words = ["mezzotint", "imagine", f"{article(self.lesson.word)} on a skateboard", "--lora"]
        words += [self.lesson.word if here else str(self.target)]
        again = shlex.join(words if model == "house" else [*words, "--model", model])
        if self.form == "json":
            files = {"lora": str(self.target), "sheet": str(self.sheet), "losses": str(self.losses)}
            took = {"last_step": teacher.checks[-1].step, "ended": self.ended, "seconds": round(seconds, 2)}
            emit_json({"word": self.lesson.word, "model": self.pipe.model.name, **self.facts(), **took, **files})
            return
        before, kept = teacher.before, teacher.kept
        click.echo(f"It ended after step {teacher.checks[-1].step}, because {self.ended}; {seconds:.0f} s.")
        click.echo(
            f"Step {kept.step} is kept: {self._measured} {kept.held:.4f}, {before.held:.4f} before; of other pictures "
            f"{kept.prior:.4f}, {before.prior:.4f} before."
        )
        for name, path in (("LoRA", self.target), ("sheet", self.sheet), ("losses", self.losses)):
            click.echo(f"{name + ':':<8} {click.format_filename(path)}")
        click.echo(f"try it:  {again}")
