"""Progress bars: on a terminal only, on stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click


class Bar:
    """A bar that moves forward, with a note behind it; nothing where nobody looks."""

    def __init__(self, shown: Any = None) -> None:
        self._shown = shown

    def move(self, note: str = "") -> None:
        """One unit further."""
        if self._shown is not None:
            if note:
                self._shown.set_postfix_str(note, refresh=False)
            self._shown.update(1)

    def until(self, total: int) -> None:
        """There are so many units now."""
        if self._shown is not None and self._shown.total != total:
            self._shown.total = total
            self._shown.refresh()

    def say(self, line: str) -> None:
        """A line on stdout, above the bar."""
        if self._shown is None:
            click.echo(line)
        else:
            self._shown.write(line, file=sys.stdout)


def watched() -> bool:
    """Whether stderr is a terminal."""
    return sys.stderr.isatty()


@contextmanager
def bar(total: int, what: str, unit: str, start: int = 0, leave: bool = False) -> Iterator[Bar]:
    """A bar of `total` units, of which `start` are done; it vanishes when the block ends unless it is to be left."""
    if not watched():
        yield Bar()
        return
    from tqdm import tqdm

    with tqdm(
        total=total, initial=start, desc=what, unit=unit, dynamic_ncols=True, file=sys.stderr, leave=leave
    ) as shown:
        yield Bar(shown)


@contextmanager
def counted(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A function (done, total) that moves a bar; the bar vanishes when the block ends."""
    if not watched():
        yield lambda done, total: None
        return
    from tqdm import tqdm

    with tqdm(total=0, desc=what, unit=unit, dynamic_ncols=True, file=sys.stderr, leave=False) as shown:

        def tell(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        yield tell
