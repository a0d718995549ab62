"""Layers that know no schedule: normalisation, rotary positions, attention, gated feed-forward, embeddings,
convolutions, the detailer of patches; weights into them."""

from mezzotint.nn.attention import Attention, FurtherKeys, TokensHook, WeightsHook
from mezzotint.nn.block import Block
from mezzotint.nn.conv import BlankConv, ConvBlock, doubled
from mezzotint.nn.detailer import PatchDetailer
from mezzotint.nn.embed import FourierFeatures
from mezzotint.nn.feedforward import SwiGLU
from mezzotint.nn.filled import filled
from mezzotint.nn.linear import BlankLinear, linear
from mezzotint.nn.norm import RMSNorm
from mezzotint.nn.patch import patchify, unpatchify
from mezzotint.nn.rope import apply_rotary, rotary_grid

__all__ = [
    "Attention",
    "BlankConv",
    "BlankLinear",
    "Block",
    "ConvBlock",
    "FourierFeatures",
    "FurtherKeys",
    "PatchDetailer",
    "RMSNorm",
    "SwiGLU",
    "TokensHook",
    "WeightsHook",
    "apply_rotary",
    "doubled",
    "filled",
    "linear",
    "patchify",
    "rotary_grid",
    "unpatchify",
]
