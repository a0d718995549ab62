"""What `edit --fix-detail` gains, by a second detector that took no part in it.

    python -m benchmarks.fix_gain FIRST SECOND [MODEL] [--prompts N] [--steps N]

FIRST and SECOND are folders of packed detectors, of `mezzotint train detector` and `second_detector`. N prompts of
IconEval's tasks two, colours and position are drawn with one seed. FIRST finds parts that are at fault, which are
redrawn up to three times; SECOND judges the picture before and after. Beside it stands what drawing the whole picture
again gives, up to three times more, chosen by FIRST too (`imagine --check --tries 4`).
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL.Image import Image

from benchmarks.report import machine, write
from mezzotint import Pipeline
from mezzotint.conditioning.prompt import escaped
from mezzotint.evaluation.choosing import Choosing, choose
from mezzotint.evaluation.detector import Detector, load_detector
from mezzotint.evaluation.fixing import Part, fix
from mezzotint.evaluation.iconeval.gallery import chosen, judged
from mezzotint.evaluation.iconeval.prompts import IconPrompt, load_prompts
from mezzotint.evaluation.iconeval.verdict import judge
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.recipe import Recipe
from mezzotint.request import Request

TASKS, TRIES = ("two", "colours", "position"), 3
SIDES = ("before", "parts redrawn", "drawn again")


def drawn(pipe: Pipeline, how: Choosing, request: Request) -> tuple[tuple[Image, Image, Image], dict[str, int]]:
    """A picture, with its faulted parts redrawn, and drawn again as a whole; and what was done."""
    before = pipe.generate(request)
    image, planned = before.images[0], list[Part]()
    steps = fix(
        pipe,
        replace(request, image=pixel_sha256(image), strength=0.0),
        how,
        image,
        planned=planned.extend,
    )
    *_, last = steps
    again = [one for one in choose(pipe, request, replace(how, tries=TRIES + 1)) if one.image][
        -1
    ]  # `before` is the first
    assert last.image is not None
    assert again.image is not None
    spent = [evaluations(last.recipe), evaluations(again.recipe) - before.evaluations]
    changed = last.recipe is not None and last.recipe.pixels_sha256 != before.recipes[0].pixels_sha256
    done = {"parts": len(planned), "changed": int(changed), "evaluations": spent[0], "evaluations again": spent[1]}
    return (image, last.image, again.image), done


def evaluations(recipe: Recipe | None) -> int:
    """Network forwards for a picture and those that were not kept."""
    assert recipe is not None
    assert recipe.check is not None
    return recipe.check.evaluations or 0


def right(eye: Detector, prompts: Sequence[IconPrompt], images: Sequence[Image]) -> dict[str, float]:
    """The share of right pictures, by task and of all; and of the things that are asked for, the share that is seen in
    its colour."""
    found = judged(eye, prompts, iter([(number, 0, image) for number, image in enumerate(images)]))
    shares = {task: [one.verdict.right for one in found if one.prompt.task == task] for task in TASKS}
    shares["all"] = [one.verdict.right for one in found]
    shares["things"] = [
        judge(IconPrompt("colours", "", (wanted,)), one.sight).right for one in found for wanted in one.prompt.wanted
    ]
    return {task: sum(rights) / max(1, len(rights)) for task, rights in shares.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path, help="the detector that finds the parts")
    parser.add_argument("second", type=Path, help="the detector that judges")
    parser.add_argument("model", nargs="?", default="house")
    parser.add_argument("--prompts", type=int, default=8, help="of each task")
    parser.add_argument("--steps", type=int, default=12)
    options = parser.parse_args()
    pipe = Pipeline.load(options.model)
    prompts = [one for one in chosen(load_prompts(), options.prompts) if one.task in TASKS]
    eyes = {name: load_detector(getattr(options, name)) for name in ("first", "second")}
    assert eyes["first"].weights_sha256 != eyes["second"].weights_sha256, "a detector cannot judge its own choice"
    how, pictures, facts = Choosing(detector=eyes["first"], tries=TRIES), [], list[dict[str, int]]()
    for number, prompt in enumerate(prompts):
        images, done = drawn(pipe, how, Request(prompt=escaped(prompt.text), seed=number, steps=options.steps))
        pictures.append(images)
        facts.append(done)
        print(f"{number + 1} of {len(prompts)}: {prompt.text}: {done}", flush=True)
    said: dict[str, Any] = {
        name: {side: right(eye, prompts, [row[k] for row in pictures]) for k, side in enumerate(SIDES)}
        for name, eye in eyes.items()
    }
    write(
        "fix_gain",
        {
            "machine": machine(),
            "model": pipe.model.name,
            "weights_sha256": pipe.model.weights_sha256,
            "detectors": {name: eye.weights_sha256 for name, eye in eyes.items()},
            "prompts": len(prompts),
            "steps": options.steps,
            "tries": TRIES,
            "pictures with a part at fault": sum(done["parts"] > 0 for done in facts),
            "pictures that were changed": sum(done["changed"] for done in facts),
            "evaluations": sum(done["evaluations"] for done in facts),
            "evaluations of drawing again": sum(done["evaluations again"] for done in facts),
            "right by the second detector": said["second"],
            "right by the first detector, which chose": said["first"],
        },
    )


if __name__ == "__main__":
    main()
