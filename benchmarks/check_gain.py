"""What `imagine --check` gains, by a second detector that took no part in choosing.

    python -m benchmarks.check_gain FIRST SECOND [MODEL] [--prompts N]

FIRST and SECOND are folders of packed detectors, of `mezzotint train detector` and `second_detector`. Every IconEval
prompt is drawn with four seeds. FIRST looks, and up to four pictures are drawn for one that is kept; SECOND judges the
first picture of each and the one that was kept. What FIRST itself says of them stands beside it: the difference is how
far it pleases itself.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL.Image import Image

from benchmarks.report import machine, write
from mezzotint import Pipeline
from mezzotint.evaluation.choosing import Choosing, seed_of_try
from mezzotint.evaluation.detector import Detector, load_detector
from mezzotint.evaluation.iconeval.gallery import Judged, chosen, judged
from mezzotint.evaluation.iconeval.prompts import IconPrompt, load_prompts
from mezzotint.evaluation.iconeval.score import compared, score
from mezzotint.request import Request

SEEDS, TRIES = 4, 4
Shown = tuple[int, int, Image]
"""Number of the prompt, seed, picture."""


def tried(pipe: Pipeline, how: Choosing, request: Request, picture: int) -> tuple[Shown, Shown, int]:
    """The first try of a picture, the one that is kept, and how many were drawn."""
    first: Shown | None = None
    kept: Shown | None = None
    fewest = 10**6
    for attempt in range(how.tries):
        seed = seed_of_try(request, picture, attempt)
        image = pipe.generate(replace(request, seed=seed, n=1)).images[0]
        faults = len(how.look(request.prompt, image, attempt + 1).faults)
        first = first or (0, seed, image)
        if faults < fewest:
            kept, fewest = (0, seed, image), faults
        if not faults:
            break
    assert first is not None
    assert kept is not None
    return first, kept, attempt + 1


def pairs(pipe: Pipeline, how: Choosing, prompts: Sequence[IconPrompt]) -> Iterator[tuple[Shown, Shown, int]]:
    """For every prompt and seed what `tried` gives, with the prompt's number."""
    for number, prompt in enumerate(prompts):
        request = pipe.resolve(Request(prompt=prompt.text, seed=number * SEEDS * TRIES, n=SEEDS))
        for picture in range(SEEDS):
            first, kept, drawn = tried(pipe, how, request, picture)
            yield (number, *first[1:]), (number, *kept[1:]), drawn
        print(f"{number + 1} of {len(prompts)}", flush=True)


def figures(first: Sequence[Judged], kept: Sequence[Judged]) -> dict[str, Any]:
    """Scores before and after, and the gain with its interval over prompts."""
    gains = compared(kept, first)
    return {
        "without": {name: part["score"] for name, part in score(first).to_json_dict().items()},
        "with": {name: part["score"] for name, part in score(kept).to_json_dict().items()},
        "gain": {name: dict(zip(("mean", "low", "high"), gain, strict=True)) for name, gain in gains.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path, help="the detector that chooses")
    parser.add_argument("second", type=Path, help="the detector that judges")
    parser.add_argument("model", nargs="?", default="house")
    parser.add_argument("--prompts", type=int, default=0, help="of each task; 0 = all")
    options = parser.parse_args()
    pipe, prompts = Pipeline.load(options.model), chosen(load_prompts(), options.prompts)
    eyes: dict[str, Detector] = {name: load_detector(getattr(options, name)) for name in ("first", "second")}
    assert eyes["first"].weights_sha256 != eyes["second"].weights_sha256, "a detector cannot judge its own choice"
    found = list(pairs(pipe, Choosing(detector=eyes["first"], tries=TRIES), prompts))
    said = {
        name: figures(*(judged(eye, prompts, iter([pair[side] for pair in found])) for side in (0, 1)))
        for name, eye in eyes.items()
    }
    write(
        "check_gain",
        {
            "machine": machine(),
            "model": pipe.model.name,
            "weights_sha256": pipe.model.weights_sha256,
            "detectors": {name: eye.weights_sha256 for name, eye in eyes.items()},
            "tries": TRIES,
            "seeds": SEEDS,
            "pictures_drawn_for_one": sum(drawn for *_, drawn in found) / len(found),
            "by the second detector": said["second"],
            "by the first detector, which chose": said["first"],
        },
    )


if __name__ == "__main__":
    main()
