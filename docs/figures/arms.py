"""What the runs of the comparison of diffusion and a GAN draw, and their ways from one seed to another."""

import json
from pathlib import Path

from PIL import Image

from docs.figures.desk import Desk
from docs.figures.page import picture, table
from mezzotint import Pipeline
from mezzotint.errors import InvalidFile

SIDE, SEED, OTHER, POINTS = 128, 1, 9, 9
PROMPTS = ("a red apple", "a cat", "a house", "a blue car", "a smiling face", "a green tree", "a star", "a fish")
BETWEEN = "a smiling face"


def diffusion_vs_gan(desk: Desk) -> Image.Image:
    """Eight prompts by every run that was trained, with one noise. The folder of runs is that of
    `benchmarks.diffusion_vs_gan`, given with --run; a run that left no model is left out."""
    pipes = {_named(folder): _loaded(folder) for folder in _trained(desk.runs[0])}
    rows = [[picture(pipe.generate(text, seed=SEED).images[0], SIDE) for text in PROMPTS] for pipe in pipes.values()]
    return table(rows, above=PROMPTS, left=[" ".join(name) for name in pipes], framed=False, size=20)


def between_seeds(desk: Desk) -> Image.Image:
    """One prompt on the way from one seed's noise to another's, by the first run of each arm."""
    firsts: dict[str, Path] = {}
    for folder in _trained(desk.runs[0]):
        firsts.setdefault(_named(folder)[0], folder)
    shares = [k / (POINTS - 1) for k in range(POINTS)]
    rows = [
        [
            picture(pipe.generate(BETWEEN, seed=SEED, vary=((share, OTHER),) if share else ()).images[0], SIDE)
            for share in shares
        ]
        for pipe in map(_loaded, firsts.values())
    ]
    return table(rows, above=[f"{share:.2f}" for share in shares], left=list(firsts), framed=False, size=20)


def _trained(root: Path) -> list[Path]:
    """The runs that left a model. Raises InvalidFile if there is none."""
    folders = sorted(path.parent for path in root.glob("*-*/training.json") if (path.parent / "model").is_dir())
    if not folders:
        raise InvalidFile(
            f"{root} has no runs of the comparison; give the folder of benchmarks.diffusion_vs_gan with --run."
        )
    return folders


def _loaded(folder: Path) -> Pipeline:
    return Pipeline.load(str(folder / "model"), device="cpu", dtype="float32")


def _named(folder: Path) -> tuple[str, str]:
    """The arm and the seed of a run."""
    facts = json.loads((folder / "training.json").read_text("utf-8"))
    return str(facts["arm"]), str(facts["seed"])
