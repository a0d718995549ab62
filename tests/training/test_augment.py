"""Pictures are changed as their labels say, and the network is told; unchanged ones keep every bit."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.errors import InvalidOption
from mezzotint.training.augment import LABELS, augmented
from mezzotint.training.config import AugmentConfig, RunConfig
from tests.support import SMALL, random_network
from tests.training.conftest import MakeTrainer

DRAWS = torch.arange(4000)


def squares(count: int) -> torch.Tensor:
    """A red square of 10 pixels with its left upper corner at (30, 40), premultiplied, on nothing."""
    unit = torch.zeros(count, 4, 1, 64, 64)
    unit[:, [0, 3], :, 40:50, 30:40] = 1
    return unit * 2 - 1


def test_a_change_is_what_its_label_says() -> None:
    pictures, labels = augmented(squares(400), 3, DRAWS[:400], AugmentConfig(share=0.5, octaves=0.5, shift=0.1))
    cover = (pictures[:, 3, 0] + 1) / 2
    places = torch.arange(64) + 0.5
    mass = cover.sum((1, 2))
    x, y = (cover * places).sum((1, 2)) / mass, (cover * places[:, None]).sum((1, 2)) / mass
    size = 2 ** labels[:, 1]
    # about the middle at 32: the square's own middle is at (35, 45)
    wanted_x = 32 + (35 - 32) * (1 - 2 * labels[:, 0]) * size + 64 * labels[:, 2]
    wanted_y = 32 + (45 - 32) * size + 64 * labels[:, 3]
    torch.testing.assert_close(x, wanted_x, atol=0.15, rtol=0)
    torch.testing.assert_close(y, wanted_y, atol=0.15, rtol=0)
    torch.testing.assert_close(mass, 100 * size**2, atol=0, rtol=0.12)
    assert (pictures[:, :3] <= pictures[:, 3:] + 1e-6).all()
    still = ~labels.any(dim=1)
    assert torch.equal(pictures[still], squares(int(still.sum())))
    mirrored = (labels[:, 0] == 1) & ~labels[:, 1:].any(dim=1)
    torch.testing.assert_close(pictures[mirrored], squares(int(mirrored.sum())).flip(-1), atol=1e-5, rtol=0)


def test_each_sort_of_change_has_its_share_and_depends_on_the_draw_alone() -> None:
    config = AugmentConfig(share=0.3, octaves=0.4, shift=0.15)
    _, labels = augmented(torch.zeros(4000, 4, 1, 2, 2), 3, DRAWS, config)
    shares = (labels != 0).double().mean(0)
    assert torch.allclose(shares, torch.full((LABELS,), 0.3, dtype=torch.float64), atol=0.03)
    assert labels[:, 1].abs().max() <= 0.4
    assert labels[:, 2:].abs().max() <= 0.15
    assert abs(float(labels[:, 1:].mean())) < 0.01
    both = float(((labels[:, 1] != 0) & (labels[:, 2] != 0)).double().mean())
    assert both == pytest.approx(0.09, abs=0.02)  # one by itself
    _, later = augmented(torch.zeros(10, 4, 1, 2, 2), 3, DRAWS[100:110], config)
    assert torch.equal(later, labels[100:110])
    _, off = augmented(torch.zeros(4000, 4, 1, 2, 2), 3, DRAWS, replace(config, mirror=False))
    assert not off[:, 0].any()


def test_the_network_is_told_and_without_a_label_draws_the_unchanged() -> None:
    network = random_network(replace(SMALL, augments=LABELS))
    generator = torch.Generator().manual_seed(1)
    x, tokens = (torch.randn(shape, generator=generator) for shape in ((2, 4, 1, 32, 32), (2, 3, 384)))
    plain = Conditioning(tokens, torch.ones(2, 3, dtype=torch.bool), torch.tensor([0, 1]))
    t = torch.tensor([0.3, 0.8])
    without = network(x, t, plain)
    assert torch.equal(without, network(x, t, replace(plain, augment=torch.zeros(2, LABELS))))
    told = network(x, t, replace(plain, augment=torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 0]])))
    assert not torch.allclose(told[0], without[0], atol=1e-3)
    torch.testing.assert_close(told[1], without[1])


def test_batches_carry_their_labels(make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path) -> None:
    run = replace(small_run, network=replace(small_run.network, augments=LABELS), augment=AugmentConfig(share=0.5))
    plain, told = make_trainer(tmp_path / "a").batches.at(8), make_trainer(tmp_path / "b", run).batches.at(8)
    assert plain.cond.augment is None
    assert told.cond.augment is not None
    same = ~told.cond.augment.any(dim=1)
    assert torch.equal(told.pictures[same], plain.pictures[same])
    assert not torch.equal(told.pictures, plain.pictures)
    assert (told.rows == plain.rows).all()
    with pytest.raises(InvalidOption, match=r"network\.augments=4"):
        replace(run, network=small_run.network)
