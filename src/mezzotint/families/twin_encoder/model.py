"""Two transformers, one of pictures and one of prompts, whose features are near where picture and prompt agree."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.nn import Block, RMSNorm, linear, patchify, rotary_grid

FAMILY = "twin_encoder"
"""The name of the family, in checkpoints and in the folders of encoders."""


@dataclass(frozen=True, kw_only=True)
class TwinEncoderConfig:
    """Sizes of a `TwinEncoder`.

    size, channels, patch   the picture and its patches, in pixels; `patch` divides `size`
    width, heads            both transformers; `hidden` is the inner width of their gated feed-forward layers
    depth                   blocks of the image tower
    text_width, text_depth  width of the text encoder's tokens; blocks of the text tower
    letters, word_length    how many different letters it reads, and the most of them in a prompt; 0: it reads none
    features                width of the features of pictures and prompts
    """

    size: int = 64
    channels: int = 4
    patch: int = 8
    width: int = 192
    depth: int = 6
    heads: int = 3
    hidden: int = 512
    text_width: int = 384
    text_depth: int = 2
    letters: int = 0
    word_length: int = 0
    features: int = 256


class ImageTower(nn.Module):
    """Pictures to features of length 1: patches, pre-norm blocks, the mean over all patches, one projection.

    Patches have learned places, since "in the top left corner" is a fact, and rotary ones, since "left of" is one too.
    Source: Dosovitskiy et al. 2020 (ViT, arXiv 2010.11929), section 3.1; the mean instead of a class token: there,
    appendix D.3.
    Shapes: (B, channels, 1, size, size) in [-1, 1], premultiplied -> (B, features) float32.
    """

    rotary_cos: Tensor
    rotary_sin: Tensor

    def __init__(self, config: TwinEncoderConfig) -> None:
        super().__init__()
        self.config = c = config
        side = c.size // c.patch
        self.patch_in = linear(c.channels * c.patch**2, c.width, bias=True)
        self.places = nn.Parameter(torch.zeros(side**2, c.width))
        self.blocks = nn.ModuleList(Block(c.width, c.heads, c.hidden) for _ in range(c.depth))
        self.norm_out = RMSNorm(c.width)
        self.out = linear(c.width, c.features)
        angles = rotary_grid(side, side, c.width // c.heads)
        self.register_buffer("rotary_cos", angles.cos(), persistent=False)
        self.register_buffer("rotary_sin", angles.sin(), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        x = self.patch_in(patchify(pictures.squeeze(2), self.config.patch))  # (B, patches, width)
        x = x + self.places.to(x.dtype)
        for block in self.blocks:
            x = block(x, rotary=(self.rotary_cos, self.rotary_sin))
        features: Tensor = self.out(self.norm_out(x).float().mean(dim=1).to(x.dtype))
        return F.normalize(features.float(), dim=-1)


class TextTower(nn.Module):
    """Prompts to features of length 1: word pieces and quoted letters, blocks, the mean over all, one projection.

    The word pieces come embedded in the context of their sentence, so that they bear their order; letters have learned
    places. The drawing style of a `Conditioning` is not read: a prompt says it in words or not at all.
    Shapes: tokens (B, N, text_width), letters (B, M) -> (B, features) float32. Padding weighs nothing.
    """

    letters: nn.Parameter
    letter_places: nn.Parameter

    def __init__(self, config: TwinEncoderConfig) -> None:
        super().__init__()
        self.config = c = config
        self.text_in = nn.Sequential(RMSNorm(c.text_width), linear(c.text_width, c.width, bias=True))
        if c.letters:
            self.letters = nn.Parameter(torch.zeros(c.letters, c.width))
            self.letter_places = nn.Parameter(torch.zeros(c.word_length, c.width))
        self.blocks = nn.ModuleList(Block(c.width, c.heads, c.hidden) for _ in range(c.text_depth))
        self.norm_out = RMSNorm(c.width)
        self.out = linear(c.width, c.features)

    def forward(self, cond: Conditioning) -> Tensor:
        x = self.text_in(cond.tokens.to(self.out.weight.dtype))  # (B, N, width)
        mask = cond.mask
        if self.config.letters and cond.letters is not None:
            spelled = self.letters[(cond.letters - 1).clamp_min(0)] + self.letter_places[: cond.letters.shape[1]]
            x = torch.cat([x, spelled.to(x.dtype)], dim=1)
            mask = torch.cat([mask, cond.letters > 0], dim=1)
        bias = torch.zeros(mask.shape, device=mask.device).masked_fill(~mask, float("-inf"))[:, None, None, :]
        for block in self.blocks:
            x = block(x, bias=bias)
        total = (self.norm_out(x).float() * mask[..., None]).sum(dim=1)
        features: Tensor = self.out((total / mask.sum(dim=1, keepdim=True)).to(x.dtype))
        return F.normalize(features.float(), dim=-1)


class TwinEncoder(nn.Module):
    """Features of pictures and of prompts, both of length 1, and what their products are worth.

    `logits(p, c) = exp(log_scale) p·c + offset`: the log-odds that a caption belongs to a picture, with a learned
    temperature and offset. Sources: two towers and the temperature: Radford et al. 2021 (CLIP, arXiv 2103.00020),
    section 2.3; the offset: Zhai et al. 2023 (SigLIP, arXiv 2303.15343), section 3.2.
    """

    def __init__(self, config: TwinEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.image = ImageTower(config)
        self.text = TextTower(config)
        self.log_scale = nn.Parameter(torch.zeros(()))
        self.offset = nn.Parameter(torch.zeros(()))

    def logits(self, products: Tensor) -> Tensor:
        """Log-odds of products of features, any shape."""
        return self.log_scale.exp() * products + self.offset

    def forward(self, pictures: Tensor, cond: Conditioning) -> tuple[Tensor, Tensor]:
        """Features (B, features) of pictures, and (N, features) of prompts, which may be more or fewer."""
        return self.image(pictures), self.text(cond)


ENDS = ("attention.out.weight", "feedforward.out.weight")
"""Weights that end a residual branch."""


def initialise(network: TwinEncoder, seed: int, *, scale: float = 10.0, offset: float = 0.0) -> None:
    """Fill a fresh network: normal weights of variance 1 / fan-in, zero where a residual branch ends, 0.02 for places
    and letters; the given scale and offset of the logits. Draws from its own generator."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(("places", "letters")):
                parameter.normal_(0.0, 0.02, generator=generator)
            elif parameter.ndim == 2 and not name.endswith(ENDS):
                parameter.normal_(0.0, parameter.shape[1] ** -0.5, generator=generator)
        network.log_scale.fill_(math.log(scale))
        network.offset.fill_(offset)
