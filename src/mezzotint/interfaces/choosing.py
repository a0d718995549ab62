"""From the options of `imagine` to how pictures are chosen, and to the pictures."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.cli.options import whole_number
from mezzotint.interfaces.cli.session import counted_previews

if TYPE_CHECKING:
    from PIL.Image import Image

    from mezzotint.evaluation.choosing import Choosing
    from mezzotint.pipeline import Pipeline, Preview
    from mezzotint.request import Request

__all__ = ["choosing_of", "previews_of"]

MOST = 100


def choosing_of(check: bool, tries: Any, best_of: Any, option: str = "--check") -> "Choosing | None":
    """How pictures are chosen, with the instruments that are shipped; None if they are not.

    check: until a picture is right, at most `tries` (4) are drawn; best_of: so many are drawn always, and the one is
    kept that has the fewest faults (with `check`) and fits best. option: what asks for the check. Raises InvalidOption.
    """
    if not check and best_of is None:
        if tries is not None:
            raise InvalidOption(f"tries is {tries}, but nothing is checked; give --check too.")
        return None
    if best_of is not None and tries is not None:
        raise InvalidOption(f"tries is {tries} and best-of is {best_of}; give one of them.")
    name, number = ("tries", 4 if tries is None else tries) if best_of is None else ("best-of", best_of)
    whole_number(name, number, 1, MOST)
    from mezzotint.evaluation.choosing import Choosing
    from mezzotint.evaluation.detector import load_detector
    from mezzotint.evaluation.encoder import load_encoder
    from mezzotint.load import INSTRUMENTS

    eye, measure = INSTRUMENTS / "detector", INSTRUMENTS / "encoder"
    if check:
        _need(eye, f"{option} needs a detector")
    else:
        _need(measure, "--best-of without --check needs an encoder")
    return Choosing(
        detector=load_detector(eye) if check else None,
        encoder=load_encoder(measure) if best_of is not None and measure.is_dir() else None,
        tries=number,
        all_tries=best_of is not None,
    )


def previews_of(
    pipe: "Pipeline",
    request: "Request",
    how: "Choosing | None",
    told: Callable[[], None],
    pictures: "Mapping[str, Image] | None" = None,
) -> "Iterator[Preview]":
    """The steps of the pictures, or of those that are chosen; `told` hears of each one that is taken.

    pictures: those that the request names by their digests. All that can be refused is refused before this returns.
    """
    if how is None:
        return counted_previews(pipe.stream(request, **(pictures or {})), told)
    from mezzotint.evaluation.choosing import choose

    return choose(pipe, request, how, told, pictures)


def _need(folder: Path, why: str) -> None:
    if not folder.is_dir():
        raise InvalidOption(
            f"{why}, and none is installed; train one with mezzotint train {folder.name}, and pack it into {folder}."
        )
