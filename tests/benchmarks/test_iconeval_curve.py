"""States of a training are found, packed as they were, and put into the order of what they had seen."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.iconeval_curve import losses_of, models, packed, spread, states_of, views
from docs.figures.iconeval import LINE, LOSS, marked, page, points
from mezzotint.checkpoints.model_folder import read_description, read_model_folder
from mezzotint.runs import RUNS
from mezzotint.training import state
from tests.support import SMALL, STYLES, random_network

EARLIER = [{"weights": None, "pictures": 1000}]
RUN = replace(RUNS["tiny"](), network=SMALL)


def keep(run: Path, folder: str, step: int) -> Path:
    """A state of a run, with weights of its step."""
    facts = {
        "run": RUN.as_dict(),
        "step": step,
        "pictures": 16 * step,
        "data": "d",
        "styles": list(STYLES),
        "warm_start": "w",
        "earlier": EARLIER,
        "sessions": [{"threads": 1}],
    }
    weights = {name: p.detach() for name, p in random_network(SMALL, seed=step).named_parameters()}
    return state.save(run / folder, state.Snapshot(facts, {"ema-0.050": weights}), keep=9)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for step in (1, 2, 3):
        keep(tmp_path / "run", "averages", step)
    for step in (3, 4, 5):
        keep(tmp_path / "run", "checkpoints", step)
    (tmp_path / "run" / "checkpoints" / "step-00000005" / "ema-0.050.safetensors").write_bytes(b"half")
    lines: list[dict[str, Any]] = [{"step": n, "pictures": 16 * n, "loss": 1.0, "seconds": 1.0} for n in (1, 2, 3, 4)]
    lines[1]["validation"] = {"0.1": 9.0, "mean": 0.5}
    lines[3]["validation"] = {"0.1": 9.0, "mean": 0.25}
    (tmp_path / "run" / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)) + '\n{"step": 5, "pict')
    return tmp_path / "run"


def test_every_whole_state_is_found_once_and_its_checkpoint_goes_before(run: Path) -> None:
    found = [f"{path.parent.name}/{int(path.name[5:])}" for path in states_of(run)]
    assert found == ["averages/1", "averages/2", "checkpoints/3", "checkpoints/4"]
    assert states_of(run.parent / "nothing") == []


def test_few_of_many_states_are_spread_evenly_up_to_the_last() -> None:
    ten = [Path(str(number)) for number in range(1, 11)]
    assert [int(path.name) for path in spread(ten, 5)] == [2, 4, 6, 8, 10]
    assert [int(path.name) for path in spread(ten, 3)] == [4, 7, 10]
    assert [int(path.name) for path in spread(ten, 1)] == [10]
    assert spread(ten, 0) == spread(ten, 12) == ten


def test_a_state_is_packed_as_if_the_run_had_come_so_far(run: Path) -> None:
    for kept, step in zip(states_of(run), (1, 2, 3, 4), strict=True):
        with packed(run, kept, 0.05) as folder:
            found = read_model_folder(folder)
        assert views(found.description["training"]) == 1000 + 16 * step
        assert found.description["training"]["step"] == step
        assert found.description["name"] == f"run-step-{step:08d}"
        for name, value in random_network(SMALL, seed=step).named_parameters():
            torch.testing.assert_close(found.network[name], value.detach(), rtol=0, atol=0.05)  # they have 8 bits
        assert not folder.exists()


def test_models_come_in_the_order_that_they_are_given(run: Path, tmp_path: Path) -> None:
    names = [
        folder.name if folder == tmp_path else read_description(folder)["name"]
        for folder in models([tmp_path, run], 2, 0.05)
    ]
    assert names == [tmp_path.name, "run-step-00000002", "run-step-00000004"]


def test_losses_stand_at_all_views_of_the_weights(run: Path) -> None:
    facts = state.read_facts(states_of(run)[-1])
    assert losses_of(run, facts) == [[1000 + 32, 0.5], [1000 + 64, 0.25]]


def scored(views: int, single: float, two: float) -> dict[str, Any]:
    values = {"single": single, "two": two}
    scores = {task: {"score": v, "low": v - 0.05, "high": v + 0.05} for task, v in values.items()}
    return {"views": views, "scores": scores}


def test_points_are_in_the_order_of_views() -> None:
    states = [scored(900, 0.5, 0.1), scored(100, 0.25, 0.1), {"views": 9, "scores": {}}]
    assert points(states, "single") == [(100, 0.25, pytest.approx(0.2), 0.3), (900, 0.5, 0.45, 0.55)]
    assert points(states, "hands") == []


def test_a_panel_shows_how_a_score_grows_and_the_last_one_how_the_loss_falls() -> None:
    states = [scored(1000, 0.1, 0.9), scored(100_000, 0.9, 0.1)]
    sheet = page({"states": states, "held_out_loss": [[1000, 0.5], [50_000, 0.1]]})
    pixels = np.asarray(sheet, np.int16)
    third = sheet.width // 3
    ends = []
    for number, colour in enumerate((LINE, LINE, LOSS)):
        part = pixels[:, number * third : (number + 1) * third]
        rows, columns = np.nonzero(np.abs(part - colour).max(-1) < 12)
        ends.append(int(rows[columns < columns.min() + 3].mean() - rows[columns > columns.max() - 3].mean()))
    inside = 400 / 2  # pixels of the page from 0 to 100 %
    assert ends[0] == pytest.approx(0.8 * inside, abs=4)
    assert ends[1] == pytest.approx(-0.8 * inside, abs=4)
    assert ends[2] < -0.9 * inside
    alone = page({"states": states[:1], "held_out_loss": []})  # one state is a point, without a line
    assert (np.abs(np.asarray(alone, np.int16) - LINE).max(-1) < 12).any()


def test_few_round_counts_are_marked() -> None:
    assert marked(90, 12_000_000) == [100, 10_000, 1_000_000]
    assert marked(900, 5500) == [1000, 2000, 5000]
