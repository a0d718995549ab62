"""What other programs call our solvers, both ways.

Their names may fix options of ours, and in AUTOMATIC1111's a time grid too ("DPM++ 2M Karras"). A name is listed where
the update map is the same; where only the weights of a warm-up or a known error of theirs differ, `differs` says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from mezzotint.errors import unknown_name

__all__ = ["PROGRAMS", "Entry", "ours", "theirs"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One of our solvers with options, and a time grid where the name includes one."""

    solver: str
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    grid: str | None = None
    differs: str = ""


_HALF = MappingProxyType({"parabola": "half"})
_BH1 = MappingProxyType({"variant": "bh1"})
_SPLIT = "on rectified flow theirs divides the noise as our euler-ancestral does"
_LOWERED = "theirs lowers its order in the step before the last"
_WHOLE = "theirs has order 3 from four steps on, lowers it towards the end, and ends at sigma 0.001"

_COMFYUI = {
    "euler": Entry("euler"),
    "euler_ancestral": Entry("euler-ancestral"),
    "heun": Entry("heun"),
    "dpm_2": Entry("dpm-2"),
    "dpm_2_ancestral": Entry("dpm-2-ancestral", differs=_SPLIT),
    "lms": Entry("lms"),
    "dpmpp_2s_ancestral": Entry("dpmpp-2s-ancestral", differs=_SPLIT),
    "dpmpp_sde": Entry("dpmpp-sde"),
    "dpmpp_sde_gpu": Entry("dpmpp-sde"),
    "dpmpp_2m": Entry("dpmpp-2m"),
    "dpmpp_2m_sde": Entry("dpmpp-2m-sde"),
    "dpmpp_2m_sde_gpu": Entry("dpmpp-2m-sde"),
    "dpmpp_2m_sde_heun": Entry("dpmpp-2m-sde-heun"),
    "dpmpp_2m_sde_heun_gpu": Entry("dpmpp-2m-sde-heun"),
    "dpmpp_3m_sde": Entry("dpmpp-3m-sde"),
    "ddpm": Entry("ddpm"),
    "ddim": Entry("ddim"),
    "lcm": Entry("lcm"),
    "ipndm": Entry("ipndm-4"),
    "ipndm_v": Entry("lms", differs="theirs is variable-step Adams–Bashforth with a warm-up of its own"),
    "deis": Entry("deis-3", differs="theirs interpolates in the time of a linear VP chain, ours in log sigma"),
    "res_multistep": Entry("res-multistep"),
    "gradient_estimation": Entry("gradient-estimation"),
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
    "DDIM": Entry("ddim"),
    "PLMS": Entry("plms"),
    "UniPC": Entry("unipc-3", _BH1, differs=_LOWERED),
    "LCM": Entry("lcm"),
}
# Their name -> ours, and where theirs differs
_A1111_GRIDS = {
    "Karras": ("karras", ""),
    "Exponential": ("exponential", ""),
    "Polyexponential": ("exponential", ""),  # their rho is 1, which makes the two one grid
    "SGM Uniform": ("sgm-uniform", ""),
    "KL Optimal": ("kl-optimal", "theirs ends at the model's least noise before 0"),
    "Align Your Steps": ("align-your-steps", "theirs keeps the table's last level and puts 0 after it"),
    "Beta": ("beta", "theirs takes the quantiles in sigma, ours in t"),
}
_A1111 = _A1111_SOLVERS | {
    f"{name} {word}": Entry(entry.solver, entry.options, grid, "; ".join(filter(None, (entry.differs, differs))))
    for name, entry in _A1111_SOLVERS.items()
    for word, (grid, differs) in _A1111_GRIDS.items()
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


def _program(program: str) -> Mapping[str, Entry]:
    if program not in PROGRAMS:
        raise unknown_name("program", program, PROGRAMS)
    return PROGRAMS[program]


def ours(program: str, name: str) -> tuple[str, str | None, dict[str, Any]]:
    """Our solver, time grid (None if the name has none) and options for another program's name, whatever its case.

    Raises InvalidOption for a program or a name that is not listed, with the nearest ones.
    """
    entries = {known.lower(): entry for known, entry in _program(program).items()}
    if name.lower() not in entries:
        raise unknown_name(f"solver of {program}", name, _program(program))
    entry = entries[name.lower()]
    return entry.solver, entry.grid, dict(entry.options)


def theirs(
    program: str, solver: str, grid: str | None = None, options: Mapping[str, Any] | None = None
) -> tuple[str, ...]:
    """The other program's names for our solver with these options and grid; empty if it has none."""
    wanted = (solver, grid, dict(options or {}))
    return tuple(
        name for name, entry in _program(program).items() if (entry.solver, entry.grid, dict(entry.options)) == wanted
    )
