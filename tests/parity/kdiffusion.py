"""k-diffusion's sampling functions, without the rest of the package.

Importing `k_diffusion` imports its whole tool box (torchvision, kornia, ...). The samplers need one small function of
that, so their file is loaded alone, beside a stand-in for `utils`.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from torch import Tensor


def load() -> Any:
    """The module `k_diffusion.sampling`. Skips the test module if it, or what it truly needs, is not installed."""
    for needed in ("scipy", "torchsde", "torchdiffeq"):
        pytest.importorskip(needed)
    found = importlib.util.find_spec("k_diffusion")
    if found is None or found.origin is None:
        pytest.skip("k-diffusion is not installed", allow_module_level=True)
    folder = Path(found.origin).parent
    package, utils = ModuleType("_k_diffusion"), ModuleType("_k_diffusion.utils")
    package.__path__ = [str(folder)]
    utils.append_dims = _append_dims  # type: ignore[attr-defined]
    package.utils = utils  # type: ignore[attr-defined]
    spec = importlib.util.spec_from_file_location("_k_diffusion.sampling", folder / "sampling.py")
    assert spec is not None and spec.loader is not None  # noqa: PT018
    module = importlib.util.module_from_spec(spec)
    known = {name: sys.modules.get(name) for name in ("_k_diffusion", "_k_diffusion.utils")}
    sys.modules |= {"_k_diffusion": package, "_k_diffusion.utils": utils}
    try:
        spec.loader.exec_module(module)
    finally:
        for name, before in known.items():
            if before is None:
                del sys.modules[name]
    return module


def _append_dims(x: Tensor, ndim: int) -> Tensor:
    return x[(..., *[None] * (ndim - x.ndim))]
