"""Text to image starts from the seed's own noise, scaled to the schedule."""

import torch

from mezzotint.codecs import PixelCodec
from mezzotint.diffusion.noise import PhiloxNoise, Purpose
from mezzotint.diffusion.schedule import EDM, RectifiedFlow
from mezzotint.editing import Canvas, Composed


def test_it_starts_from_the_noise_of_its_seed() -> None:
    noise, shape = PhiloxNoise([5, 6]), (2, 4, 1, 8, 8)
    eps = noise.normal(shape, Purpose.START, 0)
    flow = Composed().start(Canvas(RectifiedFlow(), PixelCodec(), shape), noise)
    torch.testing.assert_close(flow, eps, rtol=0, atol=0)
    edm = EDM()
    start = Composed().start(Canvas(edm, PixelCodec(), shape), noise)
    torch.testing.assert_close(start, float(edm(1.0).sigma) * eps)
    half = Composed().start(Canvas(RectifiedFlow(), PixelCodec(), shape, 0.5), noise)
    torch.testing.assert_close(half, 0.5 * eps)
