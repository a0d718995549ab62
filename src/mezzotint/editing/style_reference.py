"""A style reference: colours and strokes of a picture, and not what it shows, or where."""

from torch import Tensor

from mezzotint.editing.shared_attention import SharedAttention

__all__ = ["style_reference"]


def style_reference(pixels: Tensor, weight: float) -> SharedAttention:
    """Shared attention without positions, in the second half of the blocks.

    A token finds tokens of the reference by what they hold alone, wherever they lie, so that its layout cannot come
    along, and it does so where the network decides about colours and strokes rather than things: in all blocks a
    picture falls into pieces of the reference. pixels: (C, 1, H, W) in [-1, 1]. weight: 0 is off.
    """
    return SharedAttention("style_ref", pixels, weight, placed=False, late=True, draw=0)
