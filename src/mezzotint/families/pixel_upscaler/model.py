"""A convolutional network that enlarges pictures: a denoiser of large ones that is told the small one."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mezzotint.diffusion.probe import Probe, refuse_probe
from mezzotint.errors import InvalidOption
from mezzotint.families.pixel_upscaler.small import SmallPicture, lanczos
from mezzotint.nn import BlankConv, FourierFeatures, doubled, linear

FAMILY = "pixel_upscaler"
"""What `model.json` and checkpoints call this family."""


@dataclass(frozen=True, kw_only=True)
class PixelUpscalerConfig:
    """Sizes of a `PixelUpscaler`.

    size                       side of the large pictures that it learns from, and of the windows that it draws in
    channels, scale            of a picture; how many times as wide as the small one the large one is
    width, depth               of the feature maps at the small picture's size, on the way down and again on the way up
    inner_width, inner_depth   of those at half that size
    time_width                 of what carries the noise level
    """

    size: int = 256
    channels: int = 4
    scale: int = 4
    width: int = 64
    depth: int = 3
    inner_width: int = 128
    inner_depth: int = 3
    time_width: int = 128


class ChannelNorm(nn.Module):
    """`y = x / sqrt(mean over channels of x² + 1e-6) · weight`, at every place by itself, computed in float32.

    Not over places: what a window says must not depend on what else it sees, or windows would not agree.
    Source: Zhang & Sennrich 2019 (RMSNorm), equation 4. Shapes: (B, width, H, W) -> the same.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        x32 = x.float()
        scale = torch.rsqrt(x32.square().mean(1, keepdim=True) + 1e-6)
        return (x32 * scale * self.weight[:, None, None]).to(x.dtype)


class TimedConvBlock(nn.Module):
    """`x += conv(silu(norm(conv(silu(norm(x)))) · (1 + a) + b))`, 3×3, with a and b linear in what carries t.

    Source: He et al. 2016 (residual blocks, figure 4e); Dhariwal & Nichol 2021, arXiv 2105.05233, section 3 (a, b).
    Shapes: x (B, width, H, W), time (B, time_width) -> as x.
    """

    def __init__(self, width: int, time_width: int) -> None:
        super().__init__()
        self.norm_in = ChannelNorm(width)
        self.conv_in = BlankConv(width, width, 3, padding=1, bias=False)
        self.norm_out = ChannelNorm(width)
        self.conv_out = BlankConv(width, width, 3, padding=1, bias=False)
        self.time = linear(time_width, 2 * width, bias=True)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        a, b = self.time(time)[:, :, None, None].chunk(2, dim=1)
        inner = self.norm_out(self.conv_in(F.silu(self.norm_in(x))))
        y: Tensor = x + self.conv_out(F.silu(inner * (1 + a) + b))
        return y


class PixelUpscaler(nn.Module):
    """x_t, t and the small picture to a prediction of x_0, in pixels.

    All convolutions are on the grid of the small picture: x_t is cut into scale × scale pixels that become channels,
    and joined by the small picture there. One level further down gives it sight. What it says is added to the small
    picture as Lanczos's filter enlarges it, which is all that it gives untrained. It takes pictures of any size.

    Sources: conditioning on the small picture beside x_t: Saharia et al. 2021 (SR3, arXiv 2104.07636), section 2;
    pixels as channels: Shi et al. 2016 (arXiv 1609.05158).
    Shapes: x_t (B, channels, 1, scale h, scale w), t (B,) or () -> x_0 of the same shape as x_t.
    """

    def __init__(self, config: PixelUpscalerConfig) -> None:
        super().__init__()
        self.config = c = config
        values = c.channels * c.scale**2
        self.time_features = FourierFeatures(64)
        self.time_in = nn.Sequential(
            linear(64, c.time_width, bias=True), nn.SiLU(), linear(c.time_width, c.time_width, bias=True), nn.SiLU()
        )
        self.stem = BlankConv(values + c.channels, c.width, 3, padding=1)
        self.first = nn.ModuleList(TimedConvBlock(c.width, c.time_width) for _ in range(c.depth))
        self.down = BlankConv(c.width, c.inner_width, 3, stride=2, padding=1)
        self.inner = nn.ModuleList(TimedConvBlock(c.inner_width, c.time_width) for _ in range(c.inner_depth))
        self.up = BlankConv(c.inner_width + c.width, c.width, 1)
        self.last = nn.ModuleList(TimedConvBlock(c.width, c.time_width) for _ in range(c.depth))
        self.norm_out = ChannelNorm(c.width)
        self.out = BlankConv(c.width, values, 3, padding=1)

    @property
    def enlarges(self) -> int:
        """How many times as wide as the picture that it is given the one is that it draws."""
        return self.config.scale

    def forward(
        self, x_t: Tensor, t: Tensor, cond: SmallPicture, *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Tensor:
        if not isinstance(cond, SmallPicture):
            raise InvalidOption("This network enlarges a picture, and draws nothing from words; use mezzotint upscale.")
        assert to is None, "this network is not a flow map"
        refuse_probe(probe, "A convolutional upscaler")
        scale = self.config.scale
        small = cond.picture.squeeze(2).to(x_t.device)
        whole = F.pixel_unshuffle(x_t.squeeze(2), scale)
        features = self._features(torch.cat([whole, small.to(whole.dtype)], dim=1), t.expand(x_t.shape[0]))
        said = F.pixel_shuffle(self.out(features).float(), scale)
        with torch.autocast(x_t.device.type, enabled=False):  # a bfloat16 is too coarse for pixels
            found: Tensor = lanczos(small, scale) + said
        return found[:, :, None]

    def _features(self, x: Tensor, t: Tensor) -> Tensor:
        """(B, channels, h, w) to (B, width, h, w)."""
        time = self.time_in(self.time_features(t).to(x.dtype))
        high, wide = x.shape[-2:]
        # the level below has half of these; what is beyond the border repeats it
        x = self.stem(F.pad(x, (0, wide % 2, 0, high % 2), mode="replicate"))
        for block in self.first:
            x = block(x, time)
        y = self.down(x)
        for block in self.inner:
            y = block(y, time)
        x = self.up(torch.cat([doubled(y), x], dim=1))
        for block in self.last:
            x = block(x, time)
        return F.silu(self.norm_out(x))[..., :high, :wide]


def initialise_upscaler(network: PixelUpscaler, seed: int) -> None:
    """Fill a fresh network: normal weights of variance 2 / fan-in, zero for what ends a residual branch or the network,
    and for what listens to t, so that it gives Lanczos's enlargement. Draws from its own generator."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            ends = name.endswith(("conv_out.weight", ".time.weight")) or name == "out.weight"
            if parameter.ndim >= 2 and not ends:
                parameter.normal_(0.0, (2 / parameter[0].numel()) ** 0.5, generator=generator)
