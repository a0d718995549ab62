"""The rule of places against GenEval's own formula."""

from itertools import product

import numpy as np

from mezzotint.data.scenes.relate import POSITIONS, distance, holds
from mezzotint.data.scenes.scene import Box


def geneval(a: Box, b: Box) -> set[str]:
    """`relative_position` of GenEval's evaluate_images.py, with its threshold of 0.1, in our words."""
    boxes = np.array([[a.left, a.top], [a.right, a.bottom]]), np.array([[b.left, b.top], [b.right, b.bottom]])
    centres = [box.mean(axis=0) for box in boxes]
    sizes = [np.abs(np.diff(box, axis=0))[0] for box in boxes]
    offset = centres[0] - centres[1]
    revised = np.maximum(np.abs(offset) - 0.1 * (sizes[0] + sizes[1]), 0) * np.sign(offset)
    if np.all(np.abs(revised) < 1e-3):
        return set()
    dx, dy = revised / np.linalg.norm(offset)
    found = {"left of": dx < -0.5, "right of": dx > 0.5, "above": dy < -0.5, "below": dy > 0.5}
    return {word for word, true in found.items() if true}


def test_what_holds_here_is_the_only_relation_that_geneval_finds() -> None:
    rng = np.random.Generator(np.random.Philox(1))
    held = 0
    for _ in range(4000):
        w, h, v, g = rng.integers(8, 30, 4).tolist()
        a = Box(*rng.integers(0, 40, 2).tolist(), w, h)
        b = Box(*rng.integers(0, 40, 2).tolist(), v, g)
        ours = {word for word in POSITIONS if holds(word, a, b)}
        if ours:
            held += 1
            assert geneval(a, b) == ours
    assert held > 300


def test_the_margin() -> None:
    a = Box(0, 0, 20, 20)
    assert distance(20, 20) == 48  # doubled: 24 = 20 + a tenth of 40
    assert holds("left of", a, Box(24, 0, 20, 20))
    assert not holds("left of", a, Box(23, 0, 20, 20))
    assert holds("right of", Box(24, 9, 20, 20), a)
    assert not holds("right of", Box(24, 10, 20, 20), a)  # 10 of 24 aslant is more than 0.4
    assert all(not (holds(x, a, a) and holds(y, a, a)) for x, y in product(POSITIONS, POSITIONS))
