"""What figures are drawn with: a model, a training run, and the pictures that lie in docs/images."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from mezzotint import Pipeline
from mezzotint.codecs import from_image
from mezzotint.errors import InvalidFile

__all__ = ["IMAGES", "ROOT", "Desk"]

ROOT = Path(__file__).parent.parent.parent
IMAGES = ROOT / "docs" / "images"


@dataclass
class Desk:
    """`model`: a name or a folder, loaded when the first figure asks for it. `run`: the folder of a training run."""

    model: str
    run: Path

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

    def file(self, name: str) -> Path:
        """A file or folder of the run. Raises InvalidFile if it is not there."""
        path = self.run / name
        if not path.exists():
            raise InvalidFile(f"The run {self.run} has no {name}; give the folder of a training run with --run.")
        return path
