"""Captions, read back by an independent reader, claim only facts; together they name every fact."""

from types import SimpleNamespace

import pytest

from mezzotint.data.captions import LONGEST
from mezzotint.data.scenes import Scene, Scenes
from mezzotint.data.scenes.kinds.relations import beside
from mezzotint.data.scenes.relate import holds
from mezzotint.data.scenes.rolls import Rolls
from tests.data.scenes import toy
from tests.data.scenes.reading import Claims, read

SUPPORTS = {"badge": "round badge", "bubble": "speech bubble"}


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return Scenes(toy.pictures(), toy.fonts(), seed=3)


def assert_true(claims: Claims, scene: Scene, caption: str) -> None:
    """Every claim is a fact of the scene."""
    where = f"{caption!r} of {scene}"
    facts = {(len(group.boxes), group.colour, group.one) for group in scene.groups}
    for count, colour, name in claims.things:
        fitting = [f for f in facts if f[2] == name and count in (None, f[0]) and colour in ("", f[1])]
        assert fitting, where
    held = {(scene.name_of(r.subject), r.word, scene.name_of(r.object)) for r in scene.relations}
    assert claims.relations <= held, where
    assert claims.style in ("", scene.style), where
    backdrop = scene.backdrop
    # what stands on none is on a transparent ground: whoever asks for a thing alone gets no scenery
    assert claims.backdrop == (backdrop.kind, backdrop.name) or (claims.backdrop, backdrop.kind) == (
        None,
        "transparent",
    ), where
    # what has no size is large, as an icon is: whoever asks for a thing alone gets no small one
    boxes = [box for group in scene.groups for box in group.boxes]
    if len(boxes) == 1 and not (claims.size or claims.place or scene.shapes or scene.backdrop.kind == "scenery"):
        assert max(boxes[0].width, boxes[0].height) >= 50, where
    assert claims.size == scene.size or (claims.size == "" and (scene.size in ("", "large") or claims.place)), where
    assert claims.place in ("", scene.place), where
    assert claims.layout in ("", scene.layout), where
    if claims.text or scene.lettering:
        assert scene.lettering
        assert claims.text == scene.lettering.text, where
        colour, look = claims.letters or (scene.lettering.colour, "")
        assert colour == scene.lettering.colour, where
        assert look in ("", scene.lettering.look), where
    if claims.support:
        colour, name = claims.support
        if scene.lettering:
            assert name == SUPPORTS.get(scene.layout, scene.layout), where
            assert colour in ("", *(shape.colour for shape in scene.shapes)), where
        else:
            assert (name, colour) in {(s.form, c) for s in scene.shapes for c in ("", s.colour)}, where


def assert_complete(all_claims: list[Claims], scene: Scene) -> None:
    """Every fact that captions can name is in one of them; the densest has background and style."""
    things = {thing for claims in all_claims for thing in claims.things}
    for group in scene.groups:
        assert (len(group.boxes), group.colour, group.one) in things, scene
    said = {relation for claims in all_claims for relation in claims.relations}
    for r in scene.relations:
        names = scene.name_of(r.subject), r.word, scene.name_of(r.object)
        turned = {"right of": "left of", "below": "above", "above": "below", "left of": "right of"}
        opposite = names[2], turned.get(names[1], ""), names[0]
        assert names in said or opposite in said or scene.layout in ("side by side", "stacked"), scene
    last = all_claims[-1]
    assert last.style == scene.style
    assert last.backdrop == (scene.backdrop.kind, scene.backdrop.name)
    assert scene.size in {c.size for c in all_claims}
    assert scene.place in {c.place for c in all_claims}
    if scene.lettering:
        assert last.letters == (scene.lettering.colour, scene.lettering.look)
        if scene.shapes:
            assert last.support
            assert last.support[0] == scene.shapes[-1].colour


def test_captions_read_back_as_the_facts(scenes: Scenes) -> None:
    kinds = set()
    for number in range(1000):
        scene = scenes.plan(number)
        captions = scenes.captions(scene)
        assert len(set(captions)) == len(captions) >= 3
        assert all(len(caption.split()) <= LONGEST for caption in captions)
        claims = [read(caption) for caption in captions]
        for claim, caption in zip(claims, captions, strict=True):
            assert_true(claim, scene, caption)
        assert_complete(claims, scene)
        kinds.add((scene.kind, scene.layout))
    assert len(kinds) >= 25  # all templates occurred


