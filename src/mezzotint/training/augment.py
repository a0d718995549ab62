"""Pictures mirrored, scaled and moved, with labels that tell the network so."""

import torch
from torch import Tensor
from torch.nn import functional as F

from mezzotint.diffusion.noise import Purpose, philox_uniform
from mezzotint.training.config import AugmentConfig
from mezzotint.training.transfer import sent

__all__ = ["LABELS", "augmented"]

LABELS = 4
"""Numbers of a label: mirrored (0 or 1), log2 of the scale, shift to the right and down in widths of the picture."""


def augmented(pictures: Tensor, seed: int, draws: Tensor, config: AugmentConfig) -> tuple[Tensor, Tensor]:
    """Pictures (B, 4, 1, H, W) in [-1, 1], premultiplied, some of them changed, and their labels (B, LABELS).

    The changes of picture i are a function of (seed, draws[i]). Each sort is made to `config.share` of the pictures by
    itself; what is bared is transparent. A network that is told the label learns what an unchanged picture looks like
    from changed ones, and draws only unchanged ones, at label 0.
    Source: Karras et al. 2022 (EDM, arXiv 2206.00364), appendix F.2; after Karras et al. 2020 (ADA, arXiv 2006.06676).
    """
    u = philox_uniform(seed, draws[:, None], Purpose.AUGMENT, torch.arange(7)[None]).float()  # (B, 7)
    even = 2 * u - 1
    mirrored = ((u[:, 0] < config.share) & config.mirror).float()
    octaves = config.octaves * even[:, 1] * (u[:, 2] < config.share)
    shift = config.shift * even[:, 3:5] * (u[:, 5:6] < config.share)
    labels = torch.stack([mirrored, octaves, shift[:, 0], shift[:, 1]], dim=1)
    changed = labels.any(dim=1)
    if not changed.any():
        return pictures, labels
    size, across = 2**octaves, 1 - 2 * mirrored
    theta = torch.zeros(len(u), 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = across / size, 1 / size
    # first mirrored and scaled about the middle, then moved; the picture is 2 wide
    theta[:, 0, 2], theta[:, 1, 2] = -2 * shift[:, 0] * across / size, -2 * shift[:, 1] / size
    rows = sent(changed.nonzero()[:, 0], pictures.device)
    unit = (pictures[rows].squeeze(2) + 1) / 2
    grid = F.affine_grid(sent(theta[changed], pictures.device), list(unit.shape), align_corners=False)
    moved = F.grid_sample(unit, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    result = pictures.clone()
    result[rows] = (moved * 2 - 1)[:, :, None]
    return result, labels
