import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from mezzotint.diffusion import (
    DDIM,
    EDM,
    GRIDS,
    Bound,
    Denoise,
    Gaussian,
    PhiloxNoise,
    RectifiedFlow,
    Renoise,
    Schedule,
    TimeGrid,
    VPCosine,
    VPScaledLinear,
    check_grid,
    from_times,
    sample,
)
from mezzotint.diffusion.timegrid import (
    GRID_RECORDS,
    align_your_steps,
    beta,
    describe,
    exponential,
    find_grid,
    inversion,
    karras,
    kl_optimal,
    leading,
    linear_quadratic,
    polyexponential,
    quadratic,
    repaint,
    restart,
    sgm_uniform,
    shifted,
    shifted_dynamic,
    trailing,
    uniform,
)
from mezzotint.diffusion.timegrid.in_noise import AYS_TABLES
from mezzotint.diffusion.timegrid.in_time import beta_quantile
from mezzotint.errors import InvalidOption

from .order import float64

FALLING = [record.name for record in GRID_RECORDS if record.kind == "falling"]


def times(grid: TimeGrid) -> list[float]:
    moves = [move for move in grid if isinstance(move, Denoise)]
    return [moves[0].t, *(move.s for move in moves)]


@pytest.mark.parametrize("start", [1.0, 0.6])
@pytest.mark.parametrize("steps", [1, 2, 7, 50])
@pytest.mark.parametrize(
    "schedule", [RectifiedFlow(), VPCosine(), VPScaledLinear(), EDM()], ids=["rf", "cos", "sd", "edm"]
)
@pytest.mark.parametrize("name", FALLING)
def test_every_grid_falls_from_its_start_to_the_data(name: str, schedule: Schedule, steps: int, start: float) -> None:
    grid = GRIDS[name](steps, schedule, start=start)
    found = times(grid)
    assert len(grid) == steps
    assert (found[0], found[-1]) == (start, 0.0)
    assert all(a > b for a, b in pairwise(found))


def test_uniform() -> None:
    assert times(uniform(4, RectifiedFlow())) == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert times(uniform(2, RectifiedFlow(), start=0.5)) == [0.5, 0.25, 0.0]


def test_trailing_hits_the_steps_of_the_chain() -> None:
    """Lin et al. 2023, table 2: ten trailing steps of 1000 are the steps 999, 899, ..., 99, counted from 0."""
    assert times(trailing(10, VPScaledLinear()))[:-1] == [(n + 1) / 1000 for n in range(999, 0, -100)]
    assert times(trailing(3, VPScaledLinear())) == [1.0, 0.667, 0.333, 0.0]


def test_karras_is_equation_5() -> None:
    sigma = EDM()(float64(times(karras(18, EDM())))).sigma
    expected = [(80 ** (1 / 7) + i / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7 for i in range(18)]
    torch.testing.assert_close(sigma, float64([*expected, 0.0]))


@pytest.mark.parametrize("grid", [karras, exponential, polyexponential, kl_optimal])
def test_edm_grids_end_at_the_noise_that_the_schedule_says(grid: Any) -> None:
    """Below its sigma_min the network was not trained, and a grid that looks there asks what it does not know."""
    edm = EDM(sigma_min=0.03)
    assert float(edm(times(grid(9, edm))[-2]).sigma) == pytest.approx(0.03)
    assert float(edm(times(grid(9, edm, sigma_min=0.01))[-2]).sigma) == pytest.approx(0.01)


def test_karras_spans_what_the_schedule_has() -> None:
    level = VPScaledLinear()(float64(times(karras(9, VPScaledLinear(), rho=3.0))[:-1]))
    root = (level.sigma / level.alpha) ** (1 / 3)
    torch.testing.assert_close(root, torch.linspace(float(root[0]), float(root[-1]), 9, dtype=torch.float64))
    assert (root**3)[[0, -1]].tolist() == pytest.approx([14.6146, 0.02917], rel=1e-4)


def test_shift_is_a_shift_of_log_snr_on_rectified_flow() -> None:
    flow = RectifiedFlow()
    plain, moved = (float64(times(g)[1:-1]) for g in (uniform(8, flow), shifted(8, flow, shift=3.0)))
    torch.testing.assert_close(flow(moved).log_snr, flow(plain).log_snr - 2 * math.log(3))
    torch.testing.assert_close(float64(times(shifted(8, flow, shift=1.0))), float64(times(uniform(8, flow))))


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ((), "at least one move"),
        ((Denoise(1.0, 0.5), Denoise(0.4, 0.0)), "begins at t = 0.4, but the last ended at 0.5"),
        ((Denoise(1.2, 0.5),), r"leaves \[0, 1\]; times go from 1"),
        ((Denoise(math.nan, 0.5),), r"leaves \[0, 1\]; times go from 1"),
        ((Denoise(0.5, 0.5),), "goes nowhere"),
        ((Denoise(0.5, 0.2), Renoise(0.2, 0.1)), "wrong way"),
        ((Denoise(0.5, 0.0), Denoise(0.0, 0.5)), "begins at t = 0"),
    ],
)
def test_illegal_grids_are_refused(grid: TimeGrid, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        check_grid(grid)


def test_jumps_and_inversion_are_grids() -> None:
    jump = (Denoise(1.0, 0.5), Renoise(0.5, 0.8), Denoise(0.8, 0.0))
    assert check_grid(jump) is jump
    assert times(from_times([0.01, 0.5, 1.0])) == [0.01, 0.5, 1.0]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("uniform", {"steps": 0}, "at least 1, not 0"),
        ("uniform", {"steps": True}, "whole number"),
        ("karras", {"steps": 2.5}, "whole number"),
        ("shifted", {"steps": 4, "start": 0.0}, "start"),
        ("shifted", {"steps": 4, "shift": 0.0}, "positive"),
        ("trailing", {"steps": 600, "start": 0.5}, "at most 500"),
        ("karras", {"steps": 4, "sigma_min": 90.0}, "sigma_min < sigma_max"),
    ],
)
def test_bad_options_are_refused(name: str, options: dict[str, Any], message: str) -> None:
    steps = options.pop("steps")
    with pytest.raises(InvalidOption, match=message):
        GRIDS[name](steps, RectifiedFlow(), **options)


