"""An explanation as one page of HTML that needs nothing else."""

from collections.abc import Iterable, Iterator
from html import escape

import numpy as np
from PIL import Image
from torch import Tensor

from mezzotint.codecs.images import to_image
from mezzotint.data.pixels import straight
from mezzotint.evaluation import html
from mezzotint.evaluation.explain.explanation import Explanation
from mezzotint.evaluation.html import figure, row

__all__ = ["page"]

SIDE = 128
"""Pixels of a picture on the page."""
HOTTEST = 3.0
"""From this many times the usual attention on, a patch is shown at full strength."""


def page(explanation: Explanation) -> str:
    """The page; pictures are inside it."""
    request = explanation.recipe.request
    parts = [
        f"<h1>“{escape(request.asked)}”, seed {request.seed}</h1>",
        row([figure(explanation.image, f"{request.model}, {request.steps} steps, guidance {request.guidance}")]),
        "<h2>Where each word acted</h2>",
        "<p>Bright where the picture's patches looked at the word more than usual, dark where less; over all steps, "
        "blocks and heads. Below: the word's share of all that they looked at.</p>",
        *_by_prompt(
            (
                heat.word.prompt,
                figure(heated(explanation.image, heat.map), f"{escape(heat.word.text)}: {heat.share:.1%}"),
            )
            for heat in explanation.heats
        ),
        "<h2>What each word changed</h2>",
        "<p>The picture from the same noise, without the word. Below: how far it is from the picture (root mean square "
        "of the difference; colours go from 0 to 1).</p>",
        *_by_prompt(
            (one.word.prompt, figure(one.image, f"without “{escape(one.word.text)}”: {one.change:.3f}"))
            for one in explanation.removals
        ),
        "<h2>From noise to picture</h2>",
        "<p>What the network believed at these noise levels (1 is pure noise).</p>",
        row(figure(to_image(preview.x0), f"t = {preview.step.move.t:.2f}") for preview in explanation.path),
        "<h2>The nearest training pictures</h2>",
        _nearest(explanation),
    ]
    return html.page(request.asked, parts)


def _by_prompt(figures: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Figures in rows, one for each prompt, which is named where there are several."""
    rows: dict[str, list[str]] = {}
    for prompt, one in figures:
        rows.setdefault(prompt, []).append(one)
    for prompt, some in rows.items():
        if len(rows) > 1:
            yield f"<h3>{escape(prompt)}</h3>"
        yield row(some)


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
    figures: list[tuple[str, str]] = []
    for one in explanation.neighbours:
        record = one.record
        said = ", ".join(filter(None, (record.name, record.set, record.licence, record.author)))
        image = Image.fromarray(np.concatenate([straight(one.picture), one.picture[..., 3:]], axis=-1), "RGBA")
        figures.append((one.of, figure(image, f"{escape(said)}: distance {one.distance:.3f}")))
    return "<p>By colour and shape at 16 × 16 pixels; with set, licence and author.</p>" + "".join(_by_prompt(figures))
