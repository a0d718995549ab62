"""NovelAI's names, which are those of k-diffusion. Its program is not public, so what differs cannot be told.

Source: the names that its pictures carry and its interface offers.
"""

from types import MappingProxyType

from mezzotint.foreign.entry import Entry, GridEntry, Program

__all__ = ["NOVELAI"]

_CLOSED = "its program is not public, and the name is k-diffusion's"
_OURS = {
    "k_euler": "euler",
    "k_euler_ancestral": "euler-ancestral",
    "k_heun": "heun",
    "k_lms": "lms",
    "k_dpm_2": "dpm-2",
    "k_dpm_2_ancestral": "dpm-2-ancestral",
    "k_dpmpp_2s_ancestral": "dpmpp-2s-ancestral",
    "k_dpmpp_2m": "dpmpp-2m",
    "k_dpmpp_2m_sde": "dpmpp-2m-sde",
    "k_dpmpp_sde": "dpmpp-sde",
    "ddim": "ddim",
    "ddim_v3": "ddim",
    "plms": "plms",
}
_SOLVERS = {theirs: Entry(ours, differs=_CLOSED) for theirs, ours in _OURS.items()}
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
