"""The figures of the guides: each is one function that returns a page."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from PIL import Image

from docs.figures import arms, drawing, evaluations, few_steps, iconeval, inverse, noise, prompts, recognition, training
from docs.figures.desk import Desk

__all__ = ["FIGURES", "PENDING", "Desk"]

Figure = Callable[[Desk], Image.Image]

FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "hero": drawing.hero,
        "page": prompts.page,
        "noising": noise.noising,
        "guesses": noise.guesses,
        "strip": drawing.strip,
        "seeds": drawing.seeds,
        "guidance": drawing.guidance,
        "steps": drawing.steps,
        "solvers": drawing.solvers,
        "evaluations": evaluations.evaluations,
        "few-steps": few_steps.few_steps,
        "inverse": inverse.inverse,
        "styles": drawing.styles,
        "recognition": recognition.recognition,
        "loss": training.loss,
        "progress": training.progress,
    }
)
"""Every figure by name, which is also its file's name; a new one is one function and one line."""
PENDING: Mapping[str, Figure] = MappingProxyType(
    {
        "iconeval-curve": iconeval.iconeval_curve,
        "diffusion-vs-gan": arms.diffusion_vs_gan,
        "between-seeds": arms.between_seeds,
    }
)
"""Figures that no guide shows yet, and that are drawn when they are named: one moves up as soon as a guide shows it."""
