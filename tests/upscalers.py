"""A small upscaler for tests, and what it is trained from."""

from dataclasses import asdict
from pathlib import Path

import torch

from mezzotint.checkpoints.model_folder import write_model_folder
from mezzotint.families.pixel_upscaler import FAMILY, PixelUpscaler, PixelUpscalerConfig
from mezzotint.load import UPSCALING_DEFAULTS
from mezzotint.training.config import DataConfig, UpscalerRun

NETWORK = PixelUpscalerConfig(size=32, width=8, depth=1, inner_width=16, inner_depth=1, time_width=16)


def run_on(pictures: Path) -> UpscalerRun:
    """A short run on a folder of pictures."""
    return UpscalerRun(
        name="upscaler",
        network=NETWORK,
        data=DataConfig(source="folder", path=str(pictures)),
        crop=16,
        steps=6,
        batch=4,
        checkpoint_every=3,
        validate_every=6,
        validation=8,
    )


def random_upscaler(config: PixelUpscalerConfig = NETWORK, seed: int = 0, loudness: float = 0.3) -> PixelUpscaler:
    """A network without a zero parameter, so that every path matters; loudness: of what it adds to Lanczos's filter."""
    network = PixelUpscaler(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            scale = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.2
            scale *= loudness if name.startswith("out.") else 1
            bias = float(parameter.ndim == 1 and name.endswith("norm_out.weight"))
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale + bias)
    return network.eval()


def upscaler_folder(
    root: Path, config: PixelUpscalerConfig = NETWORK, name: str = "larger", loudness: float = 0.3
) -> Path:
    """A model's folder with random weights; with a loudness of 0 it is Lanczos's filter."""
    weights = {key: p.detach() for key, p in random_upscaler(config, loudness=loudness).named_parameters()}
    side = [config.size, config.size]
    description = {
        "name": name,
        "family": FAMILY,
        "network": asdict(config),
        "schedule": "rectified_flow",
        "target": "x0",
        "size": side,
        "styles": [],
        "text_length": 0,
        "defaults": {"size": side, **UPSCALING_DEFAULTS},
    }
    write_model_folder(root, weights, None, description, "fp32", {"README.md": "A random upscaler for tests.\n"})
    return root
