"""What is measured once for all models: prompts, how far the instruments can be trusted, and what does not draw."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mezzotint.data.scenes import Fonts, Scenes
from mezzotint.data.sources import PictureSet
from mezzotint.evaluation.bank import Bank
from mezzotint.evaluation.detector import Detector
from mezzotint.evaluation.encoder import Encoder
from mezzotint.evaluation.iconeval.baselines import pasted, retrieved
from mezzotint.evaluation.iconeval.gallery import Judged, chosen, judged
from mezzotint.evaluation.iconeval.hands import HandCheck, hand_check
from mezzotint.evaluation.iconeval.prompts import IconPrompt, load_prompts
from mezzotint.evaluation.iconeval.reading import Witness, witness_of
from mezzotint.evaluation.iconeval.score import IconScores, score
from mezzotint.evaluation.iconeval.validate import Trust, trust_of
from mezzotint.evaluation.published import Published
from mezzotint.evaluation.reader import Reader
from mezzotint.request import Request

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Plan", "Tools", "Yardstick", "yardstick"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured.

    request      how every picture is drawn. Its prompt and count are replaced, and counting of seeds begins at its
                 seed; pictures for held-out captions have the styles of these
    prompts      of each IconEval task; 0 = all
    seeds        pictures of each prompt
    pictures     drawn for held-out captions, for distances, coverage and repetition
    composites   scenes on which the detector is validated
    lettered     scenes with words on which the second reader is
    hands        drawn hands on which counting fingers is
    """

    request: Request
    prompts: int = 0
    seeds: int = 4
    pictures: int = 1000
    composites: int = 4000
    lettered: int = 300
    hands: int = 300


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What measures; what is None is not measured, and `Evaluation.left_out` says so. published: networks of others, in
    whose features pictures are compared too."""

    detector: Detector | None = None
    encoder: Encoder | None = None
    reader: Reader | None = None
    pictures: PictureSet | None = None
    fonts: Fonts | None = None
    published: tuple[Published, ...] = ()

    def scenes(self, split: str, kinds: tuple[str, ...] = ()) -> Scenes | None:
        """Composed scenes, if pictures and fonts are here; of these kinds, or of the usual ones."""
        if self.pictures is None or self.fonts is None:
            return None
        return Scenes(self.pictures, self.fonts, split=split, kinds=kinds or None)

    def digests(self) -> dict[str, str]:
        """Which instruments these are."""
        found = {"detector": self.detector, "encoder": self.encoder}
        weights = {name: tool.weights_sha256 for name, tool in found.items() if tool is not None}
        sets = {"data": self.pictures, "fonts": self.fonts}
        return {**weights, **{name: one.digest for name, one in sets.items() if one is not None}}


@dataclass(frozen=True)
class Yardstick:
    """prompts: of IconEval; bank: features of the picture set; trust: of the detector, by task; witness: the second
    reader; baselines: scores of what does not draw, "paste" and "retrieval", as far as the tools allow; hands: how well
    fingers are counted."""

    prompts: tuple[IconPrompt, ...]
    bank: Bank | None
    trust: Mapping[str, Trust]
    witness: Witness | None
    baselines: Mapping[str, IconScores]
    hands: HandCheck | None = None

    def scored(self, tools: Tools, pictures: "Iterator[tuple[int, int, Image]]") -> tuple[list[Judged], IconScores]:
        """Pictures of the prompts, judged and scored."""
        assert tools.detector is not None
        found = judged(tools.detector, self.prompts, pictures, reader=tools.reader)
        return found, score(found, self.trust, witness=self.witness, hands=self.hands)


def yardstick(tools: Tools, plan: Plan) -> Yardstick:
    """Validate the instruments and score the baselines; without a detector there is only the bank."""
    prompts = chosen(load_prompts(), plan.prompts)
    bank = None if tools.encoder is None or tools.pictures is None else Bank(tools.encoder, tools.pictures)
    if tools.detector is None:
        return Yardstick(prompts, bank, {}, None, {})
    train, heldout = tools.scenes("train"), tools.scenes("heldout")
    sources = [one for one in (heldout, train) if one is not None]
    trust = trust_of(tools.detector, sources, load_prompts(), plan.composites) if sources else {}
    witness = None if tools.reader is None else witness_of(tools.reader, heldout, plan.lettered)
    hands = None
    if any(prompt.task == "hands" for prompt in prompts) and (drawn := tools.scenes("heldout", ("hands",))) is not None:
        hands = hand_check(drawn, plan.hands)
        trust |= {"hands": hands.trust}
    bare = Yardstick(prompts, bank, trust, witness, {}, hands)
    baselines = {}
    if train is not None:
        baselines["paste"] = bare.scored(tools, pasted(prompts, train))[1]
    if bank is not None:
        baselines["retrieval"] = bare.scored(tools, retrieved(prompts, bank, plan.seeds))[1]
    return Yardstick(prompts, bank, trust, witness, baselines, hands)
