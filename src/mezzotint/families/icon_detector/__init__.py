"""The detector family."""

from mezzotint.families.icon_detector.model import (
    FAMILY,
    Described,
    IconDetector,
    IconDetectorConfig,
    Maps,
    initialise_detector,
)

__all__ = ["FAMILY", "Described", "IconDetector", "IconDetectorConfig", "Maps", "initialise_detector"]
