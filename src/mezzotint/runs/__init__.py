"""Training runs: each is a function that returns one complete, typed configuration."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from mezzotint.runs.adversarial import gan
from mezzotint.runs.detector import detector, second_detector
from mezzotint.runs.encoder import encoder
from mezzotint.runs.icons import house, house_gpu, icons
from mezzotint.runs.student import student
from mezzotint.runs.tiny import tiny
from mezzotint.runs.upscaler import upscaler
from mezzotint.training.config import Run

RUNS: Mapping[str, Callable[[], Run]] = MappingProxyType(
    {
        "detector": detector,
        "encoder": encoder,
        "gan": gan,
        "house": house,
        "house_gpu": house_gpu,
        "icons": icons,
        "second_detector": second_detector,
        "student": student,
        "tiny": tiny,
        "upscaler": upscaler,
    }
)
"""Every run by name; a new run is one function and one entry."""

__all__ = [
    "RUNS",
    "detector",
    "encoder",
    "gan",
    "house",
    "house_gpu",
    "icons",
    "second_detector",
    "student",
    "tiny",
    "upscaler",
]
