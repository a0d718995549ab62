"""The names of AUTOMATIC1111's web UI, and of programs that write like it.

What differs is said of Stable Diffusion 1 to XL, whose noise is that of a chain of 1000 steps. A solver's name may end
in a grid ("DPM++ 2M Karras"), as before version 1.9.
Sources: its `modules/sd_samplers_kdiffusion.py`, `sd_samplers_timesteps*.py`, `sd_samplers_extra.py`,
`sd_schedulers.py`, and k-diffusion's `sampling.py`, which most of them call.
"""

from types import MappingProxyType

from mezzotint.foreign.differences import DROPPED, ENDS, FAST, LONGER, PATH, STEP_MORE, UPWARDS
from mezzotint.foreign.entry import Entry, GridEntry, Program

__all__ = ["A1111"]

_OWN = "theirs keeps to the times of leading, whatever the schedule type, and takes the last, t = 0.002, for clean"
_GRIDS = {
    "Uniform": GridEntry("sgm-uniform", LONGER),
    "Karras": GridEntry("karras"),
    "Exponential": GridEntry("exponential"),
    "Polyexponential": GridEntry("exponential"),  # their rho is 1, which makes the two one grid
    "SGM Uniform": GridEntry("sgm-uniform"),
    "KL Optimal": GridEntry("kl-optimal", "theirs ends at the model's least noise instead of 0"),
    "Align Your Steps": GridEntry(
        "align-your-steps",
        "theirs keeps the table's last level and puts 0 after it; for SDXL models it is table=sdxl",
    ),
    "Simple": GridEntry("trailing", UPWARDS),
    "Normal": GridEntry("sgm-uniform", LONGER),
    "DDIM": GridEntry("leading", STEP_MORE),
    "Beta": GridEntry("beta", f"theirs takes the quantiles in sigma, ours in t, and {ENDS.removeprefix('theirs ')}"),
    "Turbo": GridEntry("trailing", "theirs rounds a half the other way"),  # of newer programs that write like it
}
# those that take a grid, which older versions wrote behind them
_ON_GRIDS = {
    "Euler": Entry("euler"),
    "Euler a": Entry("euler-ancestral"),
    "LMS": Entry("lms", differs="theirs takes its last step, to 0, from the memory, ours from x_0"),
    "Heun": Entry("heun"),
    "DPM2": Entry("dpm-2", differs=DROPPED),
    "DPM2 a": Entry("dpm-2-ancestral", differs=DROPPED),
    "DPM++ 2S a": Entry("dpmpp-2s-ancestral"),
    "DPM++ 2M": Entry("dpmpp-2m"),
    "DPM++ SDE": Entry("dpmpp-sde", differs=PATH),
    "DPM++ 2M SDE": Entry("dpmpp-2m-sde"),
    "DPM++ 2M SDE Heun": Entry("dpmpp-2m-sde-heun"),
    "DPM++ 3M SDE": Entry("dpmpp-3m-sde", differs=DROPPED),
    "DDPM": Entry("ddpm"),  # of newer programs that write like it
    "LCM": Entry("lcm"),
}
_SOLVERS = _ON_GRIDS | {
    "Restart": Entry("heun", grid="restart", differs="theirs chooses the intervals by the number of steps"),
    "DDIM": Entry("ddim", differs=_OWN),
    "DDIM CFG++": Entry("ddim", guidance="cfg++", differs=f"their guidance is 12.5 times ours; {_OWN}", scale=1 / 12.5),
    "PLMS": Entry("plms", differs=_OWN),
    "UniPC": Entry(
        "unipc-3",
        MappingProxyType({"variant": "bh1"}),
        differs="theirs has times of its own, whatever the schedule type, lowers its order towards the end, and ends "
        "at the model's least noise instead of 0",
    ),
}
# with these words after them, names meant solvers of their own, or none
_NEVER_BEHIND = ("Uniform", "Simple", "Normal", "DDIM", "Turbo")
_WITH_GRIDS = {
    f"{name} {word}": Entry(
        entry.solver, entry.options, grid.grid, differs="; ".join(filter(None, (entry.differs, grid.differs)))
    )
    for name, entry in _ON_GRIDS.items()
    for word, grid in _GRIDS.items()
    if word not in _NEVER_BEHIND
}

A1111 = Program(
    "AUTOMATIC1111",
    MappingProxyType(_SOLVERS | _WITH_GRIDS),
    MappingProxyType(_GRIDS),
    MappingProxyType(
        {
            "DPM fast": f"{FAST}, and adds noise between them",
            "DPM adaptive": "it adds noise between steps that a tolerance chooses; dopri5 and adaptive-heun choose "
            "theirs so, and add none",
        }
    ),
    MappingProxyType({"Automatic": "it stands for what the solver prefers: Karras, Exponential or Uniform"}),
)
