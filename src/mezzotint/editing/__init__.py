"""Tasks: where sampling starts, what surrounds the denoiser, what joins the conditioning."""

from mezzotint.editing.composed import Composed
from mezzotint.editing.edit import Canvas, Edit
from mezzotint.editing.img2img import Img2Img
from mezzotint.editing.inpaint import Inpaint

__all__ = ["Canvas", "Composed", "Edit", "Img2Img", "Inpaint"]
