"""Convolutions that give a transformer on large patches what lies within a patch and across its border."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mezzotint.nn.conv import BlankConv, ConvBlock
from mezzotint.nn.linear import linear
from mezzotint.nn.patch import unpatchify


class PatchDetailer(nn.Module):
    """What is to be added to the picture that the tokens of patches say, seen from the noisy picture itself.

    `d = shuffle(conv(silu(norm(blocks(conv([unshuffle(x_t), told(tokens)]))))))` on a grid of half the picture's
    side: four pixels of x_t are one place there, and each token tells every place of its patch `width / 2` values. A
    patch of 8×8×4 values has to pass through one token of the same width; here x_t is seen as it is, and the border
    between two patches is like any other place.

    Source: Chen et al. 2025, "DiP: Taming Diffusion Models in Pixel Space" (arXiv 2511.18822), section 3.3: a
    convolutional head trained along with the transformer. Theirs is a U-Net inside each patch; ours sees across.
    Shapes: x_t (B, channels, H, W), tokens (B, H / patch · W / patch, tokens) -> (B, channels, H, W); patch is even.
    """

    def __init__(self, *, tokens: int, channels: int, patch: int, width: int, depth: int) -> None:
        super().__init__()
        assert patch % 2 == 0, patch
        self.patch, self.told_channels = patch, width // 2
        self.told = linear(tokens, self.told_channels * (patch // 2) ** 2)
        self.stem = BlankConv(4 * channels + self.told_channels, width, 3, padding=1)
        self.blocks = nn.ModuleList(ConvBlock(width) for _ in range(depth))
        self.norm_out = nn.GroupNorm(8, width)
        self.out = BlankConv(width, 4 * channels, 3, padding=1)

    def forward(self, x_t: Tensor, tokens: Tensor) -> Tensor:
        height, width = x_t.shape[-2] // 2, x_t.shape[-1] // 2
        told = unpatchify(self.told(tokens), self.patch // 2, self.told_channels, height, width)
        x = self.stem(torch.cat([F.pixel_unshuffle(x_t, 2).to(told.dtype), told], dim=1))
        for block in self.blocks:
            x = block(x)
        return F.pixel_shuffle(self.out(F.silu(self.norm_out(x))), 2)
