"""A whole evaluation of a model: what it was asked, how it was measured, and what came out."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mezzotint.data.scenes import Fonts, Scenes
from mezzotint.data.sources import PictureSet
from mezzotint.errors import InvalidOption
from mezzotint.evaluation.bootstrap import Interval
from mezzotint.evaluation.detector import Detector
from mezzotint.evaluation.encoder import Encoder
from mezzotint.evaluation.iconeval.baselines import pasted, retrieved
from mezzotint.evaluation.iconeval.gallery import Judged, chosen, gallery, judged
from mezzotint.evaluation.iconeval.prompts import VERSION, load_prompts
from mezzotint.evaluation.iconeval.reading import Witness, witness_of
from mezzotint.evaluation.iconeval.score import IconScores, compared, score
from mezzotint.evaluation.iconeval.validate import Trust, trust_of
from mezzotint.evaluation.reader import Reader
from mezzotint.evaluation.realism import Realism, asked_of, drawn, realism
from mezzotint.pipeline import Model, Pipeline
from mezzotint.request import Request

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Evaluation", "IconPart", "Plan", "Tools", "against", "evaluate", "trust_in"]

Losses = Callable[[Model, PictureSet], Mapping[str, float]]
Watch = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""From what is being done to something that hears (done, total)."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured.

    request      how every picture is drawn; its prompt, style, seed and count are replaced
    prompts      of each IconEval task; 0 = all
    seeds        pictures of each prompt
    pictures     drawn for held-out captions, for distances, coverage and repetition
    composites   scenes on which the detector is validated
    lettered     scenes with words on which the second reader is
    """

    request: Request
    prompts: int = 0
    seeds: int = 4
    pictures: int = 1000
    composites: int = 4000
    lettered: int = 300


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What measures; what is None is not measured, and `Evaluation.left_out` says so."""

    detector: Detector | None = None
    encoder: Encoder | None = None
    reader: Reader | None = None
    pictures: PictureSet | None = None
    fonts: Fonts | None = None

    def scenes(self, split: str) -> Scenes | None:
        """Composed scenes, if pictures and fonts are here."""
        if self.pictures is None or self.fonts is None:
            return None
        return Scenes(self.pictures, self.fonts, split=split)


@dataclass(frozen=True)
class IconPart:
    """IconEval: every picture, the scores, and those of what does not draw, by name ("paste", "retrieval")."""

    judged: tuple[Judged, ...]
    scores: IconScores
    baselines: Mapping[str, IconScores]


@dataclass(frozen=True)
class Evaluation:
    """What was measured of one model. The same model, plan and tools give the same, but for `images`."""

    model: str
    weights_sha256: str
    settings: Mapping[str, Any]
    instruments: Mapping[str, str]
    iconeval: IconPart | None
    realism: Realism | None
    losses: Mapping[str, float] | None
    left_out: tuple[str, ...]
    images: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def to_json_dict(self) -> dict[str, Any]:
        """Plain data, without pictures."""
        found: dict[str, Any] = {
            "model": self.model,
            "weights_sha256": self.weights_sha256,
            "settings": dict(self.settings),
            "instruments": dict(self.instruments),
            "left_out": list(self.left_out),
        }
        if self.iconeval is not None:
            scores = {name: part.to_json_dict() for name, part in self.iconeval.baselines.items()}
            found["iconeval"] = self.iconeval.scores.to_json_dict()
            found["baselines"] = scores
        if self.realism is not None:
            found["realism"] = self.realism.to_json_dict()
        if self.losses is not None:
            found["held_out_loss"] = dict(self.losses)
        return found


def trust_in(detector: Detector, tools: Tools, plan: Plan) -> Mapping[str, Trust]:
    """How far the detector can be trusted, on composites of held-out combinations; empty without pictures or fonts."""
    scenes = tools.scenes("heldout")
    return {} if scenes is None else trust_of(detector, scenes, plan.composites)


def evaluate(pipe: Pipeline, tools: Tools, plan: Plan, watch: Watch, losses: Losses | None = None) -> Evaluation:
    """Measure all that the tools allow. losses: how the held-out loss of a model is measured.

    Raises `InvalidOption` if the tools allow nothing, or do not fit the pictures.
    """
    side = None if tools.detector is None else tools.detector.network.config.size
    if side is not None and pipe.model.size != (side, side):
        width, height = pipe.model.size
        raise InvalidOption(
            f"The model {pipe.model.name} draws {width}x{height} pixels and the detector looks at {side}x{side}; "
            "give a detector of that size with --detector."
        )
    left_out = []
    if tools.detector is None:
        left_out.append("IconEval, which needs a detector")
    if tools.encoder is None or tools.pictures is None:
        left_out.append("distances, coverage, alignment and repetition, which need an encoder and the icon set")
    if tools.pictures is None or losses is None:
        left_out.append("the held-out loss, which needs the icon set")
    if len(left_out) == 3:
        raise InvalidOption("Nothing can be measured: there is no detector, no encoder and no icon set.")
    if tools.detector is not None and tools.reader is None:
        left_out.append("spelling by a second reader, which needs rapidocr (the extra ocr)")
    icons = None if tools.detector is None else _iconeval(pipe, tools.detector, tools, plan, watch)
    real, shown = _realism(pipe, tools, plan, watch)
    return Evaluation(
        model=pipe.model.name,
        weights_sha256=pipe.model.weights_sha256,
        settings=_settings(pipe, plan),
        instruments=_instruments(tools),
        iconeval=icons,
        realism=real,
        losses=None if tools.pictures is None or losses is None else losses(pipe.model, tools.pictures),
        left_out=tuple(left_out),
        images=shown,
    )


def against(first: Evaluation, other: Evaluation) -> dict[str, Interval]:
    """How much better the first is than the other, by task, over the same prompts; empty without IconEval."""
    if first.iconeval is None or other.iconeval is None:
        return {}
    return compared(first.iconeval.judged, other.iconeval.judged)


def _iconeval(pipe: Pipeline, detector: Detector, tools: Tools, plan: Plan, watch: Watch) -> IconPart:
    prompts = chosen(load_prompts(), plan.prompts)
    trust, witness = trust_in(detector, tools, plan), _witness(tools, plan)

    def scored(pictures: Iterator[tuple[int, int, "Image"]]) -> tuple[list[Judged], IconScores]:
        found = judged(detector, prompts, pictures, reader=tools.reader)
        return found, score(found, trust, witness=witness)

    with watch("drawing") as told:
        found, scores = scored(gallery(pipe, prompts, plan.seeds, plan.request, told))
    baselines = {}
    scenes = tools.scenes("train")
    if scenes is not None:
        baselines["paste"] = scored(pasted(prompts, scenes))[1]
    if tools.encoder is not None and tools.pictures is not None:
        baselines["retrieval"] = scored(retrieved(prompts, tools.pictures, tools.encoder, plan.seeds))[1]
    return IconPart(tuple(found), scores, baselines)


def _witness(tools: Tools, plan: Plan) -> Witness | None:
    return None if tools.reader is None else witness_of(tools.reader, tools.scenes("heldout"), plan.lettered)


def _realism(pipe: Pipeline, tools: Tools, plan: Plan, watch: Watch) -> tuple[Realism | None, dict[str, Any]]:
    if tools.encoder is None or tools.pictures is None:
        return None, {}
    asked = asked_of(tools.pictures, plan.pictures, pipe.model.conditioner.styles)
    with watch("drawing for held-out captions") as told:
        images = list(drawn(pipe, asked, plan.request, told))
    return realism(tools.encoder, images, asked, tools.pictures), {"drawn": images, "asked": asked}


def _settings(pipe: Pipeline, plan: Plan) -> dict[str, Any]:
    resolved = pipe.resolve(plan.request).to_json_dict()
    names = ("steps", "solver", "grid", "guidance", "guidance_interval", "guidance_methods", "seed", "batching")
    how = {name: resolved[name] for name in names if name in resolved}
    counts = {"prompts_a_task": plan.prompts or "all", "seeds": plan.seeds, "pictures": plan.pictures}
    scenes = {"composites": plan.composites, "lettered": plan.lettered}
    return {**how, **counts, **scenes, "prompts_version": VERSION}


def _instruments(tools: Tools) -> dict[str, str]:
    found = {}
    if tools.detector is not None:
        found["detector"] = tools.detector.weights_sha256
    if tools.encoder is not None:
        found["encoder"] = tools.encoder.weights_sha256
    if tools.pictures is not None:
        found["data"] = tools.pictures.digest
    if tools.fonts is not None:
        found["fonts"] = tools.fonts.digest
    return found
