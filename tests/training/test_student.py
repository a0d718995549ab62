"""A student's run: it begins as its teacher, is taught the guided teacher, and goes on bit for bit."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from mezzotint import Pipeline
from mezzotint.checkpoints.model_folder import read_model_folder
from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.diffusion import SOLVERS, PhiloxNoise, Prediction, RectifiedFlow, Schedule, from_times, sample
from mezzotint.errors import InvalidOption, TrainingError
from mezzotint.families.pixel_dit import PixelDiT
from mezzotint.interfaces.warm import _fill
from mezzotint.training import state
from mezzotint.training.config import RunConfig, override
from mezzotint.training.distilling import StudentCheck, Taught, lesson_of, method_of, nothing_asked, teacher_of
from mezzotint.training.methods.consistency import ConsistencyConfig
from mezzotint.training.methods.distil import Lesson
from mezzotint.training.methods.distribution_matching import MatchingConfig
from mezzotint.training.methods.progressive import ProgressiveConfig
from mezzotint.training.methods.trajectory import TrajectoryConfig
from mezzotint.training.objective import ObjectiveConfig
from mezzotint.training.student import StudentConfig, StudentRun, drawn_with, evaluations
from mezzotint.training.trainer import Trainer

MakeTrainer = Callable[..., Trainer]
CPU = torch.device("cpu")
METHODS = {
    "consistency": StudentConfig(consistency=ConsistencyConfig(average=0.9, double_every=2)),
    "progressive": StudentConfig(method="progressive", progressive=ProgressiveConfig(first=4, last=2, updates=3)),
    "distribution-matching": StudentConfig(
        method="distribution-matching", distribution_matching=MatchingConfig(times=(1.0, 0.5), critic_updates=2)
    ),
    "trajectory": StudentConfig(method="trajectory", trajectory=TrajectoryConfig(steps=4, counts=(1, 2))),
}


def listening(network: torch.nn.Module) -> PixelDiT:
    """The same student, but it hears how far it jumps and how much guidance it has."""
    assert isinstance(network, PixelDiT)
    generator = torch.Generator().manual_seed(8)
    with torch.no_grad():
        for layers in (network.jump_in, network.guidance_in):
            layers[2].weight.normal_(0.0, 0.2, generator=generator)
    return network


def test_it_begins_as_its_teacher_bit_for_bit_whatever_it_is_told(begin: MakeTrainer, tmp_path: Path) -> None:
    trainer = begin(tmp_path)
    assert isinstance(trainer.method, Taught)
    lesson, batch = trainer.method.method.lesson, trainer.batches.at(0)  # type: ignore[attr-defined]
    t, to, scale = torch.tensor([1.0, 0.7, 0.5, 0.1]), torch.tensor([0.0, 0.5, 0.5, 0.0]), torch.arange(1.0, 5.0)
    x_t = RectifiedFlow()(t).noised(batch.pictures, lesson.noise(batch.draws, batch.pictures)[0])
    taught = lesson.x0(x_t, t, batch.cond, torch.ones(4))
    leaf, cond, ones = lesson.leaf(trainer.network), batch.cond, torch.ones(4)
    with torch.no_grad():
        assert torch.equal(leaf(x_t, t, {"cond": lesson.told(cond, scale)}, to=to).x0, taught)
        listening(trainer.network)
        plain = leaf(x_t, t, {"cond": lesson.told(cond, ones)}, to=t).x0
        further = leaf(x_t, t, {"cond": lesson.told(cond, ones)}, to=to).x0
        guided = leaf(x_t, t, {"cond": lesson.told(cond, scale)}, to=t).x0
        for parameter in trainer.network.parameters():
            parameter.mul_(1.1)
    assert torch.equal(lesson.x0(x_t, t, batch.cond, ones), taught), "the teacher has weights of its own"
    for heard, changed in ((further, to != t), (guided, scale != 1)):
        assert ((heard - plain).abs().amax((1, 2, 3, 4)) > 1e-3).tolist() == changed.tolist()


def test_a_style_that_its_teacher_never_saw_is_read_as_none(
    student_run: StudentRun, small_run: RunConfig, teacher: Path
) -> None:
    files = read_model_folder(teacher)
    known = files.network["style"]
    for run, strange in ((student_run, known[0]), (small_run, torch.zeros(32))):
        network = PixelDiT(replace(run.network, styles=2))
        _fill(network, files, ("noto", "strange"), "m", run)
        assert torch.equal(network.style, torch.stack([known[0], known[2], strange]))


def test_a_network_that_hears_how_pictures_were_changed_learns_of_unchanged_ones(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path
) -> None:
    """As every student of the house model does: it is told that nothing was changed, which moves nothing."""
    trainer = make_trainer(tmp_path, replace(small_run, network=replace(small_run.network, augments=4)))
    network = trainer.network
    assert isinstance(network, PixelDiT)
    with torch.no_grad():
        network.augments.normal_(generator=torch.Generator().manual_seed(1))
    before = network.augments.clone()
    list(trainer.steps(2))
    assert torch.equal(network.augments, before)


def test_its_teacher_is_the_model_with_guidance_as_the_pipeline_draws_it(
    begin: MakeTrainer, tmp_path: Path, teacher: Path
) -> None:
    trainer = begin(tmp_path)
    assert isinstance(trainer.method, Taught)
    lesson = trainer.method.method.lesson  # type: ignore[attr-defined]
    model = Pipeline.load(str(teacher), device="cpu", dtype="float32").model
    prompts = ["red apple", "a green square"]
    numbers = torch.tensor([trainer.supplies.features.index[prompt] for prompt in prompts])
    cond = Conditioning(*trainer.supplies.features.batch(numbers, 32), torch.zeros(2, dtype=torch.int64))
    x_t = torch.randn(2, 4, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    t = torch.full((2,), 0.6, dtype=torch.float64)
    with torch.inference_mode():
        asked, not_asked = (model.prepare(texts, [None, None]) for texts in (prompts, ["", ""]))
        good, empty = (model.denoiser(x_t, t, {"cond": one}).x0 for one in (asked, not_asked))
    found = lesson.x0(x_t, t, cond, torch.tensor([1.5, 4.0]))
    for row, scale in enumerate((1.5, 4.0)):
        expected = empty[row] + scale * (good[row] - empty[row])
        torch.testing.assert_close(found[row], expected, rtol=0, atol=5e-3)  # captions are stored in 16 bits
        assert float((good[row] - empty[row]).abs().max()) > 0.1


def test_nothing_asked_is_the_empty_caption_without_style_and_letters(begin: MakeTrainer, tmp_path: Path) -> None:
    trainer = begin(tmp_path)
    features = trainer.supplies.features
    cond = Conditioning(torch.ones(3, 32, 384), torch.ones(3, 32, dtype=torch.bool), torch.tensor([2, 0, 1]))
    labels = torch.ones(3, 4)
    full = replace(cond, letters=torch.ones(3, 5, dtype=torch.int64), augment=labels, distilled_guidance=torch.ones(3))
    uncond = nothing_asked(features, 32)(full)
    empty = trainer.supplies.text([""], [None])
    assert uncond.mask.sum(1).tolist() == [int(empty.mask.sum())] * 3
    torch.testing.assert_close(uncond.tokens[1, : empty.tokens.shape[1]], empty.tokens[0], rtol=0, atol=2e-3)
    assert uncond.style.tolist() == [0, 0, 0]
    assert uncond.letters is not None
    assert not uncond.letters.any()
    assert uncond.augment is labels, "how a picture was changed is told to both"
    assert uncond.distilled_guidance is None


@pytest.mark.parametrize("method", sorted(METHODS))
def test_an_interrupted_run_ends_with_the_same_bits(
    begin: MakeTrainer, make_trainer: MakeTrainer, student_run: StudentRun, tmp_path: Path, method: str
) -> None:
    """Resumed without the teacher's folder, in the middle of a stage and of an average."""
    run = replace(student_run, student=METHODS[method])

    def finish(trainer: Trainer, stop: int | None) -> state.Snapshot:
        list(trainer.steps(stop))
        path = state.newest(trainer.folder / "checkpoints")
        assert path is not None
        return state.load(path)

    whole = finish(begin(tmp_path / "whole", run), None)
    finish(begin(tmp_path / "parts", run), 4)
    again = make_trainer(tmp_path / "parts", run)
    path = state.newest(tmp_path / "parts" / "checkpoints")
    assert path is not None
    again.resume(path)
    parts = finish(again, None)
    assert sorted(whole.tensors) == ["ema-0.050", "ema-0.100", "method", "network", "optimizer"]
    for name, tensors in whole.tensors.items():
        for key, value in tensors.items():
            assert torch.equal(value, parts.tensors[name][key]), (name, key)
    assert parts.facts["warm_start"] == whole.facts["warm_start"] is not None
    beside = {"consistency": "target.", "progressive": "before.", "distribution-matching": "critic."}.get(method)
    assert beside or not [key for key in whole.tensors["method"] if not key.startswith("teacher.")]
    moved = beside is None or [
        key for key, value in whole.tensors["method"].items() if key.startswith(beside) and _moved(value, key, whole)
    ]
    assert moved, "what is trained beside the student has moved"
    assert not [k for k, v in whole.tensors["method"].items() if k.startswith("teacher.") and not _same(v, k, parts)]