def test_what_a_caption_leaves_open_is_arranged_as_usual(scenes: Scenes) -> None:
    """Things without sides stand in the order of their names, from the left; copies without a place stand in rows."""
    ordered, counted = 0, 0
    for number in range(1500):
        scene = scenes.plan(number)
        for caption in scenes.captions(scene):
            claims = read(caption)
            if scene.kind == "counting" and not claims.layout and len(scene.groups[0].boxes) > 1:
                assert scene.layout == "rows", (caption, scene)
                counted += 1
            if len(scene.groups) > 1 and not claims.relations:
                names = [group.one if len(group.boxes) == 1 else group.many for group in scene.groups]
                places = [caption.index(name) for name in names]
                assert places == sorted(places), (caption, scene)
                assert scene.box_of(0).right <= scene.box_of(1).left, (caption, scene)
                assert len(scene.groups) == 2 or scene.layout == "three, below", (caption, scene)
                ordered += 1
    assert min(ordered, counted) > 200


def test_letters_that_no_caption_describes_are_the_usual_ones(scenes: Scenes) -> None:
    """Black ones of the first font, on white where there is a ground; and of one text and form they look alike."""
    usual, seen = 0, {}
    for number in range(3000):
        scene = scenes.plan(number)
        word = scene.lettering
        if word is None:
            continue
        bare = [claims for claims in map(read, scenes.captions(scene)) if not (claims.letters and claims.letters[1])]
        assert bool(bare) == word.usual, scene
        if bare:
            usual += 1
            assert (word.colour, word.font, word.line) == ("black", "block", 3 if scene.layout == "sticker" else 0)
            assert all(shape.colour in ("", "white") for shape in scene.shapes)
            look = word.box, word.letters, scene.shapes
            assert seen.setdefault((word.text, scene.layout), look) == look
    assert usual > 200
    assert len(seen) < usual  # some came twice


ROWS = {1: [1], 2: [2], 3: [2, 1], 4: [2, 2], 5: [3, 2], 6: [3, 3], 7: [3, 3, 1], 8: [3, 3, 2], 9: [3, 3, 3]}


def test_rows_are_full_but_the_last_which_is_centred() -> None:
    scenes = Scenes(toy.pictures(), toy.fonts(), seed=1, kinds=["counting"])
    found = set()
    for scene in map(scenes.plan, range(400)):
        boxes = scene.groups[0].boxes
        if scene.layout != "rows":
            continue
        rows = [[box for box in boxes if box.top == top] for top in sorted({box.top for box in boxes})]
        assert [len(row) for row in rows] == ROWS[len(boxes)], scene
        middles = [(row[0].left + row[-1].right) / 2 for row in rows]
        assert max(middles) - min(middles) <= 2, scene
        assert not any(a.overlaps(b, 2) for i, a in enumerate(boxes) for b in boxes[:i]), scene
        found.add(len(boxes))
    assert found == set(ROWS)


def test_two_thin_things_are_beside_each_other_whatever_the_dice_say() -> None:
    """They are so near each other that a shake of two cells may be too much."""
    desk = SimpleNamespace(stock=SimpleNamespace(extent=lambda row, longest: (longest // 4, longest)))
    for number in range(2000):
        a, b = beside(desk, Rolls(3, number), 0, 1, "left of")  # type: ignore[arg-type]
        assert holds("left of", a, b)
        assert all(box.top >= 1 and box.bottom <= 63 and box.left >= 1 and box.right <= 63 for box in (a, b))


def test_phrasings_that_are_not_trained_are_other_sentences(scenes: Scenes) -> None:
    for number in range(300):
        scene = scenes.plan(number)
        unseen = scenes.captions(scene, unseen=True)
        assert unseen
        assert not set(unseen) & set(scenes.captions(scene))
        for group in scene.groups:
            assert any(group.one in text or group.many in text for text in unseen)
        if scene.lettering:
            assert all(f'"{scene.lettering.text}"' in text for text in unseen)


@pytest.mark.parametrize(
    "wrong", ["a red apple to the left of a", "three apple", "an apple on fire", 'a sign that shouts "HI"']
)
def test_the_reader_refuses_what_it_does_not_understand(wrong: str) -> None:
    with pytest.raises(AssertionError):
        read(wrong)
