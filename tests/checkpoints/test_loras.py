"""LoRA files: what comes back, and what is refused."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mezzotint.adapters import Factors
from mezzotint.checkpoints.loras import LoRAFacts, lora_bytes, read_lora
from mezzotint.checkpoints.tensors import load_tensors
from mezzotint.errors import InvalidCheckpoint

FACTS = LoRAFacts(
    base="house", base_weights_sha256="a" * 64, rank=2, alpha=4.0, word="zorp", training={"steps": 3, "pictures": ["b"]}
)


def factors() -> dict[str, Factors]:
    generator = torch.Generator().manual_seed(1)
    return {
        f"blocks.{i}.attention.out": Factors(
            torch.randn(1, 2, 6, generator=generator), torch.randn(1, 6, 2, generator=generator)
        )
        for i in (0, 1)
    }


def test_what_is_written_comes_back_and_has_the_same_bytes_again(tmp_path: Path) -> None:
    path = tmp_path / "zorp.safetensors"
    path.write_bytes(lora_bytes(factors(), FACTS))
    found = read_lora(path)
    assert (found.name, found.facts) == ("zorp", FACTS)
    assert found.factors.keys() == factors().keys()
    for name, one in factors().items():
        assert torch.equal(found.factors[name].down, one.down)
        assert torch.equal(found.factors[name].up, one.up)
    again = lora_bytes(dict(reversed(found.factors.items())), found.facts)
    assert again == path.read_bytes()


def test_what_is_no_lora_of_ours_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "zorp.safetensors"
    path.write_bytes(lora_bytes(factors(), FACTS))
    tensors, metadata = load_tensors(path)
    less = {name: tensor for name, tensor in tensors.items() if name != "blocks.1.attention.out.up"}
    newer = {"mezzotint": metadata["mezzotint"].replace('"format": 1', '"format": 2')}
    odd = {"mezzotint": metadata["mezzotint"].replace('"rank": 2', '"ranks": 2')}
    for changed, said, words in (
        (tensors, {}, "is not a LoRA made by mezzotint teach"),
        (tensors, {"mezzotint": "[]"}, "is not a LoRA made by mezzotint teach"),
        (tensors, newer, "is a lora of format 2; this Mezzotint reads a lora of format 1"),
        (tensors, odd, "does not say what it is in the way of format 1"),
        (less, metadata, r"is not a whole LoRA: blocks\.1\.attention\.out\.up is missing"),
        ({**tensors, "lora_te.alpha": torch.ones(1)}, metadata, r"is not a whole LoRA: lora_te\.alpha is not known"),
        ({}, metadata, "it has no factors"),
    ):
        save_file(changed, path, metadata=said)
        with pytest.raises(InvalidCheckpoint, match=words):
            read_lora(path)
    path.write_bytes(b"\x80\x04 a pickle")
    with pytest.raises(InvalidCheckpoint, match="is a pickle"):
        read_lora(path)
