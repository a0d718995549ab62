"""Other programs' names: all of them lead somewhere, both ways, and what is said of their grids and of CFG++ is so."""

import inspect
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import EDM, SOLVERS, Bound, PhiloxNoise, RectifiedFlow, VPScaledLinear, from_times, sample
from mezzotint.diffusion.guidance import GUIDANCES, guidance_stack, guided
from mezzotint.diffusion.solvers import find_solver
from mezzotint.diffusion.timegrid import GRIDS, find_grid, times_of
from mezzotint.diffusion.timegrid.in_time import beta_quantile
from mezzotint.errors import InvalidOption
from mezzotint.foreign import PROGRAMS, counterpart, grid_counterpart, our_grid, ours, reading, their_grids, theirs
from tests.diffusion.conditional import SHARES, Mixed

TABLE = VPScaledLinear()


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_name_leads_to_something_that_is_here(program: str) -> None:
    table = PROGRAMS[program]
    for name, entry in table.solvers.items():
        assert ours(program, f" {name.upper()}") == entry
        find_solver(entry.solver).make(entry.options)
        assert entry.grid is None or entry.grid in GRIDS
        assert entry.guidance is None or GUIDANCES[entry.guidance].kind == "rule"
    for name, spaced in table.grids.items():
        assert our_grid(program, name.upper()) == spaced
        GRIDS[spaced.grid](12, TABLE)
    assert not table.no_solvers.keys() & table.solvers.keys()
    assert not table.no_grids.keys() & table.grids.keys()


@pytest.mark.parametrize("program", PROGRAMS)
def test_ours_is_theirs_is_ours(program: str) -> None:
    for name, entry in PROGRAMS[program].solvers.items():
        names = theirs(program, entry.solver, entry.grid, entry.options, entry.guidance)
        assert name in names
        back = [ours(program, other) for other in names]
        assert {(b.spec, b.grid, b.guidance) for b in back} == {(entry.spec, entry.grid, entry.guidance)}


@pytest.mark.parametrize("program", PROGRAMS)
def test_our_grid_is_theirs_is_ours(program: str) -> None:
    listed = PROGRAMS[program].grids
    for name, entry in listed.items():
        assert name in their_grids(program, entry.grid)
    for grid in GRIDS:
        assert all(our_grid(program, name).grid == grid for name in their_grids(program, grid))
    # every one of their names is found from exactly one grid of ours
    assert sorted(name for grid in GRIDS for name in their_grids(program, grid)) == sorted(listed)


# What the programs offer in their menus
A1111 = """DPM++ 2M|DPM++ SDE|DPM++ 2M SDE|DPM++ 2M SDE Heun|DPM++ 2S a|DPM++ 3M SDE|Euler a|Euler|LMS|Heun|DPM2|DPM2 a
DPM fast|DPM adaptive|Restart|DDIM|DDIM CFG++|PLMS|UniPC|LCM"""
A1111_GRIDS = """Automatic|Uniform|Karras|Exponential|Polyexponential|SGM Uniform|KL Optimal|Align Your Steps|Simple
Normal|DDIM|Beta|Turbo"""
COMFYUI = """
euler euler_cfg_pp euler_ancestral euler_ancestral_cfg_pp heun heunpp2 exp_heun_2_x0 exp_heun_2_x0_sde dpm_2
dpm_2_ancestral lms dpm_fast dpm_adaptive dpmpp_2s_ancestral dpmpp_2s_ancestral_cfg_pp dpmpp_sde dpmpp_sde_gpu dpmpp_2m
dpmpp_2m_cfg_pp dpmpp_2m_sde dpmpp_2m_sde_gpu dpmpp_2m_sde_heun dpmpp_2m_sde_heun_gpu dpmpp_3m_sde dpmpp_3m_sde_gpu ddpm
lcm ipndm ipndm_v deis res_multistep res_multistep_cfg_pp res_multistep_ancestral res_multistep_ancestral_cfg_pp
gradient_estimation gradient_estimation_cfg_pp er_sde seeds_2 seeds_3 sa_solver sa_solver_pece ddim uni_pc uni_pc_bh2"""
COMFYUI_GRIDS = "simple sgm_uniform karras exponential ddim_uniform beta normal linear_quadratic kl_optimal"


