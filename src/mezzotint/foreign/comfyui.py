"""ComfyUI's names. What differs only on rectified flow is said so; the rest is said of a chain of 1000 steps.

Sources: its `comfy/samplers.py`, `comfy/k_diffusion/sampling.py`, `comfy/model_sampling.py` and
`comfy/extra_samplers/uni_pc.py`.
"""

from types import MappingProxyType

from mezzotint.foreign.differences import DROPPED, FAST, LONGER, PATH, STEP_MORE, UPWARDS
from mezzotint.foreign.entry import Entry, GridEntry, Program

__all__ = ["COMFYUI"]

_CFGPP = "cfg++"
_IN_T = "on rectified flow theirs takes t for sigma/alpha"
_SPLIT = "on rectified flow theirs divides the noise as our euler-ancestral does"
_SHIFT = "on rectified flow theirs has the model's shift"
_WHOLE = (
    f"theirs has order 3 from four steps on, lowers it towards the end, and ends at sigma 0.001; {DROPPED}; on "
    "rectified flow it takes t for sigma/alpha"
)
_SOLVERS = {
    "euler": Entry("euler"),
    "euler_cfg_pp": Entry("euler", guidance=_CFGPP),
    "euler_ancestral": Entry("euler-ancestral"),
    "euler_ancestral_cfg_pp": Entry(
        "euler-ancestral",
        guidance=_CFGPP,
        differs="on rectified flow theirs divides the noise by sigma/alpha: coordinate=ratio",
    ),
    "heun": Entry("heun"),
    "dpm_2": Entry("dpm-2", differs=f"{DROPPED}; {_IN_T}"),
    "dpm_2_ancestral": Entry("dpm-2-ancestral", differs=f"{DROPPED}; {_IN_T}, and divides the noise in it"),
    "lms": Entry("lms", differs=_IN_T),
    "dpm_adaptive": Entry(
        "dopri5", differs="theirs is another embedded pair, of order 3, and ends at the grid's least noise"
    ),
    "dpmpp_2s_ancestral": Entry("dpmpp-2s-ancestral", differs=_SPLIT),
    "dpmpp_2s_ancestral_cfg_pp": Entry("dpmpp-2s-ancestral", guidance=_CFGPP, differs=_IN_T),
    "dpmpp_sde": Entry("dpmpp-sde", differs=PATH),
    "dpmpp_sde_gpu": Entry("dpmpp-sde", differs=PATH),
    "dpmpp_2m": Entry("dpmpp-2m", differs=_IN_T),
    "dpmpp_2m_cfg_pp": Entry(
        "dpmpp-2m", guidance=_CFGPP, differs=f"theirs takes the unconditional prediction for the earlier one; {_IN_T}"
    ),
    "dpmpp_2m_sde": Entry("dpmpp-2m-sde"),
    "dpmpp_2m_sde_gpu": Entry("dpmpp-2m-sde"),
    "dpmpp_2m_sde_heun": Entry("dpmpp-2m-sde-heun"),
    "dpmpp_2m_sde_heun_gpu": Entry("dpmpp-2m-sde-heun"),
    "dpmpp_3m_sde": Entry("dpmpp-3m-sde"),
    "dpmpp_3m_sde_gpu": Entry("dpmpp-3m-sde"),
    "ddpm": Entry("ddpm", differs=_IN_T),
    "ddim": Entry("ddim"),
    "lcm": Entry("lcm"),
    "ipndm": Entry("ipndm-4", differs=_IN_T),
    "ipndm_v": Entry(
        "lms", differs=f"the weights of theirs beyond order 2 are Adams–Bashforth's on equal steps only; {_IN_T}"
    ),
    "deis": Entry("deis-3", differs="theirs interpolates in the time of a linear VP chain, ours in log sigma"),
    "res_multistep": Entry("res-multistep", differs=_IN_T),
    "res_multistep_cfg_pp": Entry(
        "res-multistep",
        guidance=_CFGPP,
        differs=f"theirs interpolates the unconditional predictions, ours the guided ones; {_IN_T}",
    ),
    "gradient_estimation": Entry("gradient-estimation", differs=_IN_T),
    "gradient_estimation_cfg_pp": Entry("gradient-estimation", guidance=_CFGPP, differs=_IN_T),
    "er_sde": Entry("er-sde-3", differs="their third stage is second order"),
    "seeds_2": Entry("seeds-2"),
    "seeds_3": Entry("seeds-3"),
    "sa_solver": Entry(
        "sa-solver", differs="theirs lowers its orders towards the end, and adds noise by where a step ends"
    ),
    "uni_pc": Entry("unipc-3", MappingProxyType({"variant": "bh1"}), differs=_WHOLE),
    "uni_pc_bh2": Entry("unipc-3", differs=_WHOLE),
}
_GRIDS = {
    "simple": GridEntry("trailing", f"{UPWARDS}; {_SHIFT}"),
    "sgm_uniform": GridEntry("sgm-uniform", _SHIFT),
    "karras": GridEntry("karras", _IN_T),
    "exponential": GridEntry("exponential", _IN_T),
    "ddim_uniform": GridEntry("leading", f"{STEP_MORE}; {_SHIFT}"),
    "beta": GridEntry("beta", f"theirs rounds to whole times of the chain; {_SHIFT}"),
    "normal": GridEntry("sgm-uniform", f"{LONGER}; {_SHIFT}"),
    "linear_quadratic": GridEntry(
        "linear-quadratic", "theirs is spaced in sigma: in t on rectified flow, elsewhere in sigma/alpha"
    ),
    "kl_optimal": GridEntry("kl-optimal", _IN_T),
}
_NO_NOISE = "res-multistep has no form with noise"
COMFYUI = Program(
    "ComfyUI",
    MappingProxyType(_SOLVERS),
    MappingProxyType(_GRIDS),
    MappingProxyType(
        {
            "dpm_fast": FAST,
            "heunpp2": "it is Heun with two or three stages, fewer towards the end",
            "exp_heun_2_x0": "it is SEEDS-2 without noise and with its stage at the end of the step",
            "exp_heun_2_x0_sde": "it is SEEDS-2 with its stage at the end of the step",
            "res_multistep_ancestral": _NO_NOISE,
            "res_multistep_ancestral_cfg_pp": _NO_NOISE,
            "sa_solver_pece": "sa-solver does not evaluate again after correcting",
        }
    ),
)
