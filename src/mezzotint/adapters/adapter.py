"""What an adapter is."""

from typing import Protocol

from torch import nn


class Adapter(Protocol):
    """Something that changes what a network computes, and can be taken out again.

    An adapter is injected when a model is loaded, before it serves. Whether it acts, and how strongly, is said by
    `Conditioning.adapters` for every picture of every call: the number in the column that is the adapter's own.
    """

    @property
    def column(self) -> int:
        """Which of the strengths is its own."""
        ...

    def inject(self, network: nn.Module) -> None:
        """Enter a network. Raises InvalidCheckpoint for one that it was not made for."""
        ...

    def eject(self) -> None:
        """Leave the network, merged or not: it has the bits again that it had before."""
        ...

    def merge(self, strength: float = 1.0) -> None:
        """Write what it does at one strength into the network's weights; it acts always then, and costs nothing."""
        ...
