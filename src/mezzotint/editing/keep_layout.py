"""Keep the layout: the picture of a new prompt attends within itself as the picture of the old prompt does."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from mezzotint.conditioning.prompt import worded
from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.guidance.base import conditional, steered
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import AttentionSite, Probe, blocks_of
from mezzotint.diffusion.sampling import Step, listeners, sample
from mezzotint.diffusion.schedule import Schedule
from mezzotint.diffusion.solvers import find_solver
from mezzotint.diffusion.solvers.adaptive import Adaptive
from mezzotint.editing.edit import Canvas, Edit
from mezzotint.editing.invert import SOURCE
from mezzotint.editing.windows import own_memory
from mezzotint.errors import InvalidOption
from mezzotint.request import Request
from mezzotint.spec import Spec

__all__ = ["KeepLayout", "layout_kept", "with_layout"]


def with_layout(site: AttentionSite, weights: Tensor, kept: Tensor) -> Tensor:
    """Attention weights whose part among image tokens is that of another picture.

        w_ij <- k_ij for image keys j      w_il <- w_il (sum_m k_im) / (sum_m w_im) for all others l; m are these too

    for every image query i: how much a token pays to the picture, and to what of it, is the other picture's; how the
    rest goes to the words and the noise level is its own. Rows still sum to 1, and where `kept` is the weights' own
    nothing changes, to the bit. weights: (B, heads, queries, keys). kept: (B, heads, image queries, keys), of another
    prompt, so that there may be another number of keys; those of image tokens stand in the same places.
    """
    rows, image = site.image_queries(weights.shape[2]), site.image
    own, tiny = weights[:, :, rows], torch.finfo(weights.dtype).tiny
    share = _besides(kept, image) / _besides(own, image).clamp_min(tiny)
    out = weights.clone()
    out[:, :, rows] = own * share
    out[:, :, rows, image] = kept[..., image]
    return out


def _besides(rows: Tensor, image: slice) -> Tensor:
    """What each row (..., keys) pays to other keys than image tokens, (..., 1)."""
    return rows[..., : image.start].sum(-1, keepdim=True) + rows[..., image.stop :].sum(-1, keepdim=True)


@dataclass(frozen=True, slots=True)
class KeepLayout(Edit):
    """Prompt-to-prompt: a second picture, the source, is drawn beside, from the same start, along the same moves and
    with the same noise, but with the source prompt; for the first of these moves, every network call for the picture
    takes the attention among image tokens from the one for the source (`with_layout`).

    share: of the moves, rounded to the nearest number, but at least one; 0 is off, to the bit. From then on the source
    is not drawn, and costs nothing; until then, as much as the picture itself.
    inverted: the source follows the prediction under its prompt alone, as a picture that was inverted does
    (`Invert`); otherwise the guided one. Both branches of the guidance are kept alike either way.
    Where both prompts are the same, the picture is the source's own drawing.
    Source: Hertz et al. 2022 (prompt-to-prompt, arXiv 2208.01626), section 3.2. The words are left to the new prompt
    here, which need not have them in the same places; what tokens of the picture pay to each other holds the layout
    (Tumanyan et al. 2023, plug-and-play, arXiv 2211.12572, section 3). To read the source's keys and values instead
    (Cao et al. 2023, MasaCtrl, arXiv 2304.08465) makes the house model draw the source again, whatever the prompt.
    """

    share: float
    inverted: bool = False

    def wrap(self, denoiser: Denoiser[Any]) -> Denoiser[Any]:
        """The denoiser that keeps the layout. Raises InvalidOption for a network without attention."""
        if not self.share:
            return denoiser
        if blocks_of(denoiser) is None:
            raise InvalidOption(
                "keep_layout needs a network with attention blocks, and this model has none; a lower strength keeps "
                "more of the picture, with any model."
            )
        return _Keeping(denoiser, self.inverted)

    def condition(self, branches: Mapping[str, Any], canvas: Canvas, noise: Noise) -> Mapping[str, Any]:
        """The branches, that of the source with what is needed to draw it."""
        if not self.share:
            return branches
        rest = {name: told for name, told in branches.items() if name != SOURCE}
        moves = max(1, math.floor(self.share * len(canvas.grid) + 0.5))
        return {**rest, SOURCE: _Told({**rest, "cond": branches[SOURCE]}, canvas, noise, moves)}


def layout_kept(request: Request) -> KeepLayout | None:
    """The layout that a resolved request keeps, if any.

    Raises `InvalidOption` for a solver that chooses its steps by the picture, so that two pictures cannot be drawn in
    step, and for regions without a prompt beside them, where the source prompt would be read by nobody.
    """
    if not request.keep_layout:
        return None
    if find_solver(Spec.parse("solver", request.solver).name).build is Adaptive:
        raise InvalidOption(
            f"keep_layout draws two pictures in step, and {request.solver} chooses its steps by the picture; use a "
            "solver that takes those of the grid, such as ddim."
        )
    if (request.region or request.region_masks) and not worded(request.prompt):
        raise InvalidOption("keep_layout is for what the prompt draws, and there are only regions; give a prompt too.")
    return KeepLayout(request.keep_layout, request.invert)


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """What the source's denoiser is told, where it is drawn, and for how many moves."""

    cond: Mapping[str, Any]
    canvas: Canvas
    noise: Noise
    moves: int


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """One prediction of the source. maps: the rows of image tokens in its attention, by block, call after call."""

    prediction: Prediction
    maps: Mapping[int, list[Tensor]]


