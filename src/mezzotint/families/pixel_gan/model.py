"""A convolutional generator from noise and a prompt to a picture, and the critic that trains it."""

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.diffusion.probe import Probe
from mezzotint.errors import InvalidOption
from mezzotint.nn import BlankConv, Block, RMSNorm, linear

FAMILY = "pixel_gan"
"""What `model.json` and checkpoints call this family."""


@dataclass(frozen=True, kw_only=True)
class PixelGANConfig:
    """Sizes of a `PixelGAN`, and of a `PixelCritic` that is its mirror image.

    size, channels          the picture, in pixels
    widths                  of the feature maps, from the coarsest, which doubles its side for each of the others
    blocks                  residual blocks at each of them
    group                   channels that a 3×3 convolution mixes; it divides twice each width
    reads                   sides of the maps that read the prompt by attention
    heads, text_heads       of that attention, and of the blocks that prepare the prompt
    text_width, text_depth  width of the text encoder's tokens; blocks that prepare them for this model
    width, hidden           of these blocks
    styles                  how many drawing styles there are
    """

    size: int = 64
    channels: int = 4
    widths: tuple[int, ...] = (480, 472, 248, 80, 32)
    blocks: int = 2
    group: int = 16
    reads: tuple[int, ...] = (8, 16)
    heads: int = 4
    text_width: int = 384
    text_depth: int = 1
    text_heads: int = 4
    width: int = 256
    hidden: int = 680
    styles: int = 0

    def __post_init__(self) -> None:
        sides = [self.base * 2**i for i in range(len(self.widths))]
        if not self.widths or self.size % 2 ** (len(self.widths) - 1):
            raise InvalidOption(
                f"network.size {self.size} cannot be halved {max(0, len(self.widths) - 1)} times, as the "
                f"{len(self.widths)} network.widths ask; give a multiple of that power of two."
            )
        for width in self.widths:
            if min(self.group, self.heads) < 1 or 2 * width % self.group or width % self.heads:
                raise InvalidOption(
                    f"network.widths has {width}, but {self.group} (network.group) must divide twice that, and "
                    f"{self.heads} (network.heads) must divide it."
                )
        if set(self.reads) - set(sides):
            raise InvalidOption(f"network.reads is {self.reads}; the maps have the sides {sides}.")

    @property
    def base(self) -> int:
        """The side of the coarsest map."""
        return self.size >> (len(self.widths) - 1)


class PromptReader(nn.Module):
    """A prompt as both networks read it: the layers that a `PixelDiT` has for it, and the mean of their tokens.

    Tokens (B, N, width) are the word pieces and one style token; bias (B, 1, 1, N) is the logarithm of their weights,
    -inf where there is padding; the mean (B, width) is weighed alike.
    """

    def __init__(self, config: PixelGANConfig) -> None:
        super().__init__()
        c = config
        self.text_in = nn.Sequential(RMSNorm(c.text_width), linear(c.text_width, c.width, bias=True))
        self.style = nn.Parameter(torch.zeros(c.styles + 1, c.width))
        self.text_blocks = nn.ModuleList(Block(c.width, c.text_heads, c.hidden) for _ in range(c.text_depth))
        self.norm_out = RMSNorm(c.width)

    def forward(self, cond: Conditioning) -> tuple[Tensor, Tensor, Tensor]:
        words = self.text_in(cond.tokens.to(self.style.dtype))
        tokens = torch.cat([words, self.style[cond.style][:, None].to(words.dtype)], dim=1)
        mask = F.pad(cond.mask, (0, 1), value=True)
        bias = torch.zeros(mask.shape, device=mask.device).masked_fill(~mask, float("-inf"))
        for block in self.text_blocks:
            tokens = block(tokens, bias=bias[:, None, None, :])
        if cond.weights is not None:
            bias = bias + F.pad(cond.weights, (0, 1), value=1.0).log().to(bias)
        tokens = self.norm_out(tokens)
        mean = (bias.softmax(dim=1)[..., None].to(tokens.dtype) * tokens).sum(dim=1)
        return tokens, bias[:, None, None, :], mean


