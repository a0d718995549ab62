"""Where figures go: a table on the terminal and a JSON file beside the benchmark."""

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mezzotint.checkpoints.tensors import file_digest
from mezzotint.load import HOUSE
from mezzotint.provenance.environment import describe_environment


def machine() -> dict[str, Any]:
    """Processor, threads and versions, without names of hosts or folders."""
    return describe_environment().to_json_dict()


def ran_on(device: str) -> str:
    """What networks ran on, by the device's name in torch: the processor, or what the GPU is called."""
    if device == "cpu":
        return str(machine()["processor"])
    import torch

    return torch.cuda.get_device_name(device)


def house_weights() -> dict[str, str]:
    """Which weights the house model has, for what is measured with it."""
    return {"weights_sha256": file_digest(HOUSE / "network.safetensors")}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Minimum, median and maximum."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def write(name: str, figures: Mapping[str, Any]) -> Path:
    """Write `benchmarks/NAME.json` and print it as lines."""
    path = Path(__file__).parent / f"{name}.json"
    content = {"machine": machine(), **figures}
    path.write_text(json.dumps(content, indent=2) + "\n")
    _print(content)
    return path


def _print(value: Any, indent: str = "") -> None:
    for key, item in value.items():
        if isinstance(item, Mapping):
            print(f"{indent}{key}")
            _print(item, indent + "  ")
        else:
            print(f"{indent}{key:<28} {item:.4g}" if isinstance(item, float) else f"{indent}{key:<28} {item}")
