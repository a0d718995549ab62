"""Compiled blocks: the numbers of the plain ones, one graph for all weights, and kept between processes."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mezzotint import compiled as compiling
from mezzotint.compiled import PARITY, CompiledBlocks, compiler, graph_folder, key
from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.diffusion.probe import Probe
from mezzotint.errors import InvalidOption, MissingDependency
from mezzotint.families.pixel_dit import PixelDiT
from mezzotint.load import NOT_COMPILED, load_model, with_compiled
from mezzotint.pipeline import Pipeline
from mezzotint.provenance.pixels import psnr
from mezzotint.provenance.verdict import differing_facts
from mezzotint.recipe import Environment
from tests.support import SMALL, model_folder, random_network

needs_compiler = pytest.mark.skipif(compiler() is None, reason="there is no C++ compiler")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # with a detailer, which is no part of the blocks that are compiled, and must see the same x_t
    return model_folder(tmp_path_factory.mktemp("models") / "random", replace(SMALL, detail=16, detail_depth=1))


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def pipe(folder: Path, tmp_path_factory: pytest.TempPathFactory, said: list[str]) -> Pipeline:
    """Its first picture compiles for ten seconds; a graph for guided pictures serves all tests here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        return Pipeline.load(str(folder), compiled=True, said=said.append)


def network_of(pipe: Pipeline) -> PixelDiT:
    network = pipe.model.denoiser.network
    assert isinstance(network, PixelDiT)
    return network


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def conditioning() -> Conditioning:
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    return Conditioning(normal(2, 5, 384, seed=5) * mask[..., None], mask, torch.tensor([1, 2]))


X, T = normal(2, 4, 1, 32, 32, seed=1), torch.tensor([0.2, 0.8])


@needs_compiler
def test_a_picture_is_that_of_the_plain_network_and_says_that_it_was_compiled(
    pipe: Pipeline, folder: Path, said: list[str]
) -> None:
    plain = Pipeline.load(str(folder)).generate("a red apple", seed=7)
    ours = pipe.generate("a red apple", seed=7)
    assert psnr(ours.images[0], plain.images[0]) > 70
    assert (ours.recipes[0].environment.compiled, plain.recipes[0].environment.compiled) == (True, False)
    assert said == ["Compiling the network for 2 x 20 tokens, once on this machine."]
    causes = differing_facts(plain.recipes[0], ours.recipes[0])
    assert causes == ("the way of running the network was PyTorch's own and is now compiled",)


@needs_compiler
@torch.inference_mode()
def test_every_block_has_the_plain_numbers_by_one_graph(pipe: Pipeline, said: list[str]) -> None:
    """Also blocks of other weights than those that it was compiled with; and a padded key weighs nothing."""
    pipe.generate("a red apple", seed=7)  # compiles, if no test has
    told, runner = len(said), network_of(pipe).compiled
    for seed in (0, 3):
        network = random_network(seed=seed)
        plain = network(X, T, conditioning())
        network.compiled = runner
        worst = float((network(X, T, conditioning()) - plain).abs().max())
        assert worst <= PARITY * float(plain.abs().max())
        assert len(said) == told


@needs_compiler
@torch.inference_mode()
def test_another_process_takes_the_graph_from_disk(pipe: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe.generate("a red apple", seed=7)
    runner = network_of(pipe).compiled
    assert isinstance(runner, CompiledBlocks)
    monkeypatch.setattr(compiling, "_compile", lambda *given: pytest.fail("it was compiled again"))
    network = random_network()
    plain, network.compiled = network(X, T, conditioning()), CompiledBlocks(runner.folder)
    assert torch.allclose(network(X, T, conditioning()), plain, atol=1e-4)


@needs_compiler
@torch.inference_mode()
@pytest.mark.parametrize("damage", [lambda whole: b"", lambda whole: whole[:5000], lambda whole: b"no graph" * 99])
def test_a_damaged_graph_is_made_anew(
    pipe: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes]
) -> None:
    pipe.generate("a red apple", seed=7)
    runner = network_of(pipe).compiled
    assert isinstance(runner, CompiledBlocks)
    (good,) = runner.folder.glob("*.pt2")
    (tmp_path / good.name).write_bytes(damage(good.read_bytes()))
    monkeypatch.setattr(compiling, "_compile", lambda module, inputs, path: shutil.copyfile(good, path))
    network = random_network()
    plain, network.compiled = network(X, T, conditioning()), CompiledBlocks(tmp_path)
    assert torch.allclose(network(X, T, conditioning()), plain, atol=1e-4)
    assert (tmp_path / good.name).read_bytes() == good.read_bytes()


