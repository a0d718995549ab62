"""The solver benchmark spends what it says, calls peers rightly, and fits, chooses and reports on different noise."""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks import model_solvers, overhead
from benchmarks.flow_peers import diffusers_runs, k_diffusion_runs
from benchmarks.model_solvers import (
    TEST,
    TUNE,
    Keeping,
    Task,
    field,
    model_figures,
    pictures_of,
    reference,
    tuned,
)
from benchmarks.solver_runs import Run, deterministic, end, our_runs, rms, steps_for, usable
from mezzotint import Pipeline
from mezzotint.diffusion import (
    Bound,
    BoundDenoiser,
    GaussianMixture,
    PhiloxNoise,
    Prediction,
    RectifiedFlow,
    Schedule,
    pure_noise,
)
from mezzotint.diffusion.solvers.fitted import Fitted2M
from mezzotint.diffusion.timegrid import from_times, times_of, uniform
from mezzotint.families.pixel_dit import PixelDiT
from tests.support import model_folder

FLOW = RectifiedFlow()


class Counting:
    """An exact mixture on rectified flow that counts what it is asked."""

    def __init__(self) -> None:
        means = torch.tensor([[0.6, -0.4, 0.1], [-0.5, 0.3, 0.2]], dtype=torch.float64)
        exact = GaussianMixture(FLOW, means, torch.tensor([0.2, 0.3]).double(), torch.tensor([0.5, 0.5]).double())
        self.inner: BoundDenoiser = Bound(exact, {})
        self.asked = 0

    @property
    def schedule(self) -> Schedule:
        return FLOW

    def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
        self.asked += 1
        return self.inner(x_t, t, to=to)


def task(count: int = 64) -> Task:
    denoise = Counting()
    x = pure_noise(FLOW, (count, 3), PhiloxNoise(range(count))).double()
    return Task(denoise, x, end(denoise, x, uniform(400, FLOW), "unipc-3"))


def program(name: str, budget: int) -> Mapping[str, Run]:
    if name == "ours":
        return our_runs(FLOW, budget, model_solvers.OURS)
    if name == "diffusers":
        pytest.importorskip("diffusers")
        return diffusers_runs(budget)
    return k_diffusion_runs(budget) or pytest.skip("k-diffusion is not installed")


@pytest.mark.parametrize("name", ["ours", "diffusers", "k-diffusion"])
@pytest.mark.parametrize("budget", [4, 7])
def test_every_candidate_keeps_to_the_budget(name: str, budget: int) -> None:
    one = task()
    assert isinstance(one.denoise, Counting)
    for label, run in program(name, budget).items():
        before = one.denoise.asked
        assert torch.isfinite(run(one.denoise, one.x)).all(), label
        assert budget - 2 <= one.denoise.asked - before <= budget, label


@pytest.mark.parametrize("name", ["ours", "diffusers", "k-diffusion"])
def test_every_program_comes_near_the_truth_with_many_evaluations(name: str) -> None:
    one = task()
    errors = {budget: [one.error(run) for run in list(program(name, budget).values())[::4]] for budget in (6, 40)}
    assert min(errors[40]) < 0.002
    assert min(errors[40]) < 0.2 * min(errors[6])
    better = sum(b < a for a, b in zip(errors[6], errors[40], strict=True))
    assert better > 0.9 * len(errors[6])


def test_steps_are_what_evaluations_pay_for() -> None:
    assert [steps_for(name, 9, pure_noise=False) for name in ("ddim", "heun", "seeds-3", "pndm")] == [9, 5, 3, 3]
    for name in ("ddim", "heun", "pndm", "dpm-2", "seeds-2"):
        for budget in (7, 8, 9, 16):
            denoise = Counting()
            end(denoise, torch.ones(1, 3).double(), uniform(steps_for(name, budget), FLOW), name)
            assert denoise.asked <= budget
            more = Counting()
            end(more, torch.ones(1, 3).double(), uniform(steps_for(name, budget) + 1, FLOW), name)
            assert more.asked > budget


