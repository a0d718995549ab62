"""The detector family."""

from mezzotint.families.icon_detector.model import (
    Described,
    IconDetector,
    IconDetectorConfig,
    Maps,
    initialise_detector,
)

__all__ = ["Described", "IconDetector", "IconDetectorConfig", "Maps", "initialise_detector"]
