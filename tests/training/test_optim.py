"""Optimisers and averages against closed forms and PyTorch."""

import math

import pytest
import torch
from torch import nn

from mezzotint.errors import InvalidOption
from mezzotint.nn import Block
from mezzotint.training.ema import PowerEMA, gamma_of
from mezzotint.training.optim import Adam, Muon, OptimConfig, Optimizer, orthogonalise


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_convolutions_between_maps_are_orthogonalised_and_others_are_adams() -> None:
    network = nn.ModuleDict({"stem": nn.Conv2d(4, 32, 3), "wide": nn.Conv2d(32, 48, 3), "out": nn.Conv2d(48, 2, 1)})
    optimizer = Optimizer(network, OptimConfig(muon_lr=0.01, warmup=0.0, decay=0.0, clip=1e9))
    assert set(optimizer.muon.parameters) == {"wide.weight"}
    assert set(optimizer.adam.parameters) == {"stem.weight", "stem.bias", "wide.bias", "out.weight", "out.bias"}
    for i, parameter in enumerate(network.parameters()):
        parameter.grad = normal(*parameter.shape, seed=i)
    weight = network["wide"].weight  # type: ignore[union-attr]
    before, gradient = weight.detach().clone(), weight.grad.clone()  # type: ignore[union-attr]
    optimizer.step(1, 10)
    update = (before - weight.detach()).reshape(48, -1)  # type: ignore[operator]
    wanted = orthogonalise(gradient.reshape(48, -1).mT * 1.95).mT * 0.01 * 0.2 * math.sqrt(288)
    torch.testing.assert_close(update, wanted, atol=1e-6, rtol=1e-4)


