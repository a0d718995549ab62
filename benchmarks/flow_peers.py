"""Other programs' samplers on a rectified-flow model, called as their documentation says.

diffusers has schedulers of its own for flows, and others with `use_flow_sigmas`. k-diffusion knows noise levels
sigma/alpha only: there the same denoiser is asked at x_t = alpha x, from the noisiest level that a grid names.
"""

import warnings
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.peers import k_sampling, without_noise
from benchmarks.solver_runs import Run
from mezzotint.diffusion import BoundDenoiser

__all__ = ["DIFFUSERS", "diffusers_runs", "k_diffusion_runs"]


def _diffusers() -> dict[str, tuple[str, dict[str, Any], str]]:
    """Name -> scheduler, its options, and how its times are asked for: "steps", "twice" or "sigmas"."""
    found: dict[str, tuple[str, dict[str, Any], str]] = {}
    for shift in (1.0, 2.0, 3.0, 4.0, 6.0, 8.0):
        label = "" if shift == 1 else f" shift {shift:g}"
        found[f"FlowMatchEuler{label}"] = ("FlowMatchEulerDiscreteScheduler", {"shift": shift}, "steps")
        found[f"FlowMatchEuler sigmas{label}"] = ("FlowMatchEulerDiscreteScheduler", {"shift": shift}, "sigmas")
        found[f"FlowMatchHeun{label}"] = ("FlowMatchHeunDiscreteScheduler", {"shift": shift}, "twice")
        flow = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": shift}
        zero = {**flow, "final_sigmas_type": "zero"}
        for order in (2, 3):
            both = {**zero, "solver_order": order}
            found[f"DPM++ {order}M{label}"] = ("DPMSolverMultistepScheduler", both, "steps")
            found[f"DPM++ {order}M heun{label}"] = (
                "DPMSolverMultistepScheduler",
                {**both, "solver_type": "heun"},
                "steps",
            )
            found[f"DPM++ {order}S{label}"] = ("DPMSolverSinglestepScheduler", both, "steps")
            # its variant bh1 divides infinity by infinity in a last step to 0
            found[f"UniPC-{order} bh2{label}"] = ("UniPCMultistepScheduler", both, "steps")
            found[f"UniPC-{order} sigmas{label}"] = ("UniPCMultistepScheduler", both, "sigmas")
            found[f"DEIS-{order}{label}"] = ("DEISMultistepScheduler", {**flow, "solver_order": order}, "steps")
    # diffusers takes the quantiles of the beta distribution from scipy
    for kind in ("karras", "exponential", "beta") if find_spec("scipy") else ("karras", "exponential"):
        found[f"FlowMatchEuler {kind}"] = ("FlowMatchEulerDiscreteScheduler", {f"use_{kind}_sigmas": True}, "steps")
    for order in (2, 3):
        options = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "final_sigmas_type": "zero"}
        options |= {"solver_order": order, "use_karras_sigmas": True}
        found[f"UniPC-{order} karras"] = ("UniPCMultistepScheduler", options, "steps")
    return found


DIFFUSERS = _diffusers()


def diffusers_runs(budget: int) -> dict[str, Run]:
    """All of `DIFFUSERS` with a budget of evaluations."""
    return {name: lambda denoise, x, n=name: _diffusers_end(n, budget, denoise, x) for name in DIFFUSERS}  # type: ignore[misc]


def _diffusers_end(name: str, budget: int, denoise: BoundDenoiser, x: Tensor) -> Tensor:
    import diffusers

    kind, options, asked = DIFFUSERS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler = getattr(diffusers, kind)(**options)
        if asked == "sigmas":  # as the pipelines of FLUX and Wan do
            scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / budget, budget))
        else:
            scheduler.set_timesteps((budget + 1) // 2 if asked == "twice" else budget)
        assert len(scheduler.timesteps) <= budget
        for i in scheduler.timesteps:
            # the level that the scheduler believes to be at, finer than the whole number that it hands out
            sigma = scheduler.sigmas[scheduler.step_index or 0].double()
            try:
                x = scheduler.step(denoise(x.double(), sigma).velocity.to(x), i, x).prev_sample
            except (IndexError, AssertionError, ValueError):
                return torch.full_like(x, torch.nan)
    return x


def k_diffusion_runs(budget: int) -> dict[str, Run]:
    """k-diffusion's deterministic samplers on its grids; none if it is not installed."""
    k = k_sampling()
    if k is None:
        return {}
    runs: dict[str, Run] = {}
    for name in ("euler", "lms", "dpmpp_2m", "heun", "dpm_2", "dpmpp_2s_ancestral"):
        steps = (budget + 1) // 2 if name in ("heun", "dpm_2", "dpmpp_2s_ancestral") else budget
        sampler = getattr(k, f"sample_{name}")
        if name.endswith("ancestral"):
            sampler = without_noise(sampler)
        for grid, sigmas in _k_grids(k, steps).items() if steps > 1 else ():
            runs[f"{name} {grid}"] = lambda d, x, f=sampler, s=sigmas: _k_end(f, s, d, x)  # type: ignore[misc]
    return runs


def _k_grids(k: Any, steps: int) -> Mapping[str, Tensor]:
    """Noise levels from a high one to a low one, then 0. Which ends suit a model, k-diffusion leaves to its user."""
    grids = {}
    for low, high in ((0.03, 80.0), (0.1, 80.0), (0.3, 80.0), (0.1, 20.0)):
        ends = f"{low:g} to {high:g}"
        grids[f"karras {ends}"] = k.get_sigmas_karras(steps, low, high)
        grids[f"exp {ends}"] = k.get_sigmas_exponential(steps, low, high)
    t = torch.linspace(0.999, 0, steps + 1, dtype=torch.float64)[:-1]
    for shift in (1, 3, 6, 8):  # as ComfyUI gives them to k-diffusion for flows
        grids[f"shift {shift}"] = torch.cat([shift * t / (1 - t), torch.zeros(1, dtype=torch.float64)])
    return grids


def _k_end(sampler: Callable[..., Tensor], sigmas: Tensor, denoise: BoundDenoiser, x: Tensor) -> Tensor:
    def model(y: Tensor, sigma: Tensor) -> Tensor:
        ratio = sigma[0].double().cpu()
        return denoise(y / (1 + ratio), ratio / (1 + ratio)).x0

    return sampler(model, x * sigmas[0], sigmas.double(), disable=True)
