"""What other programs call our solvers and time grids, both ways.

Their names may fix options of ours, a guidance rule, and in AUTOMATIC1111's a time grid too ("DPM++ 2M Karras"). A name
is listed where the update map is the same; where only the weights of a warm-up or a known error of theirs differ,
`differs` says so. Names that have no counterpart here are listed too, with the reason.
Sources: `modules/sd_samplers*.py` and `modules/sd_schedulers.py` of AUTOMATIC1111's web UI, `comfy/samplers.py` and
`comfy/k_diffusion/sampling.py` of ComfyUI, `diffusers.schedulers`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from mezzotint.errors import InvalidOption, unknown_name

__all__ = ["ABSENT", "GRIDS", "PROGRAMS", "Entry", "GridEntry", "counterpart", "grid_counterpart", "ours", "theirs"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One of our solvers with options, and a time grid or a guidance rule where the name includes one."""

    solver: str
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    grid: str | None = None
    guidance: str | None = None
    differs: str = ""

    def said(self) -> str:
        """This in our words, as one would ask for it."""
        options = ",".join(f"{key}={value}" for key, value in self.options.items())
        text = f"solver {self.solver}{':' if options else ''}{options}"
        text += f" with grid {self.grid}" if self.grid else ""
        return text + (f" and guidance method {self.guidance}" if self.guidance else "")


@dataclass(frozen=True, slots=True)
class GridEntry:
    """One of our time grids."""

    grid: str
    differs: str = ""


_HALF = MappingProxyType({"parabola": "half"})
_BH1 = MappingProxyType({"variant": "bh1"})
_SPLIT = "on rectified flow theirs divides the noise as our euler-ancestral does"
_LOWERED = "theirs lowers its order in the step before the last"
_WHOLE = "theirs has order 3 from four steps on, lowers it towards the end, and ends at sigma 0.001"
_UNCOND = "theirs takes the unconditional prediction for the earlier one"
_CFGPP = "cfg++"

_COMFYUI = {
    "euler": Entry("euler"),
    "euler_cfg_pp": Entry("euler", guidance=_CFGPP),
    "euler_ancestral": Entry("euler-ancestral"),
    "euler_ancestral_cfg_pp": Entry("euler-ancestral", guidance=_CFGPP),
    "heun": Entry("heun"),
    "dpm_2": Entry("dpm-2"),
    "dpm_2_ancestral": Entry("dpm-2-ancestral", differs=_SPLIT),
    "lms": Entry("lms"),
    "dpm_adaptive": Entry("dopri5", differs="another embedded pair, of order 3; both choose steps by a tolerance"),
    "dpmpp_2s_ancestral": Entry("dpmpp-2s-ancestral", differs=_SPLIT),
    "dpmpp_2s_ancestral_cfg_pp": Entry("dpmpp-2s-ancestral", guidance=_CFGPP, differs=_SPLIT),
    "dpmpp_sde": Entry("dpmpp-sde"),
    "dpmpp_sde_gpu": Entry("dpmpp-sde"),
    "dpmpp_2m": Entry("dpmpp-2m"),
    "dpmpp_2m_cfg_pp": Entry("dpmpp-2m", guidance=_CFGPP, differs=_UNCOND),
    "dpmpp_2m_sde": Entry("dpmpp-2m-sde"),
    "dpmpp_2m_sde_gpu": Entry("dpmpp-2m-sde"),
    "dpmpp_2m_sde_heun": Entry("dpmpp-2m-sde-heun"),
    "dpmpp_2m_sde_heun_gpu": Entry("dpmpp-2m-sde-heun"),
    "dpmpp_3m_sde": Entry("dpmpp-3m-sde"),
    "dpmpp_3m_sde_gpu": Entry("dpmpp-3m-sde"),
    "ddpm": Entry("ddpm"),
    "ddim": Entry("ddim"),
    "lcm": Entry("lcm"),
    "ipndm": Entry("ipndm-4"),
    "ipndm_v": Entry("lms", differs="theirs is variable-step Adams–Bashforth with a warm-up of its own"),
    "deis": Entry("deis-3", differs="theirs interpolates in the time of a linear VP chain, ours in log sigma"),
    "res_multistep": Entry("res-multistep"),
    "res_multistep_cfg_pp": Entry("res-multistep", guidance=_CFGPP, differs=_UNCOND),
    "gradient_estimation": Entry("gradient-estimation"),
    "gradient_estimation_cfg_pp": Entry("gradient-estimation", guidance=_CFGPP),
    "er_sde": Entry("er-sde-3", differs="their third stage is second order"),
    "seeds_2": Entry("seeds-2"),
    "seeds_3": Entry("seeds-3"),
    "sa_solver": Entry("sa-solver"),
    "uni_pc": Entry("unipc-3", _BH1, differs=_WHOLE),
    "uni_pc_bh2": Entry("unipc-3", differs=_WHOLE),
}