def ratios(grid: TimeGrid, schedule: Schedule) -> torch.Tensor:
    level = schedule(float64(times(grid)[:-1]))
    return level.sigma / level.alpha


def test_all_falling_grids_are_different() -> None:
    """At least 13, on a schedule where none of them is another's special case."""
    found = {name: times(GRIDS[name](9, VPScaledLinear())) for name in FALLING}
    assert len(found) >= 13
    names = list(found)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            assert max(abs(p - q) for p, q in zip(found[a], found[b], strict=True)) > 1e-4, (a, b)


def test_grids_spaced_in_time() -> None:
    flow = RectifiedFlow()
    assert times(quadratic(4, flow)) == [1.0, 0.5625, 0.25, 0.0625, 0.0]
    # Lin et al. 2023, table 2: ten leading steps of 1000 are 900, 800, ..., 0; Stable Diffusion adds 1
    assert times(leading(10, flow))[1:-1] == [(n + 2) / 1000 for n in range(800, -1, -100)]
    assert times(leading(10, flow, offset=0))[1:-1] == [(n + 1) / 1000 for n in range(800, -1, -100)]
    # every step of the chain leaves no room for an offset: the default has none, and to ask for one is refused
    assert times(leading(800, flow))[1:-1] == times(leading(800, flow, offset=0))[1:-1]
    assert times(leading(800, flow))[-2] == 0.001
    with pytest.raises(InvalidOption, match="800 steps must be a whole number below 1, not 1"):
        leading(800, flow, offset=1)
    # the chain's steps 999 and 0 are t = 1 and 0.001
    assert times(sgm_uniform(3, flow)) == pytest.approx([1.0, 0.667, 0.334, 0.0])


def test_beta_quantiles() -> None:
    """The arcsine law Beta(1/2, 1/2) has the quantile sin²(pi p / 2); Beta(a, 1) has p^(1/a); Beta(1, b) mirrors it."""
    p = np.linspace(0.01, 0.99, 25)
    assert beta_quantile(p, 0.5, 0.5) == pytest.approx(np.sin(np.pi * p / 2) ** 2, abs=1e-12)
    assert beta_quantile(p, 2.5, 1.0) == pytest.approx(p ** (1 / 2.5), abs=1e-12)
    assert beta_quantile(p, 1.0, 0.6) == pytest.approx(1 - (1 - p) ** (1 / 0.6), abs=1e-12)
    assert times(beta(4, RectifiedFlow()))[1:4] == pytest.approx([0.8243196, 0.5, 0.1756804], abs=1e-6)
    # P(X <= x) = 6 x² − 8 x³ + 3 x⁴ for Beta(2, 3); the grid reads a and b in this order
    x = beta_quantile(p, 2.0, 3.0)
    assert 6 * x**2 - 8 * x**3 + 3 * x**4 == pytest.approx(p, abs=1e-12)
    # and sum_k C(22, k) x^k (1 − x)^(22 − k) over k >= 20 for Beta(20, 3)
    x = beta_quantile(p, 20.0, 3.0)
    tail = sum(math.comb(22, k) * x**k * (1 - x) ** (22 - k) for k in (20, 21, 22))
    assert tail == pytest.approx(p, abs=1e-12)
    assert times(beta(4, RectifiedFlow(), a=2.0, b=1.0)) == pytest.approx([1, 0.75**0.5, 0.5**0.5, 0.5, 0])
    assert times(beta(4, RectifiedFlow(), a=1.0, b=2.0)) == pytest.approx([1, 0.5, 1 - 0.5**0.5, 1 - 0.75**0.5, 0])


