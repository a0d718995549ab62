"""Training to an end, from where it stood."""

from mezzotint.training import state
from mezzotint.training.trainer import Trainer

__all__ = ["finish"]


def finish(trainer: Trainer, stop: int | None = None) -> state.Snapshot:
    """Take up the newest checkpoint, if there is one, train to the end or to an update, and read what that leaves."""
    newest = state.newest(trainer.folder / "checkpoints")
    if newest is not None:
        trainer.resume(newest)
    list(trainer.steps(stop))
    path = state.newest(trainer.folder / "checkpoints")
    assert path is not None
    return state.load(path)
