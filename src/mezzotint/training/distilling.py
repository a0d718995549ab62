"""Teaching a student: its teacher, what both are told, and how far apart they draw."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.diffusion import Bound, NetworkDenoiser, PhiloxNoise, Purpose, from_times, normal_at, sample
from mezzotint.diffusion.denoiser import BoundDenoiser, Denoiser
from mezzotint.diffusion.guidance import guided
from mezzotint.diffusion.guidance.cfg import CFG
from mezzotint.diffusion.probe import Probe
from mezzotint.diffusion.solvers import SOLVERS, Solver
from mezzotint.diffusion.solvers.consistency import TCD
from mezzotint.families.pixel_dit import PixelDiT
from mezzotint.training.features import CaptionFeatures
from mezzotint.training.methods import Consistency, DistributionMatching, Method, Progressive, Trajectory
from mezzotint.training.methods.distil import Lesson, frozen_copy
from mezzotint.training.student import StudentRun
from mezzotint.training.validation import Validation

__all__ = ["EVALUATIONS", "StudentCheck", "Taught", "lesson_of", "method_of", "nothing_asked", "teacher_of"]

EVALUATIONS = (1, 2, 4)
"""With how many evaluations a student is compared with its teacher, which takes `TEACHER_STEPS`."""
TEACHER_STEPS = 24
_SEED = 20_240_306


def teacher_of(student: PixelDiT) -> PixelDiT:
    """The network that a student began as, which is told neither a jump nor guidance; it is not trained."""
    teacher = PixelDiT(replace(student.config, flow_map=False, distilled_guidance=False))
    theirs = dict(student.named_parameters())
    with torch.no_grad():
        for name, value in teacher.named_parameters():
            value.copy_(theirs[name])
    return teacher.to(next(student.parameters()).device).requires_grad_(False)


def _output(
    network: nn.Module,
    half: bool,
    x_t: Tensor,
    t: Tensor,
    to: Tensor | None,
    given: tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None],
) -> Tensor:
    tokens, mask, style, letters, augment, guidance = given
    cond = Conditioning(tokens, mask, style, letters, augment, distilled_guidance=guidance)
    with torch.autocast(x_t.device.type, torch.bfloat16) if half else contextlib.nullcontext():
        output: Tensor = network(x_t, t, cond, to=to)
    return output


@dataclass(frozen=True, slots=True)
class _Applied:
    """A network as a leaf calls it."""

    network: nn.Module
    half: bool
    output: Callable[..., Tensor]

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Conditioning, *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Tensor:
        assert probe is None, "nobody looks inside while a student learns"
        given = (cond.tokens, cond.mask, cond.style, cond.letters, cond.augment, cond.distilled_guidance)
        return self.output(self.network, self.half, x_t, t, to, given)


def _leaf(run: StudentRun, device: torch.device, compiled: bool) -> Callable[[nn.Module], Denoiser[Conditioning]]:
    """Makes denoisers of networks, which compute in the run's precision."""
    process, half = run.process, run.precision == "bf16"
    output = torch.compile(_output, dynamic=False) if compiled else _output
    return lambda network: NetworkDenoiser(
        _Applied(network, half, output), process.schedule, process.target, device, torch.float32
    )


def nothing_asked(features: CaptionFeatures, length: int) -> Callable[[Conditioning], Conditioning]:
    """From the conditioning of a batch to that of the empty caption without a drawing style, as drawing has it."""
    tokens, mask = features.batch(torch.tensor([features.index[""]]), length)

    def uncond(cond: Conditioning) -> Conditioning:
        rows = len(cond)
        return replace(
            cond,
            tokens=tokens.to(cond.tokens).repeat(rows, 1, 1),
            mask=mask.to(cond.mask).repeat(rows, 1),
            style=torch.zeros_like(cond.style),
            letters=None if cond.letters is None else torch.zeros_like(cond.letters),
            distilled_guidance=None,
        )

    return uncond


def told(cond: Conditioning, guidance: Tensor) -> Conditioning:
    """The same prompts with guidance (B,), for networks that take it as an input."""
    return replace(cond, distilled_guidance=guidance)


def lesson_of(
    run: StudentRun, teacher: PixelDiT, features: CaptionFeatures, device: torch.device, *, compiled: bool
) -> Lesson[Conditioning]:
    """What the student of a run is taught. compiled: networks and noise are, as far as the device can."""
    leaf = _leaf(run, device, compiled)
    low, high = run.student.guidance
    # Triton refuses the generator's constants, which are above 2^31
    fused = compiled and device.type == "cpu"
    return Lesson(
        teacher=leaf(teacher),
        leaf=leaf,
        uncond=nothing_asked(features, run.text_length),
        told=told,
        guidance=(low, high),
        seed=run.seed,
        normal=torch.compile(normal_at, dynamic=False) if fused else normal_at,
    )


