"""Facts of a scene against its pixels."""

import json

import numpy as np
import pytest

from mezzotint.data.colours import dominant_colours
from mezzotint.data.pixels import Bytes
from mezzotint.data.scenes import Box, ComposedScene, Scenes
from mezzotint.data.scenes.paint import vivid
from mezzotint.data.scenes.relate import POSITIONS
from mezzotint.data.scenes.stock import blobs
from tests.data.scenes import toy
from tests.data.scenes.test_relate import geneval

PICTURES, FONTS = toy.pictures(), toy.fonts()


def composed(kind: str, count: int, *, clear: bool = False) -> list[ComposedScene]:
    """The first scenes of a kind; `clear`: those on a transparent background."""
    scenes = Scenes(PICTURES, FONTS, seed=1, kinds=[kind])
    found = [scenes.at(number) for number in range(count)]
    return [one for one in found if not clear or one.scene.backdrop.kind == "transparent"]


def part(picture: Bytes, box: Box) -> Bytes:
    return picture[box.top : box.bottom, box.left : box.right]


def bounds(mask: np.ndarray) -> Box:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return Box(int(columns[0]), int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)


def test_pictures_are_premultiplied_and_boxes_lie_in_them() -> None:
    scenes = Scenes(PICTURES, FONTS, seed=2)
    for number in range(150):
        one = scenes.at(number)
        assert one.picture.shape == (64, 64, 4)
        assert one.picture.dtype == np.uint8
        assert (one.picture[..., :3] <= one.picture[..., 3:]).all()
        boxes = [b for g in one.scene.groups for b in g.boxes] + [s.box for s in one.scene.shapes]
        boxes += [one.scene.lettering.box, *one.scene.lettering.letters] if one.scene.lettering else []
        for box in boxes:
            assert 0 <= box.left < box.right <= 64, one.scene
            assert 0 <= box.top < box.bottom <= 64, one.scene
        assert json.loads(json.dumps(one.scene.facts()))["kind"] == one.scene.kind


def test_as_many_parts_as_the_count_says() -> None:
    counts = set()
    for one in composed("counting", 400, clear=True):
        group = one.scene.groups[0]
        assert blobs(one.picture[..., 3] > 0) == len(group.boxes), one.scene
        assert one.scene.facts()["groups"][0]["count"] == len(group.boxes)
        counts.add(len(group.boxes))
        for box in group.boxes:  # each copy fills its own box
            assert bounds(part(one.picture, box)[..., 3] >= 16) == Box(0, 0, box.width, box.height)
    assert counts == set(range(1, 10))


@pytest.mark.parametrize("kind", ["colour", "attribution", "groups", "counting"])
def test_a_named_colour_is_what_is_measured_in_the_box(kind: str) -> None:
    seen = set()
    for one in composed(kind, 150, clear=True):
        for group in one.scene.groups:
            for box in group.boxes if group.colour else ():
                colour, share = dominant_colours(part(one.picture, box))[0]
                assert colour == group.colour, one.scene
                assert share >= 0.5, one.scene
                seen.add(colour)
    assert len(seen) >= (8 if kind != "counting" else 3)


@pytest.mark.parametrize("kind", ["relations", "attribution", "groups"])
def test_places_obey_genevals_rule(kind: str) -> None:
    words = set()
    for one in composed(kind, 250):
        three = one.scene.layout.startswith("three")
        for relation in one.scene.relations:
            if relation.word in POSITIONS:
                found = geneval(one.scene.box_of(relation.subject), one.scene.box_of(relation.object))
                assert relation.word in found, one.scene
                assert three or found == {relation.word}, one.scene
                words.add(relation.word)
    assert words == set(POSITIONS)


