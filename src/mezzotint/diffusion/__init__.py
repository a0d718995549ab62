"""The mathematics of diffusion: schedules, predictions, noise, time grids, solvers, guidance, objectives.

Nothing here knows of images, files, devices or weights. A newcomer reads, in this order: `schedule` (what noise does),
`prediction` (what a model says), `denoiser`, `sampling` (the loop), `solvers` and `guidance`, and `analytic`, models
that are exactly right.
"""

from mezzotint.diffusion.analytic import FiniteSet, Gaussian, GaussianMixture
from mezzotint.diffusion.denoiser import (
    Bound,
    BoundDenoiser,
    Denoiser,
    Network,
    NetworkDenoiser,
    Preconditioned,
    Rescheduled,
)
from mezzotint.diffusion.guidance import GUIDANCES, GuidanceRecord, find_guidance, guidance_stack, guided
from mezzotint.diffusion.guidance.cfg import CFG
from mezzotint.diffusion.guidance.interval import Interval
from mezzotint.diffusion.likelihood import bits_per_dimension, log_likelihood
from mezzotint.diffusion.noise import (
    NOISE_VERSION,
    Noise,
    PhiloxNoise,
    Purpose,
    normal_at,
    philox_normal,
    philox_uniform,
)
from mezzotint.diffusion.objective import WEIGHTINGS, LogitNormal, TimeDensity, Uniform, Weighting, loss
from mezzotint.diffusion.prediction import Prediction, Target
from mezzotint.diffusion.probe import AttentionSite, Probe
from mezzotint.diffusion.sampling import Step, listeners, pure_noise, sample
from mezzotint.diffusion.schedule import (
    EDM,
    HyperbolicSecant,
    Laplace,
    Level,
    RectifiedFlow,
    Schedule,
    VPCosine,
    VPLinear,
    VPScaledLinear,
    VPTable,
    ZeroTerminal,
)
from mezzotint.diffusion.solvers import SOLVERS, Order, Solver, SolverRecord, find_solver
from mezzotint.diffusion.solvers.ddim import DDIM
from mezzotint.diffusion.solvers.ddpm import DDPM
from mezzotint.diffusion.solvers.dpmpp import DPMpp2M
from mezzotint.diffusion.solvers.euler import Euler
from mezzotint.diffusion.solvers.heun import Heun
from mezzotint.diffusion.timegrid import GRIDS, Denoise, Move, Renoise, TimeGrid, check_grid, from_times

__all__ = [
    "CFG",
    "DDIM",
    "DDPM",
    "EDM",
    "GRIDS",
    "GUIDANCES",
    "NOISE_VERSION",
    "SOLVERS",
    "WEIGHTINGS",
    "AttentionSite",
    "Bound",
    "BoundDenoiser",
    "DPMpp2M",
    "Denoise",
    "Denoiser",
    "Euler",
    "FiniteSet",
    "Gaussian",
    "GaussianMixture",
    "GuidanceRecord",
    "Heun",
    "HyperbolicSecant",
    "Interval",
    "Laplace",
    "Level",
    "LogitNormal",
    "Move",
    "Network",
    "NetworkDenoiser",
    "Noise",
    "Order",
    "PhiloxNoise",
    "Preconditioned",
    "Prediction",
    "Probe",
    "Purpose",
    "RectifiedFlow",
    "Renoise",
    "Rescheduled",
    "Schedule",
    "Solver",
    "SolverRecord",
    "Step",
    "Target",
    "TimeDensity",
    "TimeGrid",
    "Uniform",
    "VPCosine",
    "VPLinear",
    "VPScaledLinear",
    "VPTable",
    "Weighting",
    "ZeroTerminal",
    "bits_per_dimension",
    "check_grid",
    "find_guidance",
    "find_solver",
    "from_times",
    "guidance_stack",
    "guided",
    "listeners",
    "log_likelihood",
    "loss",
    "normal_at",
    "philox_normal",
    "philox_uniform",
    "pure_noise",
    "sample",
]