_A1111_SOLVERS = {
    "Euler": Entry("euler"),
    "Euler a": Entry("euler-ancestral"),
    "LMS": Entry("lms"),
    "Heun": Entry("heun"),
    "DPM2": Entry("dpm-2"),
    "DPM2 a": Entry("dpm-2-ancestral"),
    "DPM++ 2S a": Entry("dpmpp-2s-ancestral"),
    "DPM++ 2M": Entry("dpmpp-2m"),
    "DPM++ SDE": Entry("dpmpp-sde"),
    "DPM++ 2M SDE": Entry("dpmpp-2m-sde"),
    "DPM++ 2M SDE Heun": Entry("dpmpp-2m-sde-heun"),
    "DPM++ 3M SDE": Entry("dpmpp-3m-sde"),
    "DPM adaptive": Entry("dopri5", differs="another embedded pair, of order 3; both choose steps by a tolerance"),
    "Restart": Entry("heun", grid="restart", differs="theirs chooses the intervals by the number of steps"),
    "DDPM": Entry("ddpm", differs="a name of newer programs that write like it"),
    "DDIM": Entry("ddim"),
    "DDIM CFG++": Entry("ddim", guidance=_CFGPP),
    "PLMS": Entry("plms"),
    "UniPC": Entry("unipc-3", _BH1, differs=_LOWERED),
    "LCM": Entry("lcm"),
}
_ENDS = "theirs ends at the model's least noise before 0"
_A1111_GRIDS = {
    "Uniform": GridEntry("sgm-uniform", f"{_ENDS}, with steps a little longer"),
    "Karras": GridEntry("karras"),
    "Exponential": GridEntry("exponential"),
    "Polyexponential": GridEntry("exponential"),  # their rho is 1, which makes the two one grid
    "SGM Uniform": GridEntry("sgm-uniform"),
    "KL Optimal": GridEntry("kl-optimal", _ENDS),
    "Align Your Steps": GridEntry("align-your-steps", "theirs keeps the table's last level and puts 0 after it"),
    "Simple": GridEntry("trailing", "theirs rounds every time of the chain upwards"),
    "Normal": GridEntry("sgm-uniform", f"{_ENDS}, with steps a little longer"),
    "DDIM": GridEntry(
        "leading", "theirs begins below pure noise, and takes a step more where the chain is no multiple of the steps"
    ),
    "Beta": GridEntry("beta", "theirs takes the quantiles in sigma, ours in t"),
}
_COMFYUI_GRIDS = {
    "simple": _A1111_GRIDS["Simple"],
    "sgm_uniform": GridEntry("sgm-uniform"),
    "karras": GridEntry("karras"),
    "exponential": GridEntry("exponential"),
    "ddim_uniform": _A1111_GRIDS["DDIM"],
    "beta": GridEntry("beta", "theirs rounds to whole times of the chain"),
    "normal": _A1111_GRIDS["Normal"],
    "linear_quadratic": GridEntry("linear-quadratic"),
    "kl_optimal": _A1111_GRIDS["KL Optimal"],
}
_DIFFUSERS_GRIDS = {
    "timestep_spacing=leading": GridEntry("leading"),
    "timestep_spacing=linspace": GridEntry("sgm-uniform", f"{_ENDS}, with steps a little longer"),
    "timestep_spacing=trailing": GridEntry("trailing"),
    "use_beta_sigmas": GridEntry("beta", "theirs takes the quantiles in sigma, ours in t"),
    "use_exponential_sigmas": GridEntry("exponential"),
    "use_karras_sigmas": GridEntry("karras"),
    "use_lu_lambdas": GridEntry("exponential"),
    "use_flow_sigmas": GridEntry("shifted", "theirs leaves out the least noise of the chain"),
}
_A1111 = _A1111_SOLVERS | {
    f"{name} {word}": Entry(
        entry.solver,
        entry.options,
        grid.grid,
        entry.guidance,
        "; ".join(filter(None, (entry.differs, grid.differs))),
    )
    for name, entry in _A1111_SOLVERS.items()
    for word, grid in _A1111_GRIDS.items()
    # with these words after them, names of samplers meant their own
    if entry.grid is None and word not in ("Uniform", "Simple", "Normal", "DDIM")
}

