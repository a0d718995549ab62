"""Starting a run from the weights of a model instead of random ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mezzotint.errors import InvalidCheckpoint, InvalidOption, TrainingError

if TYPE_CHECKING:
    from torch import nn

    from mezzotint.checkpoints.model_folder import ModelFolder
    from mezzotint.families.pixel_dit import PixelDiT
    from mezzotint.training.config import Run, RunConfig
    from mezzotint.training.trainer import Trainer

ADDED = ("letters", "letter_places", "augments", "text_blocks.", "jump_in.", "guidance_in.")
"""What a network may have that the model lacks, and begins fresh: inputs and blocks for text, labels of changes, and
what a student is told."""


def learned_from(run: "Run", model: str | None) -> "Run":
    """The run; of a student, with the network, schedule, target and text length of the model that is its teacher.

    Raises TrainingError for a student without a teacher, and for a model that cannot be one; InvalidOption for settings
    of the run that are the teacher's to say.
    """
    from mezzotint.checkpoints.model_folder import DESCRIPTION, read_description
    from mezzotint.families.pixel_dit import PixelDiTConfig
    from mezzotint.load import find_model
    from mezzotint.runs import RUNS
    from mezzotint.training.student import StudentRun

    if not isinstance(run, StudentRun):
        return run
    if model is None:
        raise TrainingError(
            f"The run {run.name} trains the student of a model; say which, such as --warm-start house, or a folder."
        )
    said, plain = read_description(find_model(model)), RUNS[run.name]()
    if said.get("family") != "pixel_dit" or said["network"].get("distilled_guidance"):
        what = "is a student itself" if said.get("family") == "pixel_dit" else "is of another family"
        raise TrainingError(
            f"{model} {what}; give --warm-start a model that predicts x_0 in many steps, such as house."
        )
    assert isinstance(plain, StudentRun)
    own = {"network": run.network, "schedule": run.schedule, "objective.target": run.objective.target}
    usual = {"network": plain.network, "schedule": plain.schedule, "objective.target": plain.objective.target}
    for name, value in own.items():
        if value != usual[name]:
            raise InvalidOption(f"A student has the {name} of its teacher, {model}; leave out --set {name}.")
    try:
        network = PixelDiTConfig(**{**said["network"], "flow_map": True, "distilled_guidance": True})
    except TypeError as error:
        raise InvalidCheckpoint(f"{model}/{DESCRIPTION} does not describe a network ({error}).") from None
    return replace(
        run,
        network=network,
        schedule=said["schedule"],
        objective=replace(run.objective, target=said["target"]),
        conditions=replace(run.conditions, text_length=said["text_length"]),
    )


def warm_started(trainer: "Trainer", model: str, student: str | None = None) -> "Trainer":
    """The same run, untrained, with the weights of `model` (a name or a folder); its facts record which, and what
    training these have behind them.

    Drawing styles are matched by name; a style that the model does not have keeps its fresh weights, and so do letters
    and blocks for text that only the run has; a student reads such a style as none. What measures takes the weights of
    its own kind; a detector must know the same things. Only weights are taken: moments, averages and the count of
    updates begin anew. student: a student of weights that its teacher had before; the run begins with what that one
    differed in from these, on top of the model's. Raises TrainingError if the networks do not match, or what they were
    trained on does not: the schedule and the target.
    """
    from mezzotint.checkpoints.model_folder import read_model_folder
    from mezzotint.load import find_model
    from mezzotint.training.config import GanRun, RunConfig
    from mezzotint.training.trainer import Trainer

    if isinstance(trainer.run, GanRun):
        raise TrainingError(
            f"The run {trainer.run.name} trains a generator against a critic, which no model's folder holds; leave out "
            "--warm-start."
        )
    files = read_model_folder(find_model(model), find_model)
    network = trainer.network  # as the run's seed made it
    draws = isinstance(trainer.run, RunConfig)
    family = "pixel_dit" if draws else trainer.facts["family"]
    if files.description.get("family") != family:
        raise TrainingError(
            f"The weights of {model} do not fit the run {trainer.run.name}: it trains a network of another family; "
            "leave out --warm-start, or give a model of that family."
        )
    if trainer.facts.get("things") != files.description.get("things"):
        raise TrainingError(
            f"{model} knows other things than the run {trainer.run.name} trains a detector for; leave out --warm-start."
        )
    if isinstance(trainer.run, RunConfig):
        _check_process(trainer.run, files.description, model)
    _fill(network, files, trainer.supplies.styles if draws else None, model, trainer.run)
    teacher, began = (None, None) if student is None else _begun_as(network, student, trainer)
    return Trainer(
        trainer.run,
        trainer.supplies,
        trainer.folder,
        network=network,
        warm_start=files.weights_sha256,
        earlier=_behind(files.description.get("training")),
        teacher=teacher,
        from_student=began,
        device=trainer.device,
    )


def check_from_student(run: "Run", student: str) -> None:
    """Raises TrainingError if a run cannot begin with what an earlier student differed in from its teacher."""
    from mezzotint.checkpoints.model_folder import read_description
    from mezzotint.families.pixel_dit import PixelDiTConfig
    from mezzotint.load import find_model
    from mezzotint.training.student import StudentRun

    if not isinstance(run, StudentRun):
        raise TrainingError(f"The run {run.name} trains no student; leave out --from-student.")
    if run.student.method == "distribution-matching":
        raise TrainingError(
            "A student by distribution-matching begins as its teacher, because its critic does; leave out "
            "--from-student, or choose another student.method."
        )
    said = read_description(find_model(student))
    own = {"network": replace(run.network, styles=0), "schedule": run.schedule, "target": run.objective.target}
    try:
        network = replace(PixelDiTConfig(**said["network"]), styles=0)
        theirs = {"network": network, "schedule": said["schedule"], "target": said["target"]}
    except (KeyError, TypeError):
        theirs = {"network": None}  # of another family
    for name, value in own.items():
        if theirs[name] != value:
            raise TrainingError(
                f"{student} has another {name} than this run's student; leave out --from-student, or give a student of "
                "a teacher like this one."
            )


def _begun_as(network: "nn.Module", student: str, trainer: "Trainer") -> "tuple[PixelDiT, dict[str, Any]]":
    """Give a network, which has its teacher's weights, what an earlier student differs in; the teacher, and what is
    known of that student. What its folder has whole is taken as it is. Raises TrainingError if it does not fit."""
    import torch

    from mezzotint.checkpoints.low_rank import sum_with
    from mezzotint.checkpoints.model_folder import BESIDE, read_difference
    from mezzotint.families.pixel_dit import PixelDiT
    from mezzotint.load import find_model
    from mezzotint.training.distilling import teacher_of

    check_from_student(trainer.run, student)
    assert isinstance(network, PixelDiT)
    said, kept, digest = read_difference(find_model(student))
    if said["styles"] != list(trainer.supplies.styles):
        raise TrainingError(
            f"{student} has other drawing styles than this run's data; leave out --from-student, or give a student of "
            "such data."
        )
    teacher, own = teacher_of(network), dict(network.named_parameters())
    with torch.no_grad():
        for name, value in sum_with({name: one.detach().cpu() for name, one in own.items()}, kept).items():
            own[name].copy_(value)
    training = said.get("training", {})
    began = {"weights": digest, "pictures": training.get("pictures", 0), "difference": BESIDE in said}
    return teacher, began


def _check_process(run: "RunConfig", description: Mapping[str, Any], model: str) -> None:
    """Raises TrainingError if a model's weights mean something else by x_t, t or their output than the run does."""
    from mezzotint.diffusion.process import Process, known_target, schedule_of

    schedule, target = description["schedule"], description["target"]
    if Process(schedule_of(schedule), known_target(target)) != run.process:
        raise TrainingError(
            f"{model} was trained to predict {target} on the schedule {schedule}, and the run {run.name} trains to "
            f"predict {run.objective.target} on {run.schedule}; leave out --warm-start, or set schedule={schedule} "
            f"and objective.target={target}."
        )


