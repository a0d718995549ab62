"""The product, broken on purpose: each breakage is a mistake that somebody could make, and one sort of row tells it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint import guiding, pipeline
from mezzotint.conditioning.prompt import Part, Reading
from mezzotint.diffusion.guidance.apg import APG
from mezzotint.diffusion.guidance.cfg_pp import CFGpp
from mezzotint.diffusion.guidance.cfg_zero import CFGZero
from mezzotint.diffusion.guidance.sag import SAG
from mezzotint.diffusion.guidance.seg import SEG
from mezzotint.diffusion.guidance.tcfg import TCFG
from mezzotint.diffusion.noise import PhiloxNoise
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.guiding import Guidance, Prompt
from mezzotint.prompting import Script
from mezzotint.tasks import Given
from tests.pipeline.product.asking import Choice
from tests.pipeline.product.refusals import ATTENTIVE

__all__ = ["SABOTAGES", "Sabotage"]

Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Sabotage:
    """A breakage. beside: two choices that meet in a row which tells it; fault: what is said of that row."""

    break_it: Patch
    beside: tuple[Choice, Choice]
    fault: str


def given_changed(change: Callable[[Given], Given]) -> Patch:
    """Edits are made from something else than what was given."""
    real = pipeline.edit_of
    return lambda patch: patch.setattr(pipeline, "edit_of", lambda given: real(change(given)))


def without_pictures(given: Given, *names: str) -> Given:
    return replace(given, pictures={name: one for name, one in given.pictures.items() if name not in names})


def references_lost_in_regions(given: Given) -> Given:
    return without_pictures(given, "style_ref", "image_ref") if given.request.region else given


def mask_lost_with_a_solver(given: Given) -> Given:
    return without_pictures(given, "mask") if given.request.solver == "fixed-point-ddim" else given


def variation_lost_with_noise(given: Given) -> Given:
    noisy = SOLVERS[str(given.request.solver).partition(":")[0]].make().stochastic
    return replace(given, request=replace(given.request, vary=())) if noisy else given


def layout_lost_beside_autoguidance(given: Given) -> Given:
    lost = any("autoguidance" in method for method in given.request.guidance_methods)
    return replace(given, request=replace(given.request, keep_layout=None, source_prompt="")) if lost else given


def two_solvers_alone(patch: pytest.MonkeyPatch) -> None:
    """Whatever solver is asked for, but for two of them, ddim draws."""
    real = pipeline.solver_of

    def chosen(request: Any) -> Any:
        spec, solver = real(request)
        return spec, solver if spec in ("ddim", "heun") else SOLVERS["ddim"].make()

    patch.setattr(pipeline, "solver_of", chosen)


def guidance_changed(change: Callable[[Guidance], Guidance]) -> Patch:
    """Another guidance is put around the network than was asked for."""
    real = Guidance.wrap
    return lambda patch: patch.setattr(Guidance, "wrap", lambda self, *how: real(change(self), *how))


def one_modifier_alone(guidance: Guidance) -> Guidance:
    return replace(guidance, modifiers=guidance.modifiers[:1])


def no_attention_under(rule: type[Any]) -> Callable[[Guidance], Guidance]:
    def changed(guidance: Guidance) -> Guidance:
        kept = [one for one in guidance.modifiers if not any(name in one[0] for name in ATTENTIVE)]
        return replace(guidance, modifiers=tuple(kept)) if isinstance(guidance.rule[1], rule) else guidance

    return changed


def no_attention_beside(modifier: type[Any]) -> Callable[[Guidance], Guidance]:
    def changed(guidance: Guidance) -> Guidance:
        if not any(isinstance(one, modifier) for _, one in guidance.modifiers):
            return guidance
        others = [one for one in guidance.modifiers if not any(name in one[0] for name in ATTENTIVE)]
        own = [one for one in guidance.modifiers if isinstance(one[1], modifier)]
        return replace(guidance, modifiers=(*own, *others))

    return changed


def script_changed(rule: type[Any], change: Callable[[Script], Script]) -> Patch:
    """Under one rule, something else is read than what the prompt says."""
    real = pipeline.script_of

    def read(guidance: Guidance, *how: Any) -> Script:
        script = real(guidance, *how)
        return change(script) if isinstance(guidance.rule[1], rule) else script

    return lambda patch: patch.setattr(pipeline, "script_of", read)


def each_reading(change: Callable[[Reading], Reading]) -> Callable[[Script], Script]:
    def changed(script: Script) -> Script:
        lines = {name: tuple(one and change(one) for one in line) for name, line in script.lines.items()}
        return replace(script, lines=lines)

    return changed


def unweighted(reading: Reading) -> Reading:
    return Reading(tuple(tuple((text, 1.0) for text, _ in chunk) for chunk in reading.chunks))


def unbroken(reading: Reading) -> Reading:
    return Reading.of(" ".join(reading.texts))


def unswitched(script: Script) -> Script:
    return replace(script, lines={name: (line[0],) * len(line) for name, line in script.lines.items()})


def negative_lost(patch: pytest.MonkeyPatch) -> None:
    """Under APG the unconditional branch is always that of the empty prompt."""
    real = pipeline.guidance_of

    def read(*how: Any) -> Guidance:
        guidance = real(*how)
        lost = isinstance(guidance.rule[1], APG)
        return replace(guidance, prompts={**guidance.prompts, "uncond": Prompt(Part())}) if lost else guidance

    patch.setattr(pipeline, "guidance_of", read)


def further_prompts_lost(patch: pytest.MonkeyPatch) -> None:
    """Beside perp-neg, the prompt's own further prompts count for nothing."""
    real = guiding._further

    def read(request: Any) -> Any:
        found = real(request)
        lost = "perp-neg" in request.guidance_methods
        return {name: one for name, one in found.items() if not lost or one.option == "also"}

    patch.setattr(guiding, "_further", read)


