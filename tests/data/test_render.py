import numpy as np
import pytest
from PIL import Image

from mezzotint.data.icons.render import extent, padded, rasterise, svg_text, touches_edge, zoomed
from mezzotint.data.icons.tint import HUES, choose_hue, tinted
from mezzotint.data.pixels import fit, premultiply, straight
from mezzotint.errors import InvalidFile


def box(alpha: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(alpha > 127)
    return int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())


def test_premultiply_is_the_rounded_product() -> None:
    rgba = np.random.Generator(np.random.PCG64(1)).integers(0, 256, (64, 64, 4), dtype=np.uint8)
    out = premultiply(rgba)
    exact = rgba[..., :3].astype(float) * rgba[..., 3:] / 255
    assert np.abs(out[..., :3] - exact).max() <= 0.5
    assert (out[..., :3] <= out[..., 3:]).all()
    np.testing.assert_array_equal(premultiply(np.concatenate([straight(out), out[..., 3:]], -1)), out)


def test_straight_alpha_of_resvg_is_premultiplied() -> None:
    svg = svg_text({"body": '<path fill="#ff8000" fill-opacity=".5" d="M0 0h8v8H0z"/>'}, 8, 8)
    np.testing.assert_allclose(rasterise(svg, 8)[4, 4], [128, 64, 0, 128], atol=1)


def test_wide_drawings_are_centred_on_a_square() -> None:
    svg = svg_text({"body": '<path fill="red" d="M0 0h32v16H0z"/>'}, 32, 16)
    assert box(rasterise(svg, 64)[..., 3]) == (16, 47, 0, 63)


def test_absolute_lengths_are_drawn() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="10mm" height="10mm"><rect width="5mm" height="10mm"/></svg>'
    assert rasterise(svg, 40)[20, 10, 3] == 255


def test_padding_and_zooming_move_the_view_box() -> None:
    full = svg_text({"body": '<path fill="red" d="M0 0h32v32H0z"/>'}, 32, 32)
    assert touches_edge(rasterise(full, 64))
    inset = rasterise(padded(full, 0.5), 64)
    assert not touches_edge(inset)
    assert box(inset[..., 3]) == (16, 47, 16, 47)
    small = svg_text({"body": '<path fill="red" d="M2 4h8v4H2z"/>'}, 32, 32)
    picture = rasterise(small, 64)
    assert extent(picture) == pytest.approx(15 / 64)
    assert box(rasterise(zoomed(small, picture, 0.5), 64)[..., 3]) == (24, 39, 16, 47)


def test_broken_svg_is_one_sentence() -> None:
    with pytest.raises(InvalidFile, match="SVG"):
        rasterise("<svg", 16)


def test_fit_keeps_the_aspect_and_does_not_bleed() -> None:
    image = Image.new("RGBA", (20, 40), (0, 255, 0, 0))  # transparent green must not show
    image.paste((255, 0, 0, 255), (0, 0, 20, 20))
    out = fit(image, 32)
    assert box(out[..., 3]) == (0, 15, 8, 23)
    assert out[..., 1].max() == 0
    assert (out[..., :3] <= out[..., 3:]).all()


def test_tints_replace_by_role_in_any_case() -> None:
    assert (
        tinted("#2F88FF #2f88ff #000", {"#2f88ff": "vivid"}, "red")
        == f"{HUES['red']['vivid']} {HUES['red']['vivid']} #000"
    )


def test_hues_are_spread_evenly() -> None:
    counts = np.unique([choose_hue(f"set:{i}") for i in range(5000)], return_counts=True)[1]
    assert len(counts) == len(HUES)
    assert np.abs(counts - 500).max() < 4 * (500 * 0.9) ** 0.5