def method_of(run: StudentRun, network: PixelDiT, lesson: Lesson[Conditioning]) -> Method[Any]:
    """The method by which a run's student learns; a critic begins as the student does."""
    student = run.student
    if student.method == "progressive":
        return Progressive(network, lesson, student.progressive)
    if student.method == "consistency":
        return Consistency(network, lesson, student.consistency)
    if student.method == "trajectory":
        return Trajectory(network, lesson, student.trajectory)
    critic = frozen_copy(network).requires_grad_(True)
    return DistributionMatching(network, critic, lesson, student.distribution_matching)


class Taught:
    """A method of distillation whose state has the teacher's weights too: a run goes on without the model that it
    began with."""

    def __init__(self, method: Method[Any], teacher: nn.Module) -> None:
        self.method, self.teacher = method, teacher
        self.of_pictures = not isinstance(method, Trajectory)  # whose losses are of jumps

    def losses(self, batch: Any) -> Tensor:
        """Loss of every picture, (B,), with gradients."""
        return self.method.losses(batch)

    def step(self, lr: float, count: int) -> None:
        """Update number `count` (from 1) of what is trained beside the student."""
        self.method.step(lr, count)

    def state(self) -> Mapping[str, Tensor]:
        """That of the method, and the teacher's weights under `teacher.`"""
        weights = {f"teacher.{name}": value.detach() for name, value in self.teacher.named_parameters()}
        return {**self.method.state(), **weights}

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state` gave."""
        self.method.load({name: value for name, value in state.items() if not name.startswith("teacher.")})
        for name, value in self.teacher.named_parameters():
            value.copy_(state[f"teacher.{name}"])


class StudentCheck:
    """How far a student's pictures are from its teacher's of the same noise, prompts and guidance: the root mean
    square difference of their values, of which the darkest and the brightest are 2 apart.

    The prompts are those of held-out pictures; the teacher takes 24 steps of DPM-Solver++(2M) with guidance, and once 4
    for comparison. A flow map adds no noise between its jumps; what matches distributions does, and which noise becomes
    which picture is free with it: its numbers need not fall.
    """

    def __init__(self, run: StudentRun, lesson: Lesson[Conditioning], held_out: Validation) -> None:
        self.run, self.lesson, self.held_out = run, lesson, held_out
        gamma = 1.0 if run.student.method == "distribution-matching" else 0.0
        self.jumps: Solver[Any] = TCD(gamma=gamma, tell=True)
        self._shown: list[tuple[Tensor, Conditioning, Tensor, Tensor]] = []

    @torch.no_grad()
    def __call__(self, network: nn.Module) -> dict[str, float]:
        """`{"1": distance, "2": …, "4": …, "teacher at 4": …, "mean": that of the first three}`; empty if nothing is
        held out."""
        if not len(self.held_out.rows):
            return {}
        self._shown = self._shown or [self._taught(*part) for part in self._parts()]
        leaf, found = self.lesson.leaf(network), {}
        for count in EVALUATIONS:
            apart = []
            for start, cond, truth, _ in self._shown:
                scale = torch.full((len(cond),), self.run.student.shown, device=start.device)
                student = Bound(leaf, {"cond": told(cond, scale)})
                apart.append((_drawn(student, start, count, self.jumps) - truth).square().flatten())
            found[str(count)] = _root(apart)
        found["mean"] = sum(found.values()) / len(found)
        found["teacher at 4"] = _root([(few - truth).square().flatten() for _, _, truth, few in self._shown])
        return found

    def _parts(self) -> list[tuple[Tensor, Conditioning]]:
        """Noise and prompts, a chunk at a time."""
        size, count, parts = self.run.network.size, 0, []
        shape = (self.run.network.channels, 1, size, size)
        device = torch.device(getattr(self.lesson.teacher, "device", "cpu"))
        for served in self.held_out.held_out():
            numbers = count + torch.arange(len(served.cond))
            noise = normal_at(_SEED, numbers, Purpose.EVALUATION, shape).to(device)
            start = self.lesson.schedule(torch.ones((), dtype=torch.float64)).like(noise).sigma * noise
            parts.append((start, served.cond.to(device)))
            count += len(served.cond)
        return parts

    def _taught(self, start: Tensor, cond: Conditioning) -> tuple[Tensor, Conditioning, Tensor, Tensor]:
        """Noise and prompts, with what the teacher draws of them in many steps and in 4."""
        both = {"cond": cond, "uncond": self.lesson.uncond(cond)}
        teacher = Bound(guided(self.lesson.teacher, CFG(self.run.student.shown), calls="apart"), both)
        solver = SOLVERS["dpmpp-2m"].make({})
        many, few = (_drawn(teacher, start, steps, solver) for steps in (TEACHER_STEPS, 4))
        return start, cond, many, few


def _drawn(denoise: BoundDenoiser, start: Tensor, steps: int, solver: Solver[Any]) -> Tensor:
    """x_0 after so many steps, uniform in t."""
    grid = from_times([1 - i / steps for i in range(steps + 1)])
    *_, last = sample(denoise, start, grid, solver, PhiloxNoise(range(len(start))))
    return last.x


def _root(squares: list[Tensor]) -> float:
    return float(torch.cat(squares).double().mean().sqrt())
