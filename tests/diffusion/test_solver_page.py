"""The page of solvers is what the registry says; measured cells are not compared, orders have their own test."""

from docs import solvers as page


def test_the_page_is_up_to_date() -> None:
    assert page.plain(page.PAGE.read_text()) == page.plain(page.page(measure=False)), "run python -m docs.solvers"
