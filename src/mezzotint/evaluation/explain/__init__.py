"""Looking inside: where words acted, what they changed, what was nearest in training, and the way from the noise."""

from mezzotint.evaluation.explain.explanation import Explanation, explain
from mezzotint.evaluation.explain.layout import is_laid_out
from mezzotint.evaluation.explain.page import page

__all__ = ["Explanation", "explain", "is_laid_out", "page"]
