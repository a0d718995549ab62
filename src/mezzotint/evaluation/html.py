"""Pieces of the pages that evaluations write: pictures inside the page, rows of them, tables, one plain style."""

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["figure", "page", "row", "table"]

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222;
  background: #fafafa } h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.5rem }
figure { margin: 0 } figcaption { font-size: .85rem; color: #555; max-width: 9rem; overflow-wrap: anywhere }
.row { display: flex; flex-wrap: wrap; gap: 1rem; margin: .5rem 0 }
img { width: 128px; height: 128px; image-rendering: pixelated;
  background: repeating-conic-gradient(#e5e5e5 0 25%, #fff 0 50%) 0 0 / 16px 16px }
.right img { outline: 3px solid #2a8f4a } .wrong img { outline: 3px solid #c0392b }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .95rem }
th, td { text-align: right; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #ddd } th:first-child,
td:first-child { text-align: left } .scroll { overflow-x: auto }
@media (prefers-color-scheme: dark) { body { background: #1b1b1d; color: #ddd } figcaption { color: #aaa }
  th, td { border-color: #444 } }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """A whole page that needs nothing else. `parts` are HTML already; the title is text."""
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n<body>\n{body}\n</body>\n</html>\n"
    )


def figure(image: "Image", caption: str, kind: str = "", label: str = "") -> str:
    """A picture with its caption (HTML). kind: its class, such as "right"; label: what a screen reader says (text)."""
    stream = io.BytesIO()
    image.save(stream, "PNG")
    data = base64.b64encode(stream.getvalue()).decode()
    named = f' class="{kind}"' if kind else ""
    source = f"data:image/png;base64,{data}"
    return f'<figure{named}><img src="{source}" alt="{escape(label)}"><figcaption>{caption}</figcaption></figure>'


def row(figures: Iterable[str]) -> str:
    """Figures side by side."""
    return f'<div class="row">{"".join(figures)}</div>'


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table of texts; the first column is to the left, the others to the right."""
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>\n" for line in lines)
    return f'<div class="scroll"><table>\n<tr>{cells}</tr>\n{body}</table></div>'
