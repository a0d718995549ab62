"""Inverse problems on the same loop: a picture from a measurement y = A x_0 + noise, and noise from a picture.

`operators` says what A is; `posterior` and `projection` are denoisers around denoisers that know y; `FixedPointDDIM`,
one of the solvers, takes a picture up a rising grid so that the same grid downwards returns it.
"""

from mezzotint.diffusion.inverse.operators import Blur, Downscale, Grey, LinearOperator, Mask, Matrix
from mezzotint.diffusion.inverse.posterior import Posterior
from mezzotint.diffusion.inverse.projection import Projected
from mezzotint.diffusion.solvers.fixed_point import FixedPointDDIM

__all__ = [
    "Blur",
    "Downscale",
    "FixedPointDDIM",
    "Grey",
    "LinearOperator",
    "Mask",
    "Matrix",
    "Posterior",
    "Projected",
]
