"""What is measured on a picture is measured once, by whichever process comes first."""

import multiprocessing
from dataclasses import replace

import numpy as np
import pytest

from mezzotint.data.scenes import stock as module
from mezzotint.data.scenes.stock import Stock
from tests.data.scenes import toy


def measured(stock: Stock) -> list[object]:
    rows = range(len(stock.pictures))
    return [
        [stock.one_piece(row), stock.solid(row), stock.flat_top(row), stock.stands(row), stock.extent(row, 40)]
        + [stock.can_have(row, colour) for colour in ("red", "black", "teal")]
        for row in rows
    ]


def test_forked_processes_share_what_they_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = measured(Stock(toy.pictures()))
    stock = Stock(toy.pictures())
    child = multiprocessing.get_context("fork").Process(target=measured, args=(stock,))
    child.start()
    child.join()
    assert child.exitcode == 0

    def again(*_: object) -> int:
        raise AssertionError("measured again")

    for name in ("blobs", "_flat_top", "_stands", "one_colour", "way_of"):
        monkeypatch.setattr(module, name, again)
    assert measured(stock) == expected
    with pytest.raises(AssertionError, match="measured again"):
        stock.can_have(0, "blue")


def test_facts_of_the_forms() -> None:
    stock = Stock(toy.pictures())
    disc, box, triangle = 0, 1, 2
    assert [stock.flat_top(row) for row in (disc, box, triangle)] == [False, True, False]
    assert [stock.stands(row) for row in (box, triangle)] == [True, True]
    assert all(stock.one_piece(row) and stock.solid(row) for row in (disc, box, triangle))
    crop = stock.crop(box)
    height, width = crop.shape[:2]
    assert stock.extent(box, max(height, width)) == (width, height)
    assert stock.extent(box, 2 * max(height, width)) == (2 * width, 2 * height)
    assert not (stock.crop(0, "blue")[..., :3] == stock.crop(0)[..., :3]).all()


def of_masks(*masks: np.ndarray) -> Stock:
    """A stock of red silhouettes."""
    known = toy.pictures()
    pictures = np.zeros((len(known), 64, 64, 4), np.uint8)
    for row, mask in enumerate(masks):
        pictures[row][mask] = (211, 47, 47, 255)
    return Stock(replace(known, pictures=pictures))


def test_facts_of_forms_that_are_in_pieces_thin_or_lean() -> None:
    y, x = np.mgrid[:64, :64]
    whole = (x >= 10) & (x < 54) & (y >= 10) & (y < 54)
    pieces = whole & ~((x > 28) & (x < 36))
    speck = whole | ((x >= 56) & (x < 59) & (y >= 10) & (y < 13))  # below 6 % of it: no part
    frame = whole & ~((x > 13) & (x < 50) & (y > 13) & (y < 50))
    lean = whole & ((y < 40) | (x < 24))  # one leg, far to the left
    pin = whole & ((y < 40) | (abs(x - 31.5) < 4))  # in the middle, but narrow
    table = whole & ((y < 40) | (abs(x - 31.5) > 14))
    stock = of_masks(whole, pieces, speck, frame, lean, pin, table)
    rows = range(7)
    assert [stock.one_piece(row) for row in rows] == [True, False, True, True, True, True, True]
    assert [stock.solid(row) for row in rows] == [True, True, True, False, True, True, True]
    assert [stock.stands(row) for row in rows] == [True, True, True, True, False, False, True]
    assert all(stock.can_have(row, "red") and stock.can_have(row, "blue") for row in rows)
    assert [stock.extent(row, 44) for row in (0, 2)] == [(44, 44), (44, 40)]