def test_whole_menus_are_covered() -> None:
    a1111, comfyui = PROGRAMS["a1111"], PROGRAMS["comfyui"]
    assert not set(A1111.replace("\n", "|").split("|")) - {*a1111.solvers, *a1111.no_solvers}
    assert set(A1111_GRIDS.replace("\n", "|").split("|")) == {*a1111.grids, *a1111.no_grids}
    assert set(COMFYUI.split()) == {*comfyui.solvers, *comfyui.no_solvers}
    assert set(COMFYUI_GRIDS.split()) == {*comfyui.grids, *comfyui.no_grids}


def schedulers() -> set[str]:
    """The names of all public scheduler classes of diffusers, also of those that want a package that is not here."""
    return {name for name in dir(pytest.importorskip("diffusers.schedulers")) if name.endswith("Scheduler")}


def test_every_scheduler_of_diffusers_is_a_solver_or_said_to_be_none() -> None:
    table, there = PROGRAMS["diffusers"], schedulers()
    assert len(there) >= 40
    here = {name.partition("(")[0] for name in table.solvers} | set(table.no_solvers)
    assert there - here == set()
    assert not {name.partition("(")[0] for name in table.solvers} & set(table.no_solvers)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_name_without_a_counterpart_has_a_reason_and_for_diffusers_what_to_use(program: str) -> None:
    table = PROGRAMS[program]
    for name, reason in {**table.no_solvers, **table.no_grids}.items():
        assert len(reason.split()) >= 4, name
    for name, reason in table.no_solvers.items() if program == "diffusers" else ():
        words = set(re.findall(r"[\w-]+", reason))
        assert words & {*SOLVERS, *GRIDS} or {"any", "solver"} <= words, name


def test_options_of_diffusers_schedulers_that_choose_the_times_are_grids() -> None:
    """Every option named use_..., and those of the shift, of every scheduler."""
    there, found = pytest.importorskip("diffusers.schedulers"), set[str]()
    for name in schedulers():
        if scheduler := getattr(there, name, None):  # one that is out of use is named and not there
            found |= {key for key in inspect.signature(scheduler.__init__).parameters if TIMES.fullmatch(key)}
    table = PROGRAMS["diffusers"]
    assert {"use_karras_sigmas", "use_dynamic_shifting", "shift_terminal"} <= found
    assert found <= {*table.grids, *table.no_grids}


TIMES = re.compile("use_(.*sigmas|.*lambdas|dynamic_shifting)|shift|shift_terminal|invert_sigmas")


def test_known_names() -> None:
    karras = ours("a1111", "DPM++ 2M  karras")
    assert (karras.solver, karras.grid, dict(karras.options)) == ("dpmpp-2m", "karras", {})
    assert ours("diffusers", "UniPCMultistepScheduler").solver == "unipc-2"
    assert theirs("comfyui", "dpmpp-3m-sde") == ("dpmpp_3m_sde", "dpmpp_3m_sde_gpu")
    # its order is min(3, steps - 1), as A1111's is 3
    assert ours("comfyui", "uni_pc").spec == ours("a1111", "UniPC").spec == "unipc-3:variant=bh1"
    assert (ours("comfyui", "euler_cfg_pp").solver, ours("comfyui", "euler_cfg_pp").guidance) == ("euler", "cfg++")
    assert theirs("a1111", "ddim", guidance="cfg++") == ("DDIM CFG++",)
    assert theirs("a1111", "seeds-2") == ()
    assert our_grid("diffusers", "linspace") == our_grid("diffusers", "timestep_spacing=linspace")
    assert their_grids("a1111", "exponential") == ("Exponential", "Polyexponential")
    assert their_grids("diffusers", "shifted-dynamic") == ("use_dynamic_shifting",)
    assert their_grids("comfyui", "inversion") == ()


