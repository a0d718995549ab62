"""IconEval: does a picture show what its prompt asks for?"""

from mezzotint.evaluation.iconeval.prompts import TASKS, IconPrompt, Wanted, load_prompts

__all__ = ["TASKS", "IconPrompt", "Wanted", "load_prompts"]
