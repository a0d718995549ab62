"""What laying a prompt out gains: IconEval's tasks of several things, drawn as one prompt and by regions.

    python -m benchmarks.layout [MODEL] [--second DIR] [--prompts N]

N prompts of each of the tasks two, counting, position and attribution, one seed each, at the model's defaults: as they
are, and laid out as `mezzotint imagine` does (`interfaces.layout`), without the upscaler; the larger pictures are
scaled to what the detector looks at. Judged by IconEval's rules with the shipped detector, and with a second one that
was trained independently. The rules that take prompts apart were written with IconEval's phrasings at hand, so that
this says what regions give, and not how often strangers' prompts are understood; `understood` says how many were, of
all tasks. Intervals are over prompts.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL.Image import Image

from benchmarks.report import write
from mezzotint import Pipeline
from mezzotint.conditioning.prompt import escaped
from mezzotint.evaluation.bootstrap import interval
from mezzotint.evaluation.detector import Detector, load_detector
from mezzotint.evaluation.iconeval.gallery import chosen
from mezzotint.evaluation.iconeval.prompts import VERSION, IconPrompt, load_prompts
from mezzotint.evaluation.iconeval.verdict import judge
from mezzotint.evaluation.sides import squared
from mezzotint.interfaces.layout import laid_out, told_of
from mezzotint.interfaces.sizing import NONE, for_several
from mezzotint.load import HOUSE, INSTRUMENTS
from mezzotint.request import Request

TASKS, ALONE = ("two", "counting", "position", "attribution"), ("single", "colours")
WAYS = ("as one prompt", "laid out")


def requests(pipe: Pipeline, prompt: IconPrompt, seed: int) -> dict[str, Request]:
    """How a prompt is drawn, each way. Raises AssertionError for a prompt that is not taken apart."""
    plain = Request(prompt=escaped(prompt.text), seed=seed)
    sized = for_several(pipe, plain, NONE)
    laid = laid_out(sized, sized.size or pipe.model.size, min(pipe.model.size))
    assert laid is not None, prompt.text
    return {WAYS[0]: plain, WAYS[1]: laid}


def right(eye: Detector, prompts: Sequence[IconPrompt], images: Sequence[Image]) -> dict[str, dict[str, float]]:
    """The share of right pictures by task, with its interval."""
    side = eye.network.config.size
    found: dict[str, dict[str, list[float]]] = {task: {} for task in TASKS}
    for prompt, image in zip(prompts, images, strict=True):
        sight = eye.images([squared(image, side)])[0]
        found[prompt.task][prompt.text] = [float(judge(prompt, sight).right)]
    means = {task: interval(rows) for task, rows in found.items()}
    return {task: {"mean": one.mean, "low": one.low, "high": one.high} for task, one in means.items()}


def overall(shares: Mapping[str, Mapping[str, float]], weights: str) -> float | None:
    """IconEval's score with these four tasks, and the two of single things from the model's own evaluation; None for
    another model than that was of."""
    own: dict[str, Any] = json.loads((HOUSE / "eval.json").read_text("utf-8"))
    if own["weights_sha256"] != weights:
        return None
    alone = [own["iconeval"][task]["score"] for task in ALONE]
    return (sum(alone) + sum(shares[task]["mean"] for task in TASKS)) / 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="house")
    parser.add_argument("--detector", type=Path, default=INSTRUMENTS / "detector")
    parser.add_argument("--second", type=Path, help="a second detector")
    parser.add_argument("--prompts", type=int, default=25, help="of each task")
    options = parser.parse_args()
    torch.set_num_threads(1)
    pipe = Pipeline.load(options.model, device="cpu", dtype="float32")
    folders = {"the shipped detector": options.detector, "a second detector": options.second}
    eyes = {name: load_detector(folder) for name, folder in folders.items() if folder is not None}
    everything = load_prompts()
    understood = {
        task: sum(told_of(one.text) is not None for one in everything if one.task == task)
        for task in dict.fromkeys(one.task for one in everything)
    }
    prompts = [one for one in chosen(everything, options.prompts) if one.task in TASKS]
    images: dict[str, list[Image]] = {way: [] for way in WAYS}
    spent = dict.fromkeys(WAYS, 0)
    for number, prompt in enumerate(prompts):
        for way, request in requests(pipe, prompt, number).items():
            result = pipe.generate(request)
            images[way].append(result.images[0])
            spent[way] += result.evaluations
        print(f"{number + 1} of {len(prompts)}: {prompt.text}", flush=True)
    shares = {name: {way: right(eye, prompts, images[way]) for way in WAYS} for name, eye in eyes.items()}
    weights = pipe.model.weights_sha256
    write(
        "layout",
        {
            "model": pipe.model.name,
            "weights_sha256": weights,
            "detectors": {name: eye.weights_sha256 for name, eye in eyes.items()},
            "prompts_version": VERSION,
            "prompts of each task": options.prompts,
            "understood of all prompts": understood,
            "evaluations of a picture": {way: count / len(prompts) for way, count in spent.items()},
            "right": shares,
            "overall": {way: overall(shares["the shipped detector"][way], weights) for way in WAYS},
        },
    )


if __name__ == "__main__":
    main()
