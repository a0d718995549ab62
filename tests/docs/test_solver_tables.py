"""The benchmark's tables and sentences say what is in the file."""

import json
from pathlib import Path

from docs.solver_tables import solver_benchmark

MACHINE = {"processor": "A processor", "threads": 1, "torch": "2.13"}


def cell(error: float, choice: str) -> dict[str, object]:
    return {"error": error, "choice": choice}


BUDGETS = {
    "6 evaluations": {
        "mezzotint": cell(0.5, "unipc-2, shifted"), "diffusers": cell(0.6, "DPM++"), "ours_over_best_peer": 0.5 / 0.6,
        "mezzotint, fitted grid": cell(0.45, "unipc-2"), "fitted_over_best_peer": 0.75,
    },
    "8 evaluations": {
        "mezzotint": cell(0.31, "heun, uniform"), "diffusers": cell(0.3, "UniPC"), "ours_over_best_peer": 0.31 / 0.3,
        "mezzotint, fitted grid": cell(0.33, "unipc-2"), "fitted_over_best_peer": 1.1,
    },
}  # fmt: skip


def test_without_measurements_there_is_no_table(tmp_path: Path) -> None:
    assert solver_benchmark(tmp_path / "none.json") == "There are no measurements yet."


def test_errors_choices_and_ratios_are_told_and_where_a_peer_wins(tmp_path: Path) -> None:
    path = tmp_path / "solvers.json"
    model = {
        "machine": MACHINE,
        "model": "house",
        "weights_sha256": "ab" * 32,
        "guidance": 4.0,
        "evaluation": "two forwards",
        "reference": "1000 steps",
        "pictures": {"reported": 4, "chosen on": 2, "fitted on": {"6": 8, "8": 8}},
        "budgets": BUDGETS,
    }
    path.write_text(json.dumps({"model": model}))
    text = solver_benchmark(path)
    assert "| evaluations | mezzotint | diffusers | mezzotint, fitted grid | ours / best peer |" in text
    assert "| 6 | 0.5000 (unipc-2, shifted) | 0.6000 (DPM++) | 0.4500 (unipc-2) | 0.83 |" in text
    assert "(within 1 %) at 1 of 2 budgets; not at 8." in text
    assert "at 6 evaluations 25% lower and at 8 evaluations 10% higher than the best peer's." in text
    assert "With what was fitted" not in text
    budgets = {
        name: row | {"best_of_ours_over_best_peer": ratio}
        for (name, row), ratio in zip(BUDGETS.items(), (0.75, 1.0), strict=True)
    }
    path.write_text(json.dumps({"model": model | {"budgets": budgets}}))
    both = solver_benchmark(path)
    assert "grids were fitted to 8 others by `mezzotint fit-grid`" in both
    fewer = model | {"pictures": model["pictures"] | {"fitted on": {"6": 8, "15": 4, "20": 4}}}  # type: ignore[operator]
    path.write_text(json.dumps({"model": fewer}))
    assert "grids were fitted to 8 others (4 at 15 and 20) by" in solver_benchmark(path)
    assert "not at 8. With what was fitted instead, wherever that was better on the pictures that choices were" in both
    assert "made on, it is at 2 of 2 budgets. The fitted grid's" in both
    assert "Weights `abababababababab`, guidance 4; an evaluation is two forwards. 4 pictures; choices were" in text
    assert "Overhead" not in text


def test_overhead_is_told_in_microseconds(tmp_path: Path) -> None:
    path = tmp_path / "solvers.json"
    row = {"mezzotint_us": 12.4, "diffusers_us": 24.8, "ratio": 0.5, "diffusers": "DDIMScheduler"}
    path.write_text(json.dumps({"overhead": {"machine": MACHINE, "solvers": {"ddim": row}}}))
    assert "| ddim | 12 | 25 (DDIMScheduler) | 0.50 |" in solver_benchmark(path)


def test_overhead_is_told_as_a_share_of_an_evaluation_and_noise_apart(tmp_path: Path) -> None:
    path = tmp_path / "solvers.json"
    part = {
        "machine": MACHINE,
        "solvers": {},
        "model": {
            "model": "house", "weights_sha256": "cd" * 32, "shape": [1, 4, 1, 64, 64], "dtype": "float32",
            "evaluation_us": 20_000.0,
            "solvers": {
                "unipc-3": {"us": 420.0, "share": 0.021}, "ddim": {"us": 25.0, "share": 0.00125},
                "heun": {"us": 60.0, "share": 0.003},
            },
        },
        "noise": {"shape": [1, 4, 1, 64, 64], "normal_us": 912.3, "brownian_us": 2345.6},
    }  # fmt: skip
    path.write_text(json.dumps({"overhead": part}))
    text = solver_benchmark(path)
    assert "house (weights `cdcdcdcdcdcdcdcd`), one picture of 1 × 4 × 1 × 64 × 64 with its prompt alone, takes" in text
    assert "takes 20.0 ms in float32." in text
    assert "costs from 25 µs, 0.12% (ddim) to 420 µs, 2.10% (unipc-3); 2 of 3 are below 2%; not unipc-3." in text
    assert "normals take 912 µs a step, and an increment of the Brownian path 2346 µs." in text
    del part["model"], part["noise"]
    path.write_text(json.dumps({"overhead": part}))
    assert "evaluation" not in solver_benchmark(path)
    assert "Brownian" not in solver_benchmark(path)
