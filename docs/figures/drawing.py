"""Figures of drawing: the steps of one picture, and what each option does."""

from PIL import Image

from docs.figures.desk import Desk
from docs.figures.page import picture, raw, table
from mezzotint.diffusion.sampling import Step
from mezzotint.diffusion.timegrid import Denoise

SIDE = 192
SEEDS = (1, 2, 3)
ROWS = [f"seed {seed}" for seed in SEEDS]
GUIDANCE = (1, 2, 3, 4, 6, 8)
STEPS = (2, 4, 8, 16, 32, 50)
STRIP_STEPS = 12
FEW_STEPS = 8
SOLVERS = ("ddim", "dpmpp-2m", "heun", "ddpm")

HERO = (
    *("a red apple", "a cat", "a house", "a sailboat", "a sunflower", "a birthday cake", "a clock", "a gift"),
    *("a fox", "a fish", "a tree", "a car", "a strawberry", "a cup of coffee", "a star", "a heart"),
    *("a dog", "a bird", "a rose", "an airplane", "a slice of watermelon", "a book", "a bell", "a soccer ball"),
    *("a panda", "a bee", "a mountain", "a train", "cherries", "an ice cream", "a sun behind a cloud", "a robot"),
)
"""The pictures at the head of the README. Picture i has the seed i: the first try of each, none chosen from several."""


def strip(desk: Desk) -> Image.Image:
    """The denoising of one picture: above x_t, below the prediction of x_0 that is made from it."""
    noisy, believed, times = [], [], []
    for preview in desk.pipe.stream("a red apple", seed=SEEDS[0], steps=STRIP_STEPS):
        step: Step = preview.step
        assert step.prediction is not None, "no step of this grid only adds noise"
        assert isinstance(step.move, Denoise)
        noisy.append(raw(desk.pipe.model.codec.decode(step.prediction.x_t)[0], 128))
        believed.append(raw(preview.x0, 128))
        times.append(f"t = {round(step.move.t, 2):g}")
    return table([noisy, believed], above=times, left=["x_t", "prediction\nof x_0"], gap=10, size=23)


def seeds(desk: Desk) -> Image.Image:
    """One prompt, eight seeds."""
    row = [picture(desk.draw("a cat", seed), SIDE) for seed in range(8)]
    return table([row], above=[f"seed {seed}" for seed in range(8)], framed=False)


def guidance(desk: Desk) -> Image.Image:
    """Guidance from off to strong, three seeds."""
    rows = [[picture(desk.draw("a green frog", seed, guidance=g), SIDE) for g in GUIDANCE] for seed in SEEDS]
    return table(rows, above=["1 (off)", *(str(g) for g in GUIDANCE[1:])], left=ROWS, framed=False)


def steps(desk: Desk) -> Image.Image:
    """From few steps to many, three seeds."""
    rows = [[picture(desk.draw("a sunflower", seed, steps=count), SIDE) for count in STEPS] for seed in SEEDS]
    return table(rows, above=[f"{count} steps" for count in STEPS], left=ROWS, framed=False)


def solvers(desk: Desk) -> Image.Image:
    """Four solvers with few steps, beside many steps."""
    rows = []
    for seed in SEEDS:
        few = [desk.draw("a sailboat", seed, solver=name, steps=FEW_STEPS) for name in SOLVERS]
        rows.append([picture(image, SIDE) for image in (*few, desk.draw("a sailboat", seed, steps=50))])
    return table(rows, above=[*SOLVERS, "50 steps"], left=ROWS, framed=False)


def styles(desk: Desk) -> Image.Image:
    """One prompt and one seed in every drawing style, and in none."""
    names = ["none", *desk.pipe.model.conditioner.styles]
    columns = 9
    cells = [picture(desk.draw("a cat", SEEDS[0], style=name), SIDE) for name in names]
    labels = [name if name != "none" else "(none)" for name in names]
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    below = [labels[start : start + columns] for start in range(0, len(labels), columns)]
    return table(rows, below=below, framed=False)


def hero(desk: Desk) -> Image.Image:
    """Thirty-two prompts with the seeds 0 to 31: the head of the README."""
    cells = [picture(desk.large(prompt, seed), SIDE) for seed, prompt in enumerate(HERO)]
    rows = [cells[start : start + 8] for start in range(0, len(cells), 8)]
    below = [list(HERO[start : start + 8]) for start in range(0, len(HERO), 8)]
    return table(rows, below=below, framed=False)
