"""The teacher's pictures in many evaluations, and its student's in few."""

import json

from PIL import Image

from docs.figures.desk import ROOT, Desk
from docs.figures.page import picture, table
from mezzotint import Pipeline
from mezzotint.checkpoints.model_folder import BESIDE, read_description
from mezzotint.errors import InvalidFile
from mezzotint.load import find_model

SIDE, STUDENT = 128, "quick"
PROMPTS = ("a red apple", "a sailboat", "a cat", "a blue house", "a smiling face", "a green leaf", "a cake", "a rocket")
SEED = 1


def few_steps(desk: Desk) -> Image.Image:
    """Eight prompts in 24 evaluations of the model, and in 4, 2 and 1 of its student, with the seconds of a picture."""
    path = ROOT / "benchmarks" / "few_steps.json"
    if not path.is_file():
        raise InvalidFile("The seconds of a picture were not measured; run python -m benchmarks.few_steps first.")
    ways = json.loads(path.read_text("utf-8"))["ways"]
    told = read_description(find_model(STUDENT)).get(BESIDE, {})
    if told.get("weights_sha256") != desk.pipe.model.weights_sha256:
        raise InvalidFile(f"{STUDENT} is the student of another model than {desk.model}; draw with that.")
    student = Pipeline.load(STUDENT, device="cpu", dtype="float32")
    rows, left = [[picture(desk.draw(prompt, SEED, steps=12), SIDE) for prompt in PROMPTS]], ["24"]
    times = [next(iter(ways.values()))["seconds"]["median"]]
    for steps in (4, 2, 1):
        drawn = (student.generate(prompt, seed=SEED, steps=steps).images[0] for prompt in PROMPTS)
        rows.append([picture(image, SIDE) for image in drawn])
        left.append(str(steps))
        times.append(ways[f"{STUDENT}, {steps}"]["seconds"]["median"])
    words = [
        f"{name} evaluation{'' if name == '1' else 's'}\n{time:.2f} s" for name, time in zip(left, times, strict=True)
    ]
    return table(rows, above=PROMPTS, left=words, framed=False, size=20)
