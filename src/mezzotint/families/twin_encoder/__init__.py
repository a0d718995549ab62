"""The twin encoder family, which measures pictures and prompts in one space: see `model.py`."""

from mezzotint.families.twin_encoder.model import (
    FAMILY,
    ImageTower,
    TextTower,
    TwinEncoder,
    TwinEncoderConfig,
    initialise,
)

__all__ = ["FAMILY", "ImageTower", "TextTower", "TwinEncoder", "TwinEncoderConfig", "initialise"]