def _moved(value: torch.Tensor, key: str, snapshot: state.Snapshot) -> bool:
    return not torch.equal(value, snapshot.tensors["method"].get(f"teacher.{key.partition('.')[2]}", value))


def _same(value: torch.Tensor, key: str, snapshot: state.Snapshot) -> bool:
    return torch.equal(value, snapshot.tensors["method"][key])


@dataclass(frozen=True)
class ByHand:
    """The teacher under guidance, combined by its lesson."""

    lesson: Lesson[Conditioning]
    cond: Conditioning
    guidance: float

    @property
    def schedule(self) -> Schedule:
        return self.lesson.schedule

    def __call__(self, x_t: torch.Tensor, t: torch.Tensor, *, to: torch.Tensor | None = None) -> Prediction:
        scale = torch.full((len(x_t),), self.guidance)
        return Prediction(x_t, self.schedule(t), self.lesson.x0(x_t, t, self.cond, scale))


@pytest.mark.parametrize(
    ("method", "shown", "solver"),
    [("consistency", 1.0, "ddim"), ("consistency", 2.0, "ddim"), ("distribution-matching", 2.0, "lcm")],
)
def test_it_is_measured_by_what_its_teacher_draws_in_24_steps(
    begin: MakeTrainer, student_run: StudentRun, tmp_path: Path, method: Any, shown: float, solver: str
) -> None:
    """At first it is the unguided teacher: its jumps are steps of DDIM, with which its distance is known; what matches
    distributions goes to x_0 and adds fresh noise."""
    student = StudentConfig(method=method, guidance=(1.0, 2.0), shown=shown)
    trainer = begin(tmp_path, replace(student_run, student=student))
    check = trainer.validation
    assert isinstance(check, StudentCheck)
    found = check(trainer.network)
    squares = dict.fromkeys(("1", "2", "4", "teacher at 4"), 0.0)
    for start, cond in check._parts():

        def drawn(solver: str, steps: int, by: ByHand, start: torch.Tensor = start) -> torch.Tensor:
            grid = from_times([1 - i / steps for i in range(steps + 1)])
            *_, last = sample(by, start, grid, SOLVERS[solver].make({}), PhiloxNoise(range(len(start))))
            return last.x

        plain, guided = (ByHand(check.lesson, cond, scale) for scale in (1.0, shown))
        truth = drawn("dpmpp-2m", 24, guided)
        for name in ("1", "2", "4"):
            squares[name] += float((drawn(solver, int(name), plain) - truth).square().mean())
        squares["teacher at 4"] += float((drawn("dpmpp-2m", 4, guided) - truth).square().mean())
    for name, square in squares.items():
        assert found[name] == pytest.approx(square**0.5, rel=1e-3), name
    assert found["mean"] == pytest.approx((found["1"] + found["2"] + found["4"]) / 3)
    assert found["1"] > found["2"] > found["4"] > 0.01


