"""k-diffusion's sampling functions, without the rest of the package.

Importing `k_diffusion` imports its whole tool box (torchvision, kornia, wandb, ...), and its samplers import scipy,
torchsde and torchdiffeq, for one integral, a noise of their own and a likelihood. So their file is loaded alone, beside
stand-ins: the integral is one of polynomials of degree 3, the noise is always ours, the likelihood is not called. It is
installed without what it asks for (`requirements-parity.lock`).
"""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from torch import Tensor


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
    package.utils = _module("_k_diffusion.utils", append_dims=_append_dims)  # type: ignore[attr-defined]
    scipy = _module("scipy", integrate=_module("scipy.integrate", quad=_quad))
    others = (scipy, _module("torchsde"), _module("torchdiffeq", odeint=None))
    spec = importlib.util.spec_from_file_location("_k_diffusion.sampling", folder / "sampling.py")
    assert spec is not None and spec.loader is not None  # noqa: PT018
    module = importlib.util.module_from_spec(spec)
    with _standing_in(package, package.utils, *others):
        spec.loader.exec_module(module)
    return module


def _module(name: str, **contents: Any) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(contents)
    return module


@contextmanager
def _standing_in(*modules: ModuleType) -> Iterator[None]:
    """What is imported inside the block finds these modules; afterwards all is as it was."""
    before = {module.__name__: sys.modules.get(module.__name__) for module in modules}
    sys.modules |= {module.__name__: module for module in modules}
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def _append_dims(x: Tensor, ndim: int) -> Tensor:
    return x[(..., *[None] * (ndim - x.ndim))]


_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(8)


def _quad(f: Callable[[float], float], a: float, b: float, **_: Any) -> tuple[float, float]:
    """∫_a^b f, exact for polynomials up to degree 15, and the error."""
    values = [f(float((a + b) / 2 + (b - a) / 2 * point)) for point in _POINTS]
    return float(sum(w * v for w, v in zip(_WEIGHTS, values, strict=True)) * (b - a) / 2), 0.0
