"""Tangential damping: the unconditional branch without what disagrees with the conditional one."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from mezzotint.diffusion.guidance.base import GuidanceRecord, check_number, dot
from mezzotint.diffusion.prediction import Prediction
from mezzotint.errors import InvalidOption

__all__ = ["RECORD", "TCFG"]


@dataclass(frozen=True, slots=True)
class TCFG:
    """x_0 = u + guidance (cond − u), u the unconditional branch after its projection. guidance 1 = off.

    eps of u is ⟨eps_uncond, v⟩ v, v the first right singular vector of the two rows eps_cond and eps_uncond.

    Kwon et al. 2025, arXiv 2503.18137, algorithm 1. The decomposition is written out in closed form, in x_0, because in
    eps the two rows become equal as alpha goes to 0 (see `damped`). Raises InvalidOption for a guidance below 0.
    """

    guidance: float = 1.0

    def __post_init__(self) -> None:
        check_number("tcfg", "guidance", self.guidance)

    @property
    def branches(self) -> tuple[str, ...]:
        return ("cond",) if self.guidance == 1 else ("cond", "uncond")

    def combine(self, branches: Mapping[str, Prediction]) -> Prediction:
        cond = branches["cond"]
        uncond = damped(cond, branches["uncond"])
        return cond.replace(x0=uncond.lerp(cond.x0, self.guidance), branches=branches)


def damped(cond: Prediction, uncond: Prediction) -> Tensor:
    """x_0 of the unconditional branch after the projection.

    With m = (eps_cond + eps_uncond) / 2 and alpha g = (eps_cond − eps_uncond) / 2 the first singular vector is
    a m + b alpha g, where (a, b) is the first eigenvector of [[m·m, alpha m·g], [alpha m·g, alpha² g·g]]. With
    rho = m·g / (first eigenvalue − alpha² g·g) and b/a = alpha rho, the projection moves x_0 by
    −sigma (1 + alpha rho) / (1 + alpha² rho²) (g − rho m): no division by alpha is left.
    Raises InvalidOption for a time per frame, which this closed form does not cover.
    """
    if cond.level.alpha.ndim > 1:
        raise InvalidOption(
            "The guidance tcfg needs one time for each picture, not one for each frame; use cfg or apg."
        )
    scale = cond.level.like(cond.x_t)
    g = (uncond.x0 - cond.x0) / (2 * scale.sigma)
    m = (cond.eps + uncond.eps) / 2
    alpha = scale.alpha.double()
    mm, mg, gg = dot(m, m), dot(m, g), dot(g, g)
    half = (mm - alpha**2 * gg) / 2
    rho = mg / (half + (half**2 + (alpha * mg) ** 2).sqrt()).clamp_min(1e-30)
    share = (1 + alpha * rho) / (1 + (alpha * rho) ** 2)
    return uncond.x0 - scale.sigma * (share.to(g) * (g - rho.to(g) * m))


RECORD = GuidanceRecord("tcfg", "rule", TCFG, evaluations=2, source="Kwon et al. 2025, arXiv 2503.18137, algorithm 1")
