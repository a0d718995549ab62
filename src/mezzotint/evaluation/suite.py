"""A whole evaluation of a model: what it was asked, how it was measured, and what came out."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from typing import Any

from mezzotint.data.sources import PictureSet
from mezzotint.errors import InvalidOption
from mezzotint.evaluation.bootstrap import Interval
from mezzotint.evaluation.iconeval.gallery import Judged, gallery
from mezzotint.evaluation.iconeval.prompts import TASKS, VERSION
from mezzotint.evaluation.iconeval.score import IconScores, compared
from mezzotint.evaluation.realism import Elsewhere, Realism, asked_of, drawn, elsewhere, realism
from mezzotint.evaluation.sides import check_sides
from mezzotint.evaluation.yardstick import Plan, Tools, Yardstick
from mezzotint.model import Model
from mezzotint.pipeline import Pipeline
from mezzotint.provenance.environment import describe_environment

__all__ = ["Evaluation", "IconPart", "against", "check", "evaluate"]

Losses = Callable[[Model, PictureSet], Mapping[str, float]]
Watch = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""From what is being done to something that hears (done, total)."""


@dataclass(frozen=True)
class IconPart:
    """IconEval: every picture, the scores, and those of what does not draw, by name ("paste", "retrieval")."""

    judged: tuple[Judged, ...]
    scores: IconScores
    baselines: Mapping[str, IconScores]


@dataclass(frozen=True)
class Evaluation:
    """What was measured of one model. The same model, plan and tools give the same on one machine, but for `images`."""

    model: str
    weights_sha256: str
    settings: Mapping[str, Any]
    environment: Mapping[str, Any]
    instruments: Mapping[str, str]
    iconeval: IconPart | None
    realism: Realism | None
    published: Mapping[str, Elsewhere]
    losses: Mapping[str, float] | None
    left_out: tuple[str, ...]
    images: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def to_json_dict(self) -> dict[str, Any]:
        """Plain data, without pictures."""
        found: dict[str, Any] = {
            "model": self.model,
            "weights_sha256": self.weights_sha256,
            "settings": dict(self.settings),
            "environment": dict(self.environment),
            "instruments": dict(self.instruments),
            "left_out": list(self.left_out),
        }
        if self.iconeval is not None:
            scores = {name: part.to_json_dict() for name, part in self.iconeval.baselines.items()}
            found["iconeval"] = self.iconeval.scores.to_json_dict()
            found["baselines"] = scores
        if self.realism is not None:
            found["realism"] = self.realism.to_json_dict()
        if self.published:
            found["published"] = {name: asdict(one) for name, one in self.published.items()}
        if self.losses is not None:
            found["held_out_loss"] = dict(self.losses)
        return found


def check(pipes: Sequence[Pipeline], tools: Tools, plan: Plan) -> None:
    """Raises `InvalidOption` for everything that could not be measured after all, before anything is."""
    if tools.detector is None and tools.pictures is None:
        raise InvalidOption("Nothing can be measured: there is no detector and no icon set.")
    if plan.prompts == 1:
        raise InvalidOption("prompts is 1; an interval over prompts needs at least 2 of each task.")
    if tools.pictures is None and tools.published:
        raise InvalidOption("Published networks compare with the icon set; build it with mezzotint data build icons.")
    widths = {} if tools.encoder is None else {"the encoder": tools.encoder.width}
    widths |= {network.name: network.width for network in tools.published}
    few = 0 if tools.pictures is None else min(plan.pictures, len(tools.pictures.split("heldout")))
    for name, width in widths.items():
        if tools.pictures is not None and few <= width:
            raise InvalidOption(
                f"There would be {few} pictures for held-out captions, but a Fréchet distance at the width {width} of "
                f"{name} needs at least {width + 1}."
            )
    for pipe in pipes:
        pipe.resolve(plan.request)
        check_sides(pipe.model, tools.detector, None if tools.pictures is None else tools.encoder)


