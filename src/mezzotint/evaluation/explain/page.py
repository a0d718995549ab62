"""An explanation as one page of HTML that needs nothing else."""

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
from PIL import Image
from torch import Tensor

from mezzotint.codecs.images import to_image
from mezzotint.evaluation.explain.explanation import Explanation

__all__ = ["page"]

SIDE = 128
"""Pixels of a picture on the page."""
HOTTEST = 3.0
"""From this many times the usual attention on, a patch is shown at full strength."""
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222;
  background: #fafafa } h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.5rem }
figure { margin: 0 } figcaption { font-size: .85rem; color: #555; max-width: 9rem; overflow-wrap: anywhere }
.row { display: flex; flex-wrap: wrap; gap: 1rem }
img { width: 128px; height: 128px; image-rendering: pixelated;
  background: repeating-conic-gradient(#e5e5e5 0 25%, #fff 0 50%) 0 0 / 16px 16px }
@media (prefers-color-scheme: dark) { body { background: #1b1b1d; color: #ddd } figcaption { color: #aaa } }
"""


def page(explanation: Explanation) -> str:
    """The page; pictures are inside it."""
    request = explanation.recipe.request
    parts = [
        f"<h1>“{escape(request.prompt)}”, seed {request.seed}</h1>",
        _row([_figure(explanation.image, f"{request.model}, {request.steps} steps, guidance {request.guidance}")]),
        "<h2>Where each word acted</h2>",
        "<p>Bright where the picture's patches looked at the word more than usual, dark where less; over all steps, "
        "blocks and heads. Below: the word's share of all that they looked at.</p>",
        _row(
            _figure(heated(explanation.image, heat.map), f"{escape(heat.word.text)}: {heat.share:.1%}")
            for heat in explanation.heats
        ),
        "<h2>What each word changed</h2>",
        "<p>The picture from the same noise, without the word. Below: how far it is from the picture (root mean square "
        "of the difference; colours go from 0 to 1).</p>",
        _row(
            _figure(removal.image, f"without “{escape(removal.word.text)}”: {removal.change:.3f}")
            for removal in explanation.removals
        ),
        "<h2>From noise to picture</h2>",
        "<p>What the network believed at these noise levels (1 is pure noise).</p>",
        _row(_figure(to_image(preview.x0), f"t = {preview.step.move.t:.2f}") for preview in explanation.path),
        "<h2>The nearest training pictures</h2>",
        _nearest(explanation),
    ]
    body = "\n".join(parts)
    title = escape(request.prompt)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n<style>{_STYLE}</style>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def heated(image: Image.Image, heat: Tensor) -> Image.Image:
    """The picture, dimmed, under a warm light where the map (side, side; 1 is the usual) is high."""
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    strength = Image.fromarray((heat.clamp(0, HOTTEST) / HOTTEST * 255).byte().numpy(), "L")
    light = np.asarray(strength.resize(image.size, Image.Resampling.BICUBIC), dtype=np.float64)[..., None] / 255
    grey = np.asarray(white.convert("L"), dtype=np.float64)[..., None] * 0.45
    warm = grey * (1 - light) + light * (0.35 * grey + 0.65 * np.array([255, 190, 60]))
    return Image.fromarray(warm.clip(0, 255).astype(np.uint8), "RGB")


def _nearest(explanation: Explanation) -> str:
    if explanation.neighbours is None:
        return "<p>The training set is not on this machine: <code>mezzotint data build icons</code> makes it.</p>"
    figures = []
    for one in explanation.neighbours:
        record = one.record
        said = ", ".join(filter(None, (record.name, record.set, record.licence, record.author)))
        straight = _straight(one.picture)
        figures.append(_figure(straight, f"{escape(said)}: distance {one.distance:.3f}"))
    return "<p>By colour and shape at 16 × 16 pixels; with set, licence and author.</p>" + _row(figures)


def _straight(picture: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> Image.Image:
    """A premultiplied picture as others have it."""
    alpha = picture[..., 3:].astype(np.float64) / 255
    colour = np.divide(picture[..., :3], alpha, out=np.zeros(picture[..., :3].shape), where=alpha > 0)
    return Image.fromarray(np.concatenate([colour.clip(0, 255).astype(np.uint8), picture[..., 3:]], axis=-1), "RGBA")


def _figure(image: Image.Image, caption: str) -> str:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    data = base64.b64encode(stream.getvalue()).decode()
    return f'<figure><img src="data:image/png;base64,{data}" alt=""><figcaption>{caption}</figcaption></figure>'


def _row(figures: Iterable[str] | Sequence[str]) -> str:
    return f'<div class="row">{"".join(figures)}</div>'