_DIFFUSERS = {
    "DDIMScheduler": Entry("ddim"),
    "DDPMScheduler": Entry("ddpm"),
    "EulerDiscreteScheduler": Entry("euler"),
    "FlowMatchEulerDiscreteScheduler": Entry("euler"),
    "EulerAncestralDiscreteScheduler": Entry("euler-ancestral"),
    "LTXEulerAncestralRFScheduler": Entry("euler-ancestral"),
    "HeunDiscreteScheduler": Entry("heun"),
    "FlowMatchHeunDiscreteScheduler": Entry("heun"),
    "KDPM2DiscreteScheduler": Entry("dpm-2"),
    "KDPM2AncestralDiscreteScheduler": Entry("dpm-2-ancestral"),
    "LMSDiscreteScheduler": Entry("lms"),
    "PNDMScheduler": Entry("pndm"),
    "PNDMScheduler(skip_prk_steps=True)": Entry("plms"),
    "IPNDMScheduler": Entry("ipndm-4"),
    "DEISMultistepScheduler": Entry("deis-2"),
    "DEISMultistepScheduler(solver_order=3)": Entry("deis-3", differs=f"below 15 steps {_LOWERED}"),
    "DPMSolverMultistepScheduler": Entry("dpmpp-2m"),
    "DPMSolverMultistepScheduler(solver_order=3)": Entry(
        "dpmpp-3m", _HALF, differs=f"its second step is that of 2M, ours the exact line; below 15 steps {_LOWERED}"
    ),
    "DPMSolverMultistepScheduler(algorithm_type='sde-dpmsolver++')": Entry("dpmpp-2m-sde"),
    "DPMSolverMultistepScheduler(algorithm_type='sde-dpmsolver++', solver_type='heun')": Entry("dpmpp-2m-sde-heun"),
    "DPMSolverSinglestepScheduler": Entry("dpmpp-2s", differs="their step is two of the grid's, ours is one"),
    "DPMSolverSDEScheduler": Entry("dpmpp-sde"),
    "UniPCMultistepScheduler": Entry("unipc-2"),
    "UniPCMultistepScheduler(solver_type='bh1')": Entry("unipc-2-bh1"),
    "UniPCMultistepScheduler(solver_order=3)": Entry("unipc-3", differs=_LOWERED),
    "SASolverScheduler": Entry(
        "sa-solver",
        MappingProxyType({"predictor_order": 2, "corrector_order": 3}),
        differs="their weights of order 2 are those of UniPC's bh1 instead of the exact ones",
    ),
    "LCMScheduler": Entry("lcm"),
    "TCDScheduler": Entry("tcd"),
}

