"""What figures are drawn with: a model, training runs, and the pictures that lie in docs/images."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from mezzotint import Pipeline
from mezzotint.codecs import from_image
from mezzotint.interfaces.arranging import arranged
from mezzotint.request import Request

__all__ = ["IMAGES", "ROOT", "Desk"]

ROOT = Path(__file__).parent.parent.parent
IMAGES = ROOT / "docs" / "images"


@dataclass
class Desk:
    """`model`: a name or a folder, loaded when the first figure asks for it. `runs`: folders of training runs, each
    begun with the weights of the one before."""

    model: str
    runs: Sequence[Path]

    @cached_property
    def pipe(self) -> Pipeline:
        """The model, on the CPU in float32, so that figures are the same everywhere."""
        return Pipeline.load(self.model, device="cpu", dtype="float32")

    @cached_property
    def apple(self) -> Tensor:
        """A real icon of the training set, (4, 1, 64, 64)."""
        with Image.open(IMAGES / "source-apple.png") as image:
            return from_image(image)

    def draw(self, prompt: str, seed: int, **options: Any) -> Image.Image:
        """One finished picture."""
        return self.pipe.generate(prompt, seed=seed, **options).images[0]

    def large(self, prompt: str, seed: int) -> Image.Image:
        """One as `imagine` writes it: several things laid out, and enlarged, where an upscaler is installed."""
        return self.pipe.generate(arranged(self.pipe, Request(prompt=prompt, seed=seed))).images[0]
