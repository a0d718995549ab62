"""What befalls small pictures before somebody wants them larger: an upscaler that learned from such repairs them."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from mezzotint.diffusion.noise import Purpose, normal_at, philox_uniform

__all__ = ["DegradeConfig", "compressed", "degraded"]

# draws of Purpose.AUGMENT: the choices, the softness of patches, what else is theirs; normals have those from 2^31 on
_CHOICES, _PATCHES, _OWN, _NORMALS = 16, 64, 4096, 2**31
PATCH = 8
"""Side of the patches that models draw in."""
LUMA = (
    *(16, 11, 10, 16, 24, 40, 51, 61), *(12, 12, 14, 19, 26, 58, 60, 55), *(14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62), *(18, 22, 37, 56, 68, 109, 103, 77), *(24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101), *(72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip
CHROMA = (
    *(17, 18, 24, 47, 99, 99, 99, 99), *(18, 21, 26, 66, 99, 99, 99, 99), *(24, 26, 56, 99, 99, 99, 99, 99),
    *(47, 66, 99, 99, 99, 99, 99, 99), *([99] * 32),
)  # fmt: skip
"""The steps of JPEG's quantisation (ITU-T T.81, annex K, tables K.1 and K.2)."""


@dataclass(frozen=True, kw_only=True)
class DegradeConfig:
    """How small pictures are spoiled in training; each by itself, so that many stay nearly as they are.

    backed    share of the pictures that get a colour behind what is transparent, the large ones too
    soft      share that are blurred, up to the mean of 3 by 3 pixels
    patchy    share whose softness differs between patches of 8 pixels, as in pictures of models that draw in patches
    jumbled   share whose patches are moved, each by up to `jump` pixels down and across: lines break at their borders
    blotched  share whose patches have colours that are off, each channel by up to `blotch` (1 is from black to white)
    noise     share that get noise, of a standard deviation up to `spread` (1 is from black to white); the cover gets
              it too, unless the picture is opaque
    jpeg      share of the opaque ones that are compressed as by JPEG, at a quality from `worst` to 95
    """

    backed: float = 0.3
    soft: float = 0.4
    patchy: float = 0.2
    jumbled: float = 0.3
    jump: float = 0.7
    blotched: float = 0.3
    blotch: float = 0.06
    noise: float = 0.3
    spread: float = 0.03
    jpeg: float = 0.5
    worst: float = 40.0


SHARES = ("backed", "soft", "patchy", "jumbled", "jump", "blotched", "blotch", "noise", "spread", "jpeg")


