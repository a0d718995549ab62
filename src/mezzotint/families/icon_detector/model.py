"""A convolutional detector: what stands where in a picture, in which colour, and what is written on it."""

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mezzotint.nn import BlankConv, ConvBlock, doubled, linear

FAMILY = "icon_detector"
"""What `model.json` and checkpoints call this family."""


@dataclass(frozen=True, kw_only=True)
class IconDetectorConfig:
    """Sizes of an `IconDetector`.

    size, channels            the picture, in pixels
    widths                    of the feature maps at 1, 1/2, 1/4 and 1/8 of the size; each a multiple of 8
    blocks                    residual blocks at each of the three coarser ones, on the way down
    things, colours, letters  how many kinds of each it tells apart
    """

    size: int = 64
    channels: int = 4
    widths: tuple[int, ...] = (32, 96, 160, 224)
    blocks: int = 2
    things: int = 0
    colours: int = 0
    letters: int = 0


@dataclass(frozen=True, slots=True)
class Maps:
    """What a detector says of every cell of 2 by 2 pixels; rows go down, columns to the right.

    peaks (B, 2, rows, columns)        before the sigmoid: the middle of a thing, of a letter, is here
    boxes (B, 4, rows, columns)        if so: how far its box reaches from the cell's middle to the left, to the top, to
                                       the right and to the bottom, in cells
    features (B, width, rows, columns) what `IconDetector.described` reads
    """

    peaks: Tensor
    boxes: Tensor
    features: Tensor


@dataclass(frozen=True, slots=True)
class Described:
    """Logits of cells: which thing (M, things), which colour (M, colours), which letter (M, letters)."""

    things: Tensor
    colours: Tensor
    letters: Tensor


class IconDetector(nn.Module):
    """A small U-Net with a peak in the middle of every thing and of every letter; what it is, is read there alone.

    Source: Zhou et al. 2019, "Objects as Points" (CenterNet, arXiv 1904.07850); distances to the four sides instead of
    size and offset: Tian et al. 2019 (FCOS, arXiv 1904.01355), equation 1.
    Shapes: (B, channels, 1, size, size), premultiplied, in [-1, 1] -> `Maps`.
    """

    def __init__(self, config: IconDetectorConfig) -> None:
        super().__init__()
        self.config = c = config
        first, *coarser = c.widths
        fine = coarser[::-1]
        self.stem = BlankConv(c.channels, first, 3, padding=1)
        self.fine = ConvBlock(first)
        self.down = nn.ModuleList(BlankConv(a, b, 3, stride=2, padding=1) for a, b in itertools.pairwise(c.widths))
        self.stages = nn.ModuleList(nn.Sequential(*(ConvBlock(width) for _ in range(c.blocks))) for width in coarser)
        self.up = nn.ModuleList(BlankConv(a + b, b, 1) for a, b in itertools.pairwise(fine))
        self.merged = nn.ModuleList(ConvBlock(width) for width in fine[1:])
        self.norm_out = nn.GroupNorm(8, coarser[0])
        self.peaks = BlankConv(coarser[0], 2, 1)
        self.boxes = BlankConv(coarser[0], 4, 1)
        self.things = linear(coarser[0], c.things, bias=True)
        self.colours = linear(coarser[0], c.colours, bias=True)
        self.letters = linear(coarser[0], c.letters, bias=True)

    def forward(self, pictures: Tensor) -> Maps:
        x = self.fine(self.stem(pictures.squeeze(2)))
        kept = []
        for down, stage in zip(self.down, self.stages, strict=True):
            x = stage(down(x))
            kept.append(x)
        for up, merged, skip in zip(self.up, self.merged, kept[-2::-1], strict=True):
            x = merged(up(torch.cat([doubled(x), skip], dim=1)))
        x = F.silu(self.norm_out(x))
        return Maps(self.peaks(x).float(), F.softplus(self.boxes(x).float()), x)

    def described(self, features: Tensor) -> Described:
        """Logits of some cells, from their features (M, width)."""
        return Described(self.things(features).float(), self.colours(features).float(), self.letters(features).float())


RARE = -4.6
"""The first bias of the peaks: a chance of 1 % everywhere, so that training does not begin with a flood of them
(Lin et al. 2017, arXiv 1708.02002, section 4.1)."""


def initialise_detector(network: IconDetector, seed: int) -> None:
    """Fill a fresh network: normal weights of variance 2 / fan-in, zero for what ends a residual branch."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim >= 2 and not name.endswith("conv_out.weight"):
                parameter.normal_(0.0, (2 / parameter[0].numel()) ** 0.5, generator=generator)
        assert network.peaks.bias is not None
        network.peaks.bias.fill_(RARE)
