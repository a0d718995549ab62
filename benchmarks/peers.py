"""Other programs' samplers on our exact model, called as their documentation says."""

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from mezzotint.diffusion import GaussianMixture, VPScaledLinear

__all__ = ["DIFFUSERS", "LEFT_OUT", "check_complete", "diffusers_end", "k_diffusion_runs", "without_noise"]

BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
TABLE = VPScaledLinear()

_SPACINGS = ("trailing", "leading", "linspace")
_SIGMAS: dict[str, dict[str, Any]] = {
    "": {},
    "karras": {"use_karras_sigmas": True},
    "exponential": {"use_exponential_sigmas": True},
    "beta": {"use_beta_sigmas": True},
}
_ZERO = {"final_sigmas_type": "zero"}


def _diffusers() -> dict[str, tuple[str, dict[str, Any]]]:
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for spacing in _SPACINGS:
        base = {"timestep_spacing": spacing}
        found[f"DDIM {spacing}"] = ("DDIMScheduler", {**base, "clip_sample": False})
        for kind, sigmas in _SIGMAS.items():
            if kind and spacing != "linspace":
                continue  # the spacing of t then plays no part
            label = kind or spacing
            both = {**base, **sigmas}
            found[f"Euler {label}"] = ("EulerDiscreteScheduler", both)
            found[f"Heun {label}"] = ("HeunDiscreteScheduler", both)
            found[f"DPM2 {label}"] = ("KDPM2DiscreteScheduler", both)
            found[f"LMS {label}"] = ("LMSDiscreteScheduler", both)
            for order in (2, 3):
                found[f"DPM++ {order}M {label}"] = (
                    "DPMSolverMultistepScheduler",
                    {**both, **_ZERO, "solver_order": order},
                )
                found[f"DPM++ {order}M heun {label}"] = (
                    "DPMSolverMultistepScheduler",
                    {**both, **_ZERO, "solver_order": order, "solver_type": "heun"},
                )
                found[f"UniPC-{order} {label}"] = ("UniPCMultistepScheduler", {**both, **_ZERO, "solver_order": order})
                found[f"DEIS-{order} {label}"] = ("DEISMultistepScheduler", {**both, "solver_order": order})
        found[f"PNDM {spacing}"] = ("PNDMScheduler", base)
        found[f"PLMS {spacing}"] = ("PNDMScheduler", {**base, "skip_prk_steps": True})
    for kind, sigmas in _SIGMAS.items():
        for order in (2, 3):
            singlestep = {**sigmas, **_ZERO, "solver_order": order, "lower_order_final": True}
            found[f"DPM++ {order}S {kind}".rstrip()] = ("DPMSolverSinglestepScheduler", singlestep)
    found["DPM++ 2M lu"] = ("DPMSolverMultistepScheduler", {"use_lu_lambdas": True, **_ZERO})
    found["DPM++ 3M lu"] = ("DPMSolverMultistepScheduler", {"use_lu_lambdas": True, **_ZERO, "solver_order": 3})
    return found


DIFFUSERS = _diffusers()
LEFT_OUT = {
    "IPNDMScheduler": "its noise levels are its own, and begin at alpha = 0",
    "UniPCMultistepScheduler(solver_type='bh1')": "in a last step to 0 it divides infinity by infinity",
    "CMStochasticIterativeScheduler, LCMScheduler, TCDScheduler, ...": "they are for students, or stochastic",
}
"""Deterministic schedulers of diffusers that are not compared, and why."""
_TWICE = ("HeunDiscreteScheduler", "KDPM2DiscreteScheduler")


def check_complete() -> None:
    """Raises ImportError, in one sentence, where a peer would be left out: diffusers takes integrals from scipy."""
    for name in ("diffusers", "scipy"):
        if find_spec(name) is None:
            raise ImportError(f"{name} is not installed, without which peers are missing: pip install {name}")
    if k_sampling() is None:
        raise ImportError('k-diffusion is not installed, which is a peer: CONTRIBUTING.md says how, "The lock file"')