def test_a_graph_is_for_all_that_its_code_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = (torch.float32, 1, 4, (2, 20, 32))
    others = [(torch.bfloat16, *shape[1:]), (torch.float32, 2, *shape[2:]), (*shape[:3], (1, 20, 32))]
    keys = {key(shape), *(key(other) for other in others)}
    for name in ("_layers", "_flags"):
        with monkeypatch.context() as patch:
            patch.setattr(compiling, name, lambda: "other")
            keys.add(key(shape))
    assert len(keys) == 6


class Forbidden:
    """Runs no block."""

    def length(self, tokens: int) -> int:
        return tokens

    def __call__(self, *given: object) -> torch.Tensor:
        pytest.fail("a block was run by a graph")


@torch.inference_mode()
def test_what_looks_into_a_block_has_the_plain_one() -> None:
    network, cond = random_network(), conditioning()
    expected = network(X, T, cond)
    skipped = network(X, T, cond, probe=Probe(skip=frozenset({1})))
    network.compiled = Forbidden()
    with pytest.raises(pytest.fail.Exception):
        network(X, T, cond)
    assert torch.equal(network(X, T, cond, probe=Probe(attention=lambda site, weights: weights)), expected)
    assert torch.equal(network(X, T, cond, probe=Probe(skip=frozenset({1}))), skipped)
    assert torch.equal(network(X, T, replace(cond, adapters=torch.ones(2, 1))), expected)  # it has no adapters


def test_without_a_compiler_it_draws_and_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mezzotint.load.compiler", lambda: None)
    pipe = Pipeline.load(str(folder), compiled=True)
    assert network_of(pipe).compiled is None
    recipe = pipe.generate("a red apple", seed=7, steps=1).recipes[0]
    assert recipe.warnings == (NOT_COMPILED,)
    assert not recipe.environment.compiled


def test_a_compiler_that_fails_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: object) -> object:
        raise RuntimeError("no space in the oven\nand more")

    monkeypatch.setattr(torch.export, "export", broken)
    network = random_network()
    network.compiled = CompiledBlocks(tmp_path / "graphs")
    with pytest.raises(MissingDependency, match=r"\(no space in the oven\); draw without --compile\.$"):
        network(X, T, conditioning())
    assert not list((tmp_path / "graphs").iterdir())


def test_the_given_model_stays_as_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mezzotint.load.compiler", lambda: "g++")
    model = load_model(str(folder))
    other = with_compiled(model)
    ours, theirs = (network_of(Pipeline(one)) for one in (model, other))
    assert (ours.compiled, model.compiled, other.compiled) == (None, False, True)
    assert isinstance(theirs.compiled, CompiledBlocks)
    assert ours.style is theirs.style  # every tensor is shared


def test_only_a_transformer_on_the_cpu_is_compiled(folder: Path) -> None:
    model = load_model(str(folder))
    leaf = model.denoiser
    for other in (replace(leaf, device="cuda"), replace(leaf, network=torch.nn.Identity())):
        with pytest.raises(InvalidOption, match="The model random cannot be compiled on c"):
            with_compiled(replace(model, denoiser=other))


def test_graphs_are_kept_in_the_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert graph_folder() == tmp_path / "mezzotint" / "graphs"


@pytest.mark.parametrize(("named", "found"), [("sh", True), ("no-such-compiler", False)])
def test_the_compiler_is_the_one_that_is_named(named: str, found: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", named)
    assert (compiler() is not None) is found


def test_an_environment_without_it_reads_and_writes_as_before() -> None:
    facts = {"mezzotint": "1", "torch": "2", "threads": 1, "processor": "p"}
    assert Environment.from_json_dict(facts).to_json_dict() == facts
    told = {**facts, "compiled": True}
    assert Environment.from_json_dict(told).to_json_dict() == told
    with pytest.raises(InvalidOption, match="compiled is 'yes'; it must be true or false"):
        Environment.from_json_dict({**facts, "compiled": "yes"})
