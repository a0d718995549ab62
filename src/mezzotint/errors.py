"""The exceptions that Mezzotint raises for its users.

    MezzotintError              something the user gave, or the machine lacks; one sentence that says what to do
    ├── InvalidOption           an option, name or number that is not allowed; carries the nearest valid names
    ├── InvalidFile             a file that is unreadable, unsafe, half-written or of the wrong kind
    │   └── InvalidCheckpoint   the same, of weights or a training state
    ├── MissingDependency       a package or program that this operation needs
    ├── OutOfSpace              the disk is full or the folder cannot be written
    └── TrainingError           training cannot go on (a loss that is not finite, a run that does not match)

`assert` is for our own invariants only. The command line prints the sentence and exits with code 2;
with `--format json` it prints `MezzotintError.as_dict()`.
"""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "InvalidCheckpoint",
    "InvalidFile",
    "InvalidOption",
    "MezzotintError",
    "MissingDependency",
    "OutOfSpace",
    "TrainingError",
    "nearest",
    "unknown_name",
    "unknown_option",
]


class MezzotintError(Exception):
    """Base of all errors meant for the user. `str(error)` is one sentence."""

    def as_dict(self) -> dict[str, str]:
        """The machine-readable form that `--format json` prints."""
        return {"error": type(self).__name__, "message": str(self)}


class InvalidOption(MezzotintError, ValueError):
    """An option, name or number that is not allowed."""


class AnotherPicture(InvalidOption):
    """A file that is not the picture that a recipe names."""


class InvalidFile(MezzotintError):
    """A file that is unreadable, unsafe, half-written or of the wrong kind."""


class InvalidCheckpoint(InvalidFile):
    """A checkpoint that is unreadable, unsafe, half-written or of another architecture."""


class MissingDependency(MezzotintError):
    """A package or program that this operation needs and that is not installed."""


class OutOfSpace(MezzotintError):
    """The disk is full, or the folder cannot be written."""


class TrainingError(MezzotintError):
    """Training cannot go on."""


def nearest(name: str, allowed: Iterable[str], count: int = 3) -> list[str]:
    """The `count` names in `allowed` that look most like `name`, best first; empty if none is near."""
    return get_close_matches(name.lower(), list(allowed), n=count, cutoff=0.5)


def unknown_name(kind: str, name: str, allowed: Iterable[str], elsewhere: str | None = None) -> InvalidOption:
    """The error for a name that is not in a list, with the nearest names or the whole list.

    elsewhere: what another program means by it, which is said instead.
    """
    names = sorted(allowed)
    near = nearest(name, names)
    if elsewhere is not None:
        return InvalidOption(f"There is no {kind} called {name!r}; {elsewhere}")
    hint = f"did you mean {' or '.join(near)}?" if near else f"it must be one of {', '.join(names)}."
    return InvalidOption(f"There is no {kind} called {name!r}; {hint}")


def unknown_option(owner: str, option: str, allowed: Iterable[str]) -> InvalidOption:
    """The error for an option that something ("The solver ddim") does not have, with the nearest one or all of them."""
    names = sorted(allowed)
    near = nearest(option, names)
    legal = f"did you mean {near[0]}?" if near else f"it takes {', '.join(names) or 'none'}."
    return InvalidOption(f"{owner} has no option {option!r}; {legal}")
