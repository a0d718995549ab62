"""A picture and its recipe, for the tests of this folder."""

from typing import Any

import numpy as np
from PIL import Image

from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.recipe import Environment, Recipe
from mezzotint.request import Request

DIGEST = "0123456789abcdef" * 4


def noise_image(seed: int = 0, width: int = 24, height: int = 16) -> Image.Image:
    """RGBA noise; every byte value and every alpha occurs."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8))


def recipe_of(image: Image.Image, environment: dict[str, Any] | None = None, **changes: Any) -> Recipe:
    """A recipe for `image`; `changes` go to the request, or to the recipe where they are fields of it."""
    request: dict[str, Any] = {
        "prompt": "a red apple", "negative": "blurry", "seed": 7, "steps": 12, "guidance": 3.5,
        "guidance_interval": (0, 1), "solver": "dpmpp-2m", "grid": "uniform", "size": image.size,
        "device": "cpu", "dtype": "float32",
    }  # fmt: skip
    facts: dict[str, Any] = {"mezzotint": "0.1.0", "torch": "2.13.0", "threads": 2, "processor": "A CPU (AVX2)"}
    recipe: dict[str, Any] = {
        "weights_sha256": DIGEST, "text_encoder_sha256": DIGEST[::-1], "schedule": "rectified_flow", "codec": "pixel",
        "noise_version": 1, "pixels_sha256": pixel_sha256(image), "evaluations": 24,
    }  # fmt: skip
    own = {*recipe, "ignored", "warnings", "weak_weights_sha256", "lora_sha256"}
    for name, value in changes.items():
        (recipe if name in own else request)[name] = value
    environ = Environment(**{**facts, **(environment or {})})
    return Recipe(request=Request(**request), environment=environ, **recipe)
