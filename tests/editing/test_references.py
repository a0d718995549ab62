"""Reference pictures: off to the bit, what shared attention is, and that structures are met."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from mezzotint import Pipeline
from mezzotint.codecs import from_image
from mezzotint.diffusion.analytic import Gaussian
from mezzotint.diffusion.inverse import Blur, Matrix, Posterior
from mezzotint.diffusion.noise import PhiloxNoise, Purpose
from mezzotint.diffusion.probe import AttentionSite, Further, Probe
from mezzotint.diffusion.schedule import RectifiedFlow
from mezzotint.editing.structure import Edges, Structure, lasting, operator_of
from mezzotint.errors import InvalidOption
from mezzotint.families.pixel_dit import PixelDiT
from mezzotint.nn import Attention, apply_rotary
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.request import Request
from tests.diffusion.transformer import COND, CONFIG, PATCHES, TIME, X, normal
from tests.support import SMALL, model_folder, random_network

SIDE = 16
T = torch.tensor([0.4, 0.7])
NAMES = ("style_ref", "image_ref", "structure_ref")


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=SIDE, patch=4))
    return Pipeline.load(str(folder), device="cpu", dtype="float32")


def source(seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 4), dtype=np.uint8)
    return Image.fromarray(values, "RGBA")


def drawn(pipe: Pipeline, **options: Any) -> np.ndarray:
    return np.asarray(pipe.generate("a cat", seed=5, **options).images[0])


# What a network does with further keys.


class Another:
    """The keys and values of another picture in every block, and what the blocks of this one are told of them."""

    def __init__(self, network: PixelDiT, x: Tensor, bias: float = 0.0, placed: bool = True) -> None:
        self.store: dict[int, tuple[Tensor, Tensor]] = {}
        self.bias, self.placed = bias, placed
        network(x, T, COND["cond"], probe=Probe(tokens=self.look))

    def look(self, site: AttentionSite, keys: Tensor, values: Tensor) -> Sequence[Further]:
        assert keys.shape[2] == TIME + PATCHES
        self.store[site.block] = keys[:, :, site.image], values[:, :, site.image]
        return ()

    def read(self, site: AttentionSite, keys: Tensor, values: Tensor) -> Sequence[Further]:
        return (Further(*self.store[site.block], self.bias, self.placed),)


@torch.inference_mode()
def test_looking_changes_nothing_and_neither_does_what_weighs_nothing() -> None:
    network = random_network(CONFIG)
    plain = network(X, T, COND["cond"])
    other = Another(network, normal(2, 4, 1, 32, 32, seed=9), bias=-float("inf"))
    assert torch.equal(network(X, T, COND["cond"], probe=Probe(tokens=other.look)), plain)
    torch.testing.assert_close(network(X, T, COND["cond"], probe=Probe(tokens=other.read)), plain)
    other.bias = 0.0
    assert float((network(X, T, COND["cond"], probe=Probe(tokens=other.read)) - plain).abs().max()) > 1e-3


@torch.inference_mode()
@pytest.mark.parametrize("placed", [True, False])
@pytest.mark.parametrize("weight", [0.5, 3.0])
def test_further_keys_are_a_softmax_over_both_with_the_weight_before_it(placed: bool, weight: float) -> None:
    """By hand: exp(q k) v summed over own keys and, times the weight, over the others', with positions or without."""
    layer = Attention(32, 2)
    for number, parameter in enumerate(layer.parameters()):
        parameter.copy_(normal(*parameter.shape, seed=number) * 0.3)
    x, angles = normal(2, 5, 32, seed=1), normal(5, 8, seed=2)
    keys, values = normal(1, 2, 3, 16, seed=3), normal(1, 2, 3, 16, seed=4)
    places = (angles[2:].cos(), angles[2:].sin()) if placed else None
    found = layer(
        x, rotary=(angles.cos(), angles.sin()), tokens=lambda k, v: [(keys, values, float(np.log(weight)), places)]
    )
    q, k, v = (part.view(2, 5, 2, 16).transpose(1, 2) for part in layer.qkv(x).chunk(3, dim=-1))
    q, k = layer.norm_q(q), layer.norm_k(k)
    turned = apply_rotary(q, angles.cos(), angles.sin())
    own = (turned @ apply_rotary(k, angles.cos(), angles.sin()).mT / 4).exp()
    theirs = (turned @ apply_rotary(keys, *places).mT / 4).exp() if places else (q @ keys.mT / 4).exp()
    mixed = (own @ v + weight * theirs @ values) / (own.sum(-1, keepdim=True) + weight * theirs.sum(-1, keepdim=True))
    torch.testing.assert_close(found, layer.out(mixed.transpose(1, 2).reshape(2, 5, 32)))


