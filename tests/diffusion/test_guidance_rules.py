"""Combination rules on exact branches, against their published formulas written in another parametrisation."""

from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    CFG,
    DDIM,
    EDM,
    GUIDANCES,
    SOLVERS,
    Bound,
    Heun,
    PhiloxNoise,
    Prediction,
    RectifiedFlow,
    Schedule,
    VPCosine,
    from_times,
    guided,
    listeners,
    sample,
)
from mezzotint.diffusion.guidance import describe, guidance_stack
from mezzotint.diffusion.guidance.apg import APG
from mezzotint.diffusion.guidance.cfg_pp import CFGpp
from mezzotint.diffusion.guidance.cfg_zero import CFGZero
from mezzotint.diffusion.guidance.composable import Composable
from mezzotint.diffusion.guidance.icg import ICG
from mezzotint.diffusion.guidance.perp_neg import PerpNeg
from mezzotint.diffusion.guidance.tcfg import TCFG
from mezzotint.errors import InvalidOption

from .conditional import SHARES, Mixed
from .order import float64

schedules = pytest.mark.parametrize("schedule", [RectifiedFlow(), VPCosine(), EDM()], ids=["rf", "cos", "edm"])
X = float64([[0.3, -0.1, 1.2], [0.8, 0.0, -0.7], [-0.5, 0.9, 0.1], [0.0, 1.1, -0.3]])
T = 0.55
RULES = {name: record for name, record in GUIDANCES.items() if record.kind == "rule"}


def branches(schedule: Schedule, t: float = T, x: Tensor = X) -> dict[str, Prediction]:
    return {name: Mixed(schedule)(x, float64(t), {"cond": share}) for name, share in SHARES.items()}


def inner(a: Tensor, b: Tensor) -> Tensor:
    return torch.einsum("bd,bd->b", a, b)[:, None]


def from_eps(eps: Tensor, like: Prediction) -> Tensor:
    return (like.x_t - like.level.sigma * eps) / like.level.alpha


@schedules
@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_bitwise_off_by_default_and_costs_one(name: str, schedule: Schedule) -> None:
    plain = Mixed(schedule)(X, float64(T), {"cond": SHARES["cond"]})
    off = guided(Mixed(schedule), RULES[name].make(), calls="apart")(X, float64(T), SHARES)
    assert torch.equal(off.x0, plain.x0)
    assert torch.equal(off.update_eps, plain.update_eps)
    assert off.evaluations == 1


NEUTRAL = [APG(1.0, 0.3, 2.0, -0.5), CFGZero(1.0, 0.2), TCFG(1.0), Composable({"cond": 1.0, "second": 0.0}), ICG(1.0)]


@pytest.mark.parametrize("rule", [*NEUTRAL, PerpNeg(1.0, {"negative": 0.0})], ids=lambda rule: type(rule).__name__)
def test_a_neutral_value_is_off_whatever_the_other_options(rule: Any) -> None:
    plain = Mixed(VPCosine())(X, float64(T), {"cond": SHARES["cond"]})
    off = guided(Mixed(VPCosine()), rule, calls="apart")(X, float64(T), SHARES)
    assert torch.equal(off.x0, plain.x0)
    assert off.evaluations == 1


