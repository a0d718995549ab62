"""Other programs' names: all of them lead somewhere, both ways, and what is said of their grids is so."""

import math
from collections.abc import Callable

import pytest
import torch

from mezzotint.diffusion import SOLVERS, VPScaledLinear
from mezzotint.diffusion.guidance import GUIDANCES
from mezzotint.diffusion.solvers import find_solver
from mezzotint.diffusion.timegrid import GRIDS, find_grid, times_of
from mezzotint.errors import InvalidOption
from mezzotint.foreign import ABSENT, PROGRAMS, counterpart, ours, theirs
from mezzotint.foreign import GRIDS as FOREIGN_GRIDS

TABLE = VPScaledLinear()


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_name_of_a_solver_leads_to_ours_and_back(program: str) -> None:
    for name, entry in PROGRAMS[program].items():
        assert ours(program, name.upper()) == entry
        find_solver(entry.solver).make(entry.options)
        assert entry.grid is None or entry.grid in GRIDS
        assert entry.guidance is None or entry.guidance in GUIDANCES
        back = theirs(program, entry.solver, entry.grid, entry.options, entry.guidance)
        assert name in back
    for grid in FOREIGN_GRIDS[program].values():
        assert grid.grid in GRIDS
    assert not ABSENT[program].keys() & (PROGRAMS[program].keys() | FOREIGN_GRIDS[program].keys())


# What the programs offer in their menus
A1111 = """DPM++ 2M|DPM++ SDE|DPM++ 2M SDE|DPM++ 2M SDE Heun|DPM++ 2S a|DPM++ 3M SDE|Euler a|Euler|LMS|Heun|DPM2|DPM2 a
DPM fast|DPM adaptive|Restart|DDIM|DDIM CFG++|PLMS|UniPC|LCM"""
COMFYUI = """
euler euler_cfg_pp euler_ancestral euler_ancestral_cfg_pp heun heunpp2 exp_heun_2_x0 exp_heun_2_x0_sde dpm_2
dpm_2_ancestral lms dpm_fast dpm_adaptive dpmpp_2s_ancestral dpmpp_2s_ancestral_cfg_pp dpmpp_sde dpmpp_sde_gpu dpmpp_2m
dpmpp_2m_cfg_pp dpmpp_2m_sde dpmpp_2m_sde_gpu dpmpp_2m_sde_heun dpmpp_2m_sde_heun_gpu dpmpp_3m_sde dpmpp_3m_sde_gpu ddpm
lcm ipndm ipndm_v deis res_multistep res_multistep_cfg_pp res_multistep_ancestral res_multistep_ancestral_cfg_pp
gradient_estimation gradient_estimation_cfg_pp er_sde seeds_2 seeds_3 sa_solver sa_solver_pece ddim uni_pc uni_pc_bh2"""


def test_whole_menus_are_covered() -> None:
    for program, names in (("a1111", A1111.replace("\n", "|").split("|")), ("comfyui", COMFYUI.split())):
        assert not [name for name in names if name not in {**PROGRAMS[program], **ABSENT[program]}]
    grids = "Automatic|Uniform|Karras|Exponential|Polyexponential|SGM Uniform|KL Optimal|Align Your Steps|Simple|Normal"
    grids += "|DDIM|Beta"
    assert not [name for name in grids.split("|") if name not in {**FOREIGN_GRIDS["a1111"], **ABSENT["a1111"]}]
    comfy = {"simple", "sgm_uniform", "karras", "exponential", "ddim_uniform", "beta", "normal", "linear_quadratic"}
    assert comfy | {"kl_optimal"} == FOREIGN_GRIDS["comfyui"].keys()


def test_known_names() -> None:
    karras = ours("a1111", "DPM++ 2M  karras")
    assert (karras.solver, karras.grid, dict(karras.options)) == ("dpmpp-2m", "karras", {})
    assert ours("diffusers", "UniPCMultistepScheduler").solver == "unipc-2"
    assert theirs("comfyui", "dpmpp-3m-sde") == ("dpmpp_3m_sde", "dpmpp_3m_sde_gpu")
    # its order is min(3, steps - 1), as A1111's is 3
    for entry in (ours("comfyui", "uni_pc"), ours("a1111", "UniPC")):
        assert (entry.solver, dict(entry.options)) == ("unipc-3", {"variant": "bh1"})
    assert (ours("comfyui", "euler_cfg_pp").solver, ours("comfyui", "euler_cfg_pp").guidance) == ("euler", "cfg++")
    assert theirs("a1111", "seeds-2") == ()


