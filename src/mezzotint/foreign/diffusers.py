"""diffusers' names: its schedulers, which are our solvers, and their options for the times.

All schedulers of diffusers 0.42 are here: those that take a step of ours in `_SOLVERS`, with the grid where theirs
comes with one, the others in `_NO_SOLVERS` with the reason and what to use. What belongs to a model rather than to a
step (its chain, the shift of its SNR) is the model's here, and no difference.
Source: its `schedulers/scheduling_*.py`; `tests/parity` runs most of them beside ours.
"""

from types import MappingProxyType

from mezzotint.foreign.differences import BEGINS_BELOW, ENDS, PATH
from mezzotint.foreign.entry import Entry, GridEntry, Program

__all__ = ["DIFFUSERS"]

_LOWERED = "theirs lowers its order in the step before the last"
_CHURN = "with s_churn theirs adds noise before a step; use grid restart or euler-ancestral"
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
    # the same steps for models of their own, or with another interface
    "DDIMParallelScheduler": Entry("ddim"),
    "CogVideoXDDIMScheduler": Entry("ddim"),
    "DDPMParallelScheduler": Entry("ddpm"),
    "DDPMWuerstchenScheduler": Entry("ddpm", grid="uniform"),
    "UnCLIPScheduler": Entry(
        "ddpm",
        differs="theirs is spaced from the chain's last step to its first; with variance_type=learned_range it takes "
        "the variance from the model",
    ),
    "ScoreSdeVeScheduler": Entry(
        "ddpm",
        MappingProxyType({"variance": "forward"}),
        grid="exponential",
        differs="theirs follows each step with a Langevin step, ours does not",
    ),
    "CogVideoXDPMScheduler": Entry("dpmpp-2m-sde"),
    "CosineDPMSolverMultistepScheduler": Entry(
        "dpmpp-2m-sde",
        grid="exponential",
        differs="its levels go from 500 to 0.3, ours from 80 to the model's least: sigma_max and sigma_min",
    ),
    "EDMEulerScheduler": Entry("euler", grid="karras", differs=_CHURN),
    "EDMEulerScheduler(sigma_schedule='exponential')": Entry("euler", grid="exponential", differs=_CHURN),
    "EDMDPMSolverMultistepScheduler": Entry("dpmpp-2m", grid="karras"),
    "EDMDPMSolverMultistepScheduler(sigma_schedule='exponential')": Entry("dpmpp-2m", grid="exponential"),
    "EDMDPMSolverMultistepScheduler(algorithm_type='sde-dpmsolver++')": Entry("dpmpp-2m-sde", grid="karras"),
    "MiniMaxH3Scheduler": Entry(
        "euler", grid="shifted", differs="of n steps theirs takes n − 1; its shift, if not given, is 12"
    ),
    # up to noise, and up and down
    "DDIMInverseScheduler": Entry(
        "ddim",
        grid="inversion",
        differs="theirs asks the model at the time where a step ends, ours where it begins, and comes back a little "
        "nearer; fixed-point-ddim comes back exactly",
    ),
    "DPMSolverMultistepInverseScheduler": Entry(
        "dpmpp-2m", grid="inversion", differs="theirs takes the picture for one at the first time of its spacing"
    ),
    "RePaintScheduler": Entry(
        "ddim",
        grid="repaint",
        differs="theirs jumps a block later, from the clean end too, and where its steps are longer than the chain's "
        "goes up with noise of too high levels; the known part is what inpaint does",
    ),
    # networks that jump
    "CMStochasticIterativeScheduler": Entry(
        "lcm",
        grid="karras",
        differs="theirs takes what the network says for a sample at the least noise, ours for a clean one, and "
        "visits some of 40 levels",
    ),
    "FlowMatchLCMScheduler": Entry("lcm", grid="shifted", differs=f"{ENDS}; its shift, if not given, is 1"),
    "SCMScheduler": Entry("lcm", grid="uniform", differs="of two steps theirs takes the second at t = 0.83"),
    "FlowMapEulerDiscreteScheduler": Entry(
        "tcd", MappingProxyType({"gamma": 0.0, "tell": True}), grid="shifted", differs="its shift, if not given, is 1"
    ),
}
_TOKENS = (
    "it draws discrete tokens, while samples here are continuous: use a model of pixels or latents, with any solver"
)
_STAGES = "it enlarges the picture between stages of one drawing"
_NO_SOLVERS = {
    "AmusedScheduler": _TOKENS,
    "BlockRefinementScheduler": _TOKENS,
    "DiscreteDDIMScheduler": _TOKENS,
    "EntropyBoundScheduler": _TOKENS,
    "VQDiffusionScheduler": _TOKENS,
    "ConsistencyDecoderScheduler": "it decodes latents, which is what a model's codec does here; its two steps are "
    "those of lcm",
    "HeliosScheduler": f"{_STAGES}; inside one its steps are those of unipc-2 or euler",
    "HeliosDMDScheduler": f"{_STAGES}; inside one its steps are those of lcm",
    "PiflowScheduler": "its network predicts ten pictures along a step, between which it integrates; networks here "
    "predict one, and those distilled for few steps are drawn with lcm or tcd",
    "RFD4ProteinaScheduler": "it draws proteins at a lowered temperature; use euler-ancestral for a step with noise on "
    "rectified flow",
    "KarrasVeScheduler": "it adds noise before every step of heun; use heun, or for noise grid restart or dpmpp-sde",
    "ScoreSdeVpScheduler": "it takes Euler-Maruyama steps in t; use ddpm, dpmpp-2m-sde or seeds-2, which solve the "
    "linear part of the same equation exactly",
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
    "shift": GridEntry("shifted", f"the option is ours too; without sigmas of one's own {ENDS}, shifted twice"),
    "use_dynamic_shifting": GridEntry(
        "shifted-dynamic",
        "theirs is told mu, ours the number of tokens, from which FLUX.1 takes mu; time_shift_type=linear is shifted "
        "with shift=mu",
    ),
    "use_flow_sigmas": GridEntry(
        "shifted",
        "before its shift theirs is spaced from 0.999 to 0, UniPC's from 1 to 0.001, whose place 0 takes; flow_shift, "
        "1 if not given, is our option shift",
    ),
}

_NO_GRIDS = {
    "shift_terminal": "it stretches shifted times so that the last is this one; use shifted or shifted-dynamic, which "
    "do not stretch",
    "invert_sigmas": "it is for a model whose t is 1 at the data; ours is 0 there for every model, whatever the grid",
}

DIFFUSERS = Program(
    "diffusers",
    MappingProxyType(_SOLVERS),
    MappingProxyType(_GRIDS),
    MappingProxyType(_NO_SOLVERS),
    MappingProxyType(_NO_GRIDS),
)
