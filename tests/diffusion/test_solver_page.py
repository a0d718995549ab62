"""The page of solvers is what the registry says, and its measured cells are what is measured now."""

import re
from itertools import zip_longest

import pytest

from docs import solvers as page

MEASURED = (2, 4, 6)
"""The cells of a solver's row that are measured: formula, end to end, moments."""
DIGITS = 0.02
"""So far two machines may differ."""


def measured_cells(text: str) -> dict[str, list[str]]:
    """The measured cells of each solver, by the first cell of its row."""
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {row[0]: [row[k].strip() for k in MEASURED] for row in rows if len(row) == 12}


def stale(shown: str, now: str) -> list[str]:
    """The solvers whose measured cells are not the same, to the digits that machines agree on."""
    old, new = measured_cells(shown), measured_cells(now)

    def same(one: str, other: str) -> bool:
        numbers = (map(float, re.findall(r"[0-9.]+", cell)) for cell in (one, other))
        return all(None not in (a, b) and abs(a - b) <= DIGITS for a, b in zip_longest(*numbers))

    return [name for name in old | new if not all(map(same, old.get(name, [""] * 3), new.get(name, [""] * 3)))]


def test_the_page_is_up_to_date() -> None:
    assert page.plain(page.PAGE.read_text()) == page.plain(page.page(measure=False)), "run python -m docs.solvers"


def test_what_is_stale_is_found() -> None:
    """Another number in any measured cell, one more, one that is missing; the last digit may differ."""
    text = page.PAGE.read_text()
    assert len(measured_cells(text)) == len(page.SOLVERS)
    assert sum(bool(cell) for cells in measured_cells(text).values() for cell in cells) > len(page.SOLVERS)
    assert not stale(text, text)
    heun = next(line for line in text.splitlines() if line.startswith("| `heun` |"))
    for cell in (2, 4):
        cells = heun.split(" | ")
        low, high = cells[cell].split(" – ")
        for number, found in ((float(low) - 0.01, []), (float(low) - 0.1, ["| `heun`"])):
            changed = [*cells[:cell], f"{number:.2f} – {high}", *cells[cell + 1 :]]
            assert stale(text, text.replace(heun, " | ".join(changed))) == found
        for other in ("", low):
            changed = [*cells[:cell], other, *cells[cell + 1 :]]
            assert stale(text, text.replace(heun, " | ".join(changed))) == ["| `heun`"]
    assert stale(text, text.replace(heun + "\n", "")) == ["| `heun`"]


@pytest.mark.slow
def test_the_measured_orders_are_those_measured_now() -> None:
    assert not stale(page.PAGE.read_text(), "\n".join(page.solver_rows(measure=True))), "run python -m docs.solvers"
