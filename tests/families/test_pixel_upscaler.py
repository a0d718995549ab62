"""The network that enlarges: Lanczos's filter against Pillow's, windows that agree, and what it is told."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from mezzotint.errors import InvalidOption
from mezzotint.families.pixel_upscaler import (
    PixelUpscaler,
    PixelUpscalerConfig,
    SmallPicture,
    initialise_upscaler,
    lanczos,
)
from tests.upscalers import NETWORK, random_upscaler

HALF = torch.tensor(0.5)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("size", "scale"), [((7, 12), 4), ((9, 5), 2), ((1, 3), 4), ((20, 31), 3)])
def test_lanczos_is_that_of_pillow(size: tuple[int, int], scale: int) -> None:
    x = random(2, 3, *size)
    found = lanczos(x, scale)
    for b in range(2):
        for c in range(3):
            small = Image.fromarray(x[b, c].numpy(), "F")
            large = small.resize((scale * size[1], scale * size[0]), Image.Resampling.LANCZOS)
            np.testing.assert_allclose(found[b, c].numpy(), np.asarray(large), atol=3e-6)


def test_an_untrained_network_gives_lanczos_whatever_the_noise() -> None:
    network = PixelUpscaler(NETWORK)
    initialise_upscaler(network, 0)
    small = random(2, 4, 1, 5, 6)
    for t in (0.1, 1.0):
        found = network(random(2, 4, 1, 20, 24, seed=3), torch.tensor(t), SmallPicture(small))
        assert torch.equal(found.squeeze(2), lanczos(small.squeeze(2), 4))
    assert network.enlarges == 4
    drawn = [p for p in network.parameters() if p.ndim > 1 and bool(p.any())]
    assert len(drawn) > 5  # but what it will learn with is there


def test_the_house_sizes() -> None:
    network = PixelUpscaler(PixelUpscalerConfig())
    assert 3e5 < sum(p.numel() for p in network.parameters()) < 2e6


def test_everything_that_it_is_told_matters_and_every_weight_learns() -> None:
    network, x, small = random_upscaler(), random(2, 4, 1, 32, 24), random(2, 4, 1, 8, 6, seed=1)
    plain = network(x, HALF, SmallPicture(small))
    base = lanczos(small.squeeze(2), 4)[:, :, None]
    assert plain.shape == x.shape
    for other in (
        network(x + random(*x.shape, seed=2), HALF, SmallPicture(small)),
        network(x, torch.tensor(0.9), SmallPicture(small)),
        network(x, HALF, SmallPicture(small + 0.2)) - 0.2,
    ):
        assert float((other - plain).detach().abs().mean()) > 1e-3
    torch.autograd.backward((plain - base).square().mean())
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.any()), name
    rows = network(x, torch.tensor([0.2, 0.5]), SmallPicture(small))
    torch.testing.assert_close(rows[1], plain[1])


def test_what_it_says_of_a_place_does_not_depend_on_what_is_far_away() -> None:
    """Nothing is normalised over places: inside of what it reaches, a window says what the whole says, to rounding."""
    network, x, small = random_upscaler(), random(1, 4, 1, 144, 176), random(1, 4, 1, 36, 44, seed=1)
    whole = network(x, HALF, SmallPicture(small))
    rows, columns = torch.arange(16, 128), torch.arange(40, 168)  # multiples of 8: the level below has the same cells
    told = SmallPicture(small).cut(rows, columns)
    assert torch.equal(told.picture, small[..., 4:32, 10:42])
    part = network(x[..., rows[:, None], columns], HALF, told)
    reach = 48  # small pixels: 6 convolutions of one at this level, one down, 2 of two below, and the cell itself
    inside = whole[..., 16 + reach : 128 - reach, 40 + reach : 168 - reach]
    torch.testing.assert_close(part[..., reach:-reach, reach:-reach], inside)
    assert not torch.allclose(part[..., :4, :4], whole[..., 16:20, 40:44])


def test_odd_sizes_repeat_the_border() -> None:
    network, small, x = random_upscaler(), random(1, 4, 1, 5, 7), random(1, 4, 1, 20, 28, seed=1)
    wider = torch.cat([small, small[..., -1:]], dim=-1)
    taller = torch.cat([wider, wider[..., -1:, :]], dim=-2)
    wide_x = torch.cat([x, x[..., -4:]], dim=-1)
    tall_x = torch.cat([wide_x, wide_x[..., -4:, :]], dim=-2)

    def added(noisy: Tensor, known: Tensor) -> Tensor:
        return network(noisy, HALF, SmallPicture(known)) - lanczos(known.squeeze(2), 4)[:, :, None]

    inside = added(tall_x, taller)[..., :16, :24]  # the last convolution sees zeros beyond the border in one of them
    torch.testing.assert_close(added(x, small)[..., :16, :24], inside)


def test_small_pictures_are_joined_and_cut_where_their_pixels_begin() -> None:
    first, second = SmallPicture(random(1, 4, 1, 4, 4)), SmallPicture(random(2, 4, 1, 4, 4, seed=1))
    joined = first.cat(second)
    assert len(joined) == 3
    assert torch.equal(joined.picture[1:], second.picture)
    with pytest.raises(AssertionError, match="inside a small pixel"):
        first.cut(torch.arange(2, 10), torch.arange(0, 8))


def test_words_alone_are_refused_in_one_sentence() -> None:
    with pytest.raises(InvalidOption, match="use mezzotint upscale"):
        random_upscaler()(random(1, 4, 1, 32, 32), HALF, "a red apple")  # type: ignore[arg-type]
