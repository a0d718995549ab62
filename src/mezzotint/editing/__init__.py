"""Tasks: where sampling starts, what surrounds the denoiser, what joins the conditioning."""

from mezzotint.editing.edit import Canvas, Edit
from mezzotint.editing.imagine import Imagine

__all__ = ["Canvas", "Edit", "Imagine"]
