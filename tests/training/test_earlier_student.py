"""A student that begins with what an earlier one learned, on top of what its teacher is now."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mezzotint.checkpoints.low_rank import UP
from mezzotint.checkpoints.model_folder import Beside, read_description, read_model_folder, write_model_folder
from mezzotint.errors import InvalidCheckpoint, TrainingError
from mezzotint.families.pixel_dit import PixelDiT
from mezzotint.interfaces.warm import warm_started
from mezzotint.load import HOUSE
from mezzotint.training import state
from mezzotint.training.config import RunConfig
from mezzotint.training.distilling import Taught
from mezzotint.training.student import StudentConfig, StudentRun
from mezzotint.training.trainer import Trainer
from tests.support import model_folder

MakeTrainer = Callable[..., Trainer]


def student_folder(root: Path, trainer: Trainer, beside: Path | None) -> tuple[Path, dict[str, torch.Tensor]]:
    """A student that has learned something, as what it differs in from a model or whole; and what it has learned, of
    rank 2."""
    generator = torch.Generator().manual_seed(3)
    network = trainer.network
    assert isinstance(network, PixelDiT)
    own = {name: value.detach().clone() for name, value in network.named_parameters()}
    learned = dict[str, torch.Tensor]()
    for name, value in own.items():
        rows, columns = len(value), value[0].numel()
        factors = torch.randn(rows, 2, generator=generator), torch.randn(2, columns, generator=generator)
        learned[name] = 0.05 * (factors[0] @ factors[1]).reshape(value.shape)
    description = {
        **read_description(beside or HOUSE),
        "network": asdict(network.config),
        "styles": list(trainer.supplies.styles),
        "training": {"pictures": 64, "warm_start": None},
    }
    of = None if beside is None else Beside(str(beside), read_model_folder(beside), 2)
    weights = {name: value + learned[name] for name, value in own.items()}
    write_model_folder(root, weights, HOUSE / "text", description, "fp32", {"README.md": "For tests.\n"}, of)
    return root, learned


def changed(folder: Path, to: Path, **facts: object) -> Path:
    """The same folder with other facts in its description."""
    shutil.copytree(folder, to)
    description = json.loads((to / "model.json").read_text())
    (to / "model.json").write_text(json.dumps({**description, **facts}))
    return to


def test_it_begins_with_what_an_earlier_student_learned_on_top_of_its_own_teacher(
    begin: MakeTrainer, make_trainer: MakeTrainer, student_run: StudentRun, teacher: Path, tmp_path: Path
) -> None:
    before = begin(tmp_path / "before")
    student, learned = student_folder(tmp_path / "student", before, teacher)
    newer = model_folder(tmp_path / "newer", seed=5)
    plain = warm_started(make_trainer(tmp_path / "plain", student_run), str(newer))
    trainer = warm_started(make_trainer(tmp_path / "r", student_run), str(newer), str(student))
    base, old = dict(plain.network.named_parameters()), dict(before.network.named_parameters())
    kept = load_file(student / "network.safetensors")
    assert sum(name + UP in kept for name in base) > 15
    with torch.no_grad():
        for name, value in trainer.network.named_parameters():
            expected = (base if name + UP in kept else old)[name] + learned[name]
            assert torch.allclose(value, expected, atol=1e-5), name
            for average in trainer.averages:
                assert torch.equal(average.weights[name], value), "the averages begin as it does"
    assert isinstance(trainer.method, Taught)
    for name, value in trainer.method.teacher.named_parameters():
        assert torch.equal(value, base[name]), "its teacher is the model of now, not what it begins as"
    digest = read_description(student)["files"]["network.safetensors"]
    assert trainer.facts["from_student"] == {"weights": digest, "pictures": 64, "difference": True}
    assert trainer.facts["warm_start"] == read_model_folder(newer).weights_sha256
    list(trainer.steps())
    again = make_trainer(tmp_path / "r", student_run)
    again.resume(state.newest(tmp_path / "r/checkpoints") or tmp_path)
    assert again.facts["from_student"] == trainer.facts["from_student"]
    assert isinstance(again.method, Taught)
    assert torch.equal(again.method.teacher.style, trainer.method.teacher.style)  # type: ignore[arg-type]


def test_an_earlier_student_that_is_whole_is_taken_as_it_is_and_one_that_does_not_fit_is_refused(
    begin: MakeTrainer, make_trainer: MakeTrainer, student_run: StudentRun, small_run: RunConfig, tmp_path: Path
) -> None:
    before = begin(tmp_path / "before")
    whole, learned = student_folder(tmp_path / "whole", before, None)
    newer = str(model_folder(tmp_path / "newer", seed=5))
    trainer = warm_started(make_trainer(tmp_path / "r", student_run), newer, str(whole))
    old = dict(before.network.named_parameters())
    for name, value in trainer.network.named_parameters():
        assert torch.equal(value, old[name] + learned[name]), name
    assert trainer.facts["from_student"]["difference"] is False
    with pytest.raises(TrainingError, match=r"newer has another network than this run's student"):
        warm_started(make_trainer(tmp_path / "r", student_run), newer, newer)
    for name, value in (("schedule", "vp_cosine"), ("target", "v"), ("styles", ["noto", "flat"])):
        other = changed(whole, tmp_path / name, **{name: value})
        told = "other drawing styles than" if name == "styles" else f"another {name} than"
        with pytest.raises(TrainingError, match=told):
            warm_started(make_trainer(tmp_path / "r", student_run), newer, str(other))
    matching = replace(student_run, student=StudentConfig(method="distribution-matching"))
    with pytest.raises(
        TrainingError, match=r"begins as its teacher, because its critic does; leave out --from-student"
    ):
        warm_started(make_trainer(tmp_path / "d", matching), newer, str(whole))
    with pytest.raises(TrainingError, match=r"The run small trains no student; leave out --from-student"):
        warm_started(make_trainer(tmp_path / "p", small_run), newer, str(whole))
    damaged = whole / "network.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    with pytest.raises(InvalidCheckpoint, match=r"is not the file that model\.json names"):
        warm_started(make_trainer(tmp_path / "r", student_run), newer, str(whole))