@torch.inference_mode()
def test_a_picture_that_reads_itself_is_itself() -> None:
    """Its image keys count 1 + w times then; so they do if they get the bias log(1 + w) instead."""
    network = random_network(CONFIG)
    itself = Another(network, X, bias=float(np.log(3.0)))

    def heavier(site: AttentionSite, weights: Tensor) -> Tensor:
        out = weights.clone()
        out[..., site.image] *= 4
        return out / out.sum(-1, keepdim=True)

    # in the first block alone: later ones of the picture that reads see other tokens
    only = Probe(skip=frozenset(range(1, CONFIG.depth)))
    read = network(X, T, COND["cond"], probe=Probe(tokens=itself.read).also(only))
    torch.testing.assert_close(read, network(X, T, COND["cond"], probe=Probe(attention=heavier).also(only)))


@torch.inference_mode()
def test_probes_that_read_add_up_and_rows_repeat() -> None:
    network = random_network(CONFIG)
    first, second = (Another(network, normal(2, 4, 1, 32, 32, seed=s)) for s in (8, 9))
    both = Probe(tokens=first.read).also(Probe(tokens=second.read))
    joined = Another(network, X)
    joined.store = {
        block: (torch.cat([k, second.store[block][0]], 2), torch.cat([v, second.store[block][1]], 2))
        for block, (k, v) in first.store.items()
    }
    joined.placed = first.placed = second.placed = False
    expected = network(X, T, COND["cond"], probe=Probe(tokens=joined.read))
    torch.testing.assert_close(network(X, T, COND["cond"], probe=both), expected)
    doubled = network(
        torch.cat([X, X]), torch.cat([T, T]), COND["cond"].cat(COND["cond"]), probe=Probe(tokens=joined.read)
    )
    torch.testing.assert_close(doubled, torch.cat([expected, expected]), rtol=1e-4, atol=1e-5)


# The edits.


def test_a_weight_of_0_is_off_to_the_bit_and_is_named(pipe: Pipeline) -> None:
    plain = pipe.generate("a cat", seed=5)
    for name in NAMES:
        off = pipe.generate("a cat", seed=5, **{name: source(), name.replace("ref", "weight"): 0})
        assert np.array_equal(np.asarray(off.images[0]), np.asarray(plain.images[0]))
        assert off.recipes[0].evaluations == plain.recipes[0].evaluations
        assert off.ignored == (f"{name}: nothing of it is drawn at weight 0",)


def test_small_weights_change_little_and_great_ones_more(pipe: Pipeline) -> None:
    plain = drawn(pipe).astype(float)
    for name in NAMES:
        given = {name: source()}
        weights = (1e-6, 0.1, 10.0) if name != "structure_ref" else (1e-6, 0.01, 1.0)
        away = [np.abs(drawn(pipe, **given, **{name.replace("ref", "weight"): w}) - plain).mean() for w in weights]
        assert away[0] < 0.1 < away[1] < away[2]


def test_costs_are_counted_and_batches_do_not_matter(pipe: Pipeline) -> None:
    steps = len(pipe.time_grid(pipe.resolve(Request(prompt="a cat"))))
    plain = pipe.generate("a cat", seed=5).recipes[0].evaluations
    assert plain == 2 * steps
    both = pipe.generate("a cat", seed=5, n=2, style_ref=source(), image_ref=source(1))
    assert [one.evaluations for one in both.recipes] == [plain + 2 * steps] * 2
    alone = pipe.generate("a cat", seed=6, style_ref=source(), image_ref=source(1))
    assert np.array_equal(np.asarray(alone.images[0]), np.asarray(both.images[1]))
    fast = pipe.generate("a cat", seed=5, n=2, style_ref=source(), image_ref=source(1), batching="fast")
    for one, other in zip(both.images, fast.images, strict=True):
        assert np.abs(np.asarray(one).astype(int) - np.asarray(other)).max() <= 1
    structured = pipe.generate("a cat", seed=5, structure_ref=source()).recipes[0]
    assert structured.evaluations == plain


def test_a_style_has_no_place_and_an_image_has_one(pipe: Pipeline) -> None:
    """Whole patches of a reference that change places are the same style, as a prediction at t = 0 shows."""
    network = random_network(CONFIG)
    k, v = normal(2, 2, PATCHES, 16, seed=3), normal(2, 2, PATCHES, 16, seed=4)
    order = torch.randperm(PATCHES, generator=torch.Generator().manual_seed(0))

    def at(placed: bool, way: Any) -> Tensor:
        further = Further(k[:, :, way], v[:, :, way], placed=placed)
        return network(X, T, COND["cond"], probe=Probe(tokens=lambda site, keys, values: (further,)))

    same = torch.arange(PATCHES)
    with torch.inference_mode():
        torch.testing.assert_close(at(False, order), at(False, same))
        assert float((at(True, order) - at(True, same)).abs().max()) > 1e-3
    assert not np.array_equal(drawn(pipe, style_ref=source()), drawn(pipe, image_ref=source(), image_weight=1))


