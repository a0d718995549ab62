"""Averages of weights: the profile that is tracked, and averages reconstructed after a run."""

import pytest
import torch
from torch import Tensor, nn

from mezzotint.errors import InvalidOption
from mezzotint.training.ema import (
    PowerEMA,
    Profile,
    gamma_of,
    overlap,
    reconstruct,
    reconstruction_shares,
)

STEPS = 4000
WIDTHS = (0.05, 0.1)
SNAPSHOTS = tuple(range(500, STEPS + 1, 500))


class Weights(nn.Module):
    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.value = nn.Parameter(value.clone())


def trajectory() -> Tensor:
    """(STEPS, 6): what weights do in training, twice: they settle, drift and shake."""
    time = torch.linspace(0, 1, STEPS, dtype=torch.float64)[:, None]
    shake = torch.randn(STEPS, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rates = torch.tensor([1.0, 3.0, 8.0, 0.5, 2.0, 5.0], dtype=torch.float64)
    return torch.exp(-rates * time) + 0.3 * torch.sin(3 * rates * time) + 0.1 * shake


@pytest.fixture(scope="module")
def path() -> Tensor:
    return trajectory()


def tracked(path: Tensor, sigma_rel: float, ends: tuple[int, ...]) -> dict[Profile, dict[str, Tensor]]:
    network = Weights(path[0])
    average = PowerEMA(network, sigma_rel)
    kept = {}
    for step, value in enumerate(path, start=1):
        network.value.data.copy_(value)
        average.update(network, step)
        if step in ends:
            kept[Profile(step, sigma_rel)] = {name: w.clone() for name, w in average.state().items()}
    return kept


@pytest.fixture(scope="module")
def stored(path: Tensor) -> list[tuple[Profile, dict[str, Tensor]]]:
    return [pair for width in WIDTHS for pair in tracked(path, width, SNAPSHOTS).items()]


def distance(a: Tensor, b: Tensor) -> float:
    return float((a - b).square().mean().sqrt())


def test_gamma_has_the_width() -> None:
    """Standard deviation of the density (γ + 1) τ^γ on (0, 1); the paper's 6.94 for 0.10 and 16.97 for 0.05."""
    assert gamma_of(0.10) == pytest.approx(6.94, abs=0.005)
    assert gamma_of(0.05) == pytest.approx(16.97, abs=0.005)
    tau = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    density = (gamma_of(0.2) + 1) * tau ** gamma_of(0.2)
    mean = (density * tau).mean()
    assert float((density * (tau - mean) ** 2).mean().sqrt()) == pytest.approx(0.2, abs=1e-6)


def test_the_tracked_average_has_the_power_profile(path: Tensor) -> None:
    """Weights n^γ, up to the discrete sum: the average of the path with them."""
    (average,) = tracked(path, 0.1, (STEPS,)).values()
    n = torch.arange(1, STEPS + 1, dtype=torch.float64)
    share = n ** gamma_of(0.1)
    expected = (share[:, None] * path).sum(0) / share.sum()
    assert distance(average["value"], expected) < 1e-3


@pytest.mark.parametrize(
    ("a", "b"), [((700, 0.05), (700, 0.05)), ((300, 0.2), (1000, 0.07)), ((1000, 0.03), (600, 0.1))]
)
def test_the_overlap_is_the_integral_of_the_product(a: tuple[int, float], b: tuple[int, float]) -> None:
    first, second = Profile(*a), Profile(*b)
    tau = (torch.arange(1_000_000, dtype=torch.float64) + 0.5) / 1_000_000 * 1000

    def density(p: Profile) -> Tensor:
        gamma = gamma_of(p.sigma_rel)
        return torch.where(tau <= p.step, (gamma + 1) / p.step * (tau / p.step) ** gamma, 0.0)

    assert overlap(first, second) == pytest.approx(float((density(first) * density(second)).mean()) * 1000, rel=1e-4)


def test_a_stored_average_is_reconstructed_as_itself(stored: list[tuple[Profile, dict[str, Tensor]]]) -> None:
    for index in (0, 7, 11, 15):
        profile, weights = stored[index]
        shares = reconstruction_shares([p for p, _ in stored], profile)
        assert shares == pytest.approx([float(i == index) for i in range(16)], abs=1e-7)
        torch.testing.assert_close(reconstruct(stored, profile)["value"], weights["value"], rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("sigma_rel", "step", "measured"),
    [(0.03, 4000, 0.0077), (0.05, 3750, 0.0074), (0.07, 4000, 0.0008), (0.1, 3300, 0.0039), (0.15, 4000, 0.0030)],
)
def test_another_average_is_near_the_one_that_was_tracked(
    path: Tensor, stored: list[tuple[Profile, dict[str, Tensor]]], sigma_rel: float, step: int, measured: float
) -> None:
    """From 2 x 8 stored averages of weights that shake by 0.1; the nearest stored one is 4 to 39 times farther."""
    (direct,) = tracked(path, sigma_rel, (step,)).values()
    rebuilt = reconstruct(stored, Profile(step, sigma_rel))
    error = distance(rebuilt["value"], direct["value"])
    assert error < 1.3 * measured
    assert min(distance(weights["value"], direct["value"]) for _, weights in stored) > 4 * error
    assert sum(reconstruction_shares([p for p, _ in stored], Profile(step, sigma_rel))) == pytest.approx(1, abs=0.01)


def test_the_reconstruction_is_the_best_in_the_span(stored: list[tuple[Profile, dict[str, Tensor]]]) -> None:
    """Least squares: the profile that is left over is orthogonal to every stored one, integrated numerically."""
    profiles, wanted = [p for p, _ in stored], Profile(4000, 0.13)
    tau = (torch.arange(400_000, dtype=torch.float64) + 0.5) / 100

    def density(p: Profile) -> Tensor:
        gamma = gamma_of(p.sigma_rel)
        return torch.where(tau <= p.step, (gamma + 1) / p.step * (tau / p.step) ** gamma, 0.0)

    shares = reconstruction_shares(profiles, wanted)
    rest = density(wanted) - sum(share * density(p) for share, p in zip(shares, profiles, strict=True))
    assert float(rest.square().sum() / density(wanted).square().sum()) < 0.01
    for p in profiles:
        cosine = (rest * density(p)).sum() / (density(wanted).square().sum().sqrt() * density(p).square().sum().sqrt())
        assert abs(float(cosine)) < 1e-4


def test_what_cannot_be_reconstructed_is_refused() -> None:
    a, b = Profile(100, 0.05), Profile(200, 0.1)
    with pytest.raises(
        InvalidOption, match="ends at update 300 cannot be reconstructed: those stored end at update 200"
    ):
        reconstruction_shares([a, b], Profile(300, 0.1))
    for stored in ([], [a, a]):
        with pytest.raises(InvalidOption, match="each of them once"):
            reconstruction_shares(stored, a)
    with pytest.raises(InvalidOption, match="different networks"):
        reconstruct([(a, {"x": torch.zeros(1)}), (b, {"y": torch.zeros(1)})], b)
