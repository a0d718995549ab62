"""A stand-in for the house model: its name, size and styles, with a small network of random weights."""

from pathlib import Path

from mezzotint.checkpoints.model_folder import write_model_folder
from mezzotint.data.icons import SETS
from mezzotint.families.pixel_dit import PixelDiTConfig
from mezzotint.load import DRAWING_DEFAULTS, HOUSE
from tests.support import random_network

STYLES = tuple(sorted({icons.style for icons in SETS}))
CONFIG = PixelDiTConfig(size=64, patch=16, width=32, depth=1, heads=2, hidden=48, bottleneck=16, styles=len(STYLES))


def house_folder(root: Path) -> Path:
    """Write the model's folder."""
    weights = {name: p.detach() for name, p in random_network(CONFIG).named_parameters()}
    side = [CONFIG.size, CONFIG.size]
    description = {
        "name": "house",
        "family": "pixel_dit",
        "network": {field: getattr(CONFIG, field) for field in CONFIG.__dataclass_fields__},
        "schedule": "rectified_flow",
        "target": "x0",
        "size": side,
        "styles": list(STYLES),
        "text_length": 32,
        "defaults": {"size": side, **DRAWING_DEFAULTS},
    }
    write_model_folder(root, weights, HOUSE / "text", description, "fp32", {"README.md": "Random, for tests.\n"})
    return root
