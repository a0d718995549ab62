import numpy as np
import pytest

from mezzotint.data.colours import ANCHORS, colour_name, dominant_colours, measure, oklab
from mezzotint.data.icons.tint import HUES
from mezzotint.data.pixels import Bytes


def filled(size: int, *parts: tuple[slice, slice, tuple[int, int, int, int]]) -> Bytes:
    picture = np.zeros((size, size, 4), dtype=np.uint8)
    for rows, columns, colour in parts:
        picture[rows, columns] = colour
    return picture


ALL = slice(None)


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((1, 1, 1), (1.0, 0.0, 0.0)),
        ((1, 0, 0), (0.62796, 0.22486, 0.12585)),
        ((0, 1, 0), (0.86644, -0.23389, 0.17950)),
        ((0, 0, 1), (0.45201, -0.03246, -0.31153)),
    ],
)
def test_oklab_of_the_primaries(rgb: tuple[float, ...], lab: tuple[float, ...]) -> None:
    np.testing.assert_allclose(oklab(rgb), lab, atol=2e-5)


@pytest.mark.parametrize(
    ("hexcode", "name"),
    [
        ("ff0000", "red"), ("dc143c", "red"), ("ffa500", "orange"), ("ffd700", "yellow"), ("008000", "green"),
        ("90ee90", "green"), ("008b8b", "teal"), ("1e90ff", "blue"), ("87ceeb", "light blue"), ("191970", "dark blue"),
        ("800080", "purple"), ("ff69b4", "pink"), ("8b4513", "brown"), ("f5deb3", "beige"), ("ffffff", "white"),
        ("808080", "grey"), ("000000", "black"), ("ffcc4d", "yellow"), ("77b255", "green"), ("292f33", "black"),
        ("99aab5", "grey"), ("e1e8ed", "white"), ("c1694f", "brown"),
    ],
)  # fmt: skip
def test_known_colours_have_their_names(hexcode: str, name: str) -> None:
    assert colour_name(*bytes.fromhex(hexcode)) == name


def test_every_anchor_has_its_own_name() -> None:
    wrong = [
        (h, name) for name, shades in ANCHORS.items() for h in shades if colour_name(*bytes.fromhex(h[1:])) != name
    ]
    assert len(wrong) <= 2, wrong  # the table has five bits a channel, so neighbours on a border may swap


def test_given_hues_are_measured_as_their_names() -> None:
    for hue, shades in HUES.items():
        for role in ("deep", "vivid", "mid"):
            assert colour_name(*bytes.fromhex(shades[role][1:])) == hue, (hue, role)


def test_shares_are_of_the_opaque_area() -> None:
    picture = filled(
        64,
        (slice(0, 30), ALL, (255, 0, 0, 255)),
        (slice(30, 40), ALL, (0, 0, 255, 255)),
        (slice(40, 60), ALL, (20, 20, 20, 20)),
    )
    assert dominant_colours(picture) == (("red", 0.75), ("blue", 0.25))


def test_a_colour_below_the_threshold_is_not_named() -> None:
    picture = filled(64, (ALL, ALL, (255, 0, 0, 255)), (slice(0, 5), ALL, (0, 0, 255, 255)))
    assert [name for name, _ in dominant_colours(picture)] == ["red"]


def test_half_transparent_colour_is_named_undivided() -> None:
    picture = filled(64, (ALL, ALL, (200, 0, 0, 200)))
    assert dominant_colours(picture) == (("red", 1.0),)


def test_nothing_drawn_has_no_colour() -> None:
    assert measure(filled(64)).colours == ()


def test_flat_and_gradient() -> None:
    flat = filled(64, (slice(8, 56), slice(8, 56), (200, 30, 30, 255)))
    ramp = flat.copy()
    ramp[8:56, 8:56, 0] = np.linspace(80, 240, 48).astype(np.uint8)
    assert measure(flat).shading == "flat"
    assert measure(ramp).shading == "gradient"
    assert measure(flat, three_d=True).shading == "3d"


def test_outlined_means_a_dark_rim_and_a_light_inside() -> None:
    rim = filled(
        64, (slice(8, 56), slice(8, 56), (20, 20, 20, 255)), (slice(11, 53), slice(11, 53), (250, 200, 40, 255))
    )  # fmt: skip
    assert measure(rim).outlined
    assert not measure(filled(64, (slice(8, 56), slice(8, 56), (250, 200, 40, 255)))).outlined
    assert not measure(filled(64, (slice(8, 56), slice(8, 56), (20, 20, 20, 255)))).outlined