ON: dict[str, Any] = {
    "cfg": CFG(3.0),
    "cfg++": CFGpp(0.6),
    "apg": APG(3.0),
    "cfg-zero": CFGZero(3.0),
    "tcfg": TCFG(3.0),
    "composable": Composable({"cond": 3.0, "second": 2.0, "negative": -1.0}),
    "perp-neg": PerpNeg(3.0, {"negative": 1.5}),
    "icg": ICG(3.0),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_is_on_does_something_and_says_what_it_cost(name: str) -> None:
    plain = Mixed(VPCosine())(X, float64(T), {"cond": SHARES["cond"]})
    on = guided(Mixed(VPCosine()), ON[name], calls="apart")(X, float64(T), SHARES)
    assert float((on.x0 - plain.x0).abs().amax(1).min()) > 1e-3
    extra = {"composable": 2, "perp-neg": 1}.get(name, 0)
    assert on.evaluations == RULES[name].evaluations + extra == len(on.branches)
    assert next(iter(on.branches)) == "cond"


@schedules
def test_cfg_pp_puts_the_unconditional_noise_back(schedule: Schedule) -> None:
    """One DDIM step is alpha_s x0_guided + sigma_s eps_uncond; at 1 and 0 x_0 is that of one branch."""
    b, s = branches(schedule), schedule(0.3)
    (step,) = sample(
        Bound(guided(Mixed(schedule), CFGpp(0.6), calls="apart"), SHARES),
        X,
        from_times([T, 0.3]),
        DDIM(),
        PhiloxNoise(range(4)),
    )
    x0 = from_eps(0.4 * b["uncond"].eps + 0.6 * b["cond"].eps, b["cond"])
    torch.testing.assert_close(step.x, s.alpha * x0 + s.sigma * b["uncond"].eps)
    for guidance, branch in ((0.0, "uncond"), (1.0, "cond")):
        assert torch.equal(CFGpp(guidance).combine(b).x0, b[branch].x0)
        assert torch.equal(CFGpp(guidance).combine(b).update_eps, b["uncond"].eps)


def test_apg_with_nothing_taken_away_is_cfg() -> None:
    b = branches(VPCosine())
    torch.testing.assert_close(APG(4.0, eta=1, threshold=0, momentum=0).combine(b).x0, CFG(4.0).combine(b).x0)


def test_apg_removes_what_is_parallel_and_shortens_the_rest() -> None:
    b = branches(VPCosine())
    d, cond = b["cond"].x0 - b["uncond"].x0, b["cond"].x0
    across = APG(2.0, eta=0, momentum=0).combine(b).x0 - cond
    torch.testing.assert_close(inner(across, cond), torch.zeros(4, 1).double(), rtol=0, atol=1e-12)
    torch.testing.assert_close(inner(across, across), inner(d, d) - inner(d, cond) ** 2 / inner(cond, cond))
    half = APG(2.0, eta=0.5, momentum=0).combine(b).x0 - cond
    torch.testing.assert_close(half - across, (d - across) / 2)
    threshold = float(inner(d, d).sqrt().median())
    short = APG(2.0, eta=1, threshold=threshold, momentum=0).combine(b).x0 - cond
    torch.testing.assert_close(inner(short, short).sqrt(), inner(d, d).sqrt().clamp_max(threshold))
    torch.testing.assert_close(inner(short, d), inner(short, short).sqrt() * inner(d, d).sqrt())


def test_apg_remembers_each_step_once() -> None:
    """Two evaluations a step (Heun): the sum of differences takes in the first of each step."""
    rule = APG(3.0, eta=1.0, momentum=-0.5)
    model = guided(Mixed(VPCosine()), rule, calls="apart")
    seen: list[Prediction] = []

    class Watched:
        schedule, denoiser = VPCosine(), model

        def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
            seen.append(model(x_t, t, SHARES))
            return seen[-1]

    grid = from_times([0.9, 0.7, 0.5, 0.3])
    assert len(listeners(Watched())) == 1
    list(sample(Watched(), X, grid, Heun(), PhiloxNoise(range(4)), told=listeners(Watched())))
    before = torch.zeros_like(X)
    for first, second in zip(seen[::2], seen[1::2], strict=True):
        sums = []
        for prediction in (first, second):
            cond, uncond = prediction.branches["cond"].x0, prediction.branches["uncond"].x0
            sums.append(cond - uncond - 0.5 * before)
            torch.testing.assert_close(prediction.x0, cond + 2.0 * sums[-1])
        before = sums[0]
    assert len(seen) == 6


def test_two_streams_with_one_rule_give_what_each_gives_alone() -> None:
    rule, grid = APG(3.0, eta=0.2, momentum=-0.7), from_times([0.9, 0.6, 0.4, 0.2])

    def stream(x: Tensor) -> Any:
        model = Bound(guided(Mixed(RectifiedFlow()), rule, calls="apart"), SHARES)
        return sample(model, x, grid, Heun(), PhiloxNoise(range(4)), told=listeners(model))

    alone = [[step.x for step in stream(x)] for x in (X, -X)]
    together = list(zip(stream(X), stream(-X), strict=True))
    for index in (0, 1):
        for pair, x in zip(together, alone[index], strict=True):
            assert torch.equal(pair[index].x, x)


@schedules
def test_cfg_zero_scales_the_unconditional_velocity(schedule: Schedule) -> None:
    """s minimises |v_cond − s v_uncond|, found here by least squares; then CFG with s v_uncond."""
    b = branches(schedule)
    v, u = b["cond"].eps - b["cond"].x0, b["uncond"].eps - b["uncond"].x0
    best = torch.stack([torch.linalg.lstsq(u[i][:, None], v[i][:, None]).solution[0] for i in range(4)])
    expected = best * u + 3.0 * (v - best * u)
    torch.testing.assert_close(CFGZero(3.0, zero_above=1.0).combine(b).velocity, expected)


def test_cfg_zero_stands_still_at_first() -> None:
    """On rectified flow a step from above the gate does not move; below it, it does."""
    model = Bound(guided(Mixed(RectifiedFlow()), CFGZero(3.0, zero_above=0.9), calls="apart"), SHARES)
    first, second = sample(model, X, from_times([0.95, 0.9, 0.85]), DDIM(), PhiloxNoise(range(4)))
    torch.testing.assert_close(first.x, X)
    assert float((second.x - X).abs().min()) > 1e-3
    assert CFGZero(3.0).zero_above == 0.96


@pytest.mark.parametrize("name", ["dpmpp-2m", "unipc-2", "ipndm-2", "heun", "res-multistep"])
def test_what_stands_still_is_no_memory_of_what_moves(name: str) -> None:
    """A run through the gate is the run that begins there: what was 0 by a rule is not extrapolated from."""
    times = [1 - i / 20 for i in range(13)]

    def ends(gate: float, first: int) -> list[Tensor]:
        field = Bound(guided(Mixed(RectifiedFlow()), CFGZero(3.0, zero_above=gate), calls="apart"), SHARES)
        return [step.x for step in sample(field, X, from_times(times[first:]), SOLVERS[name].make(), PhiloxNoise([0]))]

    through, begun = ends(0.85, 0), ends(1.0, 3)
    for still in through[:3]:
        torch.testing.assert_close(still, X, rtol=1e-12, atol=1e-12)
    for mine, other in zip(through[3:], begun, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-10, atol=1e-10)
    assert float((begun[-1] - X).abs().max()) > 0.05


@schedules
def test_tcfg_is_the_projection_of_the_singular_value_decomposition(schedule: Schedule) -> None:
    b = branches(schedule)
    _, _, rows = torch.linalg.svd(torch.stack([b["cond"].eps, b["uncond"].eps], dim=1), full_matrices=False)
    first = rows[:, 0]
    uncond = inner(b["uncond"].eps, first) * first
    expected = from_eps(uncond + 3.0 * (b["cond"].eps - uncond), b["cond"])
    torch.testing.assert_close(TCFG(3.0).combine(b).x0, expected)


def test_tcfg_has_its_limit_at_pure_noise() -> None:
    """At alpha = 0 the rows of eps are equal and their decomposition says nothing; the limit is finite."""
    at, near = (TCFG(3.0).combine(branches(RectifiedFlow(), t)) for t in (1.0, 1 - 1e-7))
    assert float((at.x0 - CFG(3.0).combine(branches(RectifiedFlow(), 1.0)).x0).abs().max()) > 0.01
    torch.testing.assert_close(at.x0, near.x0, rtol=1e-5, atol=1e-5)


def test_tcfg_takes_a_time_per_picture_but_none_per_frame() -> None:
    """With its own alpha in every frame the rows of eps are no longer m and a multiple of g."""
    x, x0 = torch.linspace(-1, 1, 24).double().reshape(2, 2, 3, 2).sin(), torch.ones(2, 2, 3, 2).double()

    def both(t: Any) -> dict[str, Prediction]:
        level = RectifiedFlow()(float64(t))
        return {"cond": Prediction(x, level, x0), "uncond": Prediction(x, level, x.cos())}

    pictures = TCFG(3.0).combine(both([0.2, 0.8])).x0
    for row, t in enumerate((0.2, 0.8)):
        torch.testing.assert_close(pictures[row], TCFG(3.0).combine(both(t)).x0[row])
    with pytest.raises(InvalidOption, match="not one for each frame"):
        TCFG(3.0).combine(both([[0.2, 0.4, 0.6], [0.3, 0.5, 0.7]]))


@schedules
def test_composed_prompts_add_their_scores(schedule: Schedule) -> None:
    b = branches(schedule)
    weights = {"cond": 3.0, "second": 2.0, "negative": -1.0}
    eps = b["uncond"].eps + sum(w * (b[name].eps - b["uncond"].eps) for name, w in weights.items())
    torch.testing.assert_close(Composable(weights).combine(b).x0, from_eps(eps, b["cond"]))
    assert torch.equal(Composable({"cond": 3.0}).combine(b).x0, CFG(3.0).combine(b).x0)
    assert Composable({"second": 0.0, "cond": 1.0, "negative": -1.0}).branches == ("cond", "negative", "uncond")


@schedules
def test_perp_neg_repels_only_across_the_positive_prompt(schedule: Schedule) -> None:
    b = branches(schedule)
    p, n = (b[name].eps - b["uncond"].eps for name in ("cond", "negative"))
    across = n - inner(n, p) / inner(p, p) * p
    expected = from_eps(b["uncond"].eps + 3.0 * (p - 1.5 * across), b["cond"])
    result = PerpNeg(3.0, {"negative": 1.5}).combine(b)
    torch.testing.assert_close(result.x0, expected)
    moved = result.x0 - CFG(3.0).combine(b).x0
    torch.testing.assert_close(inner(moved, p), torch.zeros(4, 1).double(), rtol=0, atol=1e-10)
    same = {**b, "negative": b["cond"]}
    torch.testing.assert_close(PerpNeg(3.0, {"negative": 1.5}).combine(same).x0, CFG(3.0).combine(b).x0)


def test_icg_takes_the_independent_prompt_for_the_empty_one() -> None:
    b = branches(VPCosine())
    eps = b["independent"].eps + 3.0 * (b["cond"].eps - b["independent"].eps)
    torch.testing.assert_close(ICG(3.0).combine(b).x0, from_eps(eps, b["cond"]))


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ([("cfg", {}), ("apg", {})], "cfg and apg are alternatives"),
        ([("apg", {"guidance": 2.0}), ("rescale", {}), ("rescale", {})], "rescale is asked for 2 times"),
        ([("pga", {})], "did you mean pag or apg"),
        ([("apg", {"beta": 1})], "apg has no option 'beta'"),
        ([("cfg++", {"guidance": 7.5})], "guidance of the guidance cfg\\+\\+ must be a number from 0 to 1, not 7.5"),
        ([("apg", {"momentum": -2})], "momentum of the guidance apg"),
        ([("apg", {"threshold": -1})], "threshold of the guidance apg"),
        ([("cfg-zero", {"zero_above": 2})], "zero_above"),
        ([("tcfg", {"guidance": float("nan")})], "guidance of the guidance tcfg must be a number of at least 0"),
        ([("icg", {"guidance": True})], "guidance icg"),
        ([("composable", {"weights": {"second": 1.0}})], "must name the prompts to combine, cond among them"),
        ([("composable", {"weights": {"cond": float("inf")}})], "weights\\['cond'\\]"),
        ([("perp-neg", {"weights": {"cond": 1.0}})], "must name negative prompts"),
        ([("perp-neg", {"weights": {"negative": -1.0}})], "weights\\['negative'\\]"),
    ],
)
def test_what_is_not_allowed_is_refused_in_one_sentence(chosen: Any, message: str) -> None:
    with pytest.raises(InvalidOption, match=message) as error:
        guidance_stack(chosen)
    assert "\n" not in str(error.value)


def test_a_stack_by_name_is_the_stack_by_hand() -> None:
    rule, modifiers = guidance_stack([("rescale", {"amount": 0.7}), ("tcfg", {"guidance": 3.0}), ("interval", {})])
    assert rule == TCFG(3.0)
    assert [type(modifier).__name__ for modifier in modifiers] == ["Rescale", "Interval"]
    assert guidance_stack([])[0] == CFG(1.0)


def test_a_missing_conditioning_is_named() -> None:
    with pytest.raises(InvalidOption, match="needs the conditioning 'independent'"):
        guided(Mixed(VPCosine()), ICG(2.0))(X, float64(T), {"cond": SHARES["cond"]})


def test_the_registry_describes_itself_in_plain_data() -> None:
    import json

    rows = json.loads(json.dumps(describe()))
    assert len(rows) == len(GUIDANCES) >= 14
    for row in rows:
        record = GUIDANCES[row["name"]]
        assert row["kind"] == record.kind
        assert set(row["options"]) == {field.name for field in fields(record.build)}  # type: ignore[arg-type]
        assert "arXiv" in row["source"]
    assert {row["name"]: row["options"] for row in rows}["composable"] == {"weights": {"cond": 1.0}}
