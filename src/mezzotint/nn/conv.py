"""Convolutional blocks."""

from torch import Tensor, nn
from torch.nn import functional as F


class BlankConv(nn.Conv2d):
    """`y = w * x + b`, zero until a checkpoint or an explicit initialisation fills it.

    PyTorch's own constructor draws from the global generator.
    """

    def reset_parameters(self) -> None:
        """Zero, instead of random."""
        nn.init.zeros_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class ConvBlock(nn.Module):
    """`x += conv(silu(norm(conv(silu(norm(x))))))`, 3×3, with group normalisation.

    Source: He et al. 2016, "Identity Mappings in Deep Residual Networks", figure 4e; Wu & He 2018 (GroupNorm).
    Shapes: x (B, width, H, W) -> the same.
    """

    def __init__(self, width: int, groups: int = 8) -> None:
        super().__init__()
        self.norm_in = nn.GroupNorm(groups, width)
        self.conv_in = BlankConv(width, width, 3, padding=1, bias=False)
        self.norm_out = nn.GroupNorm(groups, width)
        self.conv_out = BlankConv(width, width, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.conv_out(F.silu(self.norm_out(self.conv_in(F.silu(self.norm_in(x))))))
        return y


def doubled(x: Tensor) -> Tensor:
    """Every pixel of (B, C, H, W) four times: (B, C, 2H, 2W).

    Not `F.interpolate`: compiled for a CPU in bfloat16 (torch 2.13), its backward gives zeros to all that lies before.
    """
    b, c, h, w = x.shape
    return x[:, :, :, None, :, None].expand(b, c, h, 2, w, 2).reshape(b, c, 2 * h, 2 * w)
