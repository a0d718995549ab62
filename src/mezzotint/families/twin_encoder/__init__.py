"""The twin encoder family, which measures pictures and prompts in one space: see `model.py`."""

from mezzotint.families.twin_encoder.model import ImageTower, TextTower, TwinEncoder, TwinEncoderConfig, initialise

__all__ = ["ImageTower", "TextTower", "TwinEncoder", "TwinEncoderConfig", "initialise"]