def diffusers_end(name: str, budget: int, exact: GaussianMixture, x: Tensor) -> Tensor:
    """Where one of `DIFFUSERS` ends with `budget` evaluations from x, noise of unit variance."""
    import diffusers

    kind, options = DIFFUSERS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler = getattr(diffusers, kind)(**BETAS, **options)
        steps = (budget + 1) // 2 if kind in _TWICE else budget
        scheduler.set_timesteps(steps)
        while kind == "PNDMScheduler" and len(scheduler.timesteps) > budget:  # its first steps take more
            if (steps := steps - 1) < 4:
                return torch.full_like(x, torch.nan)
            scheduler.set_timesteps(steps)
        x = x * scheduler.init_noise_sigma
        for i in scheduler.timesteps:
            scaled = scheduler.scale_model_input(x, i)
            # the level that the scheduler believes to be at: its sigma where it has one, finer than a whole step
            t = _time(scheduler, i)
            try:
                x = scheduler.step(exact(scaled, t).eps.to(x), i, x).prev_sample
            except (IndexError, AssertionError):  # some sigmas repeat a time at 50 steps, and it runs over its end
                return torch.full_like(x, torch.nan)
    return x


def _time(scheduler: Any, i: Tensor) -> Tensor:
    sigmas = getattr(scheduler, "sigmas", None)
    if sigmas is None or type(scheduler).__name__ in _TWICE:
        return (i.double() + 1) / len(TABLE.table.betas)
    index = scheduler.step_index if scheduler.step_index is not None else 0
    return TABLE.time(-2 * sigmas[index].double().log())


def k_sampling() -> Any:
    """The module `k_diffusion.sampling`, as the parity tests load it; None if it is not installed."""
    try:
        from _pytest.outcomes import Skipped

        from tests.parity.kdiffusion import load
    except ImportError:
        return None
    try:
        return load()
    except Skipped:
        return None


def k_diffusion_runs(exact: GaussianMixture, budget: int) -> dict[str, Callable[[Tensor], Tensor]]:
    """k-diffusion's deterministic samplers on its three grids; none if it is not installed."""
    k = k_sampling()
    if k is None:
        return {}
    high, low = (float(TABLE(t).sigma / TABLE(t).alpha) for t in (1.0, 0.001))

    def model(x: Tensor, sigma: Tensor) -> Tensor:
        level = TABLE(t := TABLE.time(-2 * sigma[0].double().log()))
        return exact(x * level.alpha, t).x0

    def run(sampler: Callable[..., Tensor], sigmas: Tensor, x: Tensor) -> Tensor:
        return sampler(model, x * (1 + high**2) ** 0.5, sigmas.double(), disable=True)

    runs: dict[str, Callable[[Tensor], Tensor]] = {}
    for name in ("euler", "lms", "dpmpp_2m", "heun", "dpm_2", "dpmpp_2s_ancestral"):
        steps = (budget + 1) // 2 if name in ("heun", "dpm_2", "dpmpp_2s_ancestral") else budget
        if steps < 2:
            continue
        grids = {"karras": k.get_sigmas_karras(steps, low, high), "exp": k.get_sigmas_exponential(steps, low, high)}
        grids |= {f"polyexp {rho}": k.get_sigmas_polyexponential(steps, low, high, rho) for rho in (0.7, 1.5)}
        t = torch.linspace(1, 0, steps + 1, dtype=torch.float64)[:-1]
        level = TABLE(t)
        grids["uniform"] = torch.cat([level.sigma / level.alpha, torch.zeros(1, dtype=torch.float64)])
        sampler = getattr(k, f"sample_{name}")
        if name.endswith("ancestral"):
            sampler = without_noise(sampler)
        for grid, sigmas in grids.items():
            runs[f"{name} {grid}"] = lambda x, f=sampler, s=sigmas: run(f, s, x)  # type: ignore[misc]
    return runs


def without_noise(sampler: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """One of k-diffusion's ancestral samplers, as the deterministic one that it is with eta = 0."""
    return lambda *arguments, disable: sampler(*arguments, disable=disable, eta=0.0)
