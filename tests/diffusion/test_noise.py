import math
import shutil
from itertools import pairwise

import pytest
import torch

from mezzotint.diffusion import PhiloxNoise, Purpose, normal_at, philox_normal, philox_uniform
from mezzotint.diffusion.noise import NOISE_VERSION, philox_4x32

MASK = 0xFFFFFFFF


def philox_in_plain_integers(counter: list[int], key: list[int]) -> list[int]:
    """Philox 4x32-10 from the paper (Salmon et al. 2011, section 3.3), in unbounded Python integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & MASK, (a >> 32) ^ c[3] ^ k[1], a & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((MASK,) * 4, (MASK,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_known_answers_of_random123(counter: tuple[int, ...], key: tuple[int, ...], expected: tuple[int, ...]) -> None:
    words = philox_4x32(counter, key)  # type: ignore[arg-type]
    assert tuple(int(word) for word in words) == expected


def test_first_normals_of_seed_zero() -> None:
    """What torch.randn of a CUDA device and A1111's CPU copy of it give for seed 0."""
    normals = philox_normal(0, (4,), Purpose.START)
    assert normals.tolist() == pytest.approx([-0.92466259, -0.42534415, -2.6438457, 0.14518388], abs=1e-7)


@pytest.mark.parametrize("seed", [0, 7, 2**32 + 5, 2**64 - 1, -3])
@pytest.mark.parametrize("draw", [0, 3, MASK])
def test_a_normal_is_the_documented_function_of_seed_purpose_draw_and_element(seed: int, draw: int) -> None:
    got = philox_normal(seed, (2, 5), Purpose.CODEC, draw).flatten()
    for element in (0, 1, 9):
        key = [seed % 2**64 & MASK, seed % 2**64 >> 32]
        w = philox_in_plain_integers([draw, 0, element, int(Purpose.CODEC)], key)
        u, v = (w[0] + 0.5) / 2**32, 2 * math.pi * (w[1] + 0.5) / 2**32
        assert float(got[element]) == pytest.approx(math.sqrt(-2 * math.log(u)) * math.sin(v), abs=1e-6)


@pytest.mark.parametrize("shape", [(4, 1, 64, 64), (131072,), (131073,), (4, 1, 200, 333), (4, 1, 512, 512)])
@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_noise_that_is_drawn_in_parts_has_the_bits_of_noise_drawn_whole(seed: int, shape: tuple[int, ...]) -> None:
    """The meaning of a seed: parts save memory and are no other numbers."""
    whole = normal_at(seed, torch.tensor([5]), Purpose.START, shape)[0]
    assert torch.equal(philox_normal(seed, shape, Purpose.START, 5).view(torch.int32), whole.view(torch.int32))
    one = PhiloxNoise([seed]).normal((1, *shape), Purpose.START, 5)
    assert torch.equal(one[0], whole)


def test_uniforms_take_a_tensor_of_elements_and_of_draws() -> None:
    index, draw = torch.tensor([0, 5, 2**32 - 1]), torch.tensor([[1], [40]])
    got = philox_uniform(9, index, Purpose.TRAIN_TIME, draw)
    expected = [
        [(philox_in_plain_integers([int(d), 0, int(i), 4], [9, 0])[0] + 0.5) / 2**32 for i in index] for d in draw[:, 0]
    ]
    assert got.dtype == torch.float64
    assert got.tolist() == expected


def test_a_training_batch_is_its_pictures() -> None:
    draws = torch.tensor([5, 0, 123456])
    batch = normal_at(42, draws, Purpose.TRAIN_NOISE, (3, 1, 4, 4))
    for row, draw in zip(batch, draws.tolist(), strict=True):
        torch.testing.assert_close(row, philox_normal(42, (3, 1, 4, 4), Purpose.TRAIN_NOISE, draw), rtol=0, atol=1e-6)


@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a C++ compiler")
def test_compiled_noise_has_the_same_bits() -> None:
    """The int64 product that wraps must survive the compiler."""
    compiled = torch.compile(philox_uniform, fullgraph=True)
    index = torch.arange(4096)
    draw = torch.tensor([[0], [77]])
    assert torch.equal(
        compiled(3, index, Purpose.TRAIN_NOISE, draw), philox_uniform(3, index, Purpose.TRAIN_NOISE, draw)
    )


def test_picture_i_has_the_noise_of_its_seed_alone() -> None:
    batch = PhiloxNoise([7, 8, 9]).normal((3, 4, 1, 5, 5), Purpose.STEP, 2)
    for i, seed in enumerate((7, 8, 9)):
        assert torch.equal(batch[i : i + 1], PhiloxNoise([seed]).normal((1, 4, 1, 5, 5), Purpose.STEP, 2))


def test_nothing_is_drawn_twice() -> None:
    """Other seeds, purposes and draws give other numbers, uncorrelated ones."""
    rows = [
        philox_normal(seed, (20_000,), purpose, draw)
        for seed in (0, 1, 2**32)
        for purpose in (Purpose.START, Purpose.STEP)
        for draw in (0, 1)
    ]
    correlation = torch.corrcoef(torch.stack(rows).double())
    assert float((correlation - torch.eye(len(rows))).abs().max()) < 5 / math.sqrt(20_000)


def test_normals_are_normal() -> None:
    """Kolmogorov-Smirnov distance below its 1e-6 quantile, and the fourth moment."""
    n = 200_000
    x = philox_normal(11, (n,), Purpose.START).double().sort().values
    cdf = torch.special.ndtr(x)
    rank = torch.arange(n).double() / n
    assert float((cdf - rank).abs().max()) * math.sqrt(n) < 2.7
    assert float((x**4).mean()) == pytest.approx(3, abs=5 * math.sqrt(96 / n))