def degraded(small: Tensor, seed: int, draws: Tensor, config: DegradeConfig) -> Tensor:
    """Small pictures (B, 4, h, w) in [0, 1], premultiplied, spoiled and rounded to 8 bits.

    What befalls picture i is a function of (seed, draws[i]).
    """
    index = _CHOICES + torch.arange(9, device=draws.device)
    u = philox_uniform(seed, draws[:, None], Purpose.AUGMENT, index[None]).to(small)  # (B, 9)
    opaque = small[:, 3].flatten(1).amin(1) == 1
    small = _in_patches(small, seed, draws, config, (u[:, 7] < config.jumbled, u[:, 8] < config.blotched))
    blurred = F.avg_pool2d(F.pad(small, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    even = torch.where(u[:, 0] < config.soft, u[:, 1], 0.0)[:, None, None, None]
    patchy = (u[:, 2] < config.patchy)[:, None, None, None]
    small = small.lerp(blurred, torch.where(patchy, _patches(small, seed, draws), even))
    spread = torch.where(u[:, 3] < config.noise, config.spread * u[:, 4], 0.0)[:, None, None, None]
    noise = spread * normal_at(seed, draws + _NORMALS, Purpose.AUGMENT, small.shape[1:])
    noise[:, 3].masked_fill_(opaque[:, None, None], 0.0)
    small = _premultiplied(small + noise)
    chosen = (u[:, 5] < config.jpeg) & opaque
    quality = config.worst + u[:, 6] * (95 - config.worst)
    colour = torch.where(chosen[:, None, None, None], compressed(small[:, :3], quality), small[:, :3])
    return _premultiplied(torch.cat([colour, small[:, 3:]], dim=1)).mul(255).round() / 255


def _patches(small: Tensor, seed: int, draws: Tensor, first: int = _PATCHES, count: int = 1) -> Tensor:
    """`count` values for each patch, uniform in [0, 1), (B, count, h, w): the draws from `first` on."""
    high, wide = (-(-side // PATCH) for side in small.shape[-2:])
    index = first + torch.arange(count * high * wide, device=draws.device)
    each = philox_uniform(seed, draws[:, None], Purpose.AUGMENT, index[None]).to(small).reshape(-1, count, high, wide)
    whole = each.repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3)
    return whole[..., : small.shape[-2], : small.shape[-1]]


def _in_patches(
    small: Tensor, seed: int, draws: Tensor, config: DegradeConfig, chosen: tuple[Tensor, Tensor]
) -> Tensor:
    """Pictures whose patches are moved, and have colours that are off, where `chosen` (B,) says so of either."""
    own = 2 * _patches(small, seed, draws, _OWN, 5) - 1
    jumbled, blotched = (where[:, None, None, None] for where in chosen)
    moved = torch.where(jumbled, shifted(small, config.jump * own[:, :2]), small)
    off = torch.where(blotched, config.blotch * own[:, 2:] * moved[:, 3:], 0.0)
    return _premultiplied(torch.cat([moved[:, :3] + off, moved[:, 3:]], dim=1))


def shifted(pictures: Tensor, away: Tensor) -> Tensor:
    """What lies `away` (B, 2, h, w) pixels (down, across) of each pixel of (B, C, h, w): bilinear, borders repeated."""
    high, wide = pictures.shape[-2:]
    down = (torch.arange(high, device=pictures.device)[:, None] + away[:, 0] + 0.5) * 2 / high - 1
    across = (torch.arange(wide, device=pictures.device) + away[:, 1] + 0.5) * 2 / wide - 1
    grid = torch.stack([across, down], dim=-1)
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _premultiplied(small: Tensor) -> Tensor:
    """The nearest picture whose colours are at most its cover, and that at most 1."""
    cover = small[:, 3:].clamp(0, 1)
    return torch.cat([torch.minimum(small[:, :3].clamp_min(0), cover), cover], dim=1)


def compressed(colour: Tensor, quality: Tensor) -> Tensor:
    """Colours (B, 3, h, w) in [0, 1] after JPEG's quantisation of 8 by 8 cosines at a quality (B,), 1 to 100.

    No colour is thinned out. Sources: ITU-T T.81, annex A.3.3 (cosines); JFIF 1.02 (colours); the Independent JPEG
    Group's scaling of the tables, 5000 / quality below 50 and 200 − 2 quality above, in percent.
    """
    high, wide = colour.shape[-2:]
    padded = F.pad(colour * 255, (0, -wide % 8, 0, -high % 8), mode="replicate")
    mix = _colours().to(colour)
    told = torch.einsum("ij,bjhw->bihw", mix, padded).round()  # files have whole numbers here
    told = torch.cat([told[:, :1] - 128, told[:, 1:]], dim=1)
    cosines, steps = _cosines().to(colour), _steps(quality)
    b, c, h, w = told.shape
    blocks = told.reshape(b, c, h // 8, 8, w // 8, 8).transpose(3, 4)  # (B, 3, rows, columns, 8, 8)
    kept = torch.round(cosines @ blocks @ cosines.mT / steps) * steps
    back = (cosines.mT @ kept @ cosines).transpose(3, 4).reshape(b, c, h, w)
    back = torch.cat([back[:, :1] + 128, back[:, 1:]], dim=1).round()
    return torch.einsum("ij,bjhw->bihw", torch.linalg.inv(mix), back)[..., :high, :wide] / 255


def _colours() -> Tensor:
    """Red, green and blue to luma and both chromas."""
    return torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])


def _cosines() -> Tensor:
    """The orthonormal cosine transform of 8 values."""
    k, n = torch.arange(8.0)[:, None], torch.arange(8.0)
    rows = torch.cos(math.pi * k * (2 * n + 1) / 16) / 2
    return torch.cat([rows[:1] / math.sqrt(2), rows[1:]])


def _steps(quality: Tensor) -> Tensor:
    """The quantisation at a quality (B,): (B, 3, 1, 1, 8, 8)."""
    percent = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)
    tables = torch.tensor([LUMA, CHROMA, CHROMA], dtype=quality.dtype, device=quality.device)
    return ((tables * percent[:, None, None] + 50) / 100).floor().clamp(1, 255).reshape(-1, 3, 1, 1, 8, 8)
