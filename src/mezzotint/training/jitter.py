"""Small changes of pictures that leave their captions true."""

import torch
from torch import Tensor
from torch.nn import functional as F

from mezzotint.diffusion.noise import Purpose, philox_uniform
from mezzotint.training.config import JitterConfig

__all__ = ["jittered"]


def jittered(pictures: Tensor, seed: int, draws: Tensor, config: JitterConfig, kept: Tensor) -> Tensor:
    """Pictures (B, 4, 1, H, W) in [-1, 1], premultiplied, tinted, and perhaps moved, softened and laid over a colour.

    The changes of picture i are a function of (seed, draws[i]); the border is continued where a shift bares it. kept
    (B,) bool: what is transparent stays so, because the caption speaks of it.
    """
    u = philox_uniform(seed, draws[:, None], Purpose.AUGMENT, torch.arange(13)[None]).float()  # (B, 13)
    u, kept = u.to(pictures.device), kept.to(pictures.device)
    even = 2 * u - 1
    moved = (u[:, 10:11] < config.moved).float()
    size = 1 + config.scale * even[:, 0] * moved[:, 0]
    move = 2 * config.shift * even[:, 1:3] * moved  # the picture is 2 wide
    theta = torch.zeros(len(u), 2, 3, device=u.device)
    theta[:, 0, 0] = theta[:, 1, 1] = 1 / size
    theta[:, :, 2] = -move / size[:, None]
    unit = (pictures.squeeze(2) + 1) / 2
    grid = F.affine_grid(theta, list(unit.shape), align_corners=False)
    unit = F.grid_sample(unit, grid, mode="bilinear", padding_mode="border", align_corners=False)
    blurred = F.avg_pool2d(F.pad(unit, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    softness = torch.where(u[:, 11] < config.soft, u[:, 12], 0.0)[:, None, None, None]
    unit = unit.lerp(blurred, softness)
    cover = unit[:, 3:]
    colour = torch.minimum(unit[:, :3] * (1 + config.tint * even[:, 3:6, None, None]), cover)
    backed = (u[:, 6] < config.backed) & ~kept
    behind = torch.where(backed[:, None], u[:, 7:10], 0.0)[:, :, None, None]
    colour = colour + (1 - cover) * behind
    cover = torch.where(backed[:, None, None, None], 1.0, cover)
    return (torch.cat([colour, cover], dim=1) * 2 - 1)[:, :, None]
