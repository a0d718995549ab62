"""InvokeAI's names, which are those of schedulers of diffusers; `_k` at the end is Karras' grid.

Names of version 2 that begin with `k_` were those of k-diffusion.
Sources: its `invokeai/backend/stable_diffusion/schedulers/schedulers.py`, and `samplers` of version 2's generator.
"""

from dataclasses import replace
from types import MappingProxyType

from mezzotint.foreign.diffusers import DIFFUSERS
from mezzotint.foreign.entry import Entry, Program

__all__ = ["INVOKEAI"]

_THEIRS = DIFFUSERS.solvers
_SPACED = {
    "deis": _THEIRS["DEISMultistepScheduler"],
    "lms": _THEIRS["LMSDiscreteScheduler"],
    "heun": _THEIRS["HeunDiscreteScheduler"],
    "euler": _THEIRS["EulerDiscreteScheduler"],
    "kdpm_2": _THEIRS["KDPM2DiscreteScheduler"],
    "kdpm_2_a": _THEIRS["KDPM2AncestralDiscreteScheduler"],
    "dpmpp_2s": _THEIRS["DPMSolverSinglestepScheduler"],
    "dpmpp_2m": _THEIRS["DPMSolverMultistepScheduler"],
    "dpmpp_3m": _THEIRS["DPMSolverMultistepScheduler(solver_order=3)"],
    "dpmpp_2m_sde": _THEIRS["DPMSolverMultistepScheduler(algorithm_type='sde-dpmsolver++')"],
    "dpmpp_sde": _THEIRS["DPMSolverSDEScheduler"],
    "unipc": _THEIRS["UniPCMultistepScheduler"],
}
"""Those that come with Karras' grid too."""
_SOLVERS = {
    **_SPACED,
    **{f"{name}_k": replace(entry, grid="karras") for name, entry in _SPACED.items()},
    "ddim": _THEIRS["DDIMScheduler"],
    "ddpm": _THEIRS["DDPMScheduler"],
    "pndm": _THEIRS["PNDMScheduler"],
    "euler_a": _THEIRS["EulerAncestralDiscreteScheduler"],
    "lcm": _THEIRS["LCMScheduler"],
    "tcd": _THEIRS["TCDScheduler"],
    "edm_euler": _THEIRS["EDMEulerScheduler"],
    "edm_dpmpp_2m": _THEIRS["EDMDPMSolverMultistepScheduler"],
    # version 2
    "plms": Entry("plms"),
    "k_euler": Entry("euler"),
    "k_euler_a": Entry("euler-ancestral"),
    "k_heun": Entry("heun"),
    "k_lms": Entry("lms"),
    "k_dpm_2": Entry("dpm-2"),
    "k_dpm_2_a": Entry("dpm-2-ancestral"),
    "k_dpmpp_2": Entry("dpmpp-2m"),
    "k_dpmpp_2_a": Entry("dpmpp-2s-ancestral"),
}

INVOKEAI = Program("InvokeAI", MappingProxyType(_SOLVERS), MappingProxyType({}))