def test_who_asks_in_another_programs_words_is_told_ours() -> None:
    for name, words in (
        ("DPM++ 2M Karras", "in AUTOMATIC1111 that is what solver dpmpp-2m with grid karras is here."),
        ("uni_pc", "in ComfyUI that is nearly what solver unipc-3:variant=bh1 is here: theirs has order 3 from"),
        ("dpmpp_2m_cfg_pp", "what solver dpmpp-2m and guidance method cfg++ is here: theirs takes the unconditional"),
        ("heunpp2", "heunpp2 of ComfyUI has no counterpart here: it is Heun with two or three stages"),
        ("EulerDiscreteScheduler", "in diffusers that is what solver euler is here."),
        ("EDMEulerScheduler", "in diffusers that is nearly what solver euler with grid karras is here: with s_churn"),
        (
            "ddiminversescheduler",
            "in diffusers that is nearly what solver ddim with grid inversion is here: theirs asks",
        ),
        ("FlowMapEulerDiscreteScheduler", "nearly what solver tcd:gamma=0,tell=true with grid shifted is here"),
        ("VQDiffusionScheduler", "VQDiffusionScheduler of diffusers has no counterpart here: it draws discrete tokens"),
    ):
        with pytest.raises(InvalidOption) as caught:
            find_solver(name)
        assert f"There is no solver called {name!r}; " in str(caught.value)
        assert words in str(caught.value)
    for name, words in (
        ("ddim_uniform", "in ComfyUI that is nearly what grid leading is here: theirs begins below pure noise"),
        ("linspace", "in diffusers that is nearly what grid sgm-uniform is here"),
        ("use_dynamic_shifting", "in diffusers that is nearly what grid shifted-dynamic is here: theirs is told mu"),
        ("shift_terminal", "shift_terminal of diffusers has no counterpart here: it stretches shifted times"),
        ("automatic", "Automatic of AUTOMATIC1111 has no counterpart here: it stands for what the solver prefers"),
    ):
        with pytest.raises(InvalidOption) as caught:
            find_grid(name)
        assert words in str(caught.value)


def test_who_asks_by_no_programs_name_is_told_the_nearest_of_ours() -> None:
    with pytest.raises(InvalidOption, match="did you mean"):
        find_solver("dpmpp-2mm")
    assert counterpart("dpmpp-2mm") is None
    assert (counterpart(""), grid_counterpart(" ")) == (None, None)
    assert not [name for name in SOLVERS if counterpart(name) and find_solver(name).name != name]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InvalidOption, match="did you mean dpmpp_2m"):
        ours("comfyui", "dpmpp_2mm")
    with pytest.raises(InvalidOption, match="DPM fast of AUTOMATIC1111 has no counterpart here: it mixes"):
        ours("a1111", "dpm FAST")
    with pytest.raises(InvalidOption, match="Automatic of AUTOMATIC1111 has no counterpart"):
        our_grid("a1111", "Automatic")
    with pytest.raises(InvalidOption, match="There is no grid of comfyui called 'karass'; did you mean karras"):
        our_grid("comfyui", "karass")
    for call in (ours, our_grid, their_grids):
        with pytest.raises(InvalidOption, match="There is no program called 'photoshop'"):
            call("photoshop", "euler")


def test_the_settings_of_a_picture_are_read() -> None:
    plain = reading("a1111", "DPM++ 2M", "Karras")
    assert (plain.here, plain.differs) == ({"solver": "dpmpp-2m", "grid": "karras"}, {})
    assert reading("a1111", "DPM++ 2M Karras", None) == plain
    assert reading("a1111", "Restart", "Karras").here == {"solver": "heun", "grid": "restart"}
    both = reading("comfyui", "gradient_estimation_cfg_pp", "beta")
    assert both.here == {"solver": "gradient-estimation", "guidance_methods": "cfg++", "grid": "beta"}
    assert "rounds to whole times" in both.differs["grid"]
    none = reading("comfyui", "heunpp2", "karras_of_a_plugin")
    assert (none.here, list(none.differs)) == ({}, ["solver"])
    assert none.differs["solver"].startswith("heunpp2 of ComfyUI has no counterpart here")
    assert reading("a1111", None, "Automatic").differs.keys() == {"grid"}


# ---- grids: levels sigma/alpha on Stable Diffusion's chain, as the programs' formulas give them


def level(t: float) -> float:
    at = TABLE(torch.tensor(t, dtype=torch.float64))
    return float(at.sigma / at.alpha)


HIGH, LOW = level(1.0), level(1 / 1000)
PUBLISHED: dict[str, Callable[[int], list[float]]] = {
    "karras": lambda n: [(HIGH ** (1 / 7) + i / (n - 1) * (LOW ** (1 / 7) - HIGH ** (1 / 7))) ** 7 for i in range(n)],
    "exponential": lambda n: [math.exp(math.log(HIGH) + i / (n - 1) * math.log(LOW / HIGH)) for i in range(n)],
    "sgm_uniform": lambda n: [level((999 - 999 * i / n + 1) / 1000) for i in range(n)],
    "kl_optimal": lambda n: [
        math.tan(math.atan(HIGH) + i / (n - 1) * (math.atan(LOW) - math.atan(HIGH))) for i in range(n)
    ],
}


