"""What a model's matrices are multiplied with when it draws: what a difference of low rank should keep."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from mezzotint.model import Model

__all__ = ["inputs_seen", "second_moments"]

PROMPTS = (
    "a red apple", "a cat", "a small dog", "a car", "a blue house", "a tree", "hearts", "a star at night", "the sun",
    "a fish", "two flowers", "three cakes", "a book", "a bell", "a clock", "a bird", "a boat on the sea", "a green cup",
    "a ball", "a gift", "a cat and a car", "a red book and a blue cup", "a star above a house", "a dog left of a tree",
    "four apples", "a smiling face with glasses", "a hand with two fingers up", 'a sign that says "HELLO"', '"SALE"',
    "a woman with red hair", "an orange on a blue background", "",
)  # fmt: skip
"""Of every kind that the house model learned."""


def inputs_seen(
    model: "Model", counts: Sequence[int], told: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, Tensor]:
    """Second moments (columns, columns) of the inputs of a model's linear layers, by their weights' names.

    They are those of drawings of `PROMPTS`: each in every one of `counts` steps (none: as the model's defaults say);
    drawing styles in turn, every second time none; and, of a student, its guidance in turn from the least that it was
    taught to the greatest. `told` hears (done, total).
    """
    from mezzotint.pipeline import Pipeline
    from mezzotint.request import NO_STYLE

    network, pipe = model.denoiser.network, Pipeline(model)
    assert isinstance(network, nn.Module)
    styles, total = model.conditioner.styles, len(PROMPTS) * max(1, len(counts))

    def draw() -> None:
        for number in range(total):
            options: dict[str, Any] = {"steps": counts[number // len(PROMPTS)]} if counts else {}
            if model.taught is not None:
                low, high = model.taught
                options["distilled_guidance"] = low * (high / low) ** (number % 5 / 4)
            style = styles[number // 2 % len(styles)] if styles and number % 2 else NO_STYLE
            pipe.generate(PROMPTS[number % len(PROMPTS)], seed=number, style=style, **options)
            told(number + 1, total)

    found = second_moments(network, draw)
    assert found.keys() == {f"{name}.weight" for name, _ in _linear(network)}, "a layer was not heard"
    return found


def second_moments(network: nn.Module, run: Callable[[], None]) -> dict[str, Tensor]:
    """The sum of x xᵀ over all inputs x that linear layers have while `run` runs, (columns, columns) float64 each."""
    found: dict[str, Tensor] = {}

    def listen(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hear(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
            x = given[0].detach().flatten(0, -2).double().cpu()
            found[name] = found.get(name, torch.zeros(x.shape[1], x.shape[1], dtype=torch.float64)) + x.T @ x

        return hear

    handles = [layer.register_forward_pre_hook(listen(f"{name}.weight")) for name, layer in _linear(network)]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return found


def _linear(network: nn.Module) -> Iterator[tuple[str, nn.Linear]]:
    return ((name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Linear))
