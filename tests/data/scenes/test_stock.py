"""What is measured on a picture is measured once, by whichever process comes first."""

import multiprocessing

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
