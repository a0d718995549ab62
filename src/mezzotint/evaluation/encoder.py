"""Features of pictures and prompts by an image–text encoder of our own, for distances and alignment."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mezzotint.conditioning.text import TextConditioner
from mezzotint.data.pixels import fit
from mezzotint.errors import InvalidOption
from mezzotint.families.twin_encoder import TwinEncoder
from mezzotint.load_instruments import load_twin_encoder

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Encoder", "load_encoder"]

_CHUNK = 64
"""Pictures or prompts in one call of the network: it bounds the memory."""


@dataclass(frozen=True)
class Encoder:
    """An encoder that is ready to measure. All features are float32 on the CPU, of length 1, one row each.

    weights_sha256 says which encoder it is: numbers of two encoders must not be compared.
    """

    network: TwinEncoder
    text: TextConditioner
    weights_sha256: str

    @property
    def size(self) -> int:
        """The side of the pictures that it reads, in pixels."""
        return self.network.config.size

    @property
    def width(self) -> int:
        """How many numbers a feature has."""
        return self.network.config.features

    def pictures(self, pictures: Tensor) -> Tensor:
        """Features (B, width) of pictures (B, 4, 1, size, size) in [-1, 1], premultiplied RGBA, as a pipeline has them.

        Raises `InvalidOption` for another shape.
        """
        wanted = (self.network.config.channels, 1, self.size, self.size)
        if pictures.ndim != 5 or tuple(pictures.shape[1:]) != wanted:
            raise InvalidOption(
                f"Pictures of shape {tuple(pictures.shape)} cannot be encoded; each must be of shape {wanted}."
            )
        if not len(pictures):
            return torch.zeros(0, self.width)
        with torch.inference_mode():
            parts = [self.network.image(part.float().to(self._device)).cpu() for part in torch.split(pictures, _CHUNK)]
        return torch.cat(parts).clone()

    def images(self, images: "Sequence[Image]") -> Tensor:
        """Features (B, width) of Pillow images of any size; each is fitted onto a transparent square."""
        if not images:
            return torch.zeros(0, self.width)
        values = np.stack([fit(image, self.size) for image in images])
        pictures = torch.from_numpy(values).permute(0, 3, 1, 2)[:, :, None].float() / 127.5 - 1
        return self.pictures(pictures)

    def prompts(self, prompts: Sequence[str]) -> Tensor:
        """Features (B, width) of prompts; what stands in quotation marks is read letter by letter as well."""
        if not prompts:
            return torch.zeros(0, self.width)
        parts = []
        with torch.inference_mode():
            for start in range(0, len(prompts), _CHUNK):
                cond = self.text(prompts[start : start + _CHUNK])
                parts.append(self.network.text(cond.to(self._device)).cpu())
        return torch.cat(parts).clone()

    def alignment(self, pictures: Tensor, prompts: Sequence[str]) -> Tensor:
        """How well each picture fits its prompt, (B,): the cosine of their features, in [-1, 1].

        Source: Hessel et al. 2021 (CLIPScore, arXiv 2104.08718), equation 1, without its factor and its cut at 0.
        Raises `InvalidOption` unless there are as many prompts as pictures.
        """
        if len(pictures) != len(prompts):
            raise InvalidOption(f"There are {len(pictures)} pictures and {len(prompts)} prompts; each needs its own.")
        return (self.pictures(pictures) * self.prompts(prompts)).sum(dim=1)

    @property
    def _device(self) -> torch.device:
        return self.network.log_scale.device


def load_encoder(folder: Path | str, *, device: str = "auto") -> Encoder:
    """The encoder of a folder that `mezzotint pack` made from a run of `mezzotint train encoder`.

    Raises `InvalidOption` if there is no such folder, `InvalidCheckpoint` if it holds something else.
    """
    path = Path(folder)
    if not path.is_dir():
        raise InvalidOption(f"There is no folder {path}; give the folder of a packed encoder.")
    return Encoder(*load_twin_encoder(path, device=device))
