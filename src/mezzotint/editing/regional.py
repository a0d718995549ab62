"""Regional prompts: boxes of a picture, and what masks cover, with prompts of their own."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mezzotint.codecs.codec import Codec
from mezzotint.conditioning.prompt import worded
from mezzotint.diffusion.bytime import settled
from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.guidance.base import steered
from mezzotint.diffusion.noise import Noise, PhiloxNoise, Purpose
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import Probe
from mezzotint.diffusion.sampling import Step, listeners
from mezzotint.diffusion.schedule import Schedule
from mezzotint.editing.edit import Canvas, Edit
from mezzotint.editing.windows import flat, own_memory
from mezzotint.errors import InvalidOption
from mezzotint.request import Request

__all__ = [
    "FEATHER",
    "Region",
    "Regional",
    "branch",
    "open_noise",
    "region_of",
    "region_of_mask",
    "regional",
    "seen_in",
    "share_of",
]

FEATHER = 2.0
"""Samples over which a region goes over into what is around it."""
LEAST = 1 / 64
"""A weight below it is 0: what JPEG leaves of black shall not count as a part of a mask."""


def branch(number: int) -> str:
    """The conditioning of a region, by its number from 0."""
    return f"region-{number + 1}"


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Where a prompt counts, and what the network sees for it, in samples.

    share           (H, W) in [0, 1], how much its prompt counts there
    rows, columns   the part of the canvas that its picture fills
    shrunk          how many samples of that picture, along each axis, are one of the canvas
    """

    share: Tensor
    rows: slice
    columns: slice
    shrunk: int = 1


def region_of(box: tuple[float, float, float, float], size: tuple[int, int], side: tuple[int, int]) -> Region:
    """The region of a box (left, top, right, bottom, in shares of the canvas) on a canvas (H, W).

    side: (h, w) that the network draws at once. A box that is at least as large is filled; in a smaller one lies a
    picture of that shape in the middle, as large as a whole number of samples a sample allows.
    Raises `InvalidOption` for a box that is smaller than the smallest such picture.
    """
    (top, bottom), (left, right) = (_cells(box[k], box[k + 2], size[1 - k]) for k in (1, 0))
    share = share_of(top, bottom, size[0])[:, None] * share_of(left, right, size[1])
    return _placed(share, (left, top, right, bottom), side, f"region {','.join(f'{one:g}' for one in box)}")


