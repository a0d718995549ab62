"""Starting a run from the weights of a model instead of random ones."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mezzotint.errors import TrainingError

if TYPE_CHECKING:
    from torch import nn

    from mezzotint.checkpoints.model_folder import ModelFolder
    from mezzotint.training.trainer import Trainer

ADDED = ("letters", "letter_places", "augments", "text_blocks.")
"""What a network may have that the model lacks, and begins fresh: inputs and blocks for text, labels of changes."""


def warm_started(trainer: "Trainer", model: str) -> "Trainer":
    """The same run, untrained, with the weights of `model` (a name or a folder); its facts record which, and what
    training these have behind them.

    Drawing styles are matched by name; a style that the model does not have keeps its fresh weights, and so do letters
    and blocks for text that only the run has. What measures takes the weights of its own kind; a detector must know
    the same things. Only weights are taken: moments, averages and the count of updates begin anew. Raises TrainingError
    if the networks do not match.
    """
    from mezzotint.checkpoints.model_folder import read_model_folder
    from mezzotint.load import find_model
    from mezzotint.training.config import RunConfig
    from mezzotint.training.trainer import Trainer

    files = read_model_folder(find_model(model))
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
    _fill(network, files, trainer.supplies.styles if draws else None, model, trainer.run.name)
    return Trainer(
        trainer.run,
        trainer.supplies,
        trainer.folder,
        network=network,
        warm_start=files.weights_sha256,
        earlier=_behind(files.description.get("training")),
        device=trainer.device,
    )


def _fill(network: "nn.Module", files: "ModelFolder", styles: Sequence[str] | None, model: str, run: str) -> None:
    """Give a network the weights of a model. styles: the run's, if it draws; then it may have `ADDED` parts."""
    import torch

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
            f"The weights of {model} do not fit the run {run}: {wrong[0]} and {len(wrong) - 1} others "
            "differ; choose a run with the same network, or set its network to the model's."
        )
    known = {style: row for row, style in enumerate(files.description["styles"], start=1)}
    with torch.no_grad():
        for name, parameter in own.items():
            if name != "style" and name not in fresh:
                parameter.copy_(files.network[name])
        for row, style in enumerate((None, *styles) if styles is not None else ()):
            source = 0 if style is None else known.get(style)
            if source is not None:
                own["style"][row] = files.network["style"][source]


def _behind(training: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The training that a model's weights have behind them, the oldest first; empty if its folder tells of none."""
    if training is None:
        return []
    return [*training.get("earlier", []), {"weights": training["warm_start"], "pictures": training["pictures"]}]