def test_the_global_generators_are_left_alone() -> None:
    before = torch.random.get_rng_state()
    PhiloxNoise([1]).normal((1, 3), Purpose.START, 0)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_brownian_path_does_not_depend_on_the_steps() -> None:
    noise, shape = PhiloxNoise([4, 5]), (2, 300)
    whole = noise.brownian(shape, -3.0, 2.5)
    points = [-3.0, -2.9999, -1.25, 0.0, 0.3, 2.5]
    parts = [noise.brownian(shape, t, s) for t, s in pairwise(points)]
    torch.testing.assert_close(sum(parts), whole, rtol=0, atol=2e-6)  # type: ignore[arg-type]
    torch.testing.assert_close(noise.brownian(shape, 2.5, -3.0), -whole)
    assert torch.equal(noise.brownian(shape, 0.0, 1.0)[1:], PhiloxNoise([5]).brownian((1, 300), 0.0, 1.0))


@pytest.mark.parametrize(("t", "s"), [(-7.0, -6.9), (-1.0, 3.0), (0.1, 0.1003), (10.0, 63.0)])
def test_brownian_increments_have_the_variance_of_their_length(t: float, s: float) -> None:
    n = 40_000
    increment = PhiloxNoise([1]).brownian((1, n), t, s).double()
    assert float(increment.mean()) == pytest.approx(0, abs=5 * math.sqrt((s - t) / n))
    assert float(increment.var()) == pytest.approx(s - t, rel=0.03 + 5 * math.sqrt(2 / n))


def test_brownian_increments_of_disjoint_intervals_are_uncorrelated() -> None:
    noise, n = PhiloxNoise([2]), 40_000
    rows = [noise.brownian((1, n), a, a + 0.4)[0] for a in (-2.0, -1.6, -0.2, 0.2, 5.0)]
    correlation = torch.corrcoef(torch.stack(rows).double())
    assert float((correlation - torch.eye(5)).abs().max()) < 5 / math.sqrt(n)


def test_a_block_gives_the_brownian_path_four_normals() -> None:
    """W(64) − W(−64) is sqrt(128) N_0, and N_0 is Box–Muller on both pairs of words of a block of four elements."""
    seed, count = 3 + (5 << 32), 7
    drawn = PhiloxNoise([seed]).brownian((1, count), -64.0, 64.0)[0] / math.sqrt(128)
    for element in range(count):
        block = torch.tensor(element // 4)
        words = [int(w) for w in philox_4x32((0, 0, block, int(Purpose.BROWNIAN)), (3, 5))]
        first, second = words[:2] if element % 4 < 2 else words[2:]
        angle = 2 * math.pi * (second + 0.5) / 2**32
        radius = math.sqrt(-2 * math.log((first + 0.5) / 2**32))
        expected = radius * (math.sin(angle) if element % 2 == 0 else math.cos(angle))
        assert float(drawn[element]) == pytest.approx(expected, abs=1e-6)


def test_a_large_pictures_path_is_drawn_in_parts_with_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    shape, spans = (2, 4, 1, 97, 101), [(-64.0, -3.2), (-3.2, 0.1), (0.1, 0.1000001), (0.1000001, 64.0)]
    noise = PhiloxNoise([3, 2**40])
    kept = [noise.brownian(shape, t, s) for t, s in spans]
    monkeypatch.setattr("mezzotint.diffusion.noise._KEPT", 1000)
    parted = PhiloxNoise([3, 2**40])
    for (t, s), found in zip(spans, kept, strict=True):
        assert torch.equal(parted.brownian(shape, t, s), found)
    assert not parted._latest


def test_the_four_normals_of_a_block_are_uncorrelated() -> None:
    n = 40_000
    drawn = PhiloxNoise([11]).brownian((1, 4 * n), -64.0, 64.0).double().reshape(n, 4) / math.sqrt(128)
    both = torch.cat(
        [drawn, drawn**2], dim=1
    )  # the squares too: sine and cosine share a radius and must still be independent
    assert float((torch.corrcoef(both.T) - torch.eye(8)).abs().max()) < 5 / math.sqrt(n)


def test_what_a_path_was_asked_before_changes_no_bit() -> None:
    used, shape = PhiloxNoise([4, 5]), (2, 30)
    for t, s in [(-3.0, 2.5), (2.5, 2.6), (-63.9, 63.9), (0.1, 0.1000001), (0.1, 0.1000001), (2.5, -3.0)]:
        assert torch.equal(used.brownian(shape, t, s), PhiloxNoise([4, 5]).brownian(shape, t, s))
    assert torch.equal(used.brownian((2, 3), 0.0, 1.0), PhiloxNoise([4, 5]).brownian((2, 3), 0.0, 1.0))


def test_the_meaning_of_a_seed_is_frozen() -> None:
    """To change one of these is to change everyone's pictures: raise NOISE_VERSION and keep the old reading."""
    assert NOISE_VERSION == 1
    assert {purpose.name: int(purpose) for purpose in Purpose} == {
        "START": 0,
        "STEP": 1,
        "CODEC": 2,
        "TRAIN_NOISE": 3,
        "TRAIN_TIME": 4,
        "CAPTION": 5,
        "DROPOUT": 6,
        "ORDER": 7,
        "BROWNIAN": 8,
        "RENOISE": 9,
        "AUGMENT": 10,
        "EVALUATION": 11,
        "PROMPT": 12,
        "REFERENCE": 13,
    }
    path = PhiloxNoise([0]).brownian((1, 2), 0.0, 1.0)[0].tolist()
    assert path == pytest.approx(BROWNIAN_OF_SEED_ZERO, abs=1e-6)


BROWNIAN_OF_SEED_ZERO = [-3.494699001312256, -0.404424786567688]
