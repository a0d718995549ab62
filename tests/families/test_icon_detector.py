"""The detector's network: what its parts do to a picture and to a gradient."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mezzotint.families.icon_detector import IconDetector, IconDetectorConfig, Maps, initialise_detector, looked
from mezzotint.families.icon_detector.decode import decoded
from tests.gradients import eager_and_compiled, unlike


def test_a_compiled_step_in_bfloat16_reaches_every_weight() -> None:
    """Compiled, torch 2.13 once gave zeros to all that lay before the ways up, in silence."""
    network = IconDetector(IconDetectorConfig(widths=(8, 8, 16), blocks=1, things=2, colours=2, letters=2))
    initialise_detector(network, 0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("conv_out.weight"):
                parameter.normal_(0.0, 0.1, generator=generator)
    pictures = torch.randn(2, 4, 1, 64, 64, generator=generator)

    def answer(given: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            maps = network(given)
        return maps.peaks.square().sum() + maps.boxes.square().sum() + maps.features.float().square().sum()

    eager, compiled = eager_and_compiled(network, answer, pictures)
    # a bias before a norm has no gradient but rounding
    weights = [name for name in eager if name.endswith("weight") and ("conv_in" in name or name[:2] in ("do", "up"))]
    assert len(weights) == 7
    assert unlike(eager, compiled, weights) == []


def test_a_sighting_counts_only_if_place_and_kind_together_are_sure_enough() -> None:
    network = IconDetector(IconDetectorConfig(widths=(8, 8, 16), blocks=1, things=4, colours=2, letters=2))
    initialise_detector(network, 0)
    with torch.inference_mode():
        maps = network(torch.randn(1, 4, 1, 64, 64, generator=torch.Generator().manual_seed(3)))
        peaks = torch.full_like(maps.peaks, -20.0)
        peaks[0, 0, 2, 3] = 0.0  # a chance of one half for a thing there
        maps = replace(maps, peaks=peaks)
        sure = max(sighting.score for sighting in decoded(network, maps, 0.01)[0].things)
        assert 0.12 < sure < 0.4  # one half times the surest of four kinds
        assert len(decoded(network, maps, sure * 0.99)[0].things) == 1
        assert decoded(network, maps, sure * 1.01)[0].things == ()


class _Cells(nn.Module):
    """Says of every cell of 2 by 2 pixels what its own four channels are, of no other; `odd` adds 1 in odd columns."""

    def __init__(self, odd: float = 0.0) -> None:
        super().__init__()
        self.odd = odd

    def forward(self, pictures: Tensor) -> Maps:
        cells = F.avg_pool2d(pictures[:, :, 0], 2)
        cells = cells + self.odd * (torch.arange(cells.shape[-1]) % 2)
        return Maps(cells[:, :2], cells, cells)


def test_looks_are_averaged_where_they_lie_on_the_picture() -> None:
    pictures = torch.rand(2, 4, 1, 64, 64, generator=torch.Generator().manual_seed(5)) * 2 - 1
    once = _Cells()(pictures)
    three = looked(_Cells(), pictures)  # type: ignore[arg-type]
    for part in ("peaks", "boxes", "features"):
        torch.testing.assert_close(getattr(three, part), getattr(once, part), rtol=0, atol=1e-5)


def test_what_depends_on_the_place_in_the_grid_is_evened_out() -> None:
    """Two looks see a column as it is, one sees it where its neighbour would be."""
    pictures = torch.rand(1, 4, 1, 64, 64, generator=torch.Generator().manual_seed(6)) * 2 - 1
    plain, found = _Cells()(pictures), looked(_Cells(odd=1.0), pictures)  # type: ignore[arg-type]
    for column, share in ((0, 1 / 3), (1, 2 / 3), (30, 1 / 3), (31, 2 / 3)):
        apart = (found.boxes - plain.boxes)[..., column]
        assert apart.min() == pytest.approx(share, abs=1e-5)
        assert apart.max() == pytest.approx(share, abs=1e-5)
        chance = plain.peaks[..., column].sigmoid()
        raised = (plain.peaks[..., column] + 1).sigmoid()
        expected = chance * (1 - share) + raised * share
        torch.testing.assert_close(found.peaks[..., column].sigmoid(), expected, rtol=0, atol=1e-5)
