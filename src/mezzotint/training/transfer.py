"""What goes to a GPU and comes back while it still computes."""

import torch
from torch import Tensor

from mezzotint.conditioning.conditioning import Conditioning

__all__ = ["Reply", "sent", "sent_prompt"]


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on a device. What goes from the memory of the CPU to a GPU goes through pages that stay where they
    are, since a copy from others waits until the GPU has done everything that it was asked for before."""
    if device.type != "cuda" or tensor.device.type != "cpu":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def sent_prompt(cond: Conditioning, device: torch.device) -> Conditioning:
    """A conditioning on a device, each of its tensors `sent`."""
    return cond.mapped(lambda tensor: sent(tensor, device))


class Reply:
    """Numbers (N,) that a device computes: asking waits for them, and for nothing asked of the device later."""

    def __init__(self, numbers: Tensor) -> None:
        self._numbers = numbers.to("cpu", non_blocking=True)  # into pages that stay where they are
        there = numbers.device.type == "cuda"
        self._there = torch.cuda.Event() if there else None  # type: ignore[no-untyped-call]
        if self._there is not None:
            self._there.record(torch.cuda.current_stream(numbers.device))

    def values(self) -> list[float]:
        """The numbers, once they are there."""
        if self._there is not None:
            self._there.synchronize()
        return [float(number) for number in self._numbers]