@pytest.mark.parametrize("method", ["consistency", "trajectory"])
def test_it_learns_the_guided_flow_of_a_trained_teacher(
    begin: MakeTrainer,
    make_trainer: MakeTrainer,
    small_run: RunConfig,
    student_run: StudentRun,
    tmp_path: Path,
    method: Any,
) -> None:
    """Of random weights there is nothing to learn: what they draw of noise is like nothing in the data."""
    objective = ObjectiveConfig(time_mean=0.8, time_std=1.2)
    often = {"checkpoint_every": 1000, "validate_every": 1000}
    teacher = make_trainer(tmp_path / "t", replace(small_run, objective=objective, steps=100, batch=16, **often))
    list(teacher.steps())
    rate = replace(student_run.optim, muon_lr=1e-3, adam_lr=2.5e-4)
    short, paths = ConsistencyConfig(first_steps=4), TrajectoryConfig()
    taught = StudentConfig(method=method, guidance=(1.0, 3.0), shown=2.0, consistency=short, trajectory=paths)
    run = replace(student_run, student=taught, optim=rate, ema=(0.05,), steps=50, batch=16, **often)
    fresh = make_trainer(tmp_path / "s", run)
    own = dict(fresh.network.named_parameters())
    with teacher.averaged(0.05) as network, torch.no_grad():
        for name, value in network.named_parameters():
            own[name].copy_(value)
    trainer = Trainer(run, fresh.supplies, tmp_path / "s", network=fresh.network)
    first = trainer.validation(trainer.network)
    last = [step.validation for step in trainer.steps()][-1]
    assert last is not None
    assert last["1"] < 0.85 * first["1"]
    assert last["2"] < {"consistency": 0.8, "trajectory": 0.85}[method] * first["2"]  # 16 jumps are two prompts