def times(program: str, name: str, steps: int) -> list[float]:
    """The times above 0 of the grid that a name stands for."""
    *found, last = times_of(GRIDS[our_grid(program, name).grid](steps, TABLE))
    assert last == 0
    return found


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("steps", [5, 20])
def test_a_grid_that_is_not_said_to_differ_on_a_chain_has_their_levels(name: str, steps: int) -> None:
    assert our_grid("comfyui", name).differs.startswith("on rectified flow theirs")
    assert [level(t) for t in times("comfyui", name, steps)] == pytest.approx(PUBLISHED[name](steps), rel=1e-6)


def test_linear_quadratic_is_theirs_on_rectified_flow() -> None:
    """i threshold / L to the L-th of n steps, then a i² + b i + c over the other Q, a = (L − threshold n) / (L Q²)."""
    steps, threshold = 9, 0.025
    line = steps // 2
    rest = steps - line
    a = (line - threshold * steps) / (line * rest**2)
    b = threshold / line - 2 * (line - threshold * steps) / rest**2
    gone = [i * threshold / line if i < line else a * i**2 + b * i + a * line**2 for i in range(steps)]
    grid = our_grid("comfyui", "linear_quadratic").grid
    assert times_of(GRIDS[grid](steps, RectifiedFlow())) == pytest.approx([*(1 - share for share in gone), 0])