def test_candidates_are_tried_and_chosen_by_their_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = task(), task(9)
    asked: list[tuple[int, str, int]] = []

    def candidates(budget: int) -> dict[str, Run]:
        def off(name: str, by: float, on_many: float | None = None) -> Run:
            def run(denoise: BoundDenoiser, x: Tensor) -> Tensor:
                asked.append((budget, name, len(x)))
                if len(x) == len(few.x):
                    return few.truth + by
                return many.truth + (by if on_many is None else on_many)

            return run

        found = {
            "far": off("far", 9.0),
            "nan": off("nan", float("nan")),
            "lucky": off("lucky", 0.19, 0.4),  # best on few pictures alone
            "steady": off("steady", 0.2),
            "late": off("late", 1.75 / budget),
            "patient": off("patient", 0.3 if budget < 20 else 0.01),  # poor with few evaluations, best with many
        }
        return found if budget < 20 else {**found, "new": off("new", 0.1)}  # which cannot do with fewer evaluations

    monkeypatch.setattr(model_solvers, "ROUNDS", ((len(few.x), 99), (len(many.x), 3)))
    found = tuned(candidates, (few, many), (6, 8, 10, 20))
    assert {budget: list(errors) for budget, errors in found.items()} == {
        6: ["steady", "late", "lucky"],
        8: ["steady", "late", "lucky"],
        10: ["late", "steady", "lucky"],
        20: ["patient", "late", "new"],
    }
    assert found[8]["late"] == pytest.approx(0.21875)
    tried = {name: [b for b, n, pictures in asked if n == name and pictures == len(few.x)] for name in ("far", "nan")}
    assert tried == {"far": [6, 8], "nan": [6, 8]}
    assert usable(float("nan")) == float("inf")
    assert rms(few.truth, few.truth + 2) == pytest.approx(2)
    one_far = torch.full_like(many.truth, 0.5)
    one_far[0] = 30.0
    wanted = {"error": ((900 + 0.25 * (len(one_far) - 1)) / len(one_far)) ** 0.5, "median_error": 0.5}
    assert many.errors(lambda _, x: many.truth + one_far) == pytest.approx(wanted)


def test_the_reference_follows_the_field_down_to_its_last_time() -> None:
    times = times_of(reference(100, 1.0))
    assert len(times) == 101
    assert times[-2:] == [0.05, 0.0]
    assert {round(a - b, 9) for a, b in pairwise(times[:-1])} == {round(0.95 / 99, 9)}
    before = [t / (4 - 3 * t) for t in times_of(reference(100, 4.0))]  # the shift undone
    assert len(before) == 101
    assert before[-2:] == pytest.approx([0.05 / (4 - 3 * 0.05), 0.0])
    assert {round(a - b, 9) for a, b in pairwise(before[:-1])} == {round((1 - before[-2]) / 99, 9)}