@dataclass(frozen=True, slots=True)
class _Watched:
    """The source's denoiser, as a solver sees it; all that it says in a move is put into `seen`."""

    denoiser: Denoiser[Any]
    cond: Mapping[str, Any]
    inverted: bool
    seen: list[_Seen]

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
        maps: dict[int, list[Tensor]] = defaultdict(list)

        def look(site: AttentionSite, weights: Tensor) -> Tensor:
            maps[site.block].append(weights[:, :, site.image_queries(weights.shape[2])])
            return weights

        prediction = self.denoiser(x_t, t, self.cond, to=to, probe=Probe(attention=look))
        self.seen.append(_Seen(prediction, maps))
        return conditional(prediction) if self.inverted else prediction


class _Source:
    """The drawing of the source, in step with that of the picture: no dataclass, as others copy those.

    moved: moves that the picture has taken. seen: what the source's denoiser said in the move that the picture is at,
    of which the picture has used the first.
    """

    def __init__(self) -> None:
        self.moved = 0
        self._drawn = 0
        self._used = 0
        self._seen: list[_Seen] = []
        self._steps: Iterator[Step] | None = None

    def move_on(self, moved: int) -> None:
        """The picture has taken so many moves."""
        self.moved, self._used = moved, 0

    def next(self, told: _Told, denoiser: Denoiser[Any], inverted: bool) -> _Seen:
        """What the source's denoiser said where the picture's is asked now."""
        if self._steps is None:
            canvas, watched = told.canvas, _Watched(denoiser, told.cond, inverted, self._seen)
            assert canvas.x is not None, "the source begins where the picture does"
            assert canvas.solver is not None, "and takes the same steps"
            self._steps = sample(watched, canvas.x, canvas.grid, canvas.solver, told.noise, told=listeners(denoiser))
        while self._drawn <= self.moved:
            self._seen.clear()
            with torch.no_grad():  # where a gradient is taken, it is of the picture
                next(self._steps)
            self._drawn += 1
        self._used += 1
        return self._seen[self._used - 1]


@dataclass(frozen=True)
class _Keeping:
    denoiser: Denoiser[Any]
    inverted: bool
    own: Denoiser[Any] = field(init=False, repr=False)
    """The denoiser of the source, with a memory of its own."""
    source: _Source = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "own", own_memory(self.denoiser))
        object.__setattr__(self, "source", _Source())

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, Any], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        told, rest = cond[SOURCE], {name: one for name, one in cond.items() if name != SOURCE}
        if self.source.moved >= told.moves:
            return self.denoiser(x_t, t, rest, to=to, probe=probe)
        seen, visits = self.source.next(told, self.own, self.inverted), Counter[int]()

        def keep(site: AttentionSite, weights: Tensor) -> Tensor:
            visits[site.block] += 1
            kept = seen.maps[site.block][visits[site.block] - 1]
            again = len(weights) // len(kept)  # where prompts are blended, the source has one in the place of all
            return with_layout(site, weights, kept.repeat(again, 1, 1, 1))

        prediction = self.denoiser(x_t, t, rest, to=to, probe=Probe(attention=keep).also(probe))
        return steered(prediction, prediction.x0, **{SOURCE: seen.prediction})

    def accepted(self, step: Step) -> None:
        """The picture has taken a step."""
        self.source.move_on(step.index + 1)