def test_who_asks_in_another_programs_words_is_told_ours() -> None:
    for name, words in (
        ("DPM++ 2M Karras", "in AUTOMATIC1111 that is what solver dpmpp-2m with grid karras is here"),
        ("uni_pc", "in ComfyUI that is what solver unipc-3:variant=bh1 is here"),
        ("dpmpp_2m_cfg_pp", "solver dpmpp-2m and guidance method cfg++"),
        ("heunpp2", "that of ComfyUI has no counterpart here: it is Heun with two or three stages"),
        ("EulerDiscreteScheduler", "in diffusers that is what solver euler is here"),
    ):
        with pytest.raises(InvalidOption) as caught:
            find_solver(name)
        assert words in str(caught.value)
    with pytest.raises(InvalidOption, match="in ComfyUI that is what grid leading is here"):
        find_grid("ddim_uniform")
    with pytest.raises(InvalidOption, match="in diffusers that is what grid leading is here"):
        find_grid("timestep_spacing=leading")
    with pytest.raises(InvalidOption, match="did you mean"):
        find_solver("dpmpp-2mm")
    assert counterpart("dpmpp-2mm") is None
    assert not [name for name in SOLVERS if counterpart(name) and find_solver(name).name != name]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InvalidOption, match="did you mean dpmpp_2m"):
        ours("comfyui", "dpmpp_2mm")
    with pytest.raises(InvalidOption, match="DPM fast of AUTOMATIC1111 has no counterpart here: it mixes"):
        ours("a1111", "dpm FAST")
    with pytest.raises(InvalidOption, match="program"):
        ours("photoshop", "euler")


def noise(t: float) -> float:
    level = TABLE(torch.tensor(t, dtype=torch.float64))
    return float(level.sigma / level.alpha)


HIGH, LOW = noise(1.0), noise(1 / 1000)
PUBLISHED: dict[str, Callable[[int], list[float]]] = {
    "karras": lambda n: [(HIGH ** (1 / 7) + i / (n - 1) * (LOW ** (1 / 7) - HIGH ** (1 / 7))) ** 7 for i in range(n)],
    "exponential": lambda n: [math.exp(math.log(HIGH) + i / (n - 1) * math.log(LOW / HIGH)) for i in range(n)],
    "sgm_uniform": lambda n: [noise((999 - 999 * i / n + 1) / 1000) for i in range(n)],
}


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("steps", [5, 20])
def test_a_grid_that_is_not_said_to_differ_has_their_levels(name: str, steps: int) -> None:
    """Levels sigma/alpha on Stable Diffusion's chain, as the programs' formulas give them; 0 follows."""
    entry = FOREIGN_GRIDS["comfyui"][name]
    assert not entry.differs
    *times, last = times_of(GRIDS[entry.grid](steps, TABLE))
    assert last == 0
    assert [noise(t) for t in times] == pytest.approx(PUBLISHED[name](steps), rel=1e-6)


def test_what_is_said_of_grids_that_differ_is_so() -> None:
    def of(name: str, steps: int) -> list[float]:
        return times_of(GRIDS[FOREIGN_GRIDS["comfyui"][name].grid](steps, TABLE))[:-1]

    for steps in (7, 20, 30):
        simple = [(1000 - int(i * 1000 / steps)) / 1000 for i in range(steps)]
        assert of("simple", steps) == pytest.approx(simple, abs=0.0011)
        assert all(a <= b for a, b in zip(of("simple", steps), simple, strict=True))  # theirs upwards
        normal = [(999 - 999 * i / (steps - 1) + 1) / 1000 for i in range(steps)]
        assert normal[-1] == pytest.approx(1 / 1000)  # the least noise
        assert normal[0] - normal[1] > of("normal", steps)[0] - of("normal", steps)[1]
        leading = [(1 + i + 1) / 1000 for i in range(0, 999, 1000 // steps)][::-1]
        assert leading[0] < 1
        assert len(leading) == steps + (1000 % steps > 0)
        assert of("ddim_uniform", steps)[1:] == pytest.approx(leading[-steps + 1 :])