def region_of_mask(share: Tensor, side: tuple[int, int], name: str = "region_masks[0]") -> Region:
    """The region of a mask, by its weights (H, W) on the canvas; where its picture lies is decided as for a box around
    all that it covers. Raises `InvalidOption` where it covers nothing, or less than the smallest picture."""
    share = share.double().where(share >= LEAST, 0.0)
    if not bool(share.any()):
        raise InvalidOption(f"{name} is black all over; make it bright where its prompt counts.")
    rows, columns = (share.any(axis).nonzero() for axis in (1, 0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return _placed(share, box, side, name)


def _placed(share: Tensor, box: tuple[int, int, int, int], side: tuple[int, int], name: str) -> Region:
    """Where the picture of a region lies, whose weights are in a box (left, top, right, bottom) of samples."""
    left, top, right, bottom = box
    if bottom - top >= side[0] and right - left >= side[1]:
        return Region(share, slice(top, bottom), slice(left, right))
    need = max(side[0] / (bottom - top), side[1] / (right - left))
    most = math.gcd(*side)
    if need > most:
        raise InvalidOption(
            f"{name} has {right - left}x{bottom - top} samples of the canvas, and the smallest picture that this model "
            f"draws in one has {side[1] // most}x{side[0] // most}; make it at least that large."
        )
    shrunk = next(f for f in range(2, most + 1) if f >= need and most % f == 0)
    height, width = side[0] // shrunk, side[1] // shrunk
    top, left = (top + bottom - height) // 2, (left + right - width) // 2
    return Region(share, slice(top, top + height), slice(left, left + width), shrunk)


def share_of(begin: int, end: int, length: int) -> Tensor:
    """Along one axis: 1 inside, 0 outside, in between over `FEATHER` samples inside, but not at the canvas's ends."""
    middle = torch.arange(length, dtype=torch.float64) + 0.5
    ones = torch.ones_like(middle)
    up = (middle - begin) / FEATHER if begin else ones
    down = (end - middle) / FEATHER if end < length else ones
    return torch.minimum(up.clamp(0, 1), down.clamp(0, 1)).where((middle > begin) & (middle < end), 0.0)


def _cells(low: float, high: float, length: int) -> tuple[int, int]:
    """The nearest whole samples, at least one."""
    begin = min(round(low * length), length - 1)
    return begin, max(round(high * length), begin + 1)


@dataclass(frozen=True, slots=True, eq=False)
class Regional(Edit):
    """Each region's own prompt says what is there: `x_0 <- x_0 + m (x_0^k − x_0)`, region after region.

    x_0^k is what the guided denoiser, told the region's prompt in the place of the prompt, says of the region's part of
    the canvas. A part of f times smaller sides than the network draws is seen as the means y of f × f samples
    of a picture of the network's own size, x_t = (sigma_t / sigma_u) f y: as noise of f² samples has a mean with
    1/f² of its variance, u is the time of f² times as much noise, `log_snr(u) = log_snr(t) − 2 log f`, and
    what the means leave open is noise too. x_0^k is then the mean of what is believed of that picture. (For independent
    Gaussian samples this is exact; a network sees details at the noise of u, without those it drew before.)
    In the region, but beside its part of the canvas, is nothing.

    empty: a picture with nothing on it, as latents (1, C, 1, 1, 1). alone: there is no other prompt, and nothing
    outside the regions, which then costs no evaluation.
    Source for prompts by region: Bar-Tal et al. 2023 (MultiDiffusion, arXiv 2302.08113), section 5.2; the smaller
    pictures are our own.
    """

    regions: tuple[Region, ...]
    empty: Tensor
    alone: bool = False

    def wrap(self, denoiser: Denoiser[Any]) -> Denoiser[Any]:
        """The denoiser with prompts by place."""
        return _Regional(denoiser, self)

    def condition(self, branches: Mapping[str, Any], canvas: Canvas, noise: Noise) -> Mapping[str, Any]:
        """The branches, those of regions with the noise that their smaller pictures leave open."""
        told = dict(branches)
        for k, one in enumerate(self.regions):
            told[branch(k)] = _Told(branches[branch(k)], open_noise(one, k, canvas.shape, noise))
        return told


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """A region's conditioning, and the noise of its picture where that is shrunk."""

    cond: Any
    eps: Tensor | None


@dataclass(frozen=True)
class _Regional:
    denoiser: Denoiser[Any]
    regional: Regional
    each: tuple[Denoiser[Any], ...] = field(init=False, repr=False)
    """For each region the denoiser with a memory of its own, whose pictures have edges."""

    def __post_init__(self) -> None:
        own = tuple(flat(own_memory(self.denoiser)) for _ in self.regional.regions)
        object.__setattr__(self, "each", own)

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, Any], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        told = [cond[branch(k)] for k in range(len(self.each))]
        plain = {name: one for name, one in cond.items() if not isinstance(one, _Told)}
        empty, found = self.regional.empty.to(x_t).expand(x_t.shape), {}
        whole = None if self.regional.alone else self.denoiser(x_t, t, plain, to=to, probe=probe)
        x0 = empty if whole is None else whole.x0
        for k, (region, own, one) in enumerate(zip(self.regional.regions, self.each, told, strict=True)):
            seen, u = seen_in(region, x_t, t, one.eps, self.schedule)
            until = None if to is None else _noisier(self.schedule, to, region.shrunk)
            asked = {**plain, "cond": one.cond}
            if region.shrunk > 1:  # which words are due is decided by the canvas's time
                asked = {name: settled(read, t) for name, read in asked.items()}
            part = own(seen, u, asked, to=until, probe=probe)
            filled = empty.clone()
            filled[..., region.rows, region.columns] = _means(part.x0, region.shrunk)
            x0, found[branch(k)] = x0.lerp(filled, region.share.to(x_t)), part
        if whole is None:
            still = all(part.still for part in found.values())  # what is said there is noise, and beside it the same
            return Prediction(x_t, self.schedule(t), x0, branches=found, still=still)
        return steered(whole, x0, **found)

    def accepted(self, step: Step) -> None:
        """Passes the news on to the memory of every region."""
        for denoiser in self.each:
            for listener in listeners(denoiser):
                listener.accepted(step)


def open_noise(region: Region, number: int, shape: Sequence[int], noise: Noise) -> Tensor | None:
    """The noise of a region's picture on a canvas (B, C, 1, H, W), of which the canvas has only means; None where the
    network sees the canvas itself."""
    if region.shrunk == 1:
        return None
    sides = ((cut.stop - cut.start) * region.shrunk for cut in (region.rows, region.columns))
    return noise.normal((*shape[:3], *sides), Purpose.START, 1 + number)


def seen_in(region: Region, x_t: Tensor, t: Tensor, eps: Tensor | None, schedule: Schedule) -> tuple[Tensor, Tensor]:
    """What the network sees of a region, and at which time; eps: of `open_noise`."""
    x = x_t[..., region.rows, region.columns]
    if eps is None:
        return x, t
    u = _noisier(schedule, t, region.shrunk)
    here, there = schedule(t).like(x).sigma, schedule(u).like(x).sigma
    open_ = eps.to(x) - _repeated(_means(eps.to(x), region.shrunk), region.shrunk)
    return _repeated(there / (here * region.shrunk) * x, region.shrunk) + there * open_, u


def regional(request: Request, codec: Codec, native: tuple[int, int], masks: Sequence[Tensor] = ()) -> Regional | None:
    """The regions of a request, if it has any. native: (width, height) that the network draws at once, in pixels;
    masks: the weights (1, H, W) of the regions that have masks, which lie above those of boxes.

    Raises `InvalidOption` for regions smaller than that of a model that draws in latents, whose means mean nothing.
    """
    (width, height), (_, down, across) = native, codec.factors
    if not (request.region or masks):
        return None
    across_all, down_all = request.size or native
    whole = down_all // down, across_all // across
    side = height // down, width // across
    shares = [F.adaptive_avg_pool2d(mask, whole)[0] for mask in masks]
    found = tuple(region_of(box, whole, side) for box, _ in request.region)
    found += tuple(region_of_mask(share, side, f"region_masks[{k}]") for k, share in enumerate(shares))
    if codec.factors != (1, 1, 1) and any(region.shrunk > 1 for region in found):
        raise InvalidOption(
            f"region is smaller than the {width}x{height} pixels that the model {request.model} draws at once; make it "
            "or the picture larger."
        )
    clear = torch.full((1, 4, 1, down, across), -1.0)
    alone = not worded(request.prompt) and not any(weight for _, weight in (*request.blend, *request.also))
    return Regional(found, codec.encode(clear, PhiloxNoise([request.seed])), alone)


def _noisier(schedule: Schedule, t: Tensor, factor: int) -> Tensor:
    """The time at which sigma/alpha is `factor` times what it is at t; at most the last one."""
    if factor == 1:
        return t
    return schedule.time(schedule(t).log_snr - 2 * torch.tensor(factor, dtype=torch.float64).log()).clamp_max(1.0)


def _means(x: Tensor, factor: int) -> Tensor:
    return x if factor == 1 else F.avg_pool3d(x, (1, factor, factor))


def _repeated(x: Tensor, factor: int) -> Tensor:
    return x.repeat_interleave(factor, dim=-2).repeat_interleave(factor, dim=-1)
