"""Pictures from what was measured of them: sharpened, enlarged, coloured."""

from collections.abc import Mapping

import torch
from PIL import Image
from torch import Tensor

from docs.figures.desk import Desk
from docs.figures.page import picture, table
from mezzotint.codecs import from_image, to_image
from mezzotint.diffusion import Bound, Denoiser, PhiloxNoise, pure_noise, sample
from mezzotint.diffusion.inverse import Blur, Downscale, LinearOperator, Posterior, Projected
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.diffusion.timegrid import uniform
from mezzotint.request import Request

__all__ = ["Colourless", "inverse"]

SIDE = 144
PROMPT, SEED, OTHER_SEED, STEPS, NOISE = "a red apple", 7, 3, 10, 0.05
COLUMNS = ("the picture", "known of it", "without", "posterior", "projection")


class Colourless:
    """The mean of red, green and blue, and the transparency."""

    def __call__(self, x: Tensor) -> Tensor:
        return torch.cat([x[:, :3].mean(1, keepdim=True), x[:, 3:]], 1)

    def adjoint(self, y: Tensor) -> Tensor:
        return torch.cat([y[:, :1].expand(-1, 3, *y.shape[2:]) / 3, y[:, 1:]], 1)


OPERATORS: Mapping[str, LinearOperator] = {
    "sharpened": Blur(2.0),
    "enlarged": Downscale(4),
    "coloured": Colourless(),
}


def inverse(desk: Desk) -> Image.Image:
    """Rows by operator; columns: the true picture, its measurement, and what is drawn from other noise."""
    truth = from_image(desk.draw(PROMPT, SEED))[None]
    rows = []
    for operator in OPERATORS.values():
        clean = operator(truth)
        measured = clean + NOISE * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
        leaf = desk.pipe.model.denoiser
        drawn = [
            drawn_by(desk, leaf),
            drawn_by(desk, Posterior(leaf, operator, measured, NOISE)),
            drawn_by(desk, Projected(leaf, operator, clean)),
        ]
        rows.append([picture(shown(x), SIDE) for x in (truth, measured, *drawn)])
    return table(rows, above=COLUMNS, left=tuple(OPERATORS), framed=False)


def drawn_by(desk: Desk, denoiser: Denoiser) -> Tensor:  # type: ignore[type-arg]
    """Where some steps from other noise than the picture's end."""
    model, noise = desk.pipe.model, PhiloxNoise([OTHER_SEED])
    cond = {"cond": model.prepare([PROMPT], [desk.pipe.resolve(Request(prompt=PROMPT)).style])}
    start = pure_noise(denoiser.schedule, (1, 4, 1, 64, 64), noise)
    *_, last = sample(Bound(denoiser, cond), start, uniform(STEPS, denoiser.schedule), SOLVERS["ddim"].make(), noise)
    return last.x


def shown(x: Tensor) -> Image.Image:
    """A picture, or a measurement: of grey and transparency as such."""
    if x.shape[1] == 2:
        x = torch.cat([x[:, :1].expand(-1, 3, *x.shape[2:]), x[:, 1:]], 1)
    return to_image(x[0])