class Residual(nn.Module):
    """`x += w3(leaky(w2(leaky(w1(x)))))`: 1×1 to twice the width, 3×3 in groups, 1×1 back; no normalisation.

    Huang et al. 2024 (R3GAN, arXiv 2501.05441), section 3.2 and config E. Shapes: (B, width, H, W) -> the same.
    """

    def __init__(self, width: int, group: int) -> None:
        super().__init__()
        self.first = BlankConv(width, 2 * width, 1)
        self.second = BlankConv(2 * width, 2 * width, 3, padding=1, groups=2 * width // group)
        self.third = BlankConv(2 * width, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.third(_leaky(self.second(_leaky(self.first(x)))))
        return y


class Reading(nn.Module):
    """Every place of a map attends to a prompt's tokens: `x += out(softmax(q kᵀ / sqrt(d) + bias) v)`, with QK-norm.

    The products are explicit, since fused attention cannot be differentiated twice.
    Shapes: x (B, width, H, W), tokens (B, N, text), bias (B, 1, 1, N) -> (B, width, H, W).
    """

    def __init__(self, width: int, text: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = RMSNorm(width)
        self.queries = linear(width, width)
        self.keys_values = linear(text, 2 * width)
        self.norm_q, self.norm_k = RMSNorm(width // heads), RMSNorm(width // heads)
        self.out = linear(width, width)

    def forward(self, x: Tensor, tokens: Tensor, bias: Tensor) -> Tensor:
        b, width, height, across = x.shape
        places = x.flatten(2).transpose(1, 2)  # (B, places, width)
        q = self.norm_q(self._split(self.queries(self.norm(places))))
        k, v = (self._split(part) for part in self.keys_values(tokens).chunk(2, dim=-1))
        scores = (q * q.shape[-1] ** -0.5) @ self.norm_k(k).transpose(-1, -2)
        seen = (scores.float() + bias).softmax(dim=-1).to(v.dtype) @ v
        read = self.out(seen.transpose(1, 2).reshape(b, height * across, width))
        y: Tensor = x + read.transpose(1, 2).reshape(x.shape)
        return y

    def _split(self, x: Tensor) -> Tensor:
        b, n, w = x.shape
        return x.view(b, n, self.heads, w // self.heads).transpose(1, 2)


class Stage(nn.Module):
    """What happens at one side of the maps: residual blocks, and before them, if it is asked, a look at the prompt."""

    def __init__(self, config: PixelGANConfig, index: int) -> None:
        super().__init__()
        width, reads = config.widths[index], config.base * 2**index in config.reads
        self.reading = Reading(width, config.width, config.heads) if reads else None
        self.blocks = nn.Sequential(*(Residual(width, config.group) for _ in range(config.blocks)))

    def forward(self, x: Tensor, tokens: Tensor, bias: Tensor) -> Tensor:
        if self.reading is not None:
            x = self.reading(x, tokens, bias)
        y: Tensor = self.blocks(x)
        return y


class PixelGAN(nn.Module):
    """A picture from noise and a prompt, in one evaluation. As a denoiser it is defined at t = 1 alone.

    There x_1 is pure noise, and the x_0 that it says is a picture, not a mean of pictures. Of x_1 it takes the sums
    over blocks, one for each place of the coarsest map and each channel, divided by the blocks' side: standard normals
    z, independent as x_1's are. A learned map, its channels weighed by what z and the prompt say, is refined and
    doubled in size stage by stage.

    Source: R3GAN (arXiv 2501.05441), section 3, much narrower; it reads a prompt besides, by its mean and by attention.
    Shapes: x_t (B, channels, 1, size, size), t (B,), all 1 -> x_0 of the shape of x_t; at other t `InvalidOption`.
    """

    one_evaluation = True

    def __init__(self, config: PixelGANConfig) -> None:
        super().__init__()
        self.config = c = config
        self.prompt = PromptReader(c)
        self.basis = nn.Parameter(torch.zeros(c.widths[0], c.base, c.base))
        self.weigh = linear(self.latent + c.width, c.widths[0], bias=True)
        self.stages = nn.ModuleList(Stage(c, i) for i in range(len(c.widths)))
        self.up = nn.ModuleList(BlankConv(a, b, 1) for a, b in itertools.pairwise(c.widths))
        self.out = BlankConv(c.widths[-1], c.channels, 1)

    @property
    def latent(self) -> int:
        """How many numbers of noise a picture is made from."""
        return self.config.channels * self.config.base**2

    def forward(
        self,
        x_t: Tensor,
        t: Tensor,
        cond: Conditioning,
        *,
        to: Tensor | None = None,
        probe: Probe | None = None,
    ) -> Tensor:
        if not bool((t == 1).all()):
            raise InvalidOption(
                f"A generator is asked at t = {float(t.min()):g}, but it draws in one evaluation from pure noise, at "
                "t = 1; take a diffusion model for what goes step by step."
            )
        if probe is not None:
            raise InvalidOption("A generator has no attention of a picture to itself to look at or to change.")
        return self.drawn(self.latents(x_t), cond)

    def latents(self, x_1: Tensor) -> Tensor:
        """The z (B, latent) that pure noise x_1 (B, channels, 1, size, size) stands for: orthonormal sums of it."""
        side = self.config.size // self.config.base
        return (F.avg_pool2d(x_1.squeeze(2).float(), side) * side).flatten(1).to(x_1.dtype)

    def drawn(self, z: Tensor, cond: Conditioning) -> Tensor:
        """Pictures (B, channels, 1, size, size) from standard normals z (B, latent)."""
        tokens, bias, mean = self.prompt(cond)
        weights = self.weigh(torch.cat([z.to(mean.dtype), mean], dim=1))
        x = weights[:, :, None, None] * self.basis.to(weights.dtype)
        for index, stage in enumerate(self.stages):
            if index:
                x = F.interpolate(self.up[index - 1](x), scale_factor=2, mode="bilinear")
            x = stage(x, tokens, bias)
        picture: Tensor = self.out(x)
        return picture[:, :, None]


class PixelCritic(nn.Module):
    """How real pictures look for their prompts, (B,): the mirror image of a `PixelGAN`.

        critic(x, c) = f(x, c) · (W c + b) / sqrt(width)

    f: what is left of the picture at the coarsest map, c the mean of the prompt (R3GAN; Miyato & Koyama 2018, arXiv
    1802.05637, "Projection"). It reads the prompt in between too. It can be differentiated twice, and says of a
    picture what it says without the others of its batch.
    """

    def __init__(self, config: PixelGANConfig) -> None:
        super().__init__()
        self.config = c = config
        fine = c.widths[::-1]
        self.prompt = PromptReader(c)
        self.into = BlankConv(c.channels, fine[0], 1)
        self.stages = nn.ModuleList(Stage(c, i) for i in reversed(range(len(c.widths))))
        self.down = nn.ModuleList(BlankConv(a, b, 1) for a, b in itertools.pairwise(fine))
        self.basis = BlankConv(fine[-1], fine[-1], c.base, groups=fine[-1], bias=False)
        self.mixed = linear(fine[-1], fine[-1])
        self.asked = linear(c.width, fine[-1], bias=True)

    def forward(self, pictures: Tensor, cond: Conditioning) -> Tensor:
        tokens, bias, mean = self.prompt(cond)
        x = self.into(pictures.squeeze(2))
        for index, stage in enumerate(self.stages):
            if index:
                x = F.avg_pool2d(self.down[index - 1](x), 2)
            x = stage(x, tokens, bias)
        features = self.mixed(self.basis(x).flatten(1))
        says: Tensor = (features * self.asked(mean)).float().sum(dim=1) / math.sqrt(features.shape[1])
        return says


def _leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)


GAIN = (2 / (1 + 0.2**2)) ** 0.5
"""What keeps the variance through a layer and `leaky_relu` with slope 0.2."""
ENDS = ("third.weight", "reading.out.weight", "attention.out.weight", "feedforward.out.weight")
"""Weights that end a residual branch."""


def initialise_generator(network: PixelGAN, seed: int) -> None:
    """Fill a fresh generator: see `_fill`; its learned map is standard normal."""
    generator = torch.Generator().manual_seed(seed)
    _fill(network, generator)
    with torch.no_grad():
        network.basis.normal_(0.0, 1.0, generator=generator)


def initialise_critic(network: PixelCritic, seed: int) -> None:
    """Fill a fresh critic: see `_fill`."""
    _fill(network, torch.Generator().manual_seed(seed))


def _fill(network: PixelGAN | PixelCritic, generator: torch.Generator) -> None:
    """Normal weights of variance 1 / fan-in, zero where a residual branch ends, and inside the L residual blocks
    smaller by L^(-1/4), since nothing normalises (Zhang et al. 2019, Fixup, arXiv 1901.09321, with three layers)."""
    c = network.config
    inside = GAIN * (c.blocks * len(c.widths)) ** -0.25
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("style"):
                parameter.normal_(0.0, 0.02, generator=generator)
            elif parameter.ndim in (2, 4) and not name.endswith(ENDS):
                gain = inside if name.endswith(("first.weight", "second.weight")) else 1.0
                parameter.normal_(0.0, gain * parameter[0].numel() ** -0.5, generator=generator)
