"""diffusers' names: its schedulers, which are our solvers, and their options for the times.

Source: its `schedulers/scheduling_*.py`; `tests/parity` runs most of them beside ours.
"""

from types import MappingProxyType

from mezzotint.foreign.differences import BEGINS_BELOW, ENDS, PATH
from mezzotint.foreign.entry import Entry, GridEntry, Program

__all__ = ["DIFFUSERS"]

_LOWERED = "theirs lowers its order in the step before the last"
_SOLVERS = {
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
    "LMSDiscreteScheduler": Entry("lms", differs="theirs takes its last step, to 0, from the memory, ours from x_0"),
    "PNDMScheduler": Entry("pndm"),
    "PNDMScheduler(skip_prk_steps=True)": Entry("plms"),
    "IPNDMScheduler": Entry("ipndm-4"),
    "DEISMultistepScheduler": Entry("deis-2"),
    "DEISMultistepScheduler(solver_order=3)": Entry("deis-3", differs=f"below 15 steps {_LOWERED}"),
    "DPMSolverMultistepScheduler": Entry("dpmpp-2m"),
    "DPMSolverMultistepScheduler(solver_order=3)": Entry(
        "dpmpp-3m",
        MappingProxyType({"parabola": "half"}),
        differs=f"its second step is that of 2M, ours the exact line; below 15 steps {_LOWERED}",
    ),
    "DPMSolverMultistepScheduler(algorithm_type='sde-dpmsolver++')": Entry("dpmpp-2m-sde"),
    "DPMSolverMultistepScheduler(algorithm_type='sde-dpmsolver++', solver_type='heun')": Entry("dpmpp-2m-sde-heun"),
    "DPMSolverSinglestepScheduler": Entry("dpmpp-2s", differs="their step is two of the grid's, ours is one"),
    "DPMSolverSDEScheduler": Entry("dpmpp-sde", differs=PATH),
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
_MULTISTEP = "DPMSolverMultistep and -Singlestep, DEIS, SASolver and UniPC"
_SPACED = "with timestep_spacing=leading Euler, Heun, KDPM2, LMS and DPMSolverSDE begin below pure noise"
_GRIDS = {
    "timestep_spacing=leading": GridEntry(
        "leading", f"{BEGINS_BELOW}, in {_MULTISTEP} by the spacing of a step more; steps_offset is our option offset"
    ),
    "timestep_spacing=linspace": GridEntry(
        "sgm-uniform", f"{_MULTISTEP} round it to whole times; elsewhere {ENDS}, and steps a little longer"
    ),
    "timestep_spacing=trailing": GridEntry("trailing"),
    "use_beta_sigmas": GridEntry(
        "beta", f"theirs takes the quantiles in sigma, ours in t, and {ENDS.removeprefix('theirs ')}; {_SPACED}"
    ),
    "use_exponential_sigmas": GridEntry("exponential", _SPACED),
    "use_karras_sigmas": GridEntry("karras", _SPACED),
    "use_lu_lambdas": GridEntry("exponential"),
    "use_flow_sigmas": GridEntry(
        "shifted",
        "before its shift theirs is spaced from 0.999 to 0, UniPC's from 1 to 0.001, whose place 0 takes; flow_shift, "
        "1 if not given, is our option shift",
    ),
}

DIFFUSERS = Program("diffusers", MappingProxyType(_SOLVERS), MappingProxyType(_GRIDS))
