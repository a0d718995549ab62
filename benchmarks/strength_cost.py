"""What an edit of strength 0.5 costs beside half of a drawing.

    python -m benchmarks.strength_cost [MODEL]

CPU time of this process, one thread, float32, the model loaded: a drawing of 24 steps, and an edit of a picture that
was drawn before, which takes the last 12 of them. They take turns, so that a machine that is busy for a while is so for
both. `ratio` is the edit's time over half of the drawing's, of the least times, which other work on the machine raises
least, and of the medians; the aim is to be within 5 % of 1. What an edit does besides, reading the picture and noising
it, is in it, and so is what both do once: reading the prompt, and the digest of the result.
"""

import argparse
import time
from statistics import median
from typing import Any

import torch

from benchmarks.report import spread, write
from mezzotint import Pipeline

STEPS, STRENGTH, TURNS, WITHIN = 24, 0.5, 9, 0.05


def seconds(pipe: Pipeline, **options: Any) -> tuple[float, int]:
    """CPU time of one picture, and its evaluations."""
    begin = time.process_time()
    result = pipe.generate("a green apple", seed=7, steps=STEPS, **options)
    return time.process_time() - begin, result.recipes[0].evaluations


def compared(pipe: Pipeline, guidance: float, turns: int = TURNS) -> dict[str, Any]:
    """Drawing and edit in turn."""
    ways: dict[str, dict[str, Any]] = {
        "drawing": {},
        "edit": {"image": pipe.generate("a red apple", seed=3, steps=8).images[0], "strength": STRENGTH},
    }
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in ways}
    for turn in range(turns + 1):
        for name, options in ways.items():
            took = seconds(pipe, guidance=guidance, **options)
            found[name] += [took] if turn else []  # the first of each warms up
    times = {name: [one for one, _ in took] for name, took in found.items()}
    evaluations = {name: took[0][1] for name, took in found.items()}
    least, middle = (2 * of(times["edit"]) / of(times["drawing"]) for of in (min, median))
    sums = {name: {"evaluations": evaluations[name], "seconds": spread(times[name])} for name in ways}
    return {**sums, "ratio": least, "ratio_of_medians": middle, "met": abs(least - 1) <= WITHIN}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="house", help="a model's folder or name")
    torch.set_num_threads(1)
    pipe = Pipeline.load(parser.parse_args().model, device="cpu", dtype="float32")
    ways = {"guided": compared(pipe, 4.0), "without guidance": compared(pipe, 1.0)}
    facts = {"model": pipe.model.name, "weights_sha256": pipe.model.weights_sha256}
    write("strength_cost", {**facts, "steps": STEPS, "strength": STRENGTH, "turns": TURNS, "ways": ways})


if __name__ == "__main__":
    main()
