"""NovelAI's names, which are those of k-diffusion. Its program is not public, so what differs cannot be told.

Source: the names that its pictures carry and its interface offers.
"""

from types import MappingProxyType

from mezzotint.foreign.entry import Entry, GridEntry, Program

__all__ = ["NOVELAI"]

_CLOSED = "its program is not public, and the name is k-diffusion's"
_SOLVERS = {
    "k_euler": Entry("euler", differs=_CLOSED),
    "k_euler_ancestral": Entry("euler-ancestral", differs=_CLOSED),
    "k_heun": Entry("heun", differs=_CLOSED),
    "k_lms": Entry("lms", differs=_CLOSED),
    "k_dpm_2": Entry("dpm-2", differs=_CLOSED),
    "k_dpm_2_ancestral": Entry("dpm-2-ancestral", differs=_CLOSED),
    "k_dpmpp_2s_ancestral": Entry("dpmpp-2s-ancestral", differs=_CLOSED),
    "k_dpmpp_2m": Entry("dpmpp-2m", differs=_CLOSED),
    "k_dpmpp_2m_sde": Entry("dpmpp-2m-sde", differs=_CLOSED),
    "k_dpmpp_sde": Entry("dpmpp-sde", differs=_CLOSED),
    "ddim": Entry("ddim", differs=_CLOSED),
    "ddim_v3": Entry("ddim", differs=_CLOSED),
    "plms": Entry("plms", differs=_CLOSED),
}
_GRIDS = {
    "karras": GridEntry("karras"),
    "exponential": GridEntry("exponential"),
    "polyexponential": GridEntry("exponential"),
}

NOVELAI = Program(
    "NovelAI",
    MappingProxyType(_SOLVERS),
    MappingProxyType(_GRIDS),
    MappingProxyType(
        {
            "k_dpm_fast": "it mixes steps of orders 1 to 3 on a grid of its own",
            "k_dpm_adaptive": "it chooses its steps by a tolerance of its own; dopri5 chooses them too",
        }
    ),
    MappingProxyType({"native": "it stands for the levels of the model's own chain"}),
)