@pytest.mark.parametrize(("name", "draw", "placed", "blocks"), [("style", 0, False, {1}), ("image", 1, True, {0, 1})])
def test_a_prediction_is_shared_attention_by_hand(
    pipe: Pipeline, name: str, draw: int, placed: bool, blocks: set[int]
) -> None:
    """The reference is noised to the same t and seen with an empty prompt."""
    options = {f"{name}_ref": source(), f"{name}_weight": 2.0}
    first = next(pipe.stream("a cat", seed=5, guidance=1, grid=(0.8, 0.4, 0), **options)).step.prediction
    assert first is not None
    leaf, t = pipe.model.denoiser, torch.tensor(0.8, dtype=torch.float64)
    eps = PhiloxNoise([5]).normal((1, 4, 1, SIDE, SIDE), Purpose.REFERENCE, draw)
    store: dict[int, tuple[Tensor, Tensor]] = {}

    def look(site: AttentionSite, keys: Tensor, values: Tensor) -> Sequence[Further]:
        store[site.block] = keys[:, :, site.image], values[:, :, site.image]
        return ()

    def read(site: AttentionSite, keys: Tensor, values: Tensor) -> Sequence[Further]:
        return [Further(*store[site.block], float(np.log(2.0)), placed)] if site.block in blocks else []

    with torch.inference_mode():
        noised = 0.2 * from_image(source())[None] + 0.8 * eps
        leaf(noised, t, {"cond": pipe.model.prepare([""], [None])}, probe=Probe(tokens=look))
        hand = leaf(first.x_t, t, {"cond": pipe.model.prepare(["a cat"], [None])}, probe=Probe(tokens=read))
    torch.testing.assert_close(first.x0, hand.x0, rtol=1e-4, atol=1e-5)


def test_the_operator_of_edges_is_linear_blind_to_flat_parts_and_has_its_adjoint() -> None:
    x, y = normal(2, 4, 1, 12, 12, seed=0).double(), normal(2, 2, 1, 12, 12, seed=1).double()
    edges = Edges()
    torch.testing.assert_close((edges(x) * y).sum(), (x * edges.adjoint(y)).sum())
    assert float(edges(torch.full_like(x, 0.7)).abs().max()) < 1e-12
    grey = 0.299 * x[:, 0] + 0.587 * x[:, 1] + 0.114 * x[:, 2]
    torch.testing.assert_close(edges(x)[:, 0], grey - Blur(edges.sigma)(grey))


@pytest.mark.parametrize("kind", ["edges", "layout"])
def test_a_structure_is_the_exact_posterior_of_a_gaussian(kind: Any) -> None:
    """For x_0 ~ N(0, v): x_0 given x_t is N(m, c), and the measurement adds K (y − A m), K = c A* (s² + c A A*)⁻¹."""
    schedule, v, t = RectifiedFlow(), 0.25, torch.tensor(0.5, dtype=torch.float64)
    oracle, operator = Gaussian(schedule, variance=v), operator_of(kind)
    pixels, x = (normal(1, 4, 1, 8, 8, seed=s).double() for s in (0, 1))
    edit = Structure(pixels[0], 0.5, kind)
    with torch.inference_mode():
        found = edit.wrap(oracle)(x, t, {"cond": None})
    basis = torch.eye(256, dtype=torch.float64).reshape(256, 4, 1, 8, 8)
    a = torch.stack([operator(one[None])[0].flatten() for one in basis], dim=1)
    c = v * 0.25 / (0.25 * v + 0.25)  # v sigma² / (alpha² v + sigma²)
    m = c / 0.25 * 0.5 * x.flatten()  # c alpha / sigma² x_t
    noise = {"edges": 0.1, "layout": 0.2}[kind] / 0.5
    seen = a.shape[0]
    gain = c * a.T @ torch.linalg.inv(noise**2 * torch.eye(seen, dtype=torch.float64) + c * a @ a.T)
    exact = m + gain @ (operator(pixels).flatten() - a @ m)
    tolerance = 1e-6 if kind == "layout" else 0.05
    torch.testing.assert_close(found.x0.flatten(), exact, rtol=0, atol=tolerance)
    matrix = Posterior(oracle, Matrix(a, (4, 1, 8, 8)), operator(pixels).flatten(1), noise, iterations=40)
    torch.testing.assert_close(matrix(x, t, {"cond": None}).x0.flatten(), exact, rtol=0, atol=1e-6)


def test_what_inference_mode_made_is_copied_and_nothing_else() -> None:
    with torch.inference_mode():
        made = torch.ones(2)
    further, own = Further(made, made), torch.zeros(2)
    found = lasting({"a": (own, further), "b": own})
    assert found["b"] is own
    assert found["a"][0] is own
    assert not found["a"][1].keys.is_inference()
    assert torch.equal(found["a"][1].keys, made)
    assert lasting(found["a"]) is found["a"]


