"""How two things are to be asked for: IconEval's pairs, said in several ways, with their sides and without.

    python -m benchmarks.phrasings [MODEL...] [--prompts N]

N pairs of the task two, one picture each, at 12 steps with guidance 4, as one prompt. The first thing is always named
first. Judged by IconEval's rule with the shipped detector, which asks for both things, wherever they are. Intervals are
over pairs.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from benchmarks.report import write
from mezzotint import Pipeline
from mezzotint.data.scenes.phrases import an
from mezzotint.evaluation.bootstrap import interval
from mezzotint.evaluation.detector import Detector, load_detector
from mezzotint.evaluation.iconeval.gallery import gallery, judged
from mezzotint.evaluation.iconeval.prompts import VERSION, IconPrompt, load_prompts
from mezzotint.load import INSTRUMENTS
from mezzotint.request import Request

WAYS = ("{} to the left of {}", "{} next to {}", "{} and {}", "{}, {}", "{} with {}", "{} plus {}")
REQUEST = Request(prompt="", steps=12, guidance=4.0, batching="fast")


def right(pipe: Pipeline, eye: Detector, pairs: Sequence[IconPrompt], way: str) -> dict[str, float]:
    """The share of right pictures of pairs that are said in a way, with its interval."""
    said = [replace(pair, text=way.format(*(an(wanted.thing) for wanted in pair.wanted))) for pair in pairs]
    rows = {
        one.prompt.text: [float(one.verdict.right)]
        for one in judged(eye, said, gallery(pipe, said, 1, REQUEST, lambda done, total: None))
    }
    found = interval(rows)
    return {"mean": found.mean, "low": found.low, "high": found.high}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["house"])
    parser.add_argument("--prompts", type=int, default=50)
    options = parser.parse_args()
    torch.set_num_threads(1)
    eye = load_detector(INSTRUMENTS / "detector")
    pairs = [one for one in load_prompts() if one.task == "two"][: options.prompts]
    found: list[dict[str, Any]] = []
    for name in options.models:
        pipe = Pipeline.load(name, device="cpu", dtype="float32")
        shares = {}
        for way in WAYS:
            shares[way] = right(pipe, eye, pairs, way)
            print(f"{name}: {way}: {shares[way]['mean']:.2f}", flush=True)
        found.append({"model": pipe.model.name, "weights_sha256": pipe.model.weights_sha256, "right": shares})
    about = {"prompts": len(pairs), "prompts_version": VERSION, "detector_sha256": eye.weights_sha256}
    write("phrasings", {**about, "models": found})


if __name__ == "__main__":
    main()
