"""k-diffusion's sampling functions, without the rest of the package.

Importing `k_diffusion` imports its whole tool box (torchvision, kornia, wandb, ...), and its samplers import scipy,
torchsde and torchdiffeq, for one integral, a noise of their own and a likelihood. So their file is loaded alone, beside
stand-ins: the integral is one of polynomials of degree 3, the noise is always ours, and who calls the likelihood sets
its integrator. It is installed without what it asks for (`requirements-parity.lock`).
"""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from torch import Tensor

from .stand_ins import module, quad, standing_in


def load() -> Any:
    """The module `k_diffusion.sampling`. Skips the test module if k-diffusion is not installed."""
    found = importlib.util.find_spec("k_diffusion")
    if found is None or found.origin is None:
        pytest.skip(
            "k-diffusion is not installed (pip install --no-deps -r requirements-parity.lock)", allow_module_level=True
        )
    folder = Path(found.origin).parent
    package = ModuleType("_k_diffusion")
    package.__path__ = [str(folder)]
    package.utils = module("_k_diffusion.utils", append_dims=_append_dims)  # type: ignore[attr-defined]
    scipy = module("scipy", integrate=module("scipy.integrate", quad=quad))
    others = (scipy, module("torchsde"), module("torchdiffeq", odeint=None))
    spec = importlib.util.spec_from_file_location("_k_diffusion.sampling", folder / "sampling.py")
    assert spec is not None and spec.loader is not None  # noqa: PT018
    made = importlib.util.module_from_spec(spec)
    with standing_in(package, package.utils, *others):
        spec.loader.exec_module(made)
    return made


def _append_dims(x: Tensor, ndim: int) -> Tensor:
    return x[(..., *[None] * (ndim - x.ndim))]
