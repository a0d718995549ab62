"""How tables of the guides write a share with its interval."""

from collections.abc import Mapping

__all__ = ["share"]


def share(one: Mapping[str, float]) -> str:
    """ "35 % (28 to 43)" of a mean and the ends of its interval, all from 0 to 1."""
    return f"{100 * one['mean']:.0f} % ({100 * one['low']:.0f} to {100 * one['high']:.0f})"
