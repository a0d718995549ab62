"""The checkpoint that a command takes up, and what it passes over for that."""

from pathlib import Path

from mezzotint.errors import TrainingError
from mezzotint.interfaces.cli.options import aside

__all__ = ["newest_checkpoint", "tell_passed_over"]


def newest_checkpoint(folder: Path) -> Path:
    """The newest complete checkpoint in a run's folder; damaged ones that are newer are told of.

    Raises `TrainingError` if there is none, with what is wrong with each.
    """
    from mezzotint.training import state

    path, wrong = state.found(folder / "checkpoints")
    if path is not None:
        tell_passed_over(path, wrong)
        return path
    if not wrong:
        raise TrainingError(f"{folder} holds no complete checkpoint to resume from; start the run without --resume.")
    raise TrainingError(
        f"{folder} holds no complete checkpoint to resume from ({'; '.join(wrong)}); start anew without --resume, in "
        f"another folder with --out, or in this one once {folder / 'checkpoints'} is removed."
    )


def tell_passed_over(path: Path, wrong: list[str]) -> None:
    """Say what is wrong with checkpoints that are newer than the one that is used."""
    for sentence in wrong:
        aside(f"{sentence}; it is passed over, and {path.name} is used.")
