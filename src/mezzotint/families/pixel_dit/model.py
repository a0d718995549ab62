"""A transformer on patches of pixels that predicts the clean picture."""

from dataclasses import dataclass, fields, replace
from typing import Protocol, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mezzotint.conditioning.conditioning import Conditioning, cat_strengths
from mezzotint.diffusion.probe import AttentionSite, Probe
from mezzotint.errors import InvalidOption
from mezzotint.nn import (
    Block,
    FourierFeatures,
    FurtherKeys,
    PatchDetailer,
    RMSNorm,
    TokensHook,
    WeightsHook,
    linear,
    patchify,
    rotary_grid,
    unpatchify,
)


@dataclass(frozen=True, kw_only=True)
class PixelDiTConfig:
    """Sizes of a `PixelDiT`.

    size, channels, patch   the picture and its patches, in pixels; `patch` divides `size`
    bottleneck              width between a patch's values and the model (JiT's low-rank patch embedding)
    width, depth, heads     the transformer; `hidden` is the inner width of its gated feed-forward layers
    text_width, text_depth  width of the text encoder's tokens; blocks that prepare them for this model
    styles                  how many drawing styles there are
    time_tokens             tokens that carry the noise level
    letters, word_length    how many different letters it reads, and the most of them in a prompt; 0: it reads none
    detail, detail_depth    channels and blocks of the convolutions that refine its picture (`PatchDetailer`); 0: none
    augments                numbers that tell how a training picture was changed; 0: it is told nothing
    flow_map                it is told to which time it jumps, `to`: a student for few steps
    distilled_guidance      it is told its guidance, which it learned from a guided teacher
    """

    size: int = 64
    channels: int = 4
    patch: int = 8
    bottleneck: int = 128
    width: int = 256
    depth: int = 8
    heads: int = 4
    hidden: int = 680
    text_width: int = 384
    text_depth: int = 1
    styles: int = 0
    time_tokens: int = 4
    letters: int = 0
    word_length: int = 0
    augments: int = 0
    detail: int = 0
    detail_depth: int = 2
    flow_map: bool = False
    distilled_guidance: bool = False


