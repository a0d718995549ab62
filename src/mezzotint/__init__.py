"""Mezzotint: a complete, text-guided diffusion system.

    from mezzotint import Pipeline
    pipe = Pipeline.load("house")
    pipe.generate("a red apple").images[0]

Importing this package loads nothing heavy; each name is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mezzotint.conditioning.prompt.expand import expanded_prompts as expanded_prompts
    from mezzotint.errors import MezzotintError as MezzotintError
    from mezzotint.pipeline import Pipeline as Pipeline
    from mezzotint.recipe import Recipe as Recipe
    from mezzotint.recipe import Result as Result
    from mezzotint.request import Request as Request

__version__ = "0.1.0"

_HOMES = {
    "MezzotintError": "errors",
    "Pipeline": "pipeline",
    "Recipe": "recipe",
    "Request": "request",
    "Result": "recipe",
    "expanded_prompts": "conditioning.prompt.expand",
}

__all__ = ["MezzotintError", "Pipeline", "Recipe", "Request", "Result", "expanded_prompts"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mezzotint' has no attribute {name!r}")
    return getattr(import_module(f"mezzotint.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
