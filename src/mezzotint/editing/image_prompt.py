"""An image prompt: what a picture shows, and where, beside what the prompt says."""

from torch import Tensor

from mezzotint.editing.shared_attention import SharedAttention

__all__ = ["image_prompt"]


def image_prompt(pixels: Tensor, weight: float) -> SharedAttention:
    """Shared attention with positions, in all blocks.

    A token reads what stands at and about its own place in the reference, as it reads its own neighbours. pixels:
    (C, 1, H, W) in [-1, 1]. weight: 0 is off.
    """
    return SharedAttention("image_ref", pixels, weight, placed=True, late=False, draw=1)
