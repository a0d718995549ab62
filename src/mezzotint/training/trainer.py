"""The training loop: a generator of steps over a state that is one counter."""

import contextlib
import math
import os
import statistics
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mezzotint import __version__
from mezzotint.errors import TrainingError
from mezzotint.families.pixel_dit import PixelDiT
from mezzotint.training import state
from mezzotint.training.ahead import batches_ahead
from mezzotint.training.averages import FOLDER, average_name
from mezzotint.training.config import Run, from_dict
from mezzotint.training.ema import PowerEMA
from mezzotint.training.methods import Method
from mezzotint.training.optim import Optimizer
from mezzotint.training.task import Supplies, task_of
from mezzotint.training.transfer import Reply

_FEWEST, _PACE, _COMPILED = 20, 400, 3
"""The mean duration of so many updates at least, and at most, says how fast the training is (a slow stretch should not
say it alone); the first ones of a session, which do not count."""
_HISTORY = ("warm_start", "from_student", "earlier", "sessions")
"""What a resumed run takes over from its checkpoint."""


_NAMED = 8
"""So many pictures at most are named where an update is refused."""


@dataclass(frozen=True, slots=True)
class _Gradients:
    """What comes with the gradients of a batch: the losses of its pictures (B,), the norm () of the gradient, and the
    mean loss with that norm (2,), which are read once."""

    losses: Tensor
    norm: Tensor
    reply: Reply


@dataclass(frozen=True, slots=True)
class TrainStep:
    """What one update did. `lr_factor` is the share of the peak learning rate; `validation` the held-out loss by noise
    level, where it was measured after this update; `checkpoint` the folder, where one was written."""

    step: int
    pictures: int
    loss: float
    gradient_norm: float
    lr_factor: float
    seconds: float
    validation: dict[str, float] | None = None
    checkpoint: Path | None = None


