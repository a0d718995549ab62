"""What a model's usual drawing style gains: IconEval with it, and with drawing styles asked for, none among them.

    python -m benchmarks.usual_style [MODEL] [--prompts N] [--style NAME]...

N prompts of each of IconEval's tasks, half of them in phrasings of training, one picture each, at 12 steps with
guidance 4, as one prompt. "usual" is what a request without a style gets: the usual style where nothing else says how
things look, such as letters. Intervals are over prompts.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch

from benchmarks.report import write
from mezzotint import Pipeline
from mezzotint.evaluation.bootstrap import interval
from mezzotint.evaluation.detector import Detector, load_detector
from mezzotint.evaluation.iconeval.gallery import gallery, judged
from mezzotint.evaluation.iconeval.prompts import TASKS, VERSION, IconPrompt, load_prompts
from mezzotint.load import INSTRUMENTS
from mezzotint.request import Request

USUAL, STYLES = "usual", ("usual", "none")


def asked(count: int) -> list[IconPrompt]:
    """So many prompts of each task; known and unknown phrasings take turns in the list."""
    return [one for task in TASKS for one in [p for p in load_prompts() if p.task == task][:count]]


def right(pipe: Pipeline, eye: Detector, prompts: Sequence[IconPrompt], style: str) -> dict[str, dict[str, float]]:
    """The share of right pictures of each task, with its interval."""
    request = Request(prompt="", style=None if style == USUAL else style, steps=12, guidance=4.0, batching="fast")
    rows: dict[str, dict[str, list[float]]] = defaultdict(dict)
    for one in judged(eye, prompts, gallery(pipe, prompts, 1, request, lambda done, total: None)):
        rows[one.prompt.task][one.prompt.text] = [float(one.verdict.right)]
    found = {task: interval(own) for task, own in rows.items()}
    return {task: {"mean": one.mean, "low": one.low, "high": one.high} for task, one in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="house")
    parser.add_argument("--prompts", type=int, default=50)
    parser.add_argument("--style", action="append", help="instead of the usual one and none; may be repeated")
    options = parser.parse_args()
    torch.set_num_threads(1)
    eye = load_detector(INSTRUMENTS / "detector")
    pipe = Pipeline.load(options.model, device="cpu", dtype="float32")
    prompts = asked(options.prompts)
    found: dict[str, Any] = {}
    for style in options.style or STYLES:
        found[style] = right(pipe, eye, prompts, style)
        print(style, {task: round(one["mean"], 2) for task, one in found[style].items()}, flush=True)
    about = {"model": pipe.model.name, "weights_sha256": pipe.model.weights_sha256, "usual": pipe.model.defaults.style}
    about |= {"prompts": options.prompts, "prompts_version": VERSION, "detector_sha256": eye.weights_sha256}
    write("usual_style", {**about, "right": found})


if __name__ == "__main__":
    main()