def test_grids_spaced_in_noise() -> None:
    table = VPScaledLinear()
    top, low = 14.6146, 0.02917
    expected = torch.linspace(math.log(top), math.log(low), 9, dtype=torch.float64)
    torch.testing.assert_close(ratios(exponential(9, table), table).log(), expected, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(
        ratios(polyexponential(9, table, rho=1.0), table), ratios(exponential(9, table), table), rtol=1e-12, atol=0
    )
    middle = math.log(low) + 0.5**1.5 * math.log(top / low)
    assert float(ratios(polyexponential(9, table), table)[4].log()) == pytest.approx(middle, abs=1e-3)
    angle = torch.linspace(math.atan(top), math.atan(low), 9, dtype=torch.float64)
    torch.testing.assert_close(ratios(kl_optimal(9, table), table).atan(), angle, rtol=1e-4, atol=1e-4)
    # log-SNR is spaced equally also where sigma/alpha is infinite at the start, after the first step
    log_snr = RectifiedFlow()(float64(times(exponential(6, RectifiedFlow()))[1:-1])).log_snr
    torch.testing.assert_close(log_snr.diff(), log_snr.diff().mean().expand(4))


PUBLISHED = {
    "sd1.5": "14.615 6.475 3.861 2.697 1.886 1.396 0.963 0.652 0.399 0.152 0.029",
    "sdxl": "14.615 6.315 3.771 2.181 1.342 0.862 0.555 0.380 0.234 0.113 0.029",
    "svd": "700.00 54.5 15.886 7.977 4.248 1.789 0.981 0.403 0.173 0.034 0.002",
}
"""As on the project's page of Align Your Steps."""


@pytest.mark.parametrize("table", PUBLISHED)
def test_align_your_steps_gives_the_table_at_ten_steps(table: str) -> None:
    published = [float(level) for level in PUBLISHED[table].split()]
    assert AYS_TABLES.keys() == PUBLISHED.keys()
    found = EDM(sigma_max=700.0)(float64(times(align_your_steps(10, EDM(sigma_max=700.0), table=table))[:-1])).sigma
    torch.testing.assert_close(found[1:], float64(published[1:-1]), rtol=1e-9, atol=0)
    # the table's own ends, of which the grid has start and 0 instead
    assert (AYS_TABLES[table][0], AYS_TABLES[table][-1]) == (published[0], published[-1])


def test_align_your_steps_from_a_noise_too_small_for_a_number_is_refused() -> None:
    with pytest.raises(InvalidOption, match="use another time grid"):
        align_your_steps(4, EDM(), start=1e-60)


def test_align_your_steps_interpolates_the_logarithm() -> None:
    edm = EDM()
    logs = [math.log(r) for r in AYS_TABLES["sdxl"]]
    found = ratios(align_your_steps(20, edm, table="sdxl"), edm)
    assert found[3].log().item() == pytest.approx((logs[1] + logs[2]) / 2)
    # from inside the table: the rest of it, equally divided by index
    start = float(edm.time(-2 * logs[4]))
    part = ratios(align_your_steps(3, edm, start=start, table="sdxl"), edm)
    assert part.tolist() == pytest.approx([AYS_TABLES["sdxl"][i] for i in (4, 6, 8)])


def test_shifts_that_depend_on_the_picture() -> None:
    flow = RectifiedFlow()
    assert times(shifted_dynamic(5, flow, tokens=4096)) == times(shifted(5, flow, shift=math.exp(1.15)))
    assert times(shifted_dynamic(5, flow, tokens=256)) == times(shifted(5, flow, shift=math.exp(0.5)))


def test_linear_quadratic_is_a_line_and_a_parabola_that_meet_smoothly() -> None:
    gone = [1 - t for t in times(linear_quadratic(20, RectifiedFlow()))]
    assert gone[:11] == pytest.approx([0.0025 * i for i in range(11)])
    second = [gone[i + 1] - 2 * gone[i] + gone[i - 1] for i in range(11, 20)]
    assert second == pytest.approx([second[0]] * 9)
    assert gone[11] - gone[10] - second[0] / 2 == pytest.approx(0.0025)


def test_repaint_goes_back_as_its_paper_says() -> None:
    """Five steps, jumps of two, three passes: down 2, (up 2, down 2) twice, and the clean end once."""
    moves = repaint(5, EDM(), length=2, times=3)
    t = [1.0, 0.8, 0.6, 0.4, 0.2, 0.0]
    first = [Denoise(t[0], t[1]), Denoise(t[1], t[2])]
    second = [Denoise(t[2], t[3]), Denoise(t[3], t[4])]
    expected = [*first, Renoise(t[2], t[0]), *first, Renoise(t[2], t[0]), *first]
    expected += [*second, Renoise(t[4], t[2]), *second, Renoise(t[4], t[2]), *second, Denoise(t[4], 0.0)]
    assert list(moves) == expected
    assert list(repaint(4, RectifiedFlow(), times=1)) == list(uniform(4, RectifiedFlow()))


@pytest.mark.parametrize(("start", "evaluations"), [(1.0, 10 + 100 + 10), (0.999, 100 + 100 + 10)])
def test_repaint_does_not_repeat_what_starts_from_nothing(start: float, evaluations: int) -> None:
    """From alpha = 0 a second pass would know nothing of the first: thirty steps cost 120 evaluations, not 210."""
    exact, grid = Gaussian(RectifiedFlow()), repaint(30, RectifiedFlow(), start=start)
    steps = list(sample(Bound(exact, {}), torch.zeros(1, 1), grid, DDIM(), PhiloxNoise([0])))
    assert sum(step.evaluations for step in steps) == evaluations
    assert steps[-1].move.s == 0


@pytest.mark.parametrize(
    "schedule", [RectifiedFlow(), VPCosine(), VPScaledLinear(), EDM()], ids=["rf", "cos", "sd", "edm"]
)
def test_restart_rises_between_its_two_levels(schedule: Schedule) -> None:
    grid = restart(12, schedule, low=0.06, high=0.3, times=2, inner=3)
    ups = [move for move in grid if isinstance(move, Renoise)]
    assert len(ups) == 2
    assert len(grid) == 12 + 2 * (1 + 3)
    for move in ups:
        low, high = (float(level.sigma / level.alpha) for level in (schedule(move.s), schedule(move.t)))
        assert low <= 0.06
        assert high == pytest.approx(0.3, rel=1e-6)
    assert list(restart(12, schedule, times=0)) == list(karras(12, schedule))


def test_inversion_is_the_grid_turned_round() -> None:
    flow = RectifiedFlow()
    assert times(inversion(4, flow, clean=1 / 999)) == pytest.approx([0.001, 0.25, 0.5, 0.75, 1.0], rel=1e-12)
    assert times(inversion(30, flow))[:3] == pytest.approx([1 / 21, 2 / 30, 3 / 30], rel=1e-12)  # 1/30 is left out
    assert times(inversion(2, flow, start=0.8, clean=1 / 99)) == pytest.approx([0.01, 0.4, 0.8], rel=1e-12)
    assert times(inversion(4, flow, clean=0.25, base=quadratic(2, flow))) == pytest.approx([0.2, 0.25, 1.0], rel=1e-12)
    assert [record.name for record in GRID_RECORDS if record.kind == "rising"] == ["inversion"]
    with pytest.raises(InvalidOption, match="clean end"):
        inversion(4, flow, start=0.5, clean=1.5)
    with pytest.raises(InvalidOption, match="falling time grid is needed"):
        inversion(4, flow, base=repaint(4, flow, start=0.9, length=1, times=2))


def test_the_registry_describes_itself_and_answers_to_aliases() -> None:
    assert [line["name"] for line in describe()] == sorted(GRIDS)
    assert find_grid("AYS").build is align_your_steps
    assert find_grid("log-snr").build is exponential
    assert next(line for line in describe() if line["name"] == "karras")["options"]["rho"] == 7.0
    with pytest.raises(InvalidOption, match="did you mean karras"):
        find_grid("karas")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("beta", {"a": 0.0}, "positive numbers"),
        ("leading", {"steps": 2000}, "at most 1000"),
        ("sgm-uniform", {"steps": 2000}, "at most 1000"),
        ("polyexponential", {"rho": -1.0}, "rho"),
        ("kl-optimal", {"sigma_min": 90.0}, "sigma_min < sigma_max"),
        ("align-your-steps", {"table": "sd3"}, "table"),
        ("align-your-steps", {"start": 0.001}, "use another time grid"),
        ("shifted-dynamic", {"tokens": 0}, "tokens"),
        ("shifted-dynamic", {"tokens": 10**7}, "from 1 to 4000000, not 10000000"),
        ("shifted", {"shift": 1e17}, "goes nowhere"),
        ("linear-quadratic", {"threshold": 0.7}, "threshold"),
        ("repaint", {"length": 0}, "at least 1"),
        ("restart", {"low": 0.5, "high": 0.4}, "low < high"),
        ("restart", {"steps": 1}, "never comes to"),
    ],
)
def test_bad_options_of_the_other_grids_are_refused(name: str, options: dict[str, Any], message: str) -> None:
    options = {"steps": 4, **options}
    with pytest.raises(InvalidOption, match=message):
        GRIDS[name](options.pop("steps"), RectifiedFlow(), **options)
