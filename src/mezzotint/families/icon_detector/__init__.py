"""The detector family."""

from mezzotint.families.icon_detector.decode import Found, Sighting, around, decoded, read
from mezzotint.families.icon_detector.looks import looked
from mezzotint.families.icon_detector.model import (
    FAMILY,
    Described,
    IconDetector,
    IconDetectorConfig,
    Maps,
    initialise_detector,
)

__all__ = [
    "FAMILY",
    "Described",
    "Found",
    "IconDetector",
    "IconDetectorConfig",
    "Maps",
    "Sighting",
    "around",
    "decoded",
    "initialise_detector",
    "looked",
    "read",
]
