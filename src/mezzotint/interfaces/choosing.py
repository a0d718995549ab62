"""From the options of `imagine` to how pictures are chosen."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mezzotint.errors import InvalidOption

if TYPE_CHECKING:
    from mezzotint.evaluation.choosing import Choosing

__all__ = ["choosing_of"]


def choosing_of(check: bool, tries: Any, best_of: Any) -> "Choosing | None":
    """How pictures are chosen, with the instruments that are shipped; None if they are not.

    check: until a picture is right, at most `tries` (4) are drawn; best_of: so many are drawn always, and the one is
    kept that has the fewest faults (with `check`) and fits best. Raises InvalidOption.
    """
    if not check and best_of is None:
        if tries is not None:
            raise InvalidOption(f"tries is {tries}, but nothing is checked; give --check too.")
        return None
    if best_of is not None and tries is not None:
        raise InvalidOption(f"tries is {tries} and best-of is {best_of}; give one of them.")
    number = best_of if best_of is not None else 4 if tries is None else tries
    if type(number) is not int:
        raise InvalidOption(f"{'tries' if best_of is None else 'best-of'} is {number!r}; it must be a whole number.")
    from mezzotint.evaluation.choosing import Choosing
    from mezzotint.evaluation.detector import load_detector
    from mezzotint.evaluation.encoder import load_encoder
    from mezzotint.load import INSTRUMENTS

    eye, measure = INSTRUMENTS / "detector", INSTRUMENTS / "encoder"
    if check:
        _need(eye, "--check needs a detector")
    elif not measure.is_dir():
        _need(measure, "--best-of without --check needs an encoder")
    return Choosing(
        detector=load_detector(eye) if check else None,
        encoder=load_encoder(measure) if best_of is not None and measure.is_dir() else None,
        tries=number,
        all_tries=best_of is not None,
    )


def _need(folder: Path, why: str) -> None:
    if not folder.is_dir():
        raise InvalidOption(
            f"{why}, and none is installed; train one with mezzotint train {folder.name}, and pack it into {folder}."
        )
