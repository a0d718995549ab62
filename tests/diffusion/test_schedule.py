import math

import pytest
import torch

from mezzotint.diffusion import EDM, Level, RectifiedFlow, Schedule, VPCosine, VPLinear, VPScaledLinear, VPTable
from mezzotint.errors import InvalidOption

from .order import float64

ALL: dict[str, Schedule] = {
    "rectified-flow": RectifiedFlow(),
    "vp-cosine": VPCosine(),
    "vp-linear": VPLinear(),
    "vp-scaled-linear": VPScaledLinear(),
    "edm": EDM(),
    "edm-rho-3": EDM(sigma_max=14.0, rho=3.0),
}
schedules = pytest.mark.parametrize("schedule", ALL.values(), ids=list(ALL))


@schedules
def test_time_inverts_the_schedule(schedule: Schedule) -> None:
    # 0.0005 and 0.9995 lie below the first and between the last two steps of the discrete tables
    t = float64([0.0005, 0.001, 0.01, 0.1, 1 / 3, 0.5, 0.77, 0.9, 0.9995])
    torch.testing.assert_close(schedule.time(schedule(t).log_snr), t, rtol=1e-9, atol=1e-12)


@schedules
def test_noise_grows_with_t_from_the_data_itself(schedule: Schedule) -> None:
    t = torch.linspace(0, 1, 4001, dtype=torch.float64)
    level = schedule(t)
    assert (level.log_snr.diff() < 0).all()
    assert level.alpha[0] == 1
    assert level.sigma[0] == 0
    assert float(schedule.time(math.inf)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", ["vp-cosine", "vp-linear", "vp-scaled-linear"])
def test_variance_preserving(name: str) -> None:
    level = ALL[name](torch.linspace(0, 1, 777, dtype=torch.float64))
    torch.testing.assert_close(level.alpha**2 + level.sigma**2, torch.ones(777).double())


def test_pure_noise_is_exact_where_alpha_vanishes() -> None:
    for schedule in (RectifiedFlow(), VPCosine()):
        assert float(schedule(1.0).alpha) == 0
        assert float(schedule(1.0).sigma) == 1
        assert float(schedule.time(-math.inf)) == 1


@pytest.mark.parametrize(
    ("schedule", "betas"),
    [
        (VPLinear(), torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)),
        (VPScaledLinear(), torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2),
    ],
    ids=["linear", "scaled-linear"],
)
def test_a_table_is_the_discrete_chain_at_its_steps(schedule: Schedule, betas: torch.Tensor) -> None:
    level = schedule((torch.arange(1000) + 1) / 1000)  # t = (i + 1) / N, here rounded to float32 on purpose
    alphas_cumprod = torch.cumprod(1 - betas, 0)
    torch.testing.assert_close(level.alpha**2, alphas_cumprod, rtol=2e-6, atol=0)
    exact = schedule((torch.arange(1000, dtype=torch.float64) + 1) / 1000)
    torch.testing.assert_close(exact.alpha**2, alphas_cumprod, rtol=1e-11, atol=0)
    torch.testing.assert_close(exact.sigma**2, 1 - alphas_cumprod, rtol=1e-10, atol=0)


def test_a_table_interpolates_log_sigma_over_alpha() -> None:
    table = VPLinear()
    ends = table(float64([0.5, 0.501])).log_snr
    torch.testing.assert_close(table(0.50025).log_snr, 0.75 * ends[0] + 0.25 * ends[1])


def test_known_values_of_the_stable_diffusion_table() -> None:
    """sigma/alpha of the first and last step, as published with k-diffusion: 0.0292 and 14.6146."""
    ends = VPScaledLinear()(float64([0.001, 1.0]))
    assert (ends.sigma / ends.alpha).tolist() == pytest.approx([0.02917, 14.6146], rel=1e-4)


def test_a_uniform_grid_in_edm_time_is_the_grid_of_karras() -> None:
    edm, n = EDM(), 18
    low = float(edm.time(-2 * math.log(edm.sigma_min)))
    sigma = edm(torch.linspace(1, low, n, dtype=torch.float64)).sigma
    karras = [(80 ** (1 / 7) + i / (n - 1) * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7 for i in range(n)]
    torch.testing.assert_close(sigma, float64(karras))


def test_a_level_broadcasts_to_pictures_and_frames() -> None:
    x = torch.zeros(2, 3, 4, 5, 6)
    assert Level(float64(0.5), float64(0.1)).like(x).alpha.shape == ()
    assert Level(float64([0.5, 0.2]), float64([0.1, 0.3])).like(x).sigma.shape == (2, 1, 1, 1, 1)
    frames = Level(torch.rand(2, 4, generator=torch.Generator().manual_seed(0)).double(), torch.ones(2, 4).double())
    assert frames.like(x).alpha.shape == (2, 1, 4, 1, 1)
    assert frames.like(x).alpha.dtype == torch.float32
    noised = frames.noised(torch.ones_like(x), torch.zeros_like(x))
    torch.testing.assert_close(noised[1, 2, :, 3, 4], frames.alpha[1].float())


@pytest.mark.parametrize("betas", [[0.1], [0.1, 1.0], [0.0, 0.1], [0.1, math.nan]])
def test_bad_betas_are_refused(betas: list[float]) -> None:
    with pytest.raises(InvalidOption, match="betas"):
        VPTable(float64(betas))


def test_a_bad_edm_range_is_refused() -> None:
    with pytest.raises(InvalidOption, match="sigma_min < sigma_max"):
        EDM(sigma_min=1, sigma_max=0.5)
