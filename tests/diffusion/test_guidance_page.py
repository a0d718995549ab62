"""The page of guidance methods is what the registry says; that its examples run is tested with the other guides."""

from docs import guidance as page


def test_the_page_is_up_to_date() -> None:
    assert page.PAGE.read_text() == page.page(), "run python -m docs.guidance"