class Trainer:
    """A run in progress.

    The state is the weights, the moments, the averages and the count of updates; pictures, captions, times and noise
    are functions of (seed, count). So a run that is interrupted and resumed ends with the same bits as one that is not
    (same machine, threads and torch).

    warm_start: the digest of the weights that the run begins with, if they are not random. earlier: the training that
    these have behind them, the oldest first, each with "weights" (what it began with, or None) and "pictures". teacher:
    what a student learns from, if it begins as another one, of which `from_student` tells: the digest of its "weights",
    its "pictures", and whether only its "difference" from its own teacher was taken.
    """

    def __init__(
        self,
        run: Run,
        supplies: Supplies,
        folder: Path,
        *,
        network: nn.Module | None = None,
        warm_start: str | None = None,
        earlier: Sequence[Mapping[str, Any]] = (),
        teacher: PixelDiT | None = None,
        from_student: Mapping[str, Any] | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.run, self.supplies, self.folder = run, supplies, folder
        self.device = torch.device(device)
        task = task_of(run, supplies, self.device, network, teacher)
        self.network, self.batches, self.validation = task.network, task.batches, task.validation
        self.method: Method[Any] = task.method
        self.optimizer = Optimizer(self.network, run.optim)
        self.averages = [PowerEMA(self.network, width) for width in run.ema]
        self.step = 0
        self.facts: dict[str, Any] = {
            "run": run.as_dict(),
            **task.facts,
            "data": supplies.pictures.digest,
            "text": supplies.text_digest,
            "scenes": supplies.scenes["train"].digest if supplies.scenes else None,
            "avatars": supplies.avatars["train"].digest if supplies.avatars else None,
            "styles": list(supplies.styles),
            "warm_start": warm_start,
            "from_student": None if from_student is None else dict(from_student),
            "earlier": list(earlier),
            "sessions": [],
        }

    @property
    def pictures(self) -> int:
        """How many pictures training has seen, counting each view."""
        return self.step * self.run.batch

    def resume(self, path: Path) -> None:
        """Take up a checkpoint's state. Raises `TrainingError` if it is of another run, data set or text encoder."""
        snapshot = state.load(path)
        if snapshot.facts.get("family") != self.facts.get("family"):
            raise TrainingError(f"{path} trains a network of another family than {self.run.name}; resume its own run.")
        # a setting that came later had its default before there was one
        then = {"scenes": None, "avatars": None, **snapshot.facts}
        then["run"] = from_dict(type(self.run), snapshot.facts["run"]).as_dict()
        parts = {"run": "run configuration", "data": "data set", "text": "text encoder"}
        parts |= {"scenes": "composer of scenes", "avatars": "avatar set"}
        for name, meaning in parts.items():
            if _plain(then[name]) != _plain(self.facts[name]):
                raise TrainingError(
                    f"{path} was made with another {meaning}{_difference(then[name], self.facts[name])}; "
                    "resume with the same one, or start anew in another folder with --out."
                )
        self.network.load_state_dict(dict(snapshot.tensors["network"]))
        self.optimizer.load(snapshot.tensors["optimizer"])
        self.method.load(snapshot.tensors.get("method", {}))
        for average in self.averages:
            average.load(snapshot.tensors[average_name(average.sigma_rel)])
        self.step = snapshot.facts["step"]
        kept = {"earlier": [], **{key: snapshot.facts[key] for key in _HISTORY if key in snapshot.facts}}
        self.facts = {**self.facts, **kept}

    def steps(
        self, stop_after: int | None = None, *, workers: int = 0, seconds: float | None = None
    ) -> Iterator[TrainStep]:
        """Train to the end of the run, or to update number `stop_after`; the last step always leaves a checkpoint.

        workers: so many processes make batches ahead; the batches are the same. seconds: the run is to end after about
        so many of them, whatever is done by then (see `_shorten`). Closing the generator after any step loses the
        updates since the last checkpoint; call `save` first. What goes wrong while a batch is made loses nothing: there
        is a checkpoint then. Raises `TrainingError`, before the update, if the loss or the gradient is not finite.
        """
        end = math.inf if seconds is None else time.perf_counter() + seconds
        last = min(self.run.steps, stop_after or self.run.steps)
        self.facts["sessions"] = [*self.facts["sessions"], self._session()]
        recent: deque[float] = deque(maxlen=_PACE)
        before: float | None = None
        counters = range(self.pictures, last * self.run.batch, self.run.batch)
        echo = self.run.data.echo
        with contextlib.closing(batches_ahead(self.batches, counters, workers, echo, self.step % echo)) as batches:
            batch = next(batches, None)
            while self.step < last and batch is not None:
                begin = time.perf_counter()
                gradients = self._gradients(batch)
                following = self._next(batches, batch, gradients)  # made while a device still works on those
                loss, gradient_norm = self._update(batch, gradients)
                batch, factor = following, self.run.optim.factor(self.step, self.run.steps)
                now = time.perf_counter()
                # from one to the next, so that what is measured, saved and drawn in between counts too
                if before is not None and self.step > self.facts["sessions"][-1]["from_step"] + _COMPILED:
                    recent.append(now - before)
                before = now
                if len(recent) >= _FEWEST and self._must_decay(end - now, statistics.fmean(recent)):
                    self._shorten((end - now) / statistics.fmean(recent))
                    last, end = min(self.run.steps, last), math.inf
                yield self._finished(loss, gradient_norm, factor, begin, self.step == last)

    def _next(self, batches: Iterator[Any], batch: Any, gradients: _Gradients) -> Any:
        """The batch after this one, whose update is still to come; if it cannot be made, that one is done and saved."""
        try:
            return next(batches, None)
        except Exception:  # of whatever kind: it is raised again
            self._update(batch, gradients)
            self.save()
            raise

    def _finished(self, loss: float, norm: float, factor: float, begin: float, ends: bool) -> TrainStep:
        """What an update did, once it is measured and saved as far as it is to be."""
        validation = None
        if self.step % self.run.validate_every == 0 or ends:
            with self.averaged(self.run.ema[0]) as network:
                validation = self.validation(network)
        if self.run.keep_ema and self.step % self.run.keep_ema == 0:
            self._keep_averages()
        path = self.save() if self.step % self.run.checkpoint_every == 0 or ends else None
        return TrainStep(self.step, self.pictures, loss, norm, factor, time.perf_counter() - begin, validation, path)

    def _must_decay(self, left: float, pace: float) -> bool:
        """Whether the seconds left are no more than the learning rate needs to decay, at so many for an update. A run
        that decays already needs what remains of it."""
        decay = self.run.optim.decay
        need = self.step * decay / (1 - decay) if decay < 1 else math.inf
        return left <= pace * min(need, self.run.steps - self.step)

    def _shorten(self, updates: float) -> None:
        """Let the run end after so many more updates. As soon as the decay of the learning rate must begin, that is
        the run that it would have been, had it been so short from the start; its warm-up stays as long as it was."""
        optim, before = self.run.optim, self.run.steps
        steps = min(before, self.step + max(1, math.floor(updates)))
        self.run = replace(self.run, steps=steps, optim=replace(optim, warmup=min(1.0, optim.warmup * before / steps)))
        self.facts["run"] = self.run.as_dict()
        self.facts["sessions"][-1]["shortened_at"] = self.step

    def _gradients(self, batch: Any) -> _Gradients:
        """The gradients of a batch's mean loss; a device may still be computing them."""
        self.network.zero_grad(set_to_none=True)
        losses = self.method.losses(batch)
        mean = losses.mean()
        torch.autograd.backward(mean)
        norm = self.optimizer.gradient_norm()
        return _Gradients(losses.detach(), norm, Reply(torch.stack([mean.detach(), norm])))

    def _update(self, batch: Any, gradients: _Gradients) -> tuple[float, float]:
        """One update by the gradients that are there: its loss, and the norm of its gradient."""
        loss, norm = gradients.reply.values()  # waits for the gradients, not for the next batch
        if not math.isfinite(loss + norm):
            what = "gradient" if math.isfinite(loss) else "loss"
            raise TrainingError(
                f"The {what} of update {self.step + 1} is not finite{self._blamed(batch, gradients.losses)}; nothing "
                "was updated. Look at the data with data check, or lower optim.muon_lr and optim.adam_lr."
            )
        self.optimizer.step(self.step + 1, self.run.steps, gradients.norm)
        self.step += 1
        self.method.step(self.run.optim.adam_lr * self.run.optim.factor(self.step, self.run.steps), self.step)
        for average in self.averages:
            average.update(self.network, self.step)
        return loss, norm

    def _blamed(self, batch: Any, losses: Tensor) -> str:
        """For which pictures it is not, where losses are those of a batch's pictures: those whose own loss is not
        finite, or all of them."""
        if not getattr(self.method, "of_pictures", True):
            return ""
        finite = losses.isfinite().tolist()
        bad = [int(row) for row, ok in zip(batch.rows, finite, strict=True) if not ok or all(finite)]
        more = f" and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        return f", for the pictures {', '.join(self.batches.named(row) for row in bad[:_NAMED])}{more}"

    def save(self) -> Path:
        """Write a checkpoint of the present state. Raises `TrainingError` instead if any of it is not finite."""
        tensors = self._averages()
        tensors |= {"network": dict(self.network.named_parameters()), "optimizer": self.optimizer.state()}
        if beside := self.method.state():
            tensors["method"] = beside
        if broken := _not_finite(tensors):
            raise TrainingError(
                f"After update {self.step} the training is broken: {broken} is not finite, and no checkpoint was "
                "written; pack the one before, or start anew with a lower optim.muon_lr and optim.adam_lr."
            )
        facts = {"step": self.step, "pictures": self.pictures, **self.facts}
        return state.save(self.folder / "checkpoints", state.Snapshot(facts, tensors), self.run.keep)

    def _averages(self) -> dict[str, Mapping[str, Tensor]]:
        return {average_name(average.sigma_rel): average.state() for average in self.averages}

    def _keep_averages(self) -> None:
        """Store the present averages for good; before the checkpoint, so that none is missing behind one."""
        facts = {"step": self.step, "pictures": self.pictures, **self.facts}
        state.save(self.folder / FOLDER, state.Snapshot(facts, self._averages()), keep=self.step)

    @contextlib.contextmanager
    def averaged(self, width: float) -> Iterator[nn.Module]:
        """The network with the averaged weights of a relative width, for the length of the block."""
        average = next(a for a in self.averages if a.sigma_rel == width)
        own = {name: p.detach().clone() for name, p in self.network.named_parameters()}
        try:
            _assign(self.network, average.state())
            yield self.network.eval()
        finally:
            _assign(self.network, own)
            self.network.train()

    def _session(self) -> dict[str, Any]:
        return {
            "from_step": self.step,
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "mezzotint": __version__,
            "device": self.device.type,
            "tcmalloc": "tcmalloc" in os.environ.get("LD_PRELOAD", ""),
        }


@torch.no_grad()
def _assign(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    for name, parameter in network.named_parameters():
        parameter.copy_(weights[name])


def _not_finite(tensors: Mapping[str, Mapping[str, Tensor]]) -> str | None:
    """The first tensor with a value that is not finite, by its file and name."""
    named = ((f"{file}/{name}", value) for file, group in tensors.items() for name, value in group.items())
    return next((name for name, value in named if not bool(value.detach().isfinite().all())), None)


def _plain(value: Any) -> Any:
    """As JSON would give it back: tuples become lists."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def _difference(then: Any, now: Any, path: str = "") -> str:
    """The first setting in which two configurations differ, for a message."""
    then, now = _plain(then), _plain(now)
    if isinstance(then, dict) and isinstance(now, dict):
        for key in now:
            if then.get(key) != now[key]:
                return _difference(then.get(key), now[key], f"{path}.{key}" if path else key)
    return f" ({path} was {then}, is {now})" if path else ""