def evaluate(
    pipe: Pipeline, tools: Tools, plan: Plan, yard: Yardstick, watch: Watch, losses: Losses | None = None
) -> Evaluation:
    """Measure all that the tools allow. losses: how the held-out loss of a model is measured.

    Raises `InvalidOption` for what `check` refuses.
    """
    check([pipe], tools, plan)
    icons = None
    if tools.detector is not None:
        with watch("drawing") as told:
            found, scores = yard.scored(tools, gallery(pipe, yard.prompts, plan.seeds, plan.request, told))
        icons = IconPart(tuple(found), scores, yard.baselines)
    real, others, shown = _realism(pipe, tools, plan, yard, watch)
    if getattr(pipe.model.denoiser.network, "one_evaluation", False):
        losses = None  # it is no denoiser, and has no loss at a noise level
    return Evaluation(
        model=pipe.model.name,
        weights_sha256=pipe.model.weights_sha256,
        settings=_settings(pipe, plan, yard),
        environment=describe_environment(str(pipe.model.denoiser.device)).to_json_dict(),
        instruments=tools.digests(),
        iconeval=icons,
        realism=real,
        published=others,
        losses=None if tools.pictures is None or losses is None else losses(pipe.model, tools.pictures),
        left_out=tuple(_left_out(tools, losses)),
        images=shown,
    )


def against(first: Evaluation, other: Evaluation) -> dict[str, Interval]:
    """How much better the first is than the other, by task, over the same prompts; empty without IconEval."""
    if first.iconeval is None or other.iconeval is None:
        return {}
    return compared(first.iconeval.judged, other.iconeval.judged)


def _realism(
    pipe: Pipeline, tools: Tools, plan: Plan, yard: Yardstick, watch: Watch
) -> tuple[Realism | None, dict[str, Elsewhere], dict[str, Any]]:
    """What our encoder and the published networks say of the same pictures, and these."""
    pictures = tools.pictures
    if pictures is None or (yard.bank is None and not tools.published):
        return None, {}, {}
    asked = asked_of(pictures, plan.pictures, pipe.model.conditioner.styles)
    with watch("drawing for held-out captions") as told:
        images = list(drawn(pipe, asked, plan.request, told))
    others = {network.name: elsewhere(network, pictures, images, asked) for network in tools.published}
    ours = None if yard.bank is None else realism(yard.bank, images, asked)
    return ours, others, {"drawn": images, "asked": asked}


def _left_out(tools: Tools, losses: Losses | None) -> list[str]:
    """What is not measured, and what that needs."""
    here = {
        "a detector": tools.detector is not None,
        "an encoder": tools.encoder is not None,
        "the icon set": tools.pictures is not None,
        "the fonts": tools.fonts is not None,
        "rapidocr (the extra ocr)": tools.reader is not None,
    }
    needs = {
        "IconEval": ("a detector",),
        "the detector's ceiling and floor, and the baseline that pastes": ("a detector", "the icon set", "the fonts"),
        "the baseline that retrieves": ("a detector", "an encoder", "the icon set"),
        "spelling by a second reader": ("a detector", "rapidocr (the extra ocr)"),
        "distances, coverage, alignment and repetition": ("an encoder", "the icon set"),
        "the held-out loss": ("the icon set",),
    }
    found = []
    for what, which in needs.items():
        missing = [name for name in which if not here[name]]
        # without a detector there is no IconEval, which is said once
        if missing and (what == "IconEval" or "a detector" not in missing):
            found.append(f"{what}: it needs {' and '.join(missing)}")
    if losses is None and tools.pictures is not None:
        found.append("the held-out loss: nobody measures it")
    return found


def _settings(pipe: Pipeline, plan: Plan, yard: Yardstick) -> dict[str, Any]:
    resolved = pipe.resolve(plan.request).to_json_dict()
    left = ("prompt", "n", "model", "size")
    how = {name: value for name, value in resolved.items() if name not in left}
    counts = {"prompts_a_task": len(yard.prompts) // len(TASKS), "seeds": plan.seeds, "pictures": plan.pictures}
    counts |= {"composites": plan.composites, "lettered": plan.lettered, "hands": plan.hands}
    return {**how, **counts, "prompts_version": VERSION}
