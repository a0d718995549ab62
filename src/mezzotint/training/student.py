"""A run of a student: a network that learns to draw in few evaluations what its teacher draws in many."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mezzotint.errors import InvalidOption
from mezzotint.training.config import RunConfig
from mezzotint.training.methods.consistency import ConsistencyConfig
from mezzotint.training.methods.distribution_matching import MatchingConfig
from mezzotint.training.methods.progressive import ProgressiveConfig
from mezzotint.training.methods.trajectory import TrajectoryConfig
from mezzotint.training.objective import ObjectiveConfig

__all__ = ["StudentConfig", "StudentRun", "drawn_with", "evaluations"]

METHODS = ("consistency", "progressive", "distribution-matching", "trajectory")


@dataclass(frozen=True, kw_only=True)
class StudentConfig:
    """What a student learns, and how.

    method      how it learns: consistency, progressive, distribution-matching or trajectory, with settings of its own
    guidance    the lowest and the highest guidance of its teacher that it learns; it is told which, as an input
    shown       the guidance that it is measured with in training, and that it draws with unless asked otherwise

    Raises `InvalidOption` for values out of range.
    """

    method: Literal["consistency", "progressive", "distribution-matching", "trajectory"] = "consistency"
    guidance: tuple[float, ...] = (1.0, 6.0)
    shown: float = 4.0
    consistency: ConsistencyConfig = field(default_factory=ConsistencyConfig)
    progressive: ProgressiveConfig = field(default_factory=ProgressiveConfig)
    distribution_matching: MatchingConfig = field(default_factory=MatchingConfig)
    trajectory: TrajectoryConfig = field(default_factory=TrajectoryConfig)

    def __post_init__(self) -> None:
        ends = self.guidance
        if len(ends) != 2 or not 0 < ends[0] <= ends[1] < math.inf:
            raise InvalidOption(
                f"student.guidance is {list(ends)}; it must be two finite numbers above 0, the lower one first."
            )
        if not ends[0] <= self.shown <= ends[1]:
            raise InvalidOption(
                f"student.shown is {self.shown:g}; it must be a guidance that is learned, from {ends[0]:g} to "
                f"{ends[1]:g}, as student.guidance says."
            )


@dataclass(frozen=True, kw_only=True)
class StudentRun(RunConfig):
    """A training run of a student. Its network, schedule and target are those of the model that it starts from, its
    teacher; the network is told to which time it jumps and with how much guidance, besides.

    validation   how many pictures of the teacher it is compared with
    """

    student: StudentConfig = field(default_factory=StudentConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.network.flow_map and self.network.distilled_guidance):
            raise InvalidOption(
                f"network.flow_map is {self.network.flow_map} and network.distilled_guidance "
                f"{self.network.distilled_guidance}; both must be true of a student."
            )
        jumps = self.student.trajectory.jumps
        if self.student.method == "trajectory" and self.batch % jumps:
            raise InvalidOption(
                f"batch is {self.batch}, but {jumps} jumps are learned of each trajectory; give a multiple of {jumps}, "
                "or other student.trajectory.counts or .others."
            )

    def check_given(self, settings: Sequence[str]) -> None:
        """Raises `InvalidOption` if a setting that was given, by its name in the run, has no effect."""
        super().check_given(settings)
        method, plain = self.student.method, ObjectiveConfig()
        used = method.replace("-", "_")
        for name in settings:
            first, _, rest = name.partition(".")
            part = rest.partition(".")[0]
            if first == "student" and part != used and part.replace("_", "-") in METHODS:
                raise InvalidOption(f"{name} is given, but student.method is {method}; leave one of them out.")
            if first == "objective" and getattr(self.objective, rest) != getattr(plain, rest):
                timed = rest in ("density", "time_mean", "time_std") and method == "consistency"
                if not timed and rest != "target":
                    raise InvalidOption(f"{name} is given, but a student by {method} has no use for it; leave it out.")
        stages = self.student.progressive
        if method == "progressive" and self.steps <= (stages.stages - 1) * stages.updates:
            raise InvalidOption(
                f"steps is {self.steps}, but {stages.stages} stages of {stages.updates} updates do not fit into it; "
                "give more steps, or a smaller student.progressive.updates."
            )


def evaluations(run: Mapping[str, Any], step: int) -> list[int]:
    """For how many evaluations a student is after so many updates, from its run's plain data.

    In progressive distillation those of the stage of the last update: at the end of a stage, that stage's still.
    """
    student = run["student"]
    if student["method"] == "progressive":
        return [ProgressiveConfig(**student["progressive"]).steps_at(max(step - 1, 0))]
    if student["method"] == "distribution-matching":
        return [len(student["distribution_matching"]["times"])]
    if student["method"] == "trajectory":
        return sorted(student["trajectory"]["counts"])
    return [1, 2, 4]


def drawn_with(run: Mapping[str, Any], step: int) -> dict[str, Any]:
    """How a student draws unless asked otherwise: options of a request, from its run's plain data.

    A flow map jumps from each time of the grid to the next. What matches distributions says x_0 at the times that it
    was trained at, and gets fresh noise in between (DMD2, arXiv 2405.14867, section 4.4).
    """
    student = run["student"]
    usual = {
        "steps": evaluations(run, step)[-1],
        "guidance": 1.0,
        "guidance_interval": [0.0, 1.0],
        "distilled_guidance": student["shown"],
        "solver": "tcd:gamma=0,tell=true",
        "grid": "uniform",
    }
    if student["method"] != "distribution-matching":
        return usual
    times = list(student["distribution_matching"]["times"])
    even = times == [1 - i / len(times) for i in range(len(times))]
    return {**usual, "solver": "lcm:tell=true", "grid": "uniform" if even else [*times, 0.0]}
