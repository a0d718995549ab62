"""How many floating-point operations an update costs, and how many updates a budget of them buys."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.errors import InvalidOption
from mezzotint.families.pixel_dit import PixelDiT, PixelDiTConfig, initialise
from mezzotint.families.pixel_gan import PixelCritic, PixelGAN, initialise_critic, initialise_generator
from mezzotint.training.batches import Batch
from mezzotint.training.config import GanRun, RunConfig
from mezzotint.training.methods.adversarial import Adversarial
from mezzotint.training.methods.pretrain import Method, Pretrain
from mezzotint.training.optim import Optimizer

__all__ = ["Counting", "flops_per_update", "steps_within"]

PETA = 10**15


class Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within the block, `total` counts the operations of products and convolutions.

    PyTorch's `FlopCounterMode` does the same by modules, but its hooks forbid gradients of gradients, and its formula
    for the weights of a convolution in groups has no groups; the other formulas are PyTorch's.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total: int = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        formula, name = flop_registry.get(func.overloadpacket), func.overloadpacket
        if name is torch.ops.aten.convolution:
            self.total += _convolved(args[0], args[1], output, transposed=args[6])
        elif name is torch.ops.aten.convolution_backward:
            own = _convolved(args[1], args[2], args[0], transposed=args[7])
            self.total += own * sum(args[10][:2])  # of what goes in, of the weights
        elif formula is not None:
            self.total += int(formula(*args, **(kwargs or {}), out_val=output))
        return output


def _convolved(given: Tensor, weight: Tensor, result: Tensor, *, transposed: bool) -> int:
    """Every number on the one side meets a weight of each place in the kernel and each channel of its group."""
    return 2 * (given if transposed else result).numel() * weight[0].numel()


def steps_within(run: RunConfig | GanRun, pflop: float) -> int:
    """The most updates of a run that cost no more than `pflop` · 10¹⁵ operations (`flops_per_update`).

    Raises `InvalidOption` if not even one does.
    """
    cost = flops_per_update(run)
    steps = int(pflop * PETA / cost)
    if steps < 1:
        raise InvalidOption(
            f"pflop is {pflop:g}, but an update of the run {run.name} costs {cost / PETA:.3g}; give more, or a smaller "
            "batch."
        )
    return steps


def flops_per_update(run: RunConfig | GanRun) -> int:
    """What an update of a run costs, in floating-point operations of products and convolutions; a multiply-add is two.

    Counted as PyTorch runs it, forward, backward, differentiated twice, and the products of Muon: with one picture and
    with two, from which all others follow, since a part is the same for all batches and the rest is proportional to
    them. Left out is what costs one operation a number (noise, sums, the optimiser, averages), and the text encoder,
    which reads every caption once.
    """
    one, two = (_counted(run, batch) for batch in (1, 2))
    return one + (run.batch - 1) * (two - one)


def _counted(run: RunConfig | GanRun, batch: int) -> int:
    """What an update with so many made-up pictures costs. It runs on the CPU, in float32, where no product is fused."""
    run = replace(run, compiled=False, precision="fp32", batch=batch)
    network, method = _made(run)
    optimizer = Optimizer(network, run.optim)
    with Counting() as counting:
        torch.autograd.backward(method.losses(_pictures(run)).mean())
        optimizer.step(1, run.steps)
        method.step(0.0, 1)
    total: int = counting.total
    return total


def _made(run: RunConfig | GanRun) -> tuple[torch.nn.Module, Method[Batch]]:
    if isinstance(run, GanRun):
        generator, critic = PixelGAN(run.network), PixelCritic(run.network)
        initialise_generator(generator, run.seed)
        initialise_critic(critic, run.seed)
        game: Adversarial[Conditioning] = Adversarial(
            generator, generator, critic, run.adversarial, steps=run.steps, seed=run.seed, betas=run.optim.betas
        )
        return generator, game
    network = PixelDiT(run.network)
    initialise(network, run.seed)
    return network, Pretrain(run, network)


def _pictures(run: RunConfig | GanRun) -> Batch:
    """Pictures of zeros with the longest captions: costs do not depend on values."""
    count, sizes = run.batch, run.network
    letters, augments = (sizes.word_length, sizes.augments) if isinstance(sizes, PixelDiTConfig) else (0, 0)
    numbers = torch.arange(count)
    cond = Conditioning(
        torch.zeros(count, run.text_length, sizes.text_width),
        torch.ones(count, run.text_length, dtype=torch.bool),
        torch.zeros(count, dtype=torch.int64),
        torch.zeros(count, letters, dtype=torch.int64) if letters else None,
        torch.zeros(count, augments) if augments else None,
    )
    pictures: Tensor = torch.zeros(count, sizes.channels, 1, sizes.size, sizes.size)
    return Batch(pictures, cond, torch.full((count,), 0.5), numbers, numbers.numpy())
