"""Training runs: each is a function that returns one complete, typed configuration."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from mezzotint.runs.detector import detector, second_detector
from mezzotint.runs.encoder import encoder
from mezzotint.runs.icons import house, house_gpu, icons
from mezzotint.runs.tiny import tiny
from mezzotint.training.config import Run

RUNS: Mapping[str, Callable[[], Run]] = MappingProxyType(
    {
        "detector": detector,
        "encoder": encoder,
        "house": house,
        "house_gpu": house_gpu,
        "icons": icons,
        "second_detector": second_detector,
        "tiny": tiny,
    }
)
"""Every run by name; a new run is one function and one entry."""

__all__ = ["RUNS", "detector", "encoder", "house", "house_gpu", "icons", "second_detector", "tiny"]
