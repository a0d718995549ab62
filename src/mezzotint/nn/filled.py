"""Weights into a network, where its sizes and its weights come from a file that nobody vouches for."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from mezzotint.errors import InvalidCheckpoint

__all__ = ["filled"]

LARGEST = 2**16
"""Of any size of a network."""
Network = TypeVar("Network", bound=nn.Module)


def filled(
    build: Callable[[], Network], sizes: Mapping[str, Any], tensors: Mapping[str, Tensor], weights: object, said: object
) -> Network:
    """The network that `build` makes from these sizes, with the tensors as its parameters, by name, not copied.

    It is made without memory first, so that sizes which are not those of the weights cost nothing. weights, said: where
    the tensors are from, and the sizes. Raises `InvalidCheckpoint` for sizes that make no network, and for tensors that
    are missing, unknown or of another shape, with the name of the first.
    """
    _check_sizes(sizes, len(tensors), said)
    try:
        with torch.device("meta"):
            expected = {name: tuple(p.shape) for name, p in build().named_parameters()}
    except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".;")
        raise InvalidCheckpoint(f"{said} has sizes of a network that cannot be built ({why}); get it again.") from None
    given = {name: tuple(t.shape) for name, t in tensors.items()}
    if wrong := sorted(n for n in expected.keys() | given.keys() if expected.get(n) != given.get(n)):
        raise InvalidCheckpoint(
            f"{weights} are of another network: {len(wrong)} tensors are missing, unknown or of another shape, the "
            f"first is {wrong[0][:100]}; use those that belong to {said}."
        )
    network = build()
    network.load_state_dict(dict(tensors), assign=True)
    return network


def _check_sizes(sizes: Mapping[str, Any], tensors: int, said: object) -> None:
    """Raises `InvalidCheckpoint` for sizes that are out of all proportion; each block has a tensor, and often ten."""
    if not isinstance(sizes, Mapping):
        raise InvalidCheckpoint(f"{said} has no sizes of a network by name; get it again.")
    for name, value in sizes.items():
        most = tensors if any(word in name for word in ("depth", "blocks", "layers")) else LARGEST
        values = value if isinstance(value, list | tuple) else [value]
        if len(values) > 100 or any(not isinstance(one, int | float) or not 0 <= one <= most for one in values):
            raise InvalidCheckpoint(f"{said} has a size {name[:60]!r} that is not from 0 to {most}; get it again.")