@pytest.mark.parametrize("steps", [7, 16, 20, 30])
def test_what_is_said_of_grids_that_differ_is_so(steps: int) -> None:
    simple = [(1000 - int(i * 1000 / steps)) / 1000 for i in range(steps)]
    assert times("comfyui", "simple", steps) == pytest.approx(simple, abs=0.0011)
    assert all(a <= b for a, b in zip(times("comfyui", "simple", steps), simple, strict=True))  # theirs upwards
    normal = [(999 - 999 * i / (steps - 1) + 1) / 1000 for i in range(steps)]
    assert normal[-1] == pytest.approx(1 / 1000)  # the least noise
    own = times("comfyui", "normal", steps)
    assert all(a - b < c - d for (a, b), (c, d) in zip(pairwise(own), pairwise(normal), strict=True))  # longer
    ddim = [(1 + i + 1) / 1000 for i in range(0, 999, 1000 // steps)][::-1]
    assert ddim[0] < 1
    assert (len(ddim) > steps) == (1000 % steps > 0)
    assert len(ddim) >= steps
    assert times("comfyui", "ddim_uniform", steps)[1:] == pytest.approx(ddim[-steps + 1 :])
    turbo = [(round(1000 / steps * i - 1) + 1) / 1000 for i in range(steps, 0, -1)]
    halves = [1000 * i % steps * 2 == steps for i in range(steps, 0, -1)]
    apart = [abs(a - b) > 1e-9 for a, b in zip(times("a1111", "Turbo", steps), turbo, strict=True)]
    assert apart == halves


def test_what_is_said_of_the_ends_of_grids_is_so() -> None:
    steps = 10
    a1111 = [math.tan(math.atan(HIGH) + i / steps * (math.atan(LOW) - math.atan(HIGH))) for i in range(steps + 1)]
    # ours of a step more has the same levels, and then 0
    assert [level(t) for t in times("a1111", "KL Optimal", steps + 1)] == pytest.approx(a1111, rel=1e-6)
    shares = beta_quantile(torch.arange(1, steps).double().numpy() / steps, 0.6, 0.6)[::-1]
    beta = [(round(999 * share) + 1) / 1000 for share in (1.0, *shares.tolist())]
    assert times("comfyui", "beta", steps) == pytest.approx(beta, abs=0.0016)
    table = [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029]
    kept = [level(t) for t in times("a1111", "Align Your Steps", 11)]
    assert kept[-1] > table[-1]  # theirs, of 11 steps, is the table and 0
    assert [level(t) for t in times("a1111", "Align Your Steps", 10)][1:] == pytest.approx(table[1:-1], rel=1e-4)


def test_what_is_said_of_grids_of_diffusers_is_so() -> None:
    steps = 12
    trailing = [round(1000 - i * 1000 / steps) / 1000 for i in range(steps)]
    assert times("diffusers", "trailing", steps) == trailing
    linspace = [(round(999 - 999 * i / steps) + 1) / 1000 for i in range(steps)]
    assert times("diffusers", "linspace", steps) == pytest.approx(linspace, abs=0.00051)
    leading = [(i * (1000 // steps) + 1 + 1) / 1000 for i in range(steps)][::-1]  # steps_offset 1
    assert leading[0] < 1
    assert times("diffusers", "leading", steps)[1:] == pytest.approx(leading[1:])
    more = [(i * (1000 // (steps + 1)) + 1 + 1) / 1000 for i in range(1, steps + 1)][::-1]
    assert times_of(GRIDS["leading"](steps + 1, TABLE))[1:-2] == pytest.approx(more[1:])
    u = [0.999 * (steps - i) / steps for i in range(steps)]
    shifted = [3 * v / (1 + 2 * v) for v in u]
    grid = GRIDS[our_grid("diffusers", "use_flow_sigmas").grid]
    assert times_of(grid(steps, RectifiedFlow(), start=shifted[0], shift=3.0)) == pytest.approx([*shifted, 0])


# ---- CFG++: one loop in their words, x and sigma, and the update as each program has it


@dataclass(frozen=True)
class Told:
    """What a step knows: x at sigma, on its way to `low`, the guided and the unconditional x_0."""

    x: Tensor
    sigma: float
    low: float
    guided: Tensor
    uncond: Tensor

    @property
    def h(self) -> float:
        return math.log(self.sigma / self.low)

    @property
    def eps(self) -> Tensor:
        return (self.x - self.uncond) / self.sigma


Update = Callable[[Told, Told], Tensor]
START = torch.tensor([[30.0, -12.0, 8.0], [5.0, 41.0, -20.0]], dtype=torch.float64)
SIGMAS = (40.0, 14.0, 6.0, 3.5, 0.9)
WEIGHT = 0.6


def loop(update: Update) -> Tensor:
    """The end of the loop; the first step, without a memory, is everywhere x_0 + low eps."""
    x, last = START, None
    for sigma, low in pairwise(SIGMAS):
        t = EDM().time(-2 * math.log(sigma))
        cond, uncond = (Mixed(EDM())(x, t, {"cond": SHARES[name]}).x0 for name in ("cond", "uncond"))
        now = Told(x, sigma, low, uncond + WEIGHT * (cond - uncond), uncond)
        x = now.guided + low * now.eps if last is None else update(now, last)
        last = now
    return x


def extrapolated(now: Told, earlier: Tensor, h: float) -> Tensor:
    """DPM-Solver++ 2M from x + guided − uncond."""
    shrunk = math.exp(-now.h)
    slope = (now.guided - earlier) * now.h / h
    return shrunk * (now.x - now.uncond) + now.guided + (1 - shrunk) * slope / 2


def refined(now: Told, newest: Tensor, earlier: Tensor, h: float) -> Tensor:
    """RES, multistep, from x + guided − uncond: b_2 = phi_2 / c_2, b_1 = phi_1 − b_2, c_2 = −h' / h."""
    phi_1 = -math.expm1(-now.h) / now.h
    phi_2 = (1 - phi_1) / now.h
    b_2 = -phi_2 * now.h / h
    return math.exp(-now.h) * (now.x + now.guided - now.uncond) + now.h * ((phi_1 - b_2) * newest + b_2 * earlier)


SAME: dict[str, Update] = {
    "euler_cfg_pp": lambda now, last: now.guided + now.low * now.eps,
    "gradient_estimation_cfg_pp": lambda now, last: (
        now.guided + now.low * now.eps + (now.low - now.sigma) * (now.eps - last.eps)
    ),
    "dpmpp_2m_cfg_pp": lambda now, last: extrapolated(now, last.guided, last.h),
    "res_multistep_cfg_pp": lambda now, last: refined(now, now.guided, last.guided, last.h),
}
THEIRS: dict[str, Update] = {
    "dpmpp_2m_cfg_pp": lambda now, last: extrapolated(now, last.uncond, last.h),
    "res_multistep_cfg_pp": lambda now, last: refined(now, now.uncond, last.uncond, last.h),
}


@pytest.mark.parametrize("name", SAME)
def test_a_cfg_pp_name_is_our_solver_under_our_rule_but_for_what_is_said(name: str) -> None:
    entry = ours("comfyui", name)
    assert entry.guidance is not None
    rule, modifiers = guidance_stack([(entry.guidance, {"guidance": WEIGHT})])
    denoise = Bound(guided(Mixed(EDM()), rule, modifiers, calls="apart"), SHARES)
    grid = from_times([float(EDM().time(-2 * math.log(sigma))) for sigma in SIGMAS])
    *_, end = sample(denoise, START, grid, find_solver(entry.solver).make(), PhiloxNoise(range(2)))
    torch.testing.assert_close(end.x, loop(SAME[name]), rtol=1e-9, atol=1e-9)
    assert ("unconditional" in entry.differs) == (name in THEIRS)
    if name in THEIRS:
        assert float((end.x - loop(THEIRS[name])).abs().max()) > 0.01