def test_without_muon_everything_is_adams_with_its_own_betas_as_in_pytorch() -> None:
    network, other = (nn.ModuleDict({"blocks": nn.Linear(5, 4), "wide": nn.Conv2d(32, 32, 3)}) for _ in range(2))
    other.load_state_dict(network.state_dict())
    config = OptimConfig(adam_lr=0.01, warmup=0.0, decay=0.0, clip=1e9, muon=False, betas=(0.0, 0.95))
    optimizer = Optimizer(network, config)
    theirs = torch.optim.Adam(other.parameters(), lr=0.01, betas=(0.0, 0.95), eps=1e-10)
    assert not optimizer.muon.parameters
    for step in range(1, 5):
        for i, (a, b) in enumerate(zip(network.parameters(), other.parameters(), strict=True)):
            a.grad = normal(*a.shape, seed=10 * step + i)
            b.grad = a.grad.clone()
        optimizer.step(step, 10)
        theirs.step()
    for a, b in zip(network.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("betas", [(0.9,), (0.9, 1.0), (-0.1, 0.9)])
def test_betas_that_are_none_are_refused(betas: tuple[float, ...]) -> None:
    with pytest.raises(InvalidOption, match=r"optim.betas is .*two numbers from 0 to below 1"):
        OptimConfig(betas=betas)


@pytest.mark.parametrize(("size", "seen"), [(0.25, 0.25), (4.0, 1.0)])
def test_a_gradient_is_shortened_to_the_limit_and_never_made_longer(size: float, seen: float) -> None:
    network = nn.Linear(3, 2)
    optimizer = Optimizer(network, OptimConfig(adam_lr=0.01, warmup=0.0, decay=0.0, clip=1.0))
    gradients = [normal(*parameter.shape, seed=i) for i, parameter in enumerate(network.parameters())]
    whole = torch.cat([gradient.flatten() for gradient in gradients]).norm()
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        parameter.grad = gradient * size / whole
    assert float(optimizer.step(1, 10)) == pytest.approx(size, rel=1e-6)
    left = torch.cat([parameter.grad.flatten() for parameter in network.parameters() if parameter.grad is not None])
    assert float(left.norm()) == pytest.approx(seen, rel=1e-6)


@pytest.mark.parametrize(("sigma", "gamma"), [(0.05, 16.97), (0.10, 6.94)])
def test_gamma_is_edm2s(sigma: float, gamma: float) -> None:
    """The two values that EDM2 (section 3.1) prints."""
    assert gamma_of(sigma) == pytest.approx(gamma, abs=0.005)


def test_the_average_is_the_weighted_mean_of_the_power_profile() -> None:
    """Unrolled: weight n has the factor (1 - β_n) Π_{m > n} β_m, and the factors grow as n^γ."""
    network = nn.Linear(1, 1, bias=False)
    average = PowerEMA(network, 0.10)
    values, factors = normal(40).tolist(), []
    gamma = gamma_of(0.10)
    for n, value in enumerate(values, start=1):
        network.weight.data.fill_(value)
        average.update(network, n)
        beta = (1 - 1 / n) ** (gamma + 1)
        factors = [f * beta for f in factors] + [1 - beta]
    assert sum(factors) == pytest.approx(1)
    expected = sum(f * v for f, v in zip(factors, values, strict=True))
    assert float(average.state()["weight"]) == pytest.approx(expected, abs=1e-6)
    assert factors[-1] / factors[19] == pytest.approx(2**gamma, rel=0.2)


@pytest.mark.parametrize("shape", [(96, 32), (32, 32)])
def test_orthogonalise_keeps_the_directions_and_levels_the_values(shape: tuple[int, int]) -> None:
    u, _, v = torch.linalg.svd(normal(3, *shape), full_matrices=False)
    matrix = u @ torch.diag(torch.logspace(1, -0.5, shape[1])) @ v  # singular values from 10 to 0.3
    result = orthogonalise(matrix)
    values = torch.linalg.svdvals(result)
    assert 0.5 < float(values.min()) < float(values.max()) < 1.3
    assert float((result - u @ v).norm() / (u @ v).norm()) < 0.3


def test_a_muon_update_has_adams_size_for_every_shape_and_treats_parts_apart() -> None:
    for name, shape in (("qkv.weight", (96, 32)), ("gate_up.weight", (168, 32)), ("out.weight", (32, 84))):
        parameter = nn.Parameter(normal(*shape))
        before = parameter.detach().clone()
        parameter.grad = normal(*shape, seed=1)
        Muon({name: parameter}, 0.95).step(0.01)
        update = before - parameter.detach()
        assert float(update.square().mean().sqrt()) == pytest.approx(0.2 * 0.01, rel=0.2)
        parts = {"qkv.weight": 3, "gate_up.weight": 2}.get(name, 1)
        for part, gradient in zip(update.chunk(parts), parameter.grad.chunk(parts), strict=True):
            u, _, v = torch.linalg.svd(gradient, full_matrices=False)
            cosine = (part * (u @ v)).sum() / (part.norm() * (u @ v).norm())
            assert float(cosine) > 0.95


def test_adam_is_pytorchs() -> None:
    ours, theirs = nn.Parameter(normal(5, 7)), nn.Parameter(normal(5, 7))
    adam = Adam({"w": ours})
    reference = torch.optim.Adam([theirs], lr=0.02, betas=(0.9, 0.95), eps=1e-10)
    for n in range(1, 6):
        ours.grad = theirs.grad = normal(5, 7, seed=n)
        adam.step(0.02, n)
        reference.step()
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_the_learning_rate_warms_up_stays_and_falls_to_nothing() -> None:
    config = OptimConfig(warmup=0.1, decay=0.25)
    factors = [config.factor(step, 100) for step in range(1, 101)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9] == factors[50] == factors[75] == 1.0
    assert factors[80] == pytest.approx(20 / 25)
    assert factors[-1] == pytest.approx(1 / 25)


def test_blocks_get_muon_and_the_rest_adam_and_the_gradient_is_clipped() -> None:
    network = nn.Module()
    network.blocks = nn.ModuleList([Block(16, 2, 24)])
    network.embed = nn.Linear(3, 16)
    optimizer = Optimizer(network, OptimConfig(clip=1.0))
    assert sorted(optimizer.muon.parameters) == [
        "blocks.0.attention.out.weight",
        "blocks.0.attention.qkv.weight",
        "blocks.0.feedforward.gate_up.weight",
        "blocks.0.feedforward.out.weight",
    ]
    for parameter in network.parameters():
        parameter.grad = torch.full_like(parameter, 0.5)
    count = sum(p.numel() for p in network.parameters())
    assert optimizer.step(1, 10) == pytest.approx(0.5 * math.sqrt(count), rel=1e-5)
    total = math.sqrt(sum(float(p.grad.square().sum()) for p in network.parameters() if p.grad is not None))
    assert total == pytest.approx(1.0, rel=1e-4)