def test_on_inside_and_behind_are_seen() -> None:
    layouts = set()
    for one in composed("relations", 500):
        scene = one.scene
        layout = scene.layout.split()[0]
        layouts.add(layout)
        if layout == "inside":
            box, shape = scene.groups[0].boxes[0], scene.shapes[0]
            row = shape.box.bottom - 2 if shape.form == "triangle" else shape.box.top + shape.box.height // 2
            columns = range(shape.box.left, shape.box.right)
            assert list(vivid(shape.colour)) in [one.picture[row, x, :3].tolist() for x in columns]
            assert shape.edge == vivid(shape.colour)
            assert box.left > shape.box.left + shape.line
            assert box.right < shape.box.right - shape.line
            assert box.bottom < shape.box.bottom - shape.line + 1
        if layout == "on":
            base, top = (group.boxes[0] for group in scene.groups)
            assert base.top <= top.bottom <= base.top + 2
            assert base.left <= top.left < top.right <= base.right
        if layout == "behind":
            back, front = scene.groups
            assert back.boxes[0].overlaps(front.boxes[0])
            box = front.boxes[0]
            solid = scene_part(front.row, box)
            shown = part(one.picture, box)
            inner = solid[..., 3] == 255
            assert (shown[inner] == solid[inner]).all()  # what is in front is whole
    assert layouts >= {"inside", "on", "behind"}


def scene_part(row: int, box: Box) -> Bytes:
    """The toy object as it must look in its box."""
    return Scenes(PICTURES, FONTS).stock.sized(row, "", box.width, box.height)


def test_small_objects_are_where_the_words_say() -> None:
    thirds = {"left": 0, "middle": 1, "right": 2, "top": 0, "bottom": 2}
    places = set()
    for one in composed("single", 200):
        if one.scene.place:
            x, y = (value // 2 * 3 // 64 for value in one.scene.groups[0].hull.middle)
            words = one.scene.place.split()
            assert x == next((thirds[w] for w in words if w in ("left", "right")), 1), one.scene
            assert y == next((thirds[w] for w in words if w in ("top", "bottom")), 1), one.scene
            places.add(one.scene.place)
    assert len(places) == 9


@pytest.mark.parametrize("kind", ["single", "colour"])
def test_sizes_are_what_the_words_say(kind: str) -> None:
    sizes = set()
    for one in composed(kind, 200):
        longest = max(one.scene.groups[0].hull.width, one.scene.groups[0].hull.height)
        assert {"small": longest <= 23, "medium": 32 <= longest <= 40, "large": longest >= 52}[one.scene.size]
        sizes.add(one.scene.size)
    assert sizes == {"small", "medium", "large"}


def averaged(ink: np.ndarray, width: int, height: int) -> np.ndarray:
    """The mean of a picture over each of `height` by `width` equal parts, by integrals."""
    for axis, parts in ((0, height), (1, width)):
        size = ink.shape[axis]
        total = np.concatenate([np.zeros_like(ink.take([0], axis)), ink.cumsum(axis)], axis)
        edges = np.arange(parts + 1) * size / parts
        low = np.minimum(edges.astype(int), size - 1)
        share = np.expand_dims(edges - low, 1 - axis)
        ink = np.diff(total.take(low, axis) * (1 - share) + total.take(low + 1, axis) * share, axis=axis)
    return ink


def test_letters_are_those_of_the_font() -> None:
    fonts = {font.name: font for font in FONTS.fonts}
    layouts = set()
    for one in composed("lettering", 300):
        word = one.scene.lettering
        assert word
        box = word.box
        shown = part(one.picture, box).astype(float)
        opposite = 255 - np.array(word.shade, float)  # what is clear must not pass for dark letters
        away = np.abs(shown[..., :3] + (1 - shown[..., 3:] / 255) * opposite - np.array(word.shade)).max(-1)
        ink, letters = fonts[word.font].word(word.text)
        covered = averaged(ink.astype(float), box.width, box.height)
        assert np.corrcoef(away.ravel(), covered.ravel())[0, 1] < -0.85, one.scene  # the shade is where the ink is
        assert len(word.letters) == len(word.text) == len(letters)
        for letter, large in zip(word.letters, letters, strict=True):
            centre = (large.left + large.width / 2) * box.width / ink.shape[1] + box.left
            assert abs(letter.left + letter.width / 2 - centre) <= 1.1, one.scene
        layouts.add(one.scene.layout)
    assert layouts == {"sign", "sticker", "badge", "label", "banner", "plain"}
