"""The yardsticks of enlarging, on pictures whose edges are known."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.upscaler import brightness, compared, edges, measured, spoiled
from mezzotint.evaluation.encoder import load_encoder
from mezzotint.families.pixel_upscaler import lanczos
from mezzotint.load import INSTRUMENTS

SIDE = 128


def discs(count: int) -> Tensor:
    """Sharp opaque discs of other places and colours on nothing, (count, 4, 1, SIDE, SIDE) in [-1, 1]."""
    rng = np.random.Generator(np.random.Philox(0))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    found = []
    for _ in range(count):
        y, x = rng.uniform(50, 78, 2)
        cover = ((rows - y) ** 2 + (columns - x) ** 2 < rng.uniform(20, 40) ** 2).astype(np.float32)
        found.append(np.concatenate([cover * rng.uniform(0, 0.6, (3, 1, 1)), cover[None]]))
    return torch.from_numpy(np.stack(found)).float()[:, :, None] * 2 - 1


def test_edges_lie_where_brightness_jumps() -> None:
    x = torch.full((1, 4, 1, 8, 8), -1.0)
    x[:, 3, :, :, 3:] = 1  # black from column 3 on, on white
    assert torch.equal(brightness(x)[0, 0], torch.tensor([1.0] * 3 + [0.0] * 5))
    assert edges(x)[0].all(0).tolist() == [False, False, True, False, False, False, False, False]
    assert not edges(torch.ones(1, 4, 1, 8, 8)).any()


def test_the_truth_is_best_and_edges_and_sharpness_are_seen() -> None:
    encoder, truth = load_encoder(INSTRUMENTS / "encoder", device="cpu"), discs(12)
    small = F.avg_pool2d(truth.squeeze(2), 4)[:, :, None]
    itself = measured(truth, truth, encoder, quick=True)
    assert itself["psnr"] == itself["psnr of edges"] == 120
    assert itself["small distance"] == itself["fine distance"] == pytest.approx(0, abs=1e-5)
    ways = {
        "Lanczos": lambda x: lanczos(x.squeeze(2), 4)[:, :, None],
        "boxes": lambda x: F.interpolate(x.squeeze(2), scale_factor=4)[:, :, None],
    }
    figures = compared(ways, small, truth, encoder, quick=True)
    for found in figures.values():
        assert found["psnr of edges"] < found["psnr"] < 120
        assert found["fine distance"] > found["small distance"]
    assert figures["Lanczos"]["psnr of edges"] > figures["boxes"]["psnr of edges"]
    worse = compared(ways, spoiled(small), truth, encoder, quick=True)
    assert worse["Lanczos"]["psnr"] < figures["Lanczos"]["psnr"]
