"""Progress bars: on a terminal only, on stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class NoBar:
    """What stands for a bar where nobody looks."""

    def update(self, count: int = 1) -> None:
        """Nothing."""

    def set_postfix_str(self, text: str) -> None:
        """Nothing."""


def watched() -> bool:
    """Whether stderr is a terminal."""
    return sys.stderr.isatty()


@contextmanager
def bar(total: int, what: str, unit: str, start: int = 0) -> Iterator[Any]:
    """A bar with `update(count)` and `set_postfix_str(text)`, removed when the block ends if it is not watched."""
    if not watched():
        yield NoBar()
        return
    from tqdm import tqdm

    with tqdm(total=total, initial=start, desc=what, unit=unit, dynamic_ncols=True, file=sys.stderr) as shown:
        yield shown


@contextmanager
def counted(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A function (done, total) that moves a bar, which appears at the first call."""
    if not watched():
        yield lambda done, total: None
        return
    from tqdm import tqdm

    with tqdm(total=0, desc=what, unit=unit, dynamic_ncols=True, file=sys.stderr, leave=False) as shown:

        def tell(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        yield tell