def test_a_loss_that_is_not_finite_names_pictures_only_where_they_were_looked_at(
    begin: MakeTrainer, student_run: StudentRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for method, named in (("consistency", True), ("trajectory", False)):
        trainer = begin(tmp_path / method, replace(student_run, student=METHODS[method]))
        assert isinstance(trainer.method, Taught)
        reached = sum(p.sum() for p in trainer.network.parameters())  # as any loss reaches every weight
        broken = torch.tensor([0.0, float("nan"), 0.0, 0.0]) + 0 * reached
        monkeypatch.setattr(trainer.method.method, "losses", lambda batch, broken=broken: broken)
        with pytest.raises(TrainingError, match="update 1 is not finite") as caught:
            list(trainer.steps(1))
        assert ("for the pictures" in str(caught.value)) is named, method


def test_what_it_is_for_and_how_it_draws(student_run: StudentRun) -> None:
    def facts(method: str, step: int) -> tuple[list[int], Any, Any]:
        run = replace(student_run, student=METHODS[method]).as_dict()
        usual = drawn_with(run, step)
        assert (usual["guidance"], usual["distilled_guidance"]) == (1.0, 4.0)
        assert usual["steps"] == evaluations(run, step)[-1]
        return evaluations(run, step), usual["solver"], usual["grid"]

    jumps = "tcd:gamma=0,tell=true"
    assert facts("consistency", 9) == ([1, 2, 4], jumps, "uniform")
    assert facts("progressive", 2) == ([4], jumps, "uniform")
    assert facts("progressive", 3) == ([4], jumps, "uniform"), "three updates of 4 steps, and none of 2 yet"
    assert facts("progressive", 4) == ([2], jumps, "uniform")
    assert facts("progressive", 0) == ([4], jumps, "uniform")
    assert facts("distribution-matching", 9) == ([2], "lcm:tell=true", "uniform")
    assert facts("trajectory", 9) == ([1, 2], jumps, "uniform")
    odd = StudentConfig(method="distribution-matching", distribution_matching=MatchingConfig(times=(1.0, 0.9, 0.4)))
    assert drawn_with(replace(student_run, student=odd).as_dict(), 1)["grid"] == [1.0, 0.9, 0.4, 0.0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["student.guidance=[4.0,2.0]"], "must be two finite numbers above 0, the lower one first"),
        (["student.guidance=[2.0]"], "must be two finite numbers"),
        (["student.guidance=[1.0,3.0]"], r"student\.shown is 4; it must be a guidance that is learned, from 1 to 3"),
        (["student.method=adversarial"], r"student\.method=adversarial does not fit"),
        (["student.progressive.first=16"], r"student\.progressive\.first is given, but student\.method is consistency"),
        (["student.method=progressive", "student.consistency.steps=9"], r"student\.method is progressive; leave one"),
        (["objective.weighting=eps"], r"objective\.weighting is given, but a student by consistency has no use for it"),
        (["student.method=progressive"], "4 stages of 2000 updates do not fit"),
        (["student.method=trajectory"], "batch is 4, but 8 jumps are learned of each trajectory; give a multiple of 8"),
        (["student.trajectory.counts=[1,5]"], r"every count must divide the teacher's"),
        (
            ["batch=8", "student.method=trajectory", "objective.density=mode"],
            "a student by trajectory has no use for it",
        ),
        (["student.trajectory.others=2"], r"student\.trajectory\.others is given, but student\.method is consistency"),
        (["student.consistency.average=1.0"], "below 1, which never moves"),
        (["network.flow_map=false"], "both must be true of a student"),
    ],
)
def test_what_is_not_legal_is_refused_in_one_sentence(
    student_run: StudentRun, settings: list[str], message: str
) -> None:
    with pytest.raises(InvalidOption, match=message) as caught:
        override(student_run, settings)
    assert str(caught.value).count(". ") == 0


@pytest.mark.slow
@pytest.mark.parametrize("method", sorted(METHODS))
def test_compiled_the_gradients_are_the_same(
    begin: MakeTrainer, student_run: StudentRun, tmp_path: Path, method: str
) -> None:
    """Of the student and of what is trained beside it, with noise from the compiled generator."""
    run = replace(student_run, student=METHODS[method])
    trainer = begin(tmp_path, run)
    network, batch = listening(trainer.network), trainer.batches.at(4)
    found = []
    for compiled in (False, True):
        lesson = lesson_of(run, teacher_of(network), trainer.supplies.features, CPU, compiled=compiled)
        made = method_of(run, network, lesson)
        network.zero_grad(set_to_none=True)
        losses = made.losses(batch)
        torch.autograd.backward(losses.mean())
        networks = [network, getattr(made, "critic", network)]
        grads = {
            f"{i}.{n}": p.grad.clone()
            for i, one in enumerate(networks)
            for n, p in one.named_parameters()
            if p.grad is not None
        }
        found.append({"losses": losses.detach(), **grads})
    eager, fast = found
    assert eager.keys() == fast.keys()
    assert len(eager) > 40
    for name, value in eager.items():
        torch.testing.assert_close(fast[name], value, rtol=1e-3, atol=1e-4 * float(value.abs().max()) + 1e-7, msg=name)
