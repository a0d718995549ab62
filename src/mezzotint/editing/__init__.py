"""Tasks: where sampling starts, what surrounds the denoiser, what joins the conditioning."""

from mezzotint.editing.edit import Canvas, Edit
from mezzotint.editing.imagine import Imagine
from mezzotint.editing.img2img import Img2Img
from mezzotint.editing.inpaint import Inpaint

__all__ = ["Canvas", "Edit", "Imagine", "Img2Img", "Inpaint"]