class Here(Executor):
    """Does what is asked for at once, in this process."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def test_a_row_holds_every_program_and_pictures_do_not_overlap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("diffusers")
    for name, value in (
        ("REFERENCE", (12, 1.0)),
        ("CHOICE", (12, 4.0)),
        ("FINE", 10),
        ("FITTED", {4: 2}),
        ("ROUNDS", ((1, 9), (3, 2))),
        ("TOGETHER", 2),
    ):
        monkeypatch.setattr(model_solvers, name, value)
    monkeypatch.setattr(model_solvers, "OURS", ("unipc-2", "dpmpp-2m", "ipndm-2"))
    monkeypatch.setattr(model_solvers, "OUR_GRIDS", ("uniform", "shifted"))
    few = {name: run for name, run in diffusers_runs(4).items() if name in ("FlowMatchEuler", "DPM++ 2M shift 3")}
    monkeypatch.setattr(model_solvers, "diffusers_runs", lambda budget: few)
    monkeypatch.setattr(model_solvers, "k_diffusion_runs", lambda budget: {})
    monkeypatch.setattr(model_solvers, "ProcessPoolExecutor", lambda *_: Here())
    monkeypatch.setattr(
        model_solvers, "loaded", lambda name, device: Pipeline.load(name, device=device, dtype="float32")
    )  # not compiled
    name = str(model_folder(tmp_path / "random"))
    pipe = Pipeline.load(name)
    (tune, _), (test, _) = (
        pictures_of(Keeping(Here(), None, ""), name, "cpu", first, 3, (12, 4.0)) for first in (TUNE, TEST)
    )
    both = torch.cat([tune[0], test[0]]).flatten(1)
    assert torch.cdist(both, both).add(1e9 * torch.eye(6)).min() > 1
    whole = end(field(pipe, 3), tune[0], reference(12, 4.0), "dpmpp-2m")  # each picture has its prompt in any part
    torch.testing.assert_close(tune[1], whole, rtol=0, atol=1e-5)
    figures = model_figures(name, 3, (4,), (4,), keep=tmp_path / "kept")
    found = sorted((tmp_path / "kept").iterdir())
    assert Counter(path.name.partition("-")[0] for path in found) == {"truth": 4, "column": 2, "fitted": 1}
    before = [path.stat().st_mtime_ns for path in found]
    assert model_figures(name, 3, (4,), (4,), keep=tmp_path / "kept") == figures  # nothing is made twice
    assert [path.stat().st_mtime_ns for path in found] == before
    monkeypatch.setattr(model_solvers, "FINE", 11)
    model_figures(name, 3, (4,), (4,), keep=tmp_path / "kept")
    again = Counter(path.name.partition("-")[0] for path in (tmp_path / "kept").iterdir())
    assert again == {"truth": 4, "column": 2, "fitted": 2}  # only fits depend on it
    row = figures["budgets"]["4 evaluations"]
    assert row.keys() == {
        "mezzotint", "diffusers", "ours_over_best_peer", "mezzotint, fitted grid", "fitted_over_best_peer",
        "best_of_ours_over_best_peer",
    }  # fmt: skip
    assert figures["pictures"] == {"reported": 3, "chosen on": 3, "fitted on": {"4": 2}}
    assert row["ours_over_best_peer"] == row["mezzotint"]["error"] / row["diffusers"]["error"]
    fit = row["mezzotint, fitted grid"]
    solver = Fitted2M(fit["strengths"], fit["kept"], fit["gains"], fit["steering"])
    task = Task(field(pipe, 3), test[0], end(field(pipe, 3), test[0], reference(12, 1.0), "dpmpp-2m"))
    again = task.error(lambda d, x: end(d, x, from_times(fit["times"]), solver))
    assert fit["error"] == pytest.approx(again, rel=1e-4)
    tuned = Task(field(pipe, 3), *tune).error(lambda d, x: end(d, x, from_times(fit["times"]), solver))
    assert fit["tuned_on_error"] == pytest.approx(tuned, rel=1e-4)
    best = fit if fit["tuned_on_error"] < row["mezzotint"]["tuned_on_error"] else row["mezzotint"]
    assert row["best_of_ours_over_best_peer"] == best["error"] / row["diffusers"]["error"]
    assert len(fit["times"]) == 5


class Clock:
    """Time that passes only where a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def slowed(self, function: Callable[..., Any], seconds: float) -> Callable[..., Any]:
        def slow(*arguments: Any, **options: Any) -> Any:
            self.now += seconds
            return function(*arguments, **options)

        return slow


def test_overhead_divides_steps_by_one_evaluation_and_times_noise_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(overhead, "perf_counter", clock)
    for kind, name, seconds in (
        (overhead.Ready, "__call__", 1.0),
        (PixelDiT, "forward", 0.25),
        (PhiloxNoise, "normal", 3.0),
        (PhiloxNoise, "brownian", 5.0),
    ):
        monkeypatch.setattr(kind, name, clock.slowed(getattr(kind, name), seconds))
    pipe = Pipeline.load(str(model_folder(tmp_path / "random")))
    with torch.inference_mode():
        found = overhead.beside_model(pipe, 2)
    assert found["evaluation_us"] == pytest.approx(250_000)  # one forward, so that there is no guidance in it
    assert found["solvers"].keys() == set(deterministic())
    for name, calls in {
        "ddim": 1,
        "unipc-3": 1,
        "heun": 2,
        "dpm-2": 37 / 19,
    }.items():  # 19 steps; the first of dpm-2 is DDIM's
        assert found["solvers"][name] == pytest.approx({"us": 1e6 * calls, "share": 4 * calls})
    noise = overhead.noise_drawing(FLOW, (1, 4, 1, 8, 8), 2)
    assert noise["normal_us"] == pytest.approx(3e6)
    assert noise["brownian_us"] == pytest.approx(5e6)
