"""Operations are counted as they are: by hand for layers, by PyTorch for a denoiser; a budget buys what it can."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from mezzotint.errors import InvalidOption
from mezzotint.families.pixel_dit import PixelDiT, PixelDiTConfig, initialise
from mezzotint.families.pixel_gan import PixelGANConfig
from mezzotint.nn import BlankConv, linear
from mezzotint.training.budget import Counting, _counted, _pictures, flops_per_update, steps_within
from mezzotint.training.config import DataConfig, GanRun, RunConfig
from mezzotint.training.methods.pretrain import Pretrain
from mezzotint.training.optim import OptimConfig

TINY = PixelGANConfig(
    size=16, widths=(16, 8), blocks=1, group=8, reads=(8,), heads=2, text_heads=2, width=16, hidden=24
)
DIT = PixelDiTConfig(size=16, patch=8, width=16, depth=1, heads=2, hidden=24, bottleneck=8)
GAN_RUN = GanRun(name="g", network=TINY, data=DataConfig(), steps=9, batch=5)
DIT_RUN = RunConfig(name="d", network=DIT, steps=9, batch=5, optim=OptimConfig(muon=False))


def test_a_layer_costs_two_operations_a_weight_and_place_thrice_with_its_gradients() -> None:
    x = torch.ones(3, 8, 5, 5, requires_grad=True)
    grouped = BlankConv(8, 12, 3, padding=1, groups=4)
    with Counting() as counting:
        y = grouped(x)
    forward = 2 * (3 * 5 * 5) * 12 * (8 // 4) * 9
    assert counting.total == forward
    with Counting() as counting:
        torch.autograd.backward(y.sum())
    assert counting.total == 2 * forward
    flat = linear(6, 7)
    with Counting() as counting:
        torch.autograd.backward(flat(torch.ones(4, 6)).sum())
    assert counting.total == 2 * (2 * 4 * 6 * 7)  # the input needs no gradient


def test_a_penalty_is_counted_through_both_of_its_derivatives() -> None:
    """Of two 1×1 convolutions with a bend between them: the slope by x costs what the network does."""
    first, second = BlankConv(4, 6, 1, bias=False), BlankConv(6, 1, 1, bias=False)
    for layer in (first, second):
        torch.nn.init.constant_(layer.weight, 0.1)
    x = torch.ones(2, 4, 3, 3, requires_grad=True)
    with Counting() as counting:
        says = second(F.silu(first(x))).sum()
    once = counting.total
    assert once == 2 * (2 * 9) * (4 * 6 + 6)
    with Counting() as counting:
        (slope,) = torch.autograd.grad(says, x, create_graph=True)
    assert counting.total == once
    with Counting() as counting:
        torch.autograd.backward(slope.square().sum())
    # through the slope: its own input and the weights, 2 a; through the first layer's output: its weights and x, 2 f1
    assert counting.total == 2 * once + 2 * (2 * (2 * 9) * 4 * 6)


def test_for_a_denoiser_it_counts_what_pytorch_counts() -> None:
    run = replace(DIT_RUN, batch=3)
    network = PixelDiT(DIT)
    initialise(network, 0)
    with FlopCounterMode(display=False) as counter:
        torch.autograd.backward(Pretrain(run, network).losses(_pictures(run)).mean())
    assert _counted(run, 3) == counter.get_total_flops()


@pytest.mark.parametrize("run", [GAN_RUN, DIT_RUN, replace(DIT_RUN, optim=OptimConfig())], ids=["gan", "adam", "muon"])
def test_an_update_costs_what_one_of_its_batch_costs(run: GanRun | RunConfig) -> None:
    assert flops_per_update(run) == _counted(run, run.batch)


@pytest.mark.parametrize("run", [GAN_RUN, DIT_RUN], ids=["gan", "diffusion"])
def test_a_budget_is_used_up_but_for_less_than_an_update(run: GanRun | RunConfig) -> None:
    cost = flops_per_update(run)
    steps = steps_within(run, 20.5 * cost / 1e15)
    assert steps == 20
    with pytest.raises(InvalidOption, match="pflop is 1e-12, but an update of the run"):
        steps_within(run, 1e-12)


def test_further_updates_of_the_critic_are_paid_for() -> None:
    twice = replace(GAN_RUN, adversarial=replace(GAN_RUN.adversarial, critic_updates=2))
    assert flops_per_update(twice) > 1.5 * flops_per_update(GAN_RUN)
