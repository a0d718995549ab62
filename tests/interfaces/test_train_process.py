"""A run of another schedule and target, end to end: trained, sampled, packed, loaded, drawn, measured and taught."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from mezzotint import Pipeline
from mezzotint.conditioning.prompt import escaped
from mezzotint.data.sources import FolderSource
from mezzotint.diffusion.process import Process, schedule_of
from mezzotint.errors import InvalidCheckpoint
from mezzotint.interfaces import samples
from mezzotint.interfaces.cli.eval import _losses
from mezzotint.interfaces.cli.teach import _teacher
from mezzotint.provenance.read import read_metadata
from mezzotint.training.lesson import read_lesson
from tests.interfaces.conftest import Run, sentence
from tests.support import zorp_folder

PAIRS = [("vp_cosine", "v"), ("vp_linear:steps=500", "eps")]


def packed(run: Run, tiny: tuple[str, ...], schedule: str, target: str) -> Path:
    """The folder "m" of a run of 3 updates."""
    asked = ("--set", f"schedule={schedule}", "--set", f"objective.target={target}", "--set", "precision=fp32")
    assert run(*tiny, *asked, "--set", "steps=3", "--set", "sample_every=3", "--out", "r").exit_code == 0
    assert run("pack", "r", "--out", "m", "--storage", "fp32", "--defaults", "steps=4").exit_code == 0
    return Path("m")


def redescribed(folder: Path, **changes: str) -> str:
    """The same weights under another description."""
    path = folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return str(folder)


@pytest.fixture(autouse=True)
def _small_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pictures, one of a trained concept and one of another."""
    monkeypatch.setattr(samples, "COLUMNS", 2)
    monkeypatch.setattr(samples, "ROWS", 1)


@pytest.mark.parametrize(("schedule", "target"), PAIRS)
def test_from_a_run_to_a_picture(
    run: Run, tiny: tuple[str, ...], here: Path, monkeypatch: pytest.MonkeyPatch, schedule: str, target: str
) -> None:
    shown: list[Any] = []
    sheet = samples.sample_sheet

    def seen(images: Any, prompts: Any, columns: int) -> Any:
        shown.append((images, prompts))
        return sheet(images, prompts, columns)

    monkeypatch.setattr(samples, "sample_sheet", seen)
    folder = packed(run, tiny, schedule, target)
    described = json.loads((folder / "model.json").read_text())
    assert (described["schedule"], described["target"]) == (schedule, target)
    card = (folder / "README.md").read_text()
    assert f"- Schedule `{schedule}`, prediction of {target}, loss in velocity;" in card
    assert "Rectified" not in card

    pipe = Pipeline.load(str(folder), device="cpu", dtype="float32")
    ((images, prompts),) = shown
    again = pipe.generate(escaped(prompts[1]), seed=1, steps=24).images[0]
    assert again.tobytes() == images[1].tobytes(), "samples in training are what the model draws afterwards"
    assert run("imagine", "a red square", "--model", "m", "--seed", 5, "--out", "a.png").exit_code == 0
    recipe = read_metadata(Path("a.png")).recipe
    assert recipe is not None
    assert recipe.schedule == schedule
    drawn = Image.open("a.png").tobytes()
    assert drawn == pipe.generate("a red square", seed=5).images[0].tobytes()
    wrong = Pipeline.load(redescribed(folder, schedule="rectified_flow", target="x0"), device="cpu", dtype="float32")
    assert drawn != wrong.generate("a red square", seed=5).images[0].tobytes()


def test_the_loaded_network_is_read_by_its_description(run: Run, tiny: tuple[str, ...], here: Path) -> None:
    """x_0 is (x_t − sigma eps) / alpha with the scales of the chain's betas, and alpha x_t − sigma v on the cosine."""
    folder = packed(run, tiny, "vp_linear:steps=500", "eps")
    pipe = Pipeline.load(str(folder), device="cpu", dtype="float32")
    leaf = pipe.model.denoiser
    cond = pipe.model.prepare(["a red square"], [None])
    x_t = torch.randn(1, 4, 1, 32, 32, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    t = torch.tensor(0.4, dtype=torch.float64)
    output = leaf.network(x_t.float(), t.float().expand(1), cond).double()
    betas = [1e-4 + (0.02 - 1e-4) * i / 499 for i in range(200)]
    alpha = math.sqrt(math.prod(1 - beta for beta in betas))
    sigma = math.sqrt(1 - alpha**2)
    found = leaf(x_t, t, {"cond": cond}).x0
    torch.testing.assert_close(found, (x_t - sigma * output) / alpha, rtol=1e-6, atol=1e-6)
    cosine = Pipeline.load(redescribed(folder, schedule="vp_cosine", target="v"), device="cpu", dtype="float32")
    alpha, sigma = math.cos(0.2 * math.pi), math.sin(0.2 * math.pi)
    found = cosine.model.denoiser(x_t, t, {"cond": cond}).x0
    torch.testing.assert_close(found, alpha * x_t - sigma * output, rtol=1e-6, atol=1e-6)
    for key, value, words in (
        ("schedule", "vp_cosin", "did you mean vp_cosine"),
        ("schedule", "laplace:width=-1", "width above 0"),
        ("target", "epsilon", "no prediction target called 'epsilon'"),
    ):
        with pytest.raises(InvalidCheckpoint, match=words):
            Pipeline.load(redescribed(folder, **{"schedule": "vp_cosine", "target": "v", key: value}), device="cpu")


def test_a_model_is_measured_and_taught_on_its_own_process(
    run: Run, tiny: tuple[str, ...], here: Path, pictures: Path
) -> None:
    """The loss of the packed model is the last one of its training, and a word is taught on the same process."""
    folder = packed(run, (*tiny, "--set", "validation=1000"), "vp_cosine", "v")
    pipe = Pipeline.load(str(folder), device="cpu", dtype="float32")
    last = [json.loads(line) for line in Path("r/metrics.jsonl").read_text().splitlines()][-1]["validation"]
    shown = FolderSource(pictures).load(32)
    assert _losses(pipe.model, shown) == pytest.approx(last, rel=5e-4)
    for changes in ({"schedule": "rectified_flow"}, {"schedule": "vp_cosine", "target": "velocity"}):
        other = Pipeline.load(redescribed(folder, **changes), device="cpu", dtype="float32")
        assert _losses(other.model, shown)["mean"] != pytest.approx(last["mean"], rel=3e-3)
    lesson = read_lesson(zorp_folder(here / "zorps", 6), "zorp", 32, pipe.model.conditioner, seed=0)
    teacher, _ = _teacher(pipe, lesson, (1, 2, 0), "json")
    assert teacher.process == Process(schedule_of("vp_cosine"), "v")


def test_a_warm_start_needs_the_same_schedule_and_target(
    run: Run, tiny: tuple[str, ...], model: Path, here: Path
) -> None:
    """Refused before the weights are looked at, which here do not fit either."""
    for settings, words in (
        (("schedule=vp_cosine",), "to predict x0 on vp_cosine; leave out --warm-start, or set schedule=rectified_flow"),
        (("objective.target=v",), "trained to predict x0 on the schedule rectified_flow, and the run tiny trains to"),
    ):
        asked = [part for setting in settings for part in ("--set", setting)]
        assert words in sentence(run(*tiny, *asked, "--out", "r", "--warm-start", model))
    asked_too = ("--set", "schedule=vp_linear", "--set", "objective.target=eps", "--stop-after", 1)
    packed(run, tiny, "vp_linear: steps=1000", "eps")  # the same in other words
    assert run(*tiny, *asked_too, "--out", "s", "--warm-start", "m").exit_code == 0
