"""Options that are more than one number or word: sizes."""

import numpy as np
import pytest

from mezzotint.errors import InvalidOption
from mezzotint.options import parse_size
from mezzotint.request import Request


@pytest.mark.parametrize(
    ("given_size", "expected"),
    [(64, (64, 64)), ("64", (64, 64)), ("64x48", (64, 48)), ("64X48", (64, 48)), (" 64 × 48 ", (64, 48)),
     ((64, 48), (64, 48)), ([64, 48], (64, 48)), (np.int64(64), (64, 64)), ((1, 16384), (1, 16384))],
)  # fmt: skip
def test_size_is_width_by_height(given_size: object, expected: tuple[int, int]) -> None:
    assert parse_size(given_size) == expected
    request = Request(prompt="", size=given_size)  # type: ignore[arg-type]
    assert request.size == expected
    assert [type(side) for side in request.size or ()] == [int, int]


@pytest.mark.parametrize("bad", ["", "64x", "x64", "64x48x3", "-64", "6e1", "64.0", 0, -1, 16385, 64.0, True, None,
                                 (64,), (64, 0), (64, "48"), (64, True), "٦٤", "9" * 5000, object()])  # fmt: skip
def test_size_refuses_all_else_in_one_sentence(bad: object) -> None:
    with pytest.raises(InvalidOption, match=r"^size is .+; it must be one side or WIDTHxHEIGHT .*\.$") as caught:
        parse_size(bad)
    assert len(str(caught.value)) < 220
