"""Sheets of samples during training: always the same prompts and seeds, so that sheets can be compared."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mezzotint.interfaces.sheets import png, sample_sheet
from mezzotint.provenance.files import write_atomically

if TYPE_CHECKING:
    from mezzotint.conditioning.text import TextConditioner
    from mezzotint.training.trainer import Trainer

COLUMNS, ROWS = 8, 4
SCENES = (
    "three red apples",
    "a blue cat and a red car",
    "a cat to the left of a dog",
    "a star above a tree",
    "five green fish",
    'a sign that says "STOP"',
    'the word "hello"',
    "a yellow bird in front of a blue sky with clouds",
)
"""What the last row of a sheet asks for where scenes are trained."""


def sheet_prompts(trainer: "Trainer") -> list[str]:
    """Half of the sheet from trained concepts, half from held-out ones.

    For the house data set everyday nouns, and in place of some trained ones scenes, if the run has scenes; for other
    pictures the first captions of some of them.
    """
    half = COLUMNS * ROWS // 2
    if trainer.run.data.source == "icons":
        from mezzotint.data.icons import HELD_OUT, TRAINED

        scenes = SCENES if trainer.run.data.scenes else ()
        return [*TRAINED[: half - len(scenes)], *HELD_OUT[:half], *scenes]
    pictures = trainer.supplies.pictures
    captions = {
        split: list(dict.fromkeys(pictures.records[int(row)].captions[0] for row in pictures.split(split)))[:half]
        for split in ("train", "heldout")
    }
    return [*captions["train"], *captions["heldout"]]


def draw_sheet(trainer: "Trainer", text: "TextConditioner", stop: Callable[[], bool]) -> Path | None:
    """Draw the sheet of this step with the averaged weights into `samples/`; None if `stop` says so in between."""
    from mezzotint.conditioning.prompt import escaped
    from mezzotint.families.pixel_dit import PixelDiT
    from mezzotint.families.pixel_gan import PixelGAN
    from mezzotint.load import live_model
    from mezzotint.pipeline import Pipeline
    from mezzotint.training.config import GanRun, RunConfig
    from mezzotint.training.student import StudentRun, drawn_with

    run, prompts = trainer.run, sheet_prompts(trainer)
    assert isinstance(run, RunConfig | GanRun), "what draws nothing has no samples"
    images = []
    with trainer.averaged(run.ema[0]) as network:
        assert isinstance(network, PixelDiT | PixelGAN)
        styles = trainer.supplies.styles
        process = (run.schedule, run.objective.target) if isinstance(run, RunConfig) else ()
        usual = drawn_with(run.as_dict(), trainer.step) if isinstance(run, StudentRun) else {}
        taught = (run.student.guidance[0], run.student.guidance[-1]) if isinstance(run, StudentRun) else None
        model = live_model(network, run.name, styles, text, trainer.device, *process, drawn_with=usual, taught=taught)
        pipe = Pipeline(model)
        for seed, prompt in enumerate(prompts):
            if stop():
                return None
            images += pipe.generate(escaped(prompt), seed=seed).images  # captions are no prompt language
    folder = trainer.folder / "samples"
    folder.mkdir(exist_ok=True)
    path = folder / f"step-{trainer.step:08d}.png"
    write_atomically(path, png(sample_sheet(images, prompts, COLUMNS)))
    return path
