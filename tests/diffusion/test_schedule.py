import math

import pytest
import torch

from mezzotint.diffusion import EDM, Level, RectifiedFlow, Schedule, VPCosine, VPLinear, VPScaledLinear, VPTable
from mezzotint.diffusion.schedule import HyperbolicSecant, Laplace, ZeroTerminal
from mezzotint.diffusion.solvers.multistep import point, point_at
from mezzotint.errors import InvalidOption

from .order import float64

ALL: dict[str, Schedule] = {
    "rectified-flow": RectifiedFlow(),
    "vp-cosine": VPCosine(),
    "vp-linear": VPLinear(),
    "vp-scaled-linear": VPScaledLinear(),
    "zero-terminal": ZeroTerminal(VPScaledLinear()),
    "laplace": Laplace(),
    "laplace-moved": Laplace(mean=-1.0, width=1.5),
    "secant": HyperbolicSecant(mean=1.0, width=3.0),
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
def test_numbers_are_those_of_the_level_to_the_bit(schedule: Schedule) -> None:
    for t in (0.0, 1e-9, 0.0004, 0.001, 0.3, 1 / 3, 0.9985, 0.99901, 1.0):
        for given in (torch.tensor(t, dtype=torch.float64), torch.tensor(t, dtype=torch.float64, requires_grad=True)):
            assert point_at(schedule, given) == point(schedule(given))


@schedules
def test_one_time_alone_has_the_level_that_it_has_among_others(schedule: Schedule) -> None:
    """A time of shape () may be read without tensor operations. The ends and knots of the tables are among these."""
    times = [0.0, 1e-9, 0.0004, 0.001, 0.0010001, 0.3, 1 / 3, 0.9985, 0.999, 0.99901, 1 - 1e-12, 1.0]
    together = schedule(float64(times))
    for i, t in enumerate(times):
        for alone in (schedule(t), schedule(torch.tensor(t, dtype=torch.float64))):
            assert alone.alpha.shape == alone.sigma.shape == ()
            assert alone.alpha.dtype == alone.sigma.dtype == torch.float64
            torch.testing.assert_close(alone.alpha, together.alpha[i], rtol=1e-12, atol=0)
            torch.testing.assert_close(alone.sigma, together.sigma[i], rtol=1e-12, atol=0)


@schedules
def test_one_log_snr_alone_has_the_time_that_it_has_among_others(schedule: Schedule) -> None:
    ratios = [-60.0, -24.0, -9.0, -1.0, 0.0, 0.3, 4.0, 11.0, 14.0, 30.0, 80.0]
    ratios += schedule(float64([0.001, 0.3, 0.998, 0.9985, 0.999])).log_snr.tolist()  # knots of the tables
    together = schedule.time(float64(ratios))
    for i, ratio in enumerate(ratios):
        for alone in (schedule.time(ratio), schedule.time(torch.tensor(ratio, dtype=torch.float64))):
            assert (alone.shape, alone.dtype) == ((), torch.float64)
            torch.testing.assert_close(alone, together[i], rtol=1e-12, atol=1e-15)


@schedules
def test_noise_grows_with_t_from_the_data_itself(schedule: Schedule) -> None:
    t = torch.linspace(0, 1, 4001, dtype=torch.float64)
    level = schedule(t)
    assert (level.log_snr.diff() < 0).all()
    assert level.alpha[0] == 1
    assert level.sigma[0] == 0
    assert float(schedule.time(math.inf)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", [name for name in ALL if name != "rectified-flow" and "edm" not in name])
def test_variance_preserving(name: str) -> None:
    level = ALL[name](torch.linspace(0, 1, 777, dtype=torch.float64))
    torch.testing.assert_close(level.alpha**2 + level.sigma**2, torch.ones(777).double())


def test_pure_noise_is_exact_where_alpha_vanishes() -> None:
    ending = ("rectified-flow", "vp-cosine", "zero-terminal", "laplace", "laplace-moved", "secant")
    for schedule in (ALL[name] for name in ending):
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


@pytest.mark.parametrize("betas", [0.1, [], [0.1], [1.0, 0.1], [0.1, 1.5], [0.0, 0.1], [0.1, math.nan], [[0.1, 0.2]]])
def test_bad_betas_are_refused(betas: object) -> None:
    with pytest.raises(InvalidOption, match="betas"):
        VPTable(torch.tensor(betas, dtype=torch.float64))


def test_a_bad_edm_range_is_refused() -> None:
    with pytest.raises(InvalidOption, match="sigma_min < sigma_max"):
        EDM(sigma_min=1, sigma_max=0.5)
    for options in ({"sigma_max": math.inf}, {"rho": math.inf}, {"rho": math.nan}):
        with pytest.raises(InvalidOption, match="finite numbers"):
            EDM(**options)


@pytest.mark.parametrize("chain", [VPLinear(), VPScaledLinear(), VPTable(torch.full((50,), 0.1, dtype=torch.float64))])
def test_zero_terminal_snr_shifts_and_stretches_the_signal(chain: Schedule) -> None:
    """Algorithm 1 of Lin et al. in the signal instead of the betas: affine in alpha, first kept, last zero."""
    zero = ZeroTerminal(chain)  # type: ignore[arg-type]
    steps = len(zero.table.betas)
    t = (torch.arange(steps, dtype=torch.float64) + 1) / steps
    old, new = chain(t), zero(t)
    slope = (new.alpha[0] - new.alpha[-1]) / (old.alpha[0] - old.alpha[-1])
    torch.testing.assert_close(new.alpha, slope * (old.alpha - old.alpha[-1]), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(new.alpha[0], old.alpha[0])
    assert float(new.alpha[-1]) == 0
    assert float(zero.table.betas[-1]) == 1
    torch.testing.assert_close(zero.table.betas[0], 1 - old.alpha[0] ** 2)


def test_the_betas_of_zero_terminal_snr_multiply_to_the_shifted_signal() -> None:
    """The cumulative product of the new betas is the shifted signal of the old ones."""
    betas = ZeroTerminal(VPScaledLinear()).table.betas
    alphas_bar = torch.cumprod(1 - (torch.linspace(0.00085**0.5, 0.012**0.5, 1000).double()) ** 2, 0).sqrt()
    shifted = (alphas_bar - alphas_bar[-1]) * alphas_bar[0] / (alphas_bar[0] - alphas_bar[-1])
    torch.testing.assert_close(torch.cumprod(1 - betas, 0).sqrt(), shifted, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("schedule", "density"),
    [
        (Laplace(0.5, 0.7), lambda x: torch.exp(-(x - 0.5).abs() / 0.7) / 1.4),
        (HyperbolicSecant(-0.5, 1.5), lambda x: 1 / (torch.cosh((x + 0.5) / 1.5) * torch.pi * 1.5)),
    ],
    ids=["laplace", "secant"],
)
def test_uniform_times_have_the_density_of_log_snr_that_the_name_says(schedule: Schedule, density: object) -> None:
    """p(log_snr) = |dt / d log_snr|."""
    log_snr = float64([-4.0, -2.0, -0.7, 0.1, 1.3, 3.0])
    slope = (schedule.time(log_snr - 1e-5) - schedule.time(log_snr + 1e-5)) / 2e-5
    torch.testing.assert_close(slope, density(log_snr), rtol=1e-6, atol=1e-9)  # type: ignore[operator]


def test_the_secant_of_width_two_is_the_cosine_schedule() -> None:
    t = torch.linspace(0, 1, 101, dtype=torch.float64)
    torch.testing.assert_close(HyperbolicSecant()(t).alpha, VPCosine()(t).alpha, rtol=1e-9, atol=1e-15)
    torch.testing.assert_close(HyperbolicSecant()(t).sigma, VPCosine()(t).sigma, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("make", [lambda: Laplace(width=0.0), lambda: HyperbolicSecant(mean=math.inf)])
def test_a_bad_width_is_refused(make: object) -> None:
    with pytest.raises(InvalidOption, match="finite mean and a width above 0"):
        make()  # type: ignore[operator]


def test_a_plain_number_is_taken_in_double_precision() -> None:
    assert float(RectifiedFlow()(0.3).sigma) == 0.3
    assert float(RectifiedFlow().time(0.3)) == float(RectifiedFlow().time(torch.tensor(0.3, dtype=torch.float64)))