PROGRAMS: Mapping[str, Mapping[str, Entry]] = MappingProxyType(
    {
        "a1111": MappingProxyType(_A1111),
        "comfyui": MappingProxyType(_COMFYUI),
        "diffusers": MappingProxyType(_DIFFUSERS),
    }
)
"""Program -> its name of a solver -> ours."""
GRIDS: Mapping[str, Mapping[str, GridEntry]] = MappingProxyType(
    {
        "a1111": MappingProxyType(_A1111_GRIDS),
        "comfyui": MappingProxyType(_COMFYUI_GRIDS),
        "diffusers": MappingProxyType(_DIFFUSERS_GRIDS),
    }
)
"""Program -> its name of a time grid -> ours."""
_FAST = "it mixes steps of orders 1 to 3 on a grid of its own"
ABSENT: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "a1111": MappingProxyType({"DPM fast": _FAST, "Automatic": "it stands for the grid that suits the solver"}),
        "comfyui": MappingProxyType(
            {
                "dpm_fast": _FAST,
                "heunpp2": "it is Heun with two or three stages, fewer towards the end",
                "exp_heun_2_x0": "it is SEEDS-2 without noise and with its stage at the end of the step",
                "exp_heun_2_x0_sde": "it is SEEDS-2 with its stage at the end of the step",
                "res_multistep_ancestral": "res-multistep has no form with noise",
                "res_multistep_ancestral_cfg_pp": "res-multistep has no form with noise",
                "sa_solver_pece": "sa-solver does not evaluate again after correcting",
            }
        ),
        "diffusers": MappingProxyType({}),
    }
)
"""Program -> names of it that have no counterpart here -> why."""
_CALLED = {"a1111": "AUTOMATIC1111", "comfyui": "ComfyUI", "diffusers": "diffusers"}


def _program(program: str) -> Mapping[str, Entry]:
    if program not in PROGRAMS:
        raise unknown_name("program", program, PROGRAMS)
    return PROGRAMS[program]


def _folded(name: str) -> str:
    return " ".join(name.split()).lower()


def ours(program: str, name: str) -> Entry:
    """What another program's name of a solver is here, whatever its case.

    Raises InvalidOption for a program or a name that is not listed, with the nearest ones, and for a name that has no
    counterpart here, with the reason.
    """
    entries = {_folded(known): entry for known, entry in _program(program).items()}
    if _folded(name) in entries:
        return entries[_folded(name)]
    for absent, reason in ABSENT[program].items():
        if _folded(absent) == _folded(name):
            raise InvalidOption(f"{absent} of {_CALLED[program]} has no counterpart here: {reason}.")
    raise unknown_name(f"solver of {program}", name, _program(program))


def theirs(
    program: str,
    solver: str,
    grid: str | None = None,
    options: Mapping[str, Any] | None = None,
    guidance: str | None = None,
) -> tuple[str, ...]:
    """The other program's names for our solver with these options, grid and guidance rule; empty if it has none."""
    wanted = (solver, grid, guidance, dict(options or {}))
    return tuple(
        name
        for name, entry in _program(program).items()
        if (entry.solver, entry.grid, entry.guidance, dict(entry.options)) == wanted
    )


def counterpart(name: str) -> str | None:
    """What to say to someone who asks here for another program's solver; None if no program has one of that name."""
    for program, called in _CALLED.items():
        for known, entry in PROGRAMS[program].items():
            if _folded(known) == _folded(name):
                return f"in {called} that is what {entry.said()} is here."
        for absent, reason in ABSENT[program].items():
            if _folded(absent) == _folded(name):
                return f"that of {called} has no counterpart here: {reason}."
    return None


def grid_counterpart(name: str) -> str | None:
    """The same for a time grid."""
    for program, called in _CALLED.items():
        for known, entry in GRIDS[program].items():
            if _folded(name) in (_folded(known), _folded(known.partition("=")[2])):
                return f"in {called} that is what grid {entry.grid} is here."
    return None
