"""A structure reference: the edges of a picture, or how its colours lie, under whatever the prompt says."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.inverse import Blur, Downscale, LinearOperator, Posterior
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import Probe
from mezzotint.diffusion.schedule import Schedule
from mezzotint.editing.edit import Edit

__all__ = ["Edges", "Structure", "StructureKind", "lasting"]

StructureKind = Literal["edges", "layout"]

CELL = 8
"""Samples on a side of a square whose mean colour the layout knows."""
LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601."""
NOISE: Mapping[str, float] = {"edges": 0.1, "layout": 0.2}
"""The measurement's standard deviation at weight 1, in samples, which go from -1 to 1."""
ITERATIONS = 3


@dataclass(frozen=True)
class Edges:
    """A x = (1 − G) (luma, coverage): what a Gaussian G of `sigma` samples takes away, without colour.

    Pictures (B, 4, T, H, W), premultiplied RGBA, to (B, 2, T, H, W). Flat parts are 0 whatever their brightness. With a
    narrow G little is known of the two sides of an edge, and the edge is drawn into the fog of another picture.
    """

    sigma: float = 8.0

    def _mix(self, x: Tensor) -> Tensor:
        return torch.tensor([[*LUMA, 0.0], [0.0, 0.0, 0.0, 1.0]], dtype=x.dtype, device=x.device)

    def __call__(self, x: Tensor) -> Tensor:
        seen = torch.einsum("mc,bc...->bm...", self._mix(x), x)
        return seen - Blur(self.sigma)(seen)

    def adjoint(self, y: Tensor) -> Tensor:
        back = y - Blur(self.sigma).adjoint(y)
        return torch.einsum("mc,bm...->bc...", self._mix(y), back)


def operator_of(kind: StructureKind) -> LinearOperator:
    """What is known of a structure reference."""
    return Edges() if kind == "edges" else Downscale(CELL)


@dataclass(frozen=True, eq=False)
class Structure(Edit):
    """Draws from what the model believes of pictures with the edges, or the layout of colours, of a reference.

    pixels: the reference as latents (C, 1, H, W), of the size that is drawn; `Edges` need premultiplied RGBA. weight:
    the measurement is believed to `NOISE / weight`; 0 is off, to the bit. See `diffusion.inverse.Posterior` for the
    method and its cost: no further evaluation, but `ITERATIONS` + 1 backward passes in each.
    """

    pixels: Tensor
    weight: float
    kind: StructureKind

    def wrap(self, denoiser: Denoiser[Any]) -> Denoiser[Any]:
        """The denoiser that has seen the measurement."""
        if self.weight == 0:
            return denoiser
        operator = operator_of(self.kind)
        known = Posterior(
            denoiser, operator, operator(self.pixels[None]), NOISE[self.kind] / self.weight, iterations=ITERATIONS
        )
        return _Differentiable(known)


@dataclass(frozen=True, slots=True)
class _Differentiable:
    """A denoiser that takes gradients, where tensors come from `torch.inference_mode`, which have none: of copies."""

    denoiser: Posterior[Any]

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, Any], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        with torch.inference_mode(False):
            return self.denoiser(lasting(x_t), lasting(t), lasting(dict(cond)), to=lasting(to), probe=probe)


def lasting(value: Any) -> Any:
    """The value, with copies of all tensors in it that were made in inference mode: those cannot be saved for a
    gradient. Looks into plain dataclasses, tuples and dictionaries; everything else stays what it is."""
    found = value
    if isinstance(value, Tensor):
        found = value.clone() if value.is_inference() else value
    elif isinstance(value, dict):
        found = {name: lasting(item) for name, item in value.items()}
    elif type(value) is tuple:
        items = tuple(map(lasting, value))
        found = value if all(a is b for a, b in zip(items, value, strict=True)) else items
    elif is_dataclass(value) and not isinstance(value, type):
        now = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
        copies = {name: lasting(item) for name, item in now.items()}
        changed = {name: item for name, item in copies.items() if item is not now[name]}
        found = replace(value, **changed) if changed else value
    return found