def test_a_trained_model_draws_what_was_asked_for_with_the_structure() -> None:
    house = Pipeline.load("house", device="cpu", dtype="float32")
    same = {"steps": 6, "solver": "dpmpp-2m"}
    other = house.generate("a blue car", seed=5, **same).images[0]
    goal = from_image(other)[None]

    def pixels(**options: Any) -> Tensor:
        images = [house.generate("a house", seed=seed, **same, **options).images[0] for seed in (11, 12, 13)]
        return torch.stack([from_image(image) for image in images])

    def apart(one: Tensor, other: Tensor) -> Tensor:
        return (one - other).square().flatten(1).mean(1)

    plain = pixels()
    for kind, share in (("edges", 0.3), ("layout", 0.45)):
        operator = operator_of(kind)  # type: ignore[arg-type]
        found = pixels(structure_ref=other, structure=kind)
        far, further = (apart(operator(x), operator(goal)) for x in (found, plain))
        assert float((far / further).mean()) < share
        assert bool((apart(found, goal) > 0.2 * apart(plain, goal)).all())  # and no copy


@pytest.mark.parametrize("name", NAMES)
def test_they_compose_with_a_picture_and_a_mask(pipe: Pipeline, name: str) -> None:
    cover = Image.new("L", (SIDE, SIDE), 0)
    cover.paste(255, (8, 0, SIDE, SIDE))
    result = drawn(pipe, image=source(3), mask=cover, **{name: source()})
    assert np.array_equal(result[:, :8], np.asarray(source(3))[:, :8])
    assert not np.array_equal(result, drawn(pipe, image=source(3), mask=cover))
    partly = pipe.generate("a cat", seed=5, image=source(3), strength=0.5, **{name: source()})
    assert not np.array_equal(np.asarray(partly.images[0]), drawn(pipe, image=source(3), strength=0.5))
    kept = pipe.generate("a cat", seed=5, image=source(3), strength=0.0, **{name: source()})
    assert np.array_equal(np.asarray(kept.images[0]), np.asarray(source(3)))
    assert f"{name}: nothing of it is drawn at strength 0" in kept.ignored


def test_all_of_them_together_with_guidance_windows_and_a_prompt_that_changes(pipe: Pipeline) -> None:
    refs = {name: source(seed) for seed, name in enumerate(NAMES)}
    every = pipe.generate("a [cat:dog:0.5]", seed=5, **refs, guidance_methods=["pag:scale=1"])
    assert every.recipes[0].evaluations == 4 * (2 + 1 + 2)
    refs["structure_ref"] = refs["structure_ref"].resize((2 * SIDE, SIDE))
    wide = pipe.generate("a cat", seed=5, size=(2 * SIDE, SIDE), **refs)
    assert wide.images[0].size == (2 * SIDE, SIDE)
    assert not np.array_equal(np.asarray(wide.images[0]), drawn(pipe, size=(2 * SIDE, SIDE)))


def test_a_recipe_names_its_references(pipe: Pipeline) -> None:
    refs = {name: source(seed) for seed, name in enumerate(NAMES)}
    recipe = pipe.generate("a cat", seed=5, **refs).recipes[0]
    assert [getattr(recipe.request, name) for name in NAMES] == [pixel_sha256(refs[name]) for name in NAMES]
    asked = recipe.request
    assert (asked.style_weight, asked.image_weight, asked.structure_weight, asked.structure) == (1, 0.5, 1, "edges")
    assert Request.from_json_dict(asked.to_json_dict()) == asked
    assert pipe.generate(asked, **refs).recipes[0].pixels_sha256 == recipe.pixels_sha256
    with pytest.raises(InvalidOption, match="style_ref given is another one"):
        pipe.generate(asked, **{**refs, "style_ref": source(9)})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"style_weight": 1}, "style_weight says how much a reference counts; give style_ref too"),
        ({"image_ref": source(), "image_weight": 11}, "image_weight is 11; it must be a number from 0 to 10"),
        ({"structure": "edges"}, "give structure_ref too"),
        ({"structure_ref": source(), "structure": "depth"}, "structure .*depth"),
        ({"style_ref": source().resize((8, 8))}, "The style_ref has 8x8 pixels, but the model draws 16x16"),
        ({"structure_ref": source().resize((8, 8))}, "The structure_ref has 8x8 pixels, but 16x16 are drawn"),
        ({"image_ref": "fox.png"}, "image_ref is 'fox.png'; give a Pillow image"),
    ],
)
def test_what_cannot_be_referred_to_is_one_sentence(pipe: Pipeline, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        pipe.generate("a cat", **options)
