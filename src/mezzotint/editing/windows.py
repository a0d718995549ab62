"""Pictures larger than a model draws at once: overlapping windows that are denoised together."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, product
from typing import Any, Protocol, Self, cast, runtime_checkable

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.guidance.base import Catable
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import Probe
from mezzotint.diffusion.sampling import Step, listeners
from mezzotint.diffusion.schedule import Level, Schedule
from mezzotint.editing.edit import Edit

__all__ = ["OnCanvas", "Place", "Windows", "flat", "own_memory", "places", "starts"]


@runtime_checkable
class OnCanvas(Protocol):
    """A conditioning that says something of every place, such as a smaller picture: a window is told its part."""

    def cut(self, rows: Tensor, columns: Tensor) -> Self:
        """What lies in these rows and columns of the canvas."""
        ...


def starts(length: int, side: int, stride: int, around: bool = False, unit: int = 1) -> tuple[int, ...]:
    """Where windows of `side` begin on an axis of `length`, evenly, at most `stride` apart.

    The first begins at 0, the last ends at the end; all begin at multiples of `unit`, which divides the lengths and the
    stride. `around`, the axis is closed to a circle, windows go over its end, and none begins there, if one has at
    least 16 samples: networks that draw in patches show these, and the patches of all windows may coincide.
    """
    assert 0 < stride <= side <= length, (length, side, stride)
    if around:
        count = -(-length // stride)
        first = -(-(side // 16) // unit)
        return tuple(unit * (round(k * (length // unit) / count) + first) % length for k in range(count))
    room, apart = (length - side) // unit, stride // unit
    gaps = -(-room // apart)
    return (*(unit * round(k * room / gaps) for k in range(gaps)), length - side)


@dataclass(frozen=True, slots=True)
class Place:
    """One window. rows, columns: what of the canvas it sees; share (h, w): the weight of what it says in the running
    mean of the windows up to it, 1 where it is the first."""

    rows: Tensor
    columns: Tensor
    share: Tensor

    def cut(self, x: Tensor) -> Tensor:
        """What the window sees of x (..., H, W)."""
        return x[..., self.rows[:, None], self.columns]


def places(
    size: Sequence[int], side: Sequence[int], stride: Sequence[int], around: Sequence[bool], unit: int = 1
) -> Iterator[Place]:
    """The windows of a canvas (H, W), from the top left, row by row, one at a time: a share is as large as a window.

    Their weights are `sin²(pi (i + 1/2) / side)` along each axis, which is smooth, and 0 at no sample.
    """
    begins = [starts(*axis, unit) for axis in zip(size, side, stride, around, strict=True)]
    bumps = [torch.sin(torch.pi * (torch.arange(n, dtype=torch.float64) + 0.5) / n) ** 2 for n in side]
    weight, total = bumps[0][:, None] * bumps[1], torch.zeros(tuple(size), dtype=torch.float64)
    for top, left in product(*begins):
        axes = zip((top, left), side, size, strict=True)
        rows, columns = (torch.arange(at, at + n) % length for at, n, length in axes)
        total[rows[:, None], columns] += weight
        yield Place(rows, columns, weight / total[rows[:, None], columns])


@dataclass(frozen=True, slots=True)
class Windows(Edit):
    """Every prediction is the mean of those of overlapping windows, each of a size that the model draws.

        x_0(p) = sum_k w_k(p) x_0^k(p) / sum_k w_k(p)          k over the windows that see p, w as `places` says

    side, stride   (h, w) of a window, and how far apart they begin at most, in latents
    around         whether the picture goes on over its (lower, right) edge at the other one (`tile`)
    together       windows that share a network call; 1 gives each what it gets alone, to the bit
    unit           windows begin at multiples of it, for networks to which not all places are alike
    Where all windows say the same, so does the mean, exactly. A canvas of one window is left alone.
    Source: Bar-Tal et al. 2023 (MultiDiffusion, arXiv 2302.08113), equation 5, with smooth weights.
    """

    side: tuple[int, int]
    stride: tuple[int, int]
    around: tuple[bool, bool] = (False, False)
    together: int = 1
    unit: int = 1

    def wrap(self, denoiser: Denoiser[Any]) -> Denoiser[Any]:
        """The denoiser of windows as one of the canvas."""
        return _Windowed(denoiser, self)

    def unguided(self, denoiser: Denoiser[Any]) -> Denoiser[Any]:
        """The same without guidance."""
        return self.wrap(denoiser)


@dataclass(frozen=True)
class _Windowed:
    denoiser: Denoiser[Any]
    windows: Windows
    each: dict[tuple[object, ...], Denoiser[Any]] = field(default_factory=dict, init=False, repr=False)
    """For each window of a canvas the denoiser with a memory of its own: guidance with momentum must not mix them."""

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, Any], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        w, size = self.windows, tuple(x_t.shape[-2:])
        if size == w.side and not any(w.around):
            return self._own(size, 0)(x_t, t, cond, to=to, probe=probe)
        found, mean, first = places(size, w.side, w.stride, w.around, w.unit), None, 0
        while group := list(islice(found, w.together)):
            whole = self._own(size, first)(
                torch.cat([place.cut(x_t) for place in group]),
                _repeated(t, len(group)),
                {name: _seen(one, group) for name, one in cond.items()},
                to=None if to is None else _repeated(to, len(group)),
                probe=probe,
            )
            for k, place in enumerate(group):
                part = _rows(whole, k * len(x_t), (k + 1) * len(x_t))
                mean = mean or _Mean.of(part, x_t)
                mean.add(place, part)
            first += len(group)
        assert mean is not None, "a canvas has a window"
        return mean.prediction(x_t, self.schedule(t))

    def accepted(self, step: Step) -> None:
        """Passes the news on to the memory of every window."""
        for denoiser in self.each.values():
            for listener in listeners(denoiser):
                listener.accepted(step)

    def _own(self, size: tuple[int, ...], window: int) -> Denoiser[Any]:
        if (size, window) not in self.each:
            self.each[size, window] = own_memory(self.denoiser)
        return self.each[size, window]


def own_memory(denoiser: Denoiser[Any]) -> Denoiser[Any]:
    """The same wrappers around the same leaf, with memories of their own; the given one must not have been called."""
    inner = getattr(denoiser, "denoiser", None)
    if inner is None:
        return denoiser
    changes = {"denoiser": own_memory(inner)}
    rule: Any = getattr(denoiser, "rule", None)
    if hasattr(rule, "accepted"):
        changes["rule"] = copy.copy(rule)
    return cast(Denoiser[Any], replace(cast(Any, denoiser), **changes))


def flat(denoiser: Denoiser[Any]) -> Denoiser[Any]:
    """The same denoiser for pictures with edges: what is drawn for a part of a tile is none itself."""
    if not isinstance(denoiser, _Windowed):
        return denoiser
    return replace(denoiser, windows=replace(denoiser.windows, around=(False, False)))


def _repeated(t: Tensor, count: int) -> Tensor:
    return t if t.ndim == 0 else torch.cat([t] * count)


def _seen(cond: Any, group: Sequence[Place]) -> Any:
    """The conditioning of some windows with the same pictures."""
    parts: list[Any] = [cond.cut(one.rows, one.columns) if isinstance(cond, OnCanvas) else cond for one in group]
    whole = parts[0]
    for part in parts[1:]:
        assert isinstance(whole, Catable), f"{type(cond).__name__} has no cat; use together=1"
        whole = whole.cat(part)
    return whole


def _rows(whole: Prediction, begin: int, end: int) -> Prediction:
    """One window of a call for several."""
    alpha, sigma = whole.level.alpha, whole.level.sigma
    level = whole.level if alpha.ndim == 0 else Level(alpha[begin:end], sigma[begin:end])
    eps = None if whole.eps_for_update is None else whole.eps_for_update[begin:end]
    branches = {name: _rows(branch, begin, end) for name, branch in whole.branches.items()}
    return Prediction(whole.x_t[begin:end], level, whole.x0[begin:end], eps, branches, whole.still)


@dataclass(slots=True)
class _Mean:
    """The running mean of what windows say, branch by branch; it keeps no window, so that memory is that of the canvas.

    x0, eps, still: as in `Prediction`. branches: those of the windows; windows: the levels of those that had none.
    """

    x0: Tensor
    eps: Tensor | None
    branches: dict[str, "_Mean"]
    still: bool
    windows: list[Level] = field(default_factory=list)

    @classmethod
    def of(cls, part: Prediction, x_t: Tensor) -> "_Mean":
        """Nothing yet, for predictions such as this one."""
        eps = None if part.eps_for_update is None else torch.zeros_like(x_t)
        branches = {name: cls.of(branch, x_t) for name, branch in part.branches.items()}
        return cls(torch.zeros_like(x_t), eps, branches, part.still)

    def add(self, place: Place, part: Prediction) -> None:
        """What one window says."""
        _put(self.x0, place, part.x0)
        if self.eps is not None:
            _put(self.eps, place, part.update_eps)
        for name, branch in part.branches.items():
            self.branches[name].add(place, branch)
        if not part.branches:
            self.windows.append(part.level)

    def prediction(self, x_t: Tensor, level: Level) -> Prediction:
        """The mean. The windows are the branches, empty, of a branch without any, so that every evaluation counts."""
        branches = {name: mean.prediction(x_t, level) for name, mean in self.branches.items()}
        none = x_t.new_empty(0)
        counted = {f"window-{k}": Prediction(none, each, none) for k, each in enumerate(self.windows)}
        return Prediction(x_t, level, self.x0, self.eps, branches or counted, self.still)


def _put(whole: Tensor, place: Place, value: Tensor) -> None:
    """What one window says, into the mean of those before it."""
    whole[..., place.rows[:, None], place.columns] = place.cut(whole).lerp(value, place.share.to(whole))