def noise_of_the_first(patch: pytest.MonkeyPatch) -> None:
    """Pictures that share a call get the noise of the first of them."""
    patch.setattr(pipeline, "PhiloxNoise", lambda seeds: PhiloxNoise([seeds[0]] * len(seeds)))


def words_of_the_first(patch: pytest.MonkeyPatch) -> None:
    """All pictures of a request are told what the first of them is."""
    real = pipeline.Pipeline._condition
    patch.setattr(
        pipeline.Pipeline,
        "_condition",
        lambda self, request, numbers, *rest: real(self, request, range(len(numbers)), *rest),
    )


def global_noise(patch: pytest.MonkeyPatch) -> None:
    """Noise has a part from the global generator."""
    real = PhiloxNoise.normal

    def drawn(self: PhiloxNoise, shape: Any, *how: Any) -> Tensor:
        return real(self, shape, *how) + 0.05 * torch.randn(tuple(shape))

    patch.setattr(PhiloxNoise, "normal", drawn)


def style_lost_in_windows(patch: pytest.MonkeyPatch) -> None:
    """Large pictures are drawn in no style."""
    real = pipeline.Pipeline._condition

    def told(self: pipeline.Pipeline, request: Any, *how: Any) -> Any:
        large = request.size != self.model.size
        return real(self, replace(request, style=None) if large else request, *how)

    patch.setattr(pipeline.Pipeline, "_condition", told)


def told_needlessly(patch: pytest.MonkeyPatch) -> None:
    """Something that counts is said to be ignored."""
    real = pipeline.Pipeline.ignored
    patch.setattr(
        pipeline.Pipeline,
        "ignored",
        lambda self, request: (*real(self, request), *(["tile: nothing reads it"] if request.tile else [])),
    )


def sabotage(break_it: Patch, a: Choice, b: Choice, fault: str = "") -> Sabotage:
    """A breakage that hides the first of two choices, unless something else is said of it."""
    return Sabotage(break_it, (a, b), fault or f"{a[1]} changes nothing")


SABOTAGES: Mapping[str, Sabotage] = MappingProxyType(
    {
        "references are lost beside regions": sabotage(
            given_changed(references_lost_in_regions), ("edit", "style reference"), ("edit", "region")
        ),
        "a mask is lost with one solver": sabotage(
            given_changed(mask_lost_with_a_solver), ("edit", "mask"), ("solver", "fixed-point-ddim")
        ),
        "a variation is lost with stochastic solvers": sabotage(
            given_changed(variation_lost_with_noise), ("edit", "variation"), ("solver", "ddpm")
        ),
        "a layout is lost beside autoguidance": sabotage(
            given_changed(layout_lost_beside_autoguidance), ("edit", "kept layout"), ("modifier", "autoguidance")
        ),
        "all solvers but two are another": sabotage(two_solvers_alone, ("solver", "seeds-3"), ("edit", "tile")),
        "a modifier is lost beside another": sabotage(
            guidance_changed(one_modifier_alone), ("modifier", "token-dropout"), ("modifier", "pag")
        ),
        "attention is left alone under apg": sabotage(
            guidance_changed(no_attention_under(APG)), ("modifier", "pag"), ("rule", "apg")
        ),
        "attention is left alone under cfg++": sabotage(
            guidance_changed(no_attention_under(CFGpp)), ("modifier", "slg"), ("rule", "cfg++")
        ),
        "attention is left alone beside sag": sabotage(
            guidance_changed(no_attention_beside(SAG)), ("modifier", "pag"), ("modifier", "sag")
        ),
        "attention is left alone beside seg": sabotage(
            guidance_changed(no_attention_beside(SEG)), ("modifier", "slg"), ("modifier", "seg")
        ),
        "weights are lost under tcfg": sabotage(
            script_changed(TCFG, each_reading(unweighted)), ("prompt", "weights"), ("rule", "tcfg")
        ),
        "BREAK is lost under cfg-zero": sabotage(
            script_changed(CFGZero, each_reading(unbroken)), ("prompt", "BREAK"), ("rule", "cfg-zero")
        ),
        "prompts stay as they begin under cfg++": sabotage(
            script_changed(CFGpp, unswitched), ("prompt", "switch"), ("rule", "cfg++")
        ),
        "AND is lost under perp-neg": sabotage(further_prompts_lost, ("prompt", "AND"), ("rule", "perp-neg")),
        "negative prompts are lost under apg": sabotage(negative_lost, ("prompt", "negative"), ("rule", "apg")),
        "styles are lost in windows": sabotage(style_lost_in_windows, ("prompt", "style"), ("edit", "larger size")),
        "noise leaks from the first picture of a call": sabotage(
            noise_of_the_first, ("batch", "two in a call"), ("prompt", "plain"), "picture 1 is another one in a call"
        ),
        "words leak from the first picture": sabotage(
            words_of_the_first, ("batch", "two"), ("rule", "icg"), "picture 1 is not what it is when it is drawn again"
        ),
        "the global generator is used": sabotage(
            global_noise, ("batch", "one"), ("prompt", "plain"), "picture 0 is not what it is when it is drawn again"
        ),
        "what counts is said to be ignored": sabotage(
            told_needlessly, ("edit", "tile"), ("batch", "one"), "ignored is ['tile: nothing reads it']"
        ),
    }
)
"""Breakages by name."""
