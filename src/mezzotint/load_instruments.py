"""Composing what measures pictures, from packed folders: encoders and detectors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mezzotint.checkpoints.model_folder import DESCRIPTION, ENCODER, TEXT, read_model_folder
from mezzotint.checkpoints.quantise import dequantise
from mezzotint.checkpoints.tensors import file_digest, load_tensors
from mezzotint.conditioning.minilm import load_conditioner
from mezzotint.conditioning.text import TextConditioner
from mezzotint.errors import InvalidCheckpoint
from mezzotint.families.icon_detector import FAMILY as DETECTOR_FAMILY
from mezzotint.families.icon_detector import IconDetector, IconDetectorConfig
from mezzotint.families.twin_encoder import FAMILY as ENCODER_FAMILY
from mezzotint.families.twin_encoder import TwinEncoder, TwinEncoderConfig
from mezzotint.load import HOUSE, network_of, resolve_device

__all__ = ["load_icon_detector", "load_twin_encoder"]


def load_twin_encoder(folder: Path, *, device: str = "auto") -> tuple[TwinEncoder, TextConditioner, str]:
    """An encoder's network and text encoder from its packed folder, and the sha256 of its weights.

    Raises `InvalidCheckpoint` for a folder of another kind.
    """
    files = read_model_folder(folder)
    d = files.description
    if d.get("family") != ENCODER_FAMILY:
        raise InvalidCheckpoint(f"{folder} holds no encoder; pack one from a run of mezzotint train encoder.")
    try:
        network = network_of(files, lambda sizes: TwinEncoder(TwinEncoderConfig(**sizes)))
        letters = int(d["network"]["word_length"])
        place, tensors = (folder / TEXT, files.encoder) if files.encoder else _shared_text(folder, d)
        text = load_conditioner(place, tensors, (), d["text_length"], letters)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise InvalidCheckpoint(
            f"{folder}/{DESCRIPTION} does not describe an encoder that can be built ({error})."
        ) from None
    return network.to(resolve_device(device)).eval().requires_grad_(False), text, files.weights_sha256


def _shared_text(folder: Path, description: Mapping[str, Any]) -> tuple[Path, Mapping[str, torch.Tensor]]:
    """The house model's text encoder, for an encoder whose folder has none. Raises `InvalidCheckpoint` for another."""
    path = HOUSE / TEXT / ENCODER
    if not path.is_file() or file_digest(path) != description["text_encoder_sha256"]:
        raise InvalidCheckpoint(
            f"{folder} has no text encoder, and the house model's is not the one that it was trained with; pack it "
            "without --share-text."
        )
    return HOUSE / TEXT, dequantise(load_tensors(path)[0])


def load_icon_detector(folder: Path) -> tuple[IconDetector, Mapping[str, Any], str]:
    """A detector's network from its packed folder, what its numbers mean (the lists "things" and "colours", the text
    "alphabet"), and the sha256 of its weights. Raises `InvalidCheckpoint` for a folder of another kind."""
    files = read_model_folder(folder)
    d = files.description
    if d.get("family") != DETECTOR_FAMILY:
        raise InvalidCheckpoint(f"{folder} holds no detector; pack one from a run of mezzotint train detector.")
    try:
        network = network_of(files, _icon_detector)
        meaning = {name: d[name] for name in ("things", "colours", "alphabet")}
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise InvalidCheckpoint(
            f"{folder}/{DESCRIPTION} does not describe a detector that can be built ({error})."
        ) from None
    return network.eval().requires_grad_(False), meaning, files.weights_sha256


def _icon_detector(sizes: Mapping[str, Any]) -> IconDetector:
    return IconDetector(IconDetectorConfig(**{**sizes, "widths": tuple(sizes["widths"])}))