def _fill(network: "nn.Module", files: "ModelFolder", styles: Sequence[str] | None, model: str, run: "Run") -> None:
    """Give a network the weights of a model. styles: the run's, if it draws; then it may have `ADDED` parts."""
    import torch

    from mezzotint.training.student import StudentRun

    own = dict(network.named_parameters())
    fresh = {name for name in own.keys() - files.network.keys() if styles is not None and name.startswith(ADDED)}
    wrong = sorted(
        name
        for name in (own.keys() | files.network.keys()) - fresh
        if name not in own
        or name not in files.network
        or (name != "style" and own[name].shape != files.network[name].shape)
        or own[name].shape[-1:] != files.network[name].shape[-1:]
    )
    if wrong:
        raise TrainingError(
            f"The weights of {model} do not fit the run {run.name}: {wrong[0]} and {len(wrong) - 1} others "
            "differ; choose a run with the same network, or set its network to the model's."
        )
    known = {style: row for row, style in enumerate(files.description["styles"], start=1)}
    unknown = 0 if isinstance(run, StudentRun) else None  # what the teacher never saw, it cannot teach
    with torch.no_grad():
        for name, parameter in own.items():
            if name != "style" and name not in fresh:
                parameter.copy_(files.network[name])
        for row, style in enumerate((None, *styles) if styles is not None else ()):
            source = 0 if style is None else known.get(style, unknown)
            if source is not None:
                own["style"][row] = files.network["style"][source]


def _behind(training: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The training that a model's weights have behind them, the oldest first; empty if its folder tells of none."""
    if training is None or "pictures" not in training:
        return []
    return [*training.get("earlier", []), {"weights": training["warm_start"], "pictures": training["pictures"]}]
