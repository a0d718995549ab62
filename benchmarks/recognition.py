"""Can a judge who sees only the picture tell what was asked for?

    python -m benchmarks.recognition draw OUT [MODEL]   120 pictures in random order, on sheets, with 20 nouns each
    python -m benchmarks.recognition score OUT          compare OUT/answers.json with the key; writes recognition.json
    python -m benchmarks.recognition sheet OUT          the samples, each beside the nearest picture of the training set

40 everyday nouns, half of them held out of training in every drawing style, 3 seeds each. They are in two lists of 20,
trained and held-out ones alike; beside each picture stands its noun's list in random order. Lists of their own for each
picture would betray nouns: only one noun is in the lists of all three pictures that look alike.
The judge writes `answers.json`: {"1": "apple", "2": ...}.
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.report import write
from mezzotint import Pipeline
from mezzotint.codecs import from_image
from mezzotint.data.icons import default_folder
from mezzotint.data.icons.nouns import HELD_OUT, TRAINED
from mezzotint.data.pixels import straight
from mezzotint.data.sources import IconSource

SEEDS = (0, 1, 2)
LISTS = tuple((*TRAINED[i::2], *HELD_OUT[i::2]) for i in range(2))
CHOICES = len(LISTS[0])
CELL, COLUMNS = 128, 8
"""Pixels of a picture on a sheet (twice its size), and pictures in a row."""


def draw(out: Path, model: str = "house") -> None:
    """Draw every noun with every seed, shuffle, and write the sheets, the choices and the key."""
    pipe = Pipeline.load(model)
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.Generator(np.random.Philox(40))
    nouns = [*TRAINED, *HELD_OUT]
    jobs = [(noun, seed) for noun in nouns for seed in SEEDS]
    order = rng.permutation(len(jobs))
    key, choices, images = {}, {}, []
    for number, job in enumerate(order, start=1):
        noun, seed = jobs[int(job)]
        image = pipe.generate(f"a {noun}" if noun[0] not in "aeiou" else f"an {noun}", seed=seed).images[0]
        image.save(out / f"{number:03d}.png")
        images.append(image)
        offered = next(some for some in LISTS if noun in some)
        choices[str(number)] = [offered[int(i)] for i in rng.permutation(CHOICES)]
        key[str(number)] = {"noun": noun, "seed": seed, "held_out": noun in HELD_OUT}
    drawn = {"weights_sha256": pipe.model.weights_sha256, "pictures": key}
    (out / "key.json").write_text(json.dumps(drawn, indent=1))
    (out / "choices.json").write_text(json.dumps(choices, indent=1))
    for start in range(0, len(images), 24):
        sheet(images[start : start + 24], [str(n) for n in range(start + 1, start + 25)]).save(
            out / f"sheet-{start // 24 + 1}.png"
        )


def sheet(images: list[Image.Image], labels: list[str]) -> Image.Image:
    """Pictures on white, each over its label."""
    rows = -(-len(images) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * (CELL + 8), rows * (CELL + 24)), "white")
    pen = ImageDraw.Draw(page)
    for i, (image, label) in enumerate(zip(images, labels, strict=False)):
        x, y = (i % COLUMNS) * (CELL + 8), (i // COLUMNS) * (CELL + 24)
        big = image.resize((CELL, CELL), Image.Resampling.LANCZOS)
        page.paste(big, (x, y), big)
        pen.text((x + 4, y + CELL + 4), label, fill="black")
    return page


def score(out: Path) -> None:
    """The share of right answers, trained and held-out nouns apart."""
    drawn = json.loads((out / "key.json").read_text())
    key = drawn["pictures"]
    answers = json.loads((out / "answers.json").read_text())
    figures: dict[str, object] = {"pictures": len(key), "choices": CHOICES, "chance": 1 / CHOICES}
    for name, held_out in (("trained", False), ("held_out", True)):
        rows = {n: k for n, k in key.items() if k["held_out"] == held_out}
        right = {n for n, k in rows.items() if answers.get(n) == k["noun"]}
        nouns = sorted({k["noun"] for k in rows.values()})
        each = {noun: sum(1 for n in right if rows[n]["noun"] == noun) for noun in nouns}
        figures[name] = {"right": len(right), "of": len(rows), "share": len(right) / len(rows), "by_noun": each}
    figures["weights_sha256"] = drawn["weights_sha256"]
    write("recognition", figures)


def nearest(out: Path) -> None:
    """The samples of seed 0 in pairs: the sample, then the training picture at the smallest distance in pixels."""
    key = json.loads((out / "key.json").read_text())["pictures"]
    pictures = IconSource(default_folder()).load(64)
    rows = pictures.split("train")
    bank = pictures.pictures[rows].reshape(len(rows), -1).astype(np.float32) / 127.5 - 1
    norms = (bank**2).sum(1)
    images, labels = [], []
    for number, facts in sorted(key.items(), key=lambda item: (item[1]["held_out"], item[1]["noun"])):
        if facts["seed"] != SEEDS[0]:
            continue
        image = Image.open(out / f"{number.zfill(3)}.png")
        vector = from_image(image).permute(2, 3, 0, 1).reshape(-1).numpy()
        best = int(rows[int(np.argmin(norms - 2 * bank @ vector))])
        real = pictures.pictures[best]
        images += [image, Image.fromarray(np.concatenate([straight(real), real[..., 3:]], axis=-1), "RGBA")]
        labels += [
            facts["noun"] + (" (held out)" if facts["held_out"] else ""),
            "nearest: " + pictures.records[best].name,
        ]
    sheet(images, labels).save(out / "nearest.png")


if __name__ == "__main__":
    if sys.argv[1] == "draw":
        draw(Path(sys.argv[2]), *sys.argv[3:4])
    else:
        {"score": score, "sheet": nearest}[sys.argv[1]](Path(sys.argv[2]))
