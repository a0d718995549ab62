"""Tasks: where sampling starts, what surrounds the denoiser, what joins the conditioning."""

from mezzotint.editing.composed import Composed
from mezzotint.editing.edit import Canvas, Edit, Plain
from mezzotint.editing.img2img import Img2Img
from mezzotint.editing.inpaint import Inpaint
from mezzotint.editing.invert import SOURCE, Invert
from mezzotint.editing.vary import Vary, nearest_seed

__all__ = ["SOURCE", "Canvas", "Composed", "Edit", "Img2Img", "Inpaint", "Invert", "Plain", "Vary", "nearest_seed"]
