"""What the sheets and the animation show, pixel by pixel, and that they begin with pure noise."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from mezzotint.codecs.images import to_image
from mezzotint.diffusion.noise import PhiloxNoise, Purpose
from mezzotint.interfaces import sheets
from mezzotint.interfaces.film import Film
from mezzotint.interfaces.sheets import GAP, LABEL, Frame, animation, contact_sheet, flat, on_board, strip
from mezzotint.pipeline import Pipeline


def solid(red: float, green: float, blue: float, alpha: float, side: int = 16) -> np.ndarray:
    """One colour, premultiplied, given in [0, 1], as a picture in [-1, 1]."""
    colour = np.array([red, green, blue, alpha], np.float32) * 2 - 1
    return np.broadcast_to(colour, (side, side, 4)).astype(np.float32)


def at(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    value = image.convert("RGB").getpixel((x, y))
    assert isinstance(value, tuple)
    return value


def test_a_picture_is_shown_on_a_checkerboard() -> None:
    assert at(flat(solid(0, 0, 0, 0)), 0, 0) == (255, 255, 255)
    assert at(flat(solid(0, 0, 0, 0)), 8, 0) == (229, 229, 229)
    assert at(flat(solid(1, 0, 0, 1)), 8, 0) == (255, 0, 0)
    half = flat(solid(0.5, 0, 0, 0.5), scale=3)
    assert half.size == (48, 48)
    assert at(half, 0, 0) == (255, 128, 128)
    assert at(half, 24, 0) == (242, 114, 114)


def test_values_beyond_the_screen_are_clipped_and_not_wrapped() -> None:
    assert at(flat(solid(1.4, -0.3, 0.5, 1.2)), 0, 0) == (255, 0, 128)


def test_a_finished_picture_looks_the_same_as_its_pixels() -> None:
    pixels = solid(0.5, 0.25, 0, 0.5)
    image = to_image(torch.from_numpy(pixels).permute(2, 0, 1)[:, None])
    one, other = (np.asarray(x, np.int16) for x in (flat(pixels), on_board(image, 1)))
    assert np.abs(one - other).max() <= 2


FRAMES = [Frame(1.0, solid(1, 0, 0, 1), solid(0, 0, 1, 1)), Frame(0.5, solid(0, 1, 0, 1), solid(0, 0, 0, 1))]
LAST = Frame(0.0, solid(1, 1, 1, 1), solid(1, 1, 1, 1))


def test_the_strip_has_a_column_a_moment_and_goes_on_below() -> None:
    page = strip([*FRAMES, LAST], scale=1, band=2)
    tall = LABEL + 2 * (16 + GAP) + 2 * GAP
    assert page.size == (64 + 2 * (16 + GAP), 2 * tall)
    x, y = 64 + 4, LABEL + 4
    assert at(page, x, y) == (255, 0, 0)
    assert at(page, x, y + 16 + GAP) == (0, 0, 255)
    assert at(page, x + 16 + GAP, y) == (0, 255, 0)
    assert at(page, x, y + tall) == (255, 255, 255)


def test_the_animation_has_every_moment_and_rests_on_the_picture() -> None:
    film = Image.open(io.BytesIO(animation([*FRAMES, LAST], scale=2)))
    assert film.format == "WEBP"
    assert (film.n_frames, film.info["loop"]) == (3, 0)  # type: ignore[attr-defined]
    colours, durations = [], []
    for index in range(3):
        film.seek(index)
        film.load()
        durations.append(film.info["duration"])
        colours.append((at(film, GAP + 4, GAP + 4), at(film, 2 * GAP + 32 + 4, GAP + 4)))
    assert durations == [sheets.FIRST_MS, sheets.STEP_MS, sheets.LAST_MS]
    assert colours[0] == ((255, 0, 0), (0, 0, 255))
    assert colours[2] == ((255, 255, 255), (255, 255, 255))


def test_a_contact_sheet_places_cells_by_row() -> None:
    cells = [Image.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue")]
    page = contact_sheet(cells, ["a", "a very long label that has no room", ""], columns=2)
    assert at(page, GAP + 1, GAP + 1) == (255, 0, 0)
    assert at(page, GAP + 1, GAP + 1 + 20 + LABEL + GAP) == (0, 0, 255)


@pytest.mark.parametrize("batching", ["exact", "fast"])
def test_a_film_begins_with_the_pure_noise_of_its_seed_and_ends_with_the_picture(model: str, batching: str) -> None:
    pipe = Pipeline.load(str(model))
    films = [Film() for _ in range(10)]
    images = {}
    for preview in pipe.stream("a cat", n=10, seed=40, steps=3, batching=batching):
        films[preview.picture].add(pipe, preview)
        if preview.image is not None:
            images[preview.picture] = preview.image
    for number, film in enumerate(films):
        frames = film.frames
        assert [frame.t for frame in frames] == [1.0, 2 / 3, 1 / 3, 0.0]
        noise = PhiloxNoise([40 + number]).normal((1, 4, 1, 32, 32), Purpose.START, 0)[0, :, 0].permute(1, 2, 0)
        np.testing.assert_array_equal(frames[0].x, noise.numpy())
        last = torch.from_numpy(frames[-1].x).permute(2, 0, 1)[:, None]
        assert to_image(last).tobytes() == images[number].tobytes()
        assert np.abs(frames[1].x0 - frames[0].x0).max() > 0
