"""Figures about noise that need no prompt: what it does to a real icon, and what the network makes of it."""

import torch
from PIL import Image
from torch import Tensor

from docs.figures.desk import Desk
from docs.figures.page import raw, table
from mezzotint.diffusion.noise import Purpose, philox_normal
from mezzotint.diffusion.schedule import RectifiedFlow

TIMES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
GUESSES = (0.25, 0.5, 0.75, 0.9, 1.0)
SIDE = 240
SEED = 4


def noised(x0: Tensor, t: float) -> Tensor:
    """x_t = (1 - t) x_0 + t eps, always with the same eps."""
    eps = philox_normal(SEED, x0.shape, Purpose.START)
    return RectifiedFlow()(t).noised(x0, eps)


def noising(desk: Desk) -> Image.Image:
    """A real icon with more and more noise."""
    cells = [raw(noised(desk.apple, t), SIDE) for t in TIMES]
    return table([cells], above=[f"t = {t:g}" for t in TIMES])


def guesses(desk: Desk) -> Image.Image:
    """What the network believes behind the noise, from one look: with a prompt, and without one."""
    rows: list[list[Image.Image]] = [[], [], []]
    for t in GUESSES:
        x_t = noised(desk.apple, t)
        rows[0].append(raw(x_t, SIDE))
        for row, prompt in zip(rows[1:], ("a red apple", ""), strict=True):
            row.append(raw(believed(desk, x_t, t, prompt), SIDE))
    left = [
        "the noised icon\nx_t",
        'its prediction\nof x_0, told\n"a red apple"',
        "its prediction\nof x_0, told\nnothing",
    ]
    return table(rows, above=[f"t = {t:g}" for t in GUESSES], left=left)


def believed(desk: Desk, x_t: Tensor, t: float, prompt: str) -> Tensor:
    """The prediction of x_0, (4, 1, H, W), from one evaluation without guidance."""
    model = desk.pipe.model
    with torch.inference_mode():
        time = torch.tensor(t, dtype=torch.float64)
        return model.denoiser(x_t[None], time, {"cond": model.prepare([prompt], [None])}).x0[0]
