"""Small models and data sets for tests, made from seeds."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from mezzotint.adapters import Factors, fresh_factors
from mezzotint.checkpoints.loras import LoRAFacts, lora_bytes
from mezzotint.checkpoints.model_folder import read_model_folder, write_model_folder
from mezzotint.families.pixel_dit import PixelDiT, PixelDiTConfig
from mezzotint.load import DRAWING_DEFAULTS, HOUSE

SMALL = PixelDiTConfig(size=32, patch=8, width=32, depth=2, heads=2, hidden=48, bottleneck=16, styles=2)
THINGS = (
    *("apple", "boat", "cat", "door", "egg", "fork", "goat", "hat", "ink", "jar", "kite", "lake", "mill", "nest"),
    *("oven", "pear", "rose", "sun", "tree", "vase", "bag", "bed", "bee", "box", "bun", "bus", "cap", "cow", "cube"),
    *("dice", "duck", "fan", "fig", "fox", "gem", "harp", "ice", "jam", "jug", "kiwi"),
)
STYLES = ("flat", "noto")


def random_network(config: PixelDiTConfig = SMALL, seed: int = 0) -> PixelDiT:
    """A network without a zero parameter, so that every path matters."""
    network = PixelDiT(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            scale = parameter.shape[-1] ** -0.5 if parameter.ndim > 1 else 0.3
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale + (parameter.ndim == 1))
    return network.eval()


def model_folder(root: Path, config: PixelDiTConfig = SMALL, seed: int = 0) -> Path:
    """A model's folder with random weights and the house text encoder."""
    weights = {name: p.detach() for name, p in random_network(config, seed).named_parameters()}
    side = [config.size, config.size]
    description = {
        "name": "random",
        "family": "pixel_dit",
        "network": {field: getattr(config, field) for field in config.__dataclass_fields__},
        "schedule": "rectified_flow",
        "target": "x0",
        "size": side,
        "styles": list(STYLES),
        "text_length": 32,
        "defaults": {"size": side, **DRAWING_DEFAULTS, "steps": 4},
    }
    write_model_folder(root, weights, HOUSE / "text", description, "fp32", {"README.md": "A random model for tests.\n"})
    return root


def lora_file(path: Path, model: Path, word: str = "zorp", seed: int = 0) -> Path:
    """A LoRA for a model's folder, with random factors that change every layer."""
    files = read_model_folder(model)
    generator = torch.Generator().manual_seed(seed)
    factors = {
        name: Factors(one.down, torch.randn(one.up.shape, generator=generator) * 0.2)
        for name, one in fresh_factors(PixelDiT(PixelDiTConfig(**files.description["network"])), 2, seed).items()
    }
    facts = LoRAFacts(
        base=files.description["name"], base_weights_sha256=files.weights_sha256, rank=2, alpha=2.0, word=word
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lora_bytes(factors, facts))
    return path


def picture_folder(root: Path, count: int = 80, size: int = 32) -> Path:
    """A folder of coloured squares with captions beside them."""
    root.mkdir(parents=True, exist_ok=True)
    rng = np.random.Generator(np.random.Philox(3))
    names = ("red", "green", "blue", "white")
    values = ((220, 30, 30), (30, 200, 60), (40, 60, 220), (250, 250, 250))
    for i in range(count):
        pixels = np.zeros((size, size, 4), np.uint8)
        x, y = rng.integers(0, size // 2, 2)
        pixels[y : y + size // 2, x : x + size // 2] = (*values[(i + i // 20) % 4], 255)
        Image.fromarray(pixels, "RGBA").save(root / f"{i:03d}.png")
        (root / f"{i:03d}.txt").write_text(
            f"{names[(i + i // 20) % 4]} {THINGS[i % len(THINGS)]}\na {names[(i + i // 20) % 4]} square\n"
        )
    return root


def zorp_folder(root: Path, count: int = 10, size: int = 32) -> Path:
    """A folder of zorps, without captions: a magenta ring with a green dot, somewhere else in each."""
    root.mkdir(parents=True, exist_ok=True)
    rows, columns = np.mgrid[:size, :size]
    for i in range(count):
        y, x = size * (3 + i % 3) // 8, size * (3 + i // 3 % 3) // 8
        away = np.hypot(rows - y, columns - x)
        pixels = np.zeros((size, size, 4), np.uint8)
        pixels[(away > size / 8) & (away < size / 4)] = (220, 20, 200, 255)
        pixels[away < size / 16 + i / 10] = (30, 200, 60, 255)
        Image.fromarray(pixels, "RGBA").save(root / f"{i:02d}.png")
    return root