@dataclass(frozen=True, slots=True)
class PixelDiTContext:
    """A prompt as this network reads it: keys and values for every block, computed once and used in every step.

    keys, values  (depth, B, heads, N, head_width): the word pieces, the letters and one style token
    bias          (B, 1, 1, N): the logarithm of a token's weight, so 0 where it is 1; -inf where there is padding
    adapters      (B, n): the strengths of the network's adapters, None where none acts
    distilled_guidance   (B,): the guidance that a network which takes it is told; None: 1 for all, off
    """

    keys: Tensor
    values: Tensor
    bias: Tensor
    adapters: Tensor | None = None
    distilled_guidance: Tensor | None = None

    def __len__(self) -> int:
        return self.bias.shape[0]

    def cat(self, other: Self) -> Self:
        """Both batches, one after the other; the shorter prompts are padded (a padded key weighs nothing)."""
        length = max(self.bias.shape[-1], other.bias.shape[-1])
        a, b = self.padded(length), other.padded(length)
        return replace(
            self,
            keys=torch.cat([a.keys, b.keys], dim=1),
            values=torch.cat([a.values, b.values], dim=1),
            bias=torch.cat([a.bias, b.bias]),
            adapters=cat_strengths(self.adapters, other.adapters, len(self), len(other)),
            distilled_guidance=_cat_guidance(self, other),
        )

    def padded(self, length: int) -> Self:
        """Room for `length` tokens."""
        missing = length - self.bias.shape[-1]
        assert missing >= 0, (length, self.bias.shape)
        return replace(
            self,
            keys=F.pad(self.keys, (0, 0, 0, missing)),
            values=F.pad(self.values, (0, 0, 0, missing)),
            bias=F.pad(self.bias, (0, missing), value=float("-inf")),
        )

    def to(self, device: torch.device) -> Self:
        """The same values on another device."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{name: value.to(device) for name, value in values.items() if value is not None})


def _cat_guidance(first: PixelDiTContext, second: PixelDiTContext) -> Tensor | None:
    """The guidance of two batches, one after the other; None counts as 1."""
    if first.distilled_guidance is None and second.distilled_guidance is None:
        return None
    told = (
        torch.ones(len(one), device=one.bias.device) if one.distilled_guidance is None else one.distilled_guidance
        for one in (first, second)
    )
    return torch.cat(list(told))


class Blocks(Protocol):
    """Runs blocks in another way than their own `forward`, such as by compiled graphs."""

    def length(self, tokens: int) -> int:
        """For how many context tokens it can run a block that is to read so many; the rest is padding."""
        ...

    def __call__(
        self, block: Block, x: Tensor, rotary: tuple[Tensor, Tensor], context: tuple[Tensor, Tensor], bias: Tensor
    ) -> Tensor:
        """What `block(x, rotary=rotary, context=context, bias=bias)` gives."""
        ...


class PixelDiT(nn.Module):
    """x_t and t to a prediction of x_0, in pixels.

    Tokens are `time_tokens` that carry t, then one token a patch; each block attends over these and, read-only,
    over the prompt's keys and values. There is no modulation by t (no adaLN): the noise level is seen in context.
    The strengths of adapters travel with the prompt: `prepare` needs them for keys and values, `forward` for the rest.
    A flow map also carries t − to, the length of its jump, in the time tokens (Frans et al. 2024, arXiv 2410.12557,
    tell a network the length; Geng et al. 2025, MeanFlow, arXiv 2505.13447, compare ways); not told `to`, its
    jump has length 0, and x_0 is a mean, as ordinary solvers want it. So does a network with distilled guidance carry
    that, as log2(guidance) / 4 (Meng et al. 2023, arXiv 2210.03142, embed it beside t too).
    `compiled` runs the blocks, unless None, wherever neither a probe nor an adapter reaches into them.

    Sources: predicting x_0 through a bottleneck patch embedding: Li & He 2025 (JiT, arXiv 2511.13720); text as
    read-only keys and values: Photoroom's PRX; no adaLN: MiniT2I. For the layers see `mezzotint.nn`.
    Shapes: x_t (B, channels, 1, size, size), t (B,) or (), -> x_0 of the same shape as x_t.
    """

    rotary_cos: Tensor
    rotary_sin: Tensor
    letters: nn.Parameter
    letter_places: nn.Parameter
    augments: nn.Parameter
    compiled: Blocks | None = None

    def __init__(self, config: PixelDiTConfig) -> None:
        super().__init__()
        self.config = c = config
        if c.patch < 1 or c.size < c.patch or c.size % c.patch:
            raise InvalidOption(f"network.patch {c.patch} does not divide network.size {c.size}; choose one that does.")
        values = c.channels * c.patch**2
        side = c.size // c.patch
        self.patch_in = nn.Sequential(linear(values, c.bottleneck), linear(c.bottleneck, c.width, bias=True))
        self.time_features = FourierFeatures(128)
        self.time_in = _time_embedding(c.width)
        self.time_places = nn.Parameter(torch.zeros(c.time_tokens, c.width))
        if c.flow_map:
            self.jump_in = _time_embedding(c.width)
        if c.distilled_guidance:
            self.guidance_in = _time_embedding(c.width)
        self.text_in = nn.Sequential(RMSNorm(c.text_width), linear(c.text_width, c.width, bias=True))
        self.style = nn.Parameter(torch.zeros(c.styles + 1, c.width))
        if c.letters:
            self.letters = nn.Parameter(torch.zeros(c.letters, c.width))
            self.letter_places = nn.Parameter(torch.zeros(c.word_length, c.width))
        if c.augments:
            self.augments = nn.Parameter(torch.zeros(c.augments, c.width))
        self.text_blocks = nn.ModuleList(Block(c.width, c.heads, c.hidden) for _ in range(c.text_depth))
        self.blocks = nn.ModuleList(Block(c.width, c.heads, c.hidden) for _ in range(c.depth))
        self.norm_out = RMSNorm(c.width)
        self.patch_out = linear(c.width, values, bias=True)
        if c.detail:
            self.detailer = PatchDetailer(
                tokens=c.width, channels=c.channels, patch=c.patch, width=c.detail, depth=c.detail_depth
            )
        angles = F.pad(rotary_grid(side, side, c.width // c.heads), (0, 0, c.time_tokens, 0))
        self.register_buffer("rotary_cos", angles.cos(), persistent=False)
        self.register_buffer("rotary_sin", angles.sin(), persistent=False)

    @property
    def flow_map(self) -> bool:
        """Whether it jumps to the time `to` that it is told."""
        return self.config.flow_map

    def image_tokens(self) -> int:
        """Into how many tokens a picture is cut."""
        return (self.config.size // self.config.patch) ** 2

    def prepare(self, cond: Conditioning) -> PixelDiTContext:
        """Keys and values of a prompt for every block; independent of x_t and t.

        A token of weight w gets the bias log w, so that the picture's attention to it is multiplied by w before it is
        normalised: `softmax(s + log w) = w exp(s) / sum`. (Hertz et al. 2022, arXiv 2208.01626, attention re-weighting,
        which does so after the softmax.) Scaling the embedding instead would do nothing: `text_in` normalises it.
        """
        words = self.text_in(cond.tokens.to(self.style.dtype))
        parts, masks = [words], [cond.mask]
        if self.config.letters and cond.letters is not None:
            spelled = self.letters[(cond.letters - 1).clamp_min(0)] + self.letter_places[: cond.letters.shape[1]]
            parts.append(spelled.to(words.dtype))
            masks.append(cond.letters > 0)
        manner = self.style[cond.style]
        if self.config.augments and cond.augment is not None:
            manner = manner + cond.augment.to(manner.dtype) @ self.augments
        tokens = torch.cat([*parts, manner[:, None].to(words.dtype)], dim=1)  # (B, N, width)
        mask = F.pad(torch.cat(masks, dim=1), (0, 1), value=True)
        bias = torch.zeros(mask.shape, device=mask.device).masked_fill(~mask, float("-inf"))[:, None, None, :]
        strengths = cond.active()
        for block in self.text_blocks:
            tokens = block(tokens, bias=bias, strengths=strengths)
        if weights := self._weights(cond, words.shape[1], mask.shape[1]):
            bias = bias + torch.cat(weights, dim=1).log()[:, None, None, :].to(bias)
        pairs = [block.context(tokens, strengths) for block in self._blocks()]
        keys, values = torch.stack([k for k, _ in pairs]), torch.stack([v for _, v in pairs])
        return PixelDiTContext(keys, values, bias, strengths, cond.distilled_guidance)

    def forward(
        self,
        x_t: Tensor,
        t: Tensor,
        cond: Conditioning | PixelDiTContext,
        *,
        to: Tensor | None = None,
        probe: Probe | None = None,
    ) -> Tensor:
        assert to is None or self.config.flow_map, "this network is not a flow map"
        context = self.prepare(cond) if isinstance(cond, Conditioning) else cond
        c, b = self.config, x_t.shape[0]
        image = self.patch_in(patchify(x_t.squeeze(2), c.patch))  # (B, patches, width)
        time = self._time(t.expand(b), to, context.distilled_guidance)  # (B, time_tokens, width)
        x = torch.cat([time.to(image.dtype), image], dim=1)
        own = x.shape[1]
        if self.compiled is not None and probe is None and context.adapters is None:
            return self._pixels(x_t, self._compiled(self.compiled, x, context))
        bias = F.pad(context.bias, (own, 0))
        # all at once: the gradient of an index is as large as all of them, and eight such would be added
        pairs = tuple(zip(context.keys.unbind(), context.values.unbind(), strict=True))
        for index, block in enumerate(self.blocks):
            if probe is not None and index in probe.skip:
                continue
            x = block(
                x,
                rotary=(self.rotary_cos, self.rotary_sin),
                context=pairs[index],
                bias=bias,
                hook=self._hook(probe, index, own, bias.shape[-1]),
                tokens=self._tokens(probe, index, own, bias.shape[-1]),
                strengths=context.adapters,
            )
        return self._pixels(x_t, x)

    def _compiled(self, run: Blocks, x: Tensor, context: PixelDiTContext) -> Tensor:
        """The last block's tokens, of blocks that are run by `run`."""
        padded = context.padded(run.length(context.bias.shape[-1]))
        bias = F.pad(padded.bias, (x.shape[1], 0))
        for index, block in enumerate(self._blocks()):
            x = run(block, x, (self.rotary_cos, self.rotary_sin), (padded.keys[index], padded.values[index]), bias)
        return x

    def _pixels(self, x_t: Tensor, x: Tensor) -> Tensor:
        """The prediction of the last block's tokens."""
        c = self.config
        tokens = self.norm_out(x[:, c.time_tokens :])
        picture = unpatchify(self.patch_out(tokens), c.patch, c.channels, c.size, c.size)
        if c.detail:
            picture = picture + self.detailer(x_t.squeeze(2), tokens)
        return picture[:, :, None]

    def _time(self, t: Tensor, to: Tensor | None, guidance: Tensor | None) -> Tensor:
        """The tokens that carry the noise level, and where it is told, the length of the jump and the guidance."""

        def features(values: Tensor) -> Tensor:
            told: Tensor = self.time_features(values).to(self.time_places.dtype)
            return told

        time = self.time_in(features(t))
        if self.config.flow_map:
            time = time + self.jump_in(features(torch.zeros_like(t) if to is None else t - to))
        if self.config.distilled_guidance:
            scale = torch.ones_like(t) if guidance is None else guidance
            time = time + self.guidance_in(features(scale.log2() / 4))
        tokens: Tensor = time[:, None] + self.time_places
        return tokens

    def _weights(self, cond: Conditioning, words: int, total: int) -> list[Tensor]:
        """The weights of word pieces, letters, and the style; nothing if all of them are 1."""
        if cond.weights is None and cond.letter_weights is None:
            return []
        ones = torch.ones(len(cond), total, device=cond.mask.device)
        own = ones[:, :words] if cond.weights is None else cond.weights
        letters = ones[:, words : total - 1]
        if letters.shape[1] and cond.letter_weights is not None:
            letters = cond.letter_weights
        return [own, letters, ones[:, :1]]

    def _blocks(self) -> list[Block]:
        return [block for block in self.blocks if isinstance(block, Block)]

    def _hook(self, probe: Probe | None, index: int, own: int, total: int) -> WeightsHook | None:
        if probe is None or probe.attention is None:
            return None
        edit, site = probe.attention, self._site(index, own, total)
        return lambda weights: edit(site, weights)

    def _tokens(self, probe: Probe | None, index: int, own: int, total: int) -> TokensHook | None:
        if probe is None or probe.tokens is None:
            return None
        edit, site = probe.tokens, self._site(index, own, total)
        places = self.rotary_cos[site.image], self.rotary_sin[site.image]

        def read(keys: Tensor, values: Tensor) -> list[FurtherKeys]:
            return [(f.keys, f.values, f.bias, places if f.placed else None) for f in edit(site, keys, values)]

        return read

    def _site(self, index: int, own: int, total: int) -> AttentionSite:
        image = slice(self.config.time_tokens, own)
        return AttentionSite(block=index, heads=self.config.heads, image=image, text=slice(own, total))


def _time_embedding(width: int) -> nn.Sequential:
    return nn.Sequential(linear(128, width, bias=True), nn.SiLU(), linear(width, width, bias=True))


ENDS = (
    *("attention.out.weight", "feedforward.out.weight", "patch_out.weight"),
    *("jump_in.2.weight", "guidance_in.2.weight"),
    *("conv_out.weight", "detailer.out.weight"),
)
"""Weights that end a residual branch or the network, or say what an untrained network does not listen to."""


def initialise(network: PixelDiT, seed: int) -> None:
    """Fill a fresh network: normal weights of variance 1 / fan-in, zero for every layer that ends a residual branch
    and for the output, so that the untrained network predicts x_0 = 0. Draws from its own generator."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name in ("time_places", "style", "letters", "letter_places", "augments"):
                parameter.normal_(0.0, 0.02, generator=generator)
            elif parameter.ndim in (2, 4) and not name.endswith(ENDS):
                parameter.normal_(0.0, parameter[0].numel() ** -0.5, generator=generator)
