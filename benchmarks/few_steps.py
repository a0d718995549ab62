"""How good a student's pictures are in few evaluations, beside its teacher's in many.

    python -m benchmarks.few_steps STUDENT... [--prompts N] [--seeds N] [--pictures N]      writes few_steps.json

A STUDENT is the folder of one that the house model taught, or its name; several are told apart by their names. Each
draws in every number of evaluations that it is for, the teacher in 12 guided steps (24 evaluations), with the same
seeds: the prompts of IconEval, judged by the detector, and held-out captions, of whose pictures the Fréchet distance,
precision, recall and coverage are taken with our encoder. `distance`: the root mean square of how far the pictures of
the prompts are from the teacher's, in values from 0 to 1, transparent ones on white. `seconds`: of one picture of 64
pixels, the model loaded; `file_seconds`: from the prompt to a PNG of 256 pixels, where an upscaler is installed. They
are medians of rounds in which all have their turn, for an idle machine.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.report import write
from benchmarks.speed import timed
from mezzotint import Pipeline
from mezzotint.checkpoints.model_folder import read_description
from mezzotint.errors import InvalidOption
from mezzotint.evaluation.bank import Bank
from mezzotint.evaluation.iconeval.gallery import chosen, gallery, judged
from mezzotint.evaluation.iconeval.prompts import VERSION, load_prompts
from mezzotint.evaluation.iconeval.score import score
from mezzotint.evaluation.realism import asked_of, drawn, realism
from mezzotint.evaluation.yardstick import Tools
from mezzotint.interfaces.cli.eval import tools_for
from mezzotint.interfaces.cli.progress import counted
from mezzotint.load import find_model, model_folders
from mezzotint.provenance.png import png_bytes
from mezzotint.request import Request
from mezzotint.upscaled import INSTALLED

TEACHER, STEPS, GUIDANCE, ROUNDS = "house", 12, 4.0, 9
Way = tuple[Pipeline, Request]
"""A model, and how it is asked."""


def ways(students: Sequence[str]) -> Iterator[tuple[str, Way]]:
    """The teacher, and every student in every number of evaluations, by name."""
    teacher, known = Pipeline.load(TEACHER, device="cpu", dtype="float32"), {TEACHER}
    yield TEACHER, (teacher, Request(prompt="", steps=STEPS, guidance=GUIDANCE))
    for name in students:
        pipe, about = Pipeline.load(name, device="cpu", dtype="float32"), read_description(find_model(name))
        if about["training"]["warm_start"] != teacher.model.weights_sha256:
            raise InvalidOption(f"{name} was taught by other weights than those of {TEACHER}; measure their student.")
        if pipe.model.name in known:
            raise InvalidOption(f"Two models are called {pipe.model.name}; pack one of them by another --name.")
        known.add(pipe.model.name)
        for steps in sorted(about["evaluations"], reverse=True):
            yield f"{pipe.model.name}, {steps}", (pipe, Request(prompt="", steps=steps))


def on_white(image: Image.Image) -> NDArray[np.float32]:
    """A picture (height, width, 3) in [0, 1]."""
    rgba = np.asarray(image.convert("RGBA"), np.float32) / 255
    shown: NDArray[np.float32] = (rgba[..., :3] * rgba[..., 3:] + 1 - rgba[..., 3:]).astype(np.float32)
    return shown


def measured(way: Way, tools: Tools, bank: Bank, options: argparse.Namespace) -> tuple[dict[str, Any], list[Any]]:
    """The figures of one way, and its pictures of the prompts, on white."""
    pipe, request = way[0], replace(way[1], batching="fast")
    assert tools.detector is not None
    assert tools.pictures is not None
    prompts, images = chosen(load_prompts(), options.prompts), list[Any]()

    def kept(pictures: Iterator[tuple[int, int, Image.Image]]) -> Iterator[tuple[int, int, Image.Image]]:
        for one in pictures:
            images.append(on_white(one[2]))
            yield one

    with counted("drawing", "picture") as told:
        found = judged(tools.detector, prompts, kept(gallery(pipe, prompts, options.seeds, request, told)))
    scores = score(found, {}).to_json_dict()
    asked = asked_of(tools.pictures, options.pictures, pipe.model.conditioner.styles)
    with counted("held-out captions", "picture") as told:
        real = realism(bank, list(drawn(pipe, asked, request, told)), asked)
    figures = {
        "weights_sha256": pipe.model.weights_sha256,
        "evaluations": evaluations(way),
        "iconeval": {task: {name: one[name] for name in ("score", "low", "high")} for task, one in scores.items()},
        "frechet": real.drawn.frechet,
        **{name: real.to_json_dict()["drawn"]["coverage"][name] for name in ("precision", "recall", "coverage")},
        "alignment": real.alignment,
    }
    return figures, images


def evaluations(way: Way) -> int:
    """Of the network for a picture."""
    pipe, request = way
    return pipe.generate(replace(request, prompt="a red apple", seed=0)).recipes[0].evaluations


def seconds(found: Mapping[str, Way], upscaler: str | None = None) -> dict[str, dict[str, float]]:
    """Of a picture by each way, in turn; with an upscaler to the bytes of a file."""

    def drawing(pipe: Pipeline, request: Request) -> Callable[[int], object]:
        def draw(seed: int) -> object:
            done = pipe.generate(replace(request, prompt="a red apple", seed=seed, upscaler=upscaler))
            return done if upscaler is None else png_bytes(done.images[0], done.recipes[0])

        return draw

    return timed({name: drawing(*way) for name, way in found.items()}, ROUNDS)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("students", nargs="+", metavar="STUDENT")
    parser.add_argument("--prompts", type=int, default=0, help="of each task, at least 2; all 100 if not given")
    parser.add_argument("--seeds", type=int, default=2, help="pictures of each prompt")
    parser.add_argument("--pictures", type=int, default=1000, help="for held-out captions")
    options = parser.parse_args(arguments)
    found = dict(ways(options.students))
    tools = tools_for(found[TEACHER][0].model.size[0], None, None, "none")
    assert tools.encoder is not None
    assert tools.pictures is not None
    bank, rows, truth = Bank(tools.encoder, tools.pictures), dict[str, Any](), list[Any]()
    times, files = seconds(found), seconds(found, INSTALLED) if INSTALLED in model_folders() else {}
    for name, way in found.items():
        rows[name], images = measured(way, tools, bank, options)
        truth = truth or images
        squares = [np.square(one - other).mean() for one, other in zip(images, truth, strict=True)]
        rows[name] |= {
            "distance": float(np.sqrt(np.mean(squares))),
            "seconds": times[name],
            "file_seconds": files.get(name),
        }
        print(name, rows[name], flush=True)
    plan = {"prompts": options.prompts or 100, "seeds": options.seeds, "pictures": options.pictures}
    write("few_steps", {**plan, "prompts_version": VERSION, "instruments": tools.digests(), "ways": rows})


if __name__ == "__main__":
    main()
