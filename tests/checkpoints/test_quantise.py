"""Eight bits: the error that the formula allows, row by row, for matrices and convolutions."""

import pytest
import torch

from mezzotint.checkpoints.quantise import dequantise, quantise


@pytest.mark.parametrize("shape", [(64, 96), (32, 16, 3, 3)])
def test_a_weight_comes_back_within_half_a_step_of_its_row(shape: tuple[int, ...]) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    weight[3] *= 100  # one large row must not cost the others
    weight[5] = 0
    stored = quantise({"w": weight})
    assert stored["w"].dtype == torch.int8
    assert stored["w"].shape == weight.shape
    back = dequantise(stored)
    assert back.keys() == {"w"}
    steps = weight.flatten(1).abs().amax(1) / 127
    error = (back["w"] - weight).flatten(1).abs().amax(1)
    assert (error <= steps / 2 + 1e-6).all()
    assert error[3] > steps[4]
    assert (back["w"][5] == 0).all()


def test_what_is_small_or_neither_keeps_its_values() -> None:
    kept = {"bias": torch.randn(9000), "small": torch.randn(8, 8), "cube": torch.randn(20, 20, 20)}
    back = dequantise(quantise(kept))
    assert all(torch.equal(back[name], value) for name, value in kept.items())
