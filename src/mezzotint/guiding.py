"""From a request to guidance: which rule and modifiers surround the denoiser, and which prompts they read.

A rule combines the predictions under several prompts and takes the request's `guidance` as its scale; modifiers stack,
in the order given, `guidance_interval` around all of them. What each does is said in `mezzotint.diffusion.guidance`.
None of them needs gradients, so that everything may run under `torch.inference_mode`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import torch
from torch import Tensor

from mezzotint.conditioning.prompt import Part, parse
from mezzotint.conditioning.prompt.scan import unescaped_matches
from mezzotint.diffusion.bytime import settled
from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.guidance import GuidanceRecord, find_guidance, guidance_stack, guided
from mezzotint.diffusion.guidance.autoguidance import Autoguidance
from mezzotint.diffusion.guidance.base import Calls, Modifier, Rule
from mezzotint.diffusion.guidance.cfg_zero import CFGZero
from mezzotint.diffusion.guidance.interval import Interval
from mezzotint.diffusion.guidance.rescale import Rescale
from mezzotint.diffusion.noise import Purpose, philox_uniform
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import Probe
from mezzotint.diffusion.schedule import Schedule
from mezzotint.errors import InvalidOption
from mezzotint.request import Request
from mezzotint.spec import Spec, option_types, typed

__all__ = [
    "Guidance",
    "Pair",
    "Prompt",
    "Side",
    "further_prompt",
    "guidance_of",
    "independent_prompt",
    "resolve_guidance",
    "unread",
]

EVERYWHERE = (0.0, 1.0)
COMBINE = ("composable", "perp-neg")
"""The rules that read further prompts."""
FOLLOW = (Interval, Rescale)
"""Modifiers that do nothing by themselves: they change what steers inside them."""
GIVEN = ("weights", "weak")
"""Options that no text can give: they come from the request's further prompts, and from its weak model."""
SCALES: Mapping[str, float] = {"cfg++": 0.6}
"""What stands in for the model's default with rules that count otherwise than CFG; the paper's value."""
WORDS = 4
WORD = re.compile(r"[a-z]{3,}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a branch is conditioned on.

    part: what is read; None is `independent_prompt`. styled: in the request's drawing style. source: the text that the
    part is from, which its positions count in.
    """

    part: Part | None
    styled: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class Guidance:
    """The guidance of a resolved request.

    rule, modifiers: those of `mezzotint.diffusion.guidance`, the first modifier innermost, each with the text that it
    was asked for with. prompts: what the branches of the rule are conditioned on, "cond" first.
    """

    rule: tuple[str, Rule]
    modifiers: tuple[tuple[str, Modifier], ...]
    prompts: Mapping[str, Prompt]

    @property
    def needs_weak(self) -> bool:
        """Whether a weak model takes part."""
        return any(isinstance(modifier, Autoguidance) and modifier.scale != 1 for _, modifier in self.modifiers)

    @property
    def read(self) -> Mapping[str, Prompt]:
        """The prompts that are read, by branch."""
        return {branch: self.prompts[branch] for branch in self.rule[1].branches}

    def still(self, schedule: Schedule, t: float) -> bool:
        """Whether the guided field is 0 at a time by the rule, so that no solver moves from there."""
        _, rule = self.rule
        if not isinstance(rule, CFGZero) or rule.guidance == 1:
            return False
        gates = (modifier for _, modifier in self.modifiers if isinstance(modifier, Interval))
        return all(gate.low <= t <= gate.high for gate in gates) and bool(rule.still(schedule(t)))

    def check_pure_noise(self) -> None:
        """Raises InvalidOption for what is undefined at alpha = 0, for a drawing that is asked there."""
        for label, modifier in self.modifiers:
            if isinstance(modifier, Rescale) and modifier.target == "eps" and modifier.amount:
                raise InvalidOption(
                    f"{label.partition(': ')[2]} takes the contrast of eps, which says nothing at alpha = 0 (pure "
                    "noise), and this time grid goes there; use target=v, or start below t = 1, such as "
                    "uniform:start=0.99."
                )

    def wrap(
        self, leaf: Denoiser[Any], weak: Denoiser[Any] | None = None, calls: Calls = "together"
    ) -> tuple[Denoiser[Any], tuple[str, ...]]:
        """The guided denoiser around a leaf, for one request, and the methods that change nothing.

        calls: how branches are evaluated. With a weak model that is needed, it takes `Pair`s for conditionings. Raises
        InvalidOption for what this leaf cannot give, and if a weak model is needed and there is none.
        """
        if self.needs_weak:
            if weak is None:
                raise InvalidOption(
                    "The guidance autoguidance needs a weaker model; give its name or its folder as weak_model."
                )
            leaf, weak = Side(leaf, "strong"), Side(weak, "weak")
        name, rule = self.rule
        steered = rule.branches != ("cond",)
        idle = [] if steered else [name]
        wrapped = guided(leaf, rule, calls=calls)
        for name, plain in self.modifiers:
            modifier = replace(plain, weak=weak) if isinstance(plain, Autoguidance) else plain
            outer = modifier.wrap(wrapped, leaf)
            if outer is wrapped or modifier == Interval() or (isinstance(modifier, FOLLOW) and not steered):
                idle.append(name)
            else:
                steered = True
            wrapped = outer
        return wrapped, tuple(filter(None, idle))


def resolve_guidance(request: Request, defaults: Request) -> Request:
    """The request with guidance, guidance_interval and guidance_methods decided, in their canonical form.

    A scale given as an option of the rule moves to `guidance`. Further prompts without a rule, those of the prompt's
    own language included, ask for composable.
    Raises InvalidOption for what is asked for twice, and for a rule that reads no further prompts.
    """
    specs = [Spec.parse("guidance", text) for text in request.guidance_methods]
    specs = [replace(spec, name=find_guidance(spec.name.lower()).name) for spec in specs]
    if _further(request) and not any(_record(spec).kind == "rule" for spec in specs):
        specs.insert(0, Spec("composable"))
    scale: Any = request.guidance
    for place, spec in enumerate(specs):
        options = dict(spec.options)
        if _record(spec).kind == "rule" and "guidance" in options:
            if scale is not None:
                raise InvalidOption(f"guidance is {scale:g}, and the guidance method {spec} says it too; give it once.")
            scale = options.pop("guidance")
            specs[place] = Spec(spec.name, tuple(options.items()))
    rules = [spec.name for spec in specs if _record(spec).kind == "rule"]
    if scale is None:
        scale = SCALES.get(rules[0], defaults.guidance) if rules else defaults.guidance
    interval = _with_chaos(request, defaults)
    if any(spec.name == "interval" for spec in specs):
        if interval not in (None, EVERYWHERE):
            raise InvalidOption(
                "The guidance interval and the option guidance_interval are the same; give one of them."
            )
        interval = EVERYWHERE
    return replace(
        request,
        guidance=scale,
        guidance_interval=interval or defaults.guidance_interval or EVERYWHERE,
        guidance_methods=tuple(map(str, specs)),
        chaos=None,
    )


def _with_chaos(request: Request, defaults: Request) -> tuple[float, float] | None:
    """The guidance interval that a request asks for, by itself or as chaos; None if it asks for none.

    Chaos leaves guidance out above `until_chaos`: there it decides what pictures have in common. Raises InvalidOption
    for both at once.
    """
    if not request.chaos:
        return request.guidance_interval
    if request.guidance_interval is not None:
        raise InvalidOption(
            f"chaos is {request.chaos:g}, which ends the guidance interval, and guidance_interval is given too; leave "
            "out one of them."
        )
    low, high = defaults.guidance_interval or EVERYWHERE
    return low, min(high, until_chaos(request.chaos))


def until_chaos(chaos: float) -> float:
    """The time above which chaos leaves out what pictures have in common: 1 at chaos 0, 0.75 at 100."""
    return 1 - chaos / 400


def guidance_of(request: Request, defaults: Request) -> Guidance:
    """The guidance of a request that `resolve_guidance` gave.

    Raises InvalidOption for options that a method refuses, for what does not stack, and for further prompts that the
    rule cannot take.
    """
    specs = [Spec.parse("guidance", text) for text in request.guidance_methods]
    rules = [spec for spec in specs if _record(spec).kind == "rule"]
    rule = rules[0] if rules else Spec("cfg")
    prompts, weights = _prompts(rule.name, request)
    scale = _scale(rule.name, request, weights)
    chosen = [(f"guidance_methods: {spec}", spec.name, _options(spec)) for spec in specs]
    chosen = [(label, name, {**options, **scale} if name == rule.name else options) for label, name, options in chosen]
    if not rules:
        chosen.append(("", rule.name, scale))
    low, high = request.guidance_interval or EVERYWHERE
    if (low, high) != EVERYWHERE:
        usual = request.guidance_interval == defaults.guidance_interval
        chosen.append(("" if usual else f"guidance_interval: {low:g},{high:g}", "interval", {"low": low, "high": high}))
    combine, modifiers = guidance_stack([(name, options) for _, name, options in chosen])
    labels = [label for label, name, _ in chosen if name != rule.name]
    named = next(label for label, name, _ in chosen if name == rule.name)
    return Guidance((named, combine), tuple(zip(labels, modifiers, strict=True)), prompts)


def unread(request: Request, guidance: Guidance) -> tuple[str, ...]:
    """The prompts of a request that none of its branches reads."""
    read = guidance.read
    sources = [prompt.source for branch, prompt in read.items() if branch != "cond"]
    negative = (f"negative: {request.negative}",) if request.negative and request.negative not in sources else ()
    return (*negative, *(one.label for branch, one in _further(request).items() if branch not in read))


def _record(spec: Spec) -> GuidanceRecord:
    return find_guidance(spec.name)


def _options(spec: Spec) -> dict[str, Any]:
    """The options that a spec gives, with the types that the method declares."""
    build = _record(spec).build
    names = {item.name for item in fields(build)} - set(GIVEN)  # type: ignore[arg-type]
    return typed("guidance", spec, option_types(build, names))


@dataclass(frozen=True, slots=True)
class _Further:
    """A prompt beside the first. weight: in units of guidance; source: what its positions count in; text: its own."""

    part: Part
    weight: float
    source: str
    text: str
    option: Literal["prompt", "also"]

    @property
    def label(self) -> str:
        """How it was asked for."""
        return f"{self.option}: {self.text}"


def _further(request: Request) -> dict[str, _Further]:
    """The prompts beside the first, by branch: those in the prompt itself, joined by AND or ::, then `also`."""
    prompt = parse(request.prompt)
    own = [
        _Further(part, weight, request.prompt, request.prompt[slice(*part.span)].strip(), "prompt")
        for part, weight in zip(prompt.parts[1:], prompt.weights[1:], strict=True)
    ]
    also = [_Further(_one_part("also", text), weight, text, text, "also") for text, weight in request.also]
    return {f"also-{number}": one for number, one in enumerate((*own, *also), 1)}


def further_prompt(name: str, text: str) -> Prompt:
    """A prompt that an edit reads, in the request's style. Raises InvalidOption for several parts."""
    return Prompt(_one_part(name, text), styled=True, source=text)


def _one_part(name: str, text: str) -> Part:
    """What a prompt beside the main one says. Raises InvalidOption for several prompts, flags and LoRAs in it."""
    parsed, loras = parse(text), any(unescaped_matches(r"<lora\b", text))
    if len(parsed.parts) > 1:
        raise InvalidOption(f"{name} has several prompts, joined by AND or ::; it may have one: give the rest as also.")
    if parsed.flags or loras:
        what = "<lora:...>" if loras else f"--{parsed.flags[0].name}"
        raise InvalidOption(f"{name} has {what}, which only the prompt itself may have; put it there.")
    return parsed.parts[0]


def _prompts(rule: str, request: Request) -> tuple[dict[str, Prompt], dict[str, float]]:
    """What the branches of a rule are conditioned on, and the weights of the prompts, in units of guidance."""
    parsed, further = parse(request.prompt), _further(request)
    if further and rule not in COMBINE:
        what = "Further prompts (also)" if request.also else "Several prompts (AND or ::)"
        raise InvalidOption(
            f"{what} need a guidance that combines several, {' or '.join(COMBINE)}, not {rule}; leave out one of the "
            "two."
        )
    cond = {"cond": Prompt(parsed.parts[0], styled=True, source=request.prompt)}
    negative = Prompt(_one_part("negative", request.negative), source=request.negative)
    if rule == "icg":
        return {**cond, "independent": Prompt(None)}, {}
    weights = {"cond": parsed.weights[0], **{name: one.weight for name, one in further.items()}}
    prompts = {name: Prompt(one.part, one.weight > 0, one.source) for name, one in further.items()}
    if rule != "perp-neg":
        return {**cond, "uncond": negative, **prompts}, weights
    for name, one in further.items():
        if one.weight > 0:
            raise InvalidOption(
                f"The guidance perp-neg takes further prompts with a negative weight, and {one.text!r} has "
                f"{one.weight:g}; make it negative, or use composable."
            )
        weights[name] = -one.weight
    if weights["cond"] != 1:
        raise InvalidOption(
            f"The guidance perp-neg takes the first prompt with the weight 1, not {weights['cond']:g}; leave out the "
            "weight, or use composable."
        )
    del weights["cond"]
    if request.negative:
        prompts["negative"], weights["negative"] = negative, 1.0
    return {**cond, "uncond": Prompt(Part()), **prompts}, weights


def _scale(rule: str, request: Request, weights: Mapping[str, float]) -> dict[str, Any]:
    """The options of a rule that the request itself decides."""
    scale = float(request.guidance or 0)
    if rule == "composable":
        return {"weights": {name: scale * weight for name, weight in weights.items()}}
    return {"guidance": request.guidance} | ({"weights": weights} if rule == "perp-neg" else {})


def independent_prompt(seed: int, vocabulary: Iterable[str]) -> str:
    """A prompt that says nothing about any picture: a few words of the vocabulary at random, a function of the seed.

    Sadat et al. 2024, arXiv 2407.02687, section 4. Raises InvalidOption for a vocabulary without words.
    """
    words = sorted(piece for piece in vocabulary if WORD.fullmatch(piece))
    if not words:
        raise InvalidOption("The guidance icg needs a model whose text vocabulary has whole words; use cfg.")
    drawn = philox_uniform(seed, torch.arange(WORDS), Purpose.PROMPT)
    return " ".join(words[int(share * len(words))] for share in drawn.tolist())


@dataclass(frozen=True, slots=True)
class Pair:
    """A prompt as two networks read it."""

    strong: Any
    weak: Any

    def cat(self, other: "Pair") -> "Pair":
        """Both batches, one after the other."""
        return Pair(self.strong.cat(other.strong), self.weak.cat(other.weak))

    def at(self, t: Tensor) -> "Pair":
        """What both read at t, from then on at all times."""
        return Pair(settled(self.strong, t), settled(self.weak, t))


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two networks, which takes its own of each `Pair`."""

    denoiser: Denoiser[Any]
    side: Literal["strong", "weak"]

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, Pair], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        own = {name: getattr(pair, self.side) for name, pair in cond.items()}
        return self.denoiser(x_t, t, own, to=to, probe=probe)
