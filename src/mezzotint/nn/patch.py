"""Pictures to patches and back."""

from torch import Tensor


def patchify(x: Tensor, size: int) -> Tensor:
    """Cut (B, C, H, W) into (B, H/size · W/size, C · size²): patches row-major; within one, (C, row, column)."""
    b, c, h, w = x.shape
    x = x.reshape(b, c, h // size, size, w // size, size)
    return x.permute(0, 2, 4, 1, 3, 5).reshape(b, (h // size) * (w // size), c * size * size)


def unpatchify(x: Tensor, size: int, channels: int, height: int, width: int) -> Tensor:
    """The inverse of `patchify`: (B, H/size · W/size, C · size²) -> (B, C, H, W)."""
    b = x.shape[0]
    x = x.reshape(b, height // size, width // size, channels, size, size)
    return x.permute(0, 3, 1, 4, 2, 5).reshape(b, channels, height, width)
