"""The tables of benchmarks/solvers.json, and what they say in a sentence."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["solver_benchmark"]

FIGURES = Path(__file__).parent.parent / "benchmarks" / "solvers.json"
FITTED = "mezzotint, fitted grid"
BOTH = "best_of_ours_over_best_peer"
ROUNDING = 1.01
"""Ours may be so much worse than a peer and still count as at least as good."""
SHARE = 0.02
"""So much of an evaluation a step may cost outside the network."""
Part = Mapping[str, Any]


def solver_benchmark(path: Path | None = None) -> str:
    """Both tables of errors, and the overhead; what was not measured is left out."""
    path = path or FIGURES
    data = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    makers = {"mixture": _mixture, "model": _model, "overhead": _overhead}
    parts = [make(data[name]) for name, make in makers.items() if name in data]
    return "\n\n".join(parts) or "There are no measurements yet."


def _mixture(part: Part) -> str:
    return (
        "### An exact model\n\n"
        f"A mixture of 16 Gaussians in 64 dimensions, whose denoiser is known exactly; {part['starts']} starts. "
        f"The reference: {part['reference']}.\n\n{errors(part['budgets'])}\n\n{verdict(part['budgets'])} {_where(part)}"
    )


def _model(part: Part) -> str:
    count = part["pictures"]
    return (
        f"### The model {part['model']}\n\n"
        f"Weights `{part['weights_sha256'][:16]}`, guidance {part['guidance']:g}; an evaluation is "
        f"{part['evaluation']}. {count['reported']} pictures; choices were made on {count['chosen on']} others, and "
        f"grids were fitted to {_fitted_on(count['fitted on'])} by `mezzotint fit-grid`. "
        f"The reference: {part['reference']}.\n\n{errors(part['budgets'])}\n\n{verdict(part['budgets'])} {_where(part)}"
    )


def _fitted_on(counts: Mapping[str, int]) -> str:
    """To how many pictures, and at which budgets to how many."""
    usual, *fewer = dict.fromkeys(counts.values())
    others = [f"{count} at {' and '.join(budget for budget, own in counts.items() if own == count)}" for count in fewer]
    return f"{usual} others" + (f" ({', '.join(others)})" if others else "")


def errors(budgets: Part) -> str:
    """A line for each budget: the error of each program's best, and what that was."""
    cells = (cell for row in budgets.values() for cell in row.items())
    names = list(dict.fromkeys(name for name, cell in cells if isinstance(cell, Mapping)))
    names.sort(key=lambda name: name == FITTED)  # only some budgets have it
    lines = ["| evaluations | " + " | ".join(names) + " | ours / best peer |", "|---:" + "|---" * len(names) + "|---:|"]
    for budget, row in budgets.items():
        found = [f"{row[name]['error']:.4f} ({row[name]['choice']})" if name in row else "" for name in names]
        lines.append(f"| {budget.split()[0]} | {' | '.join(found)} | {row['ours_over_best_peer']:.2f} |")
    return "\n".join(lines)


def verdict(budgets: Part) -> str:
    """Where ours is at least as good as the best peer, and by how much fitted grids are better."""
    text = f"Ours is at least as good as the best peer (within 1 %) at {_good(budgets, 'ours_over_best_peer')}"
    if any(BOTH in row for row in budgets.values()):
        text += (
            " With what was fitted instead, wherever that was better on the pictures that choices were made on, it is "
            f"at {_good(budgets, BOTH)}"
        )
    fitted = [_gain(budget, row["fitted_over_best_peer"]) for budget, row in budgets.items() if FITTED in row]
    if fitted:
        listed = f"{', '.join(fitted[:-1])} and {fitted[-1]}" if fitted[1:] else fitted[0]
        text += f" The fitted grid's error is {listed} than the best peer's."
    return text


def _good(budgets: Part, key: str) -> str:
    """At how many budgets, and at which not."""
    ratios = {budget.split()[0]: row.get(key, row["ours_over_best_peer"]) for budget, row in budgets.items()}
    worse = [budget for budget, ratio in ratios.items() if ratio > ROUNDING]
    return f"{len(budgets) - len(worse)} of {len(budgets)} budgets" + (
        f"; not at {', '.join(worse)}." if worse else "."
    )


def _gain(budget: str, ratio: float) -> str:
    return f"at {budget.split()[0]} evaluations {abs(1 - ratio):.0%} {'lower' if ratio < 1 else 'higher'}"


def _overhead(part: Part) -> str:
    lines = [
        f"| {name} | {row['mezzotint_us']:.0f} | {row['diffusers_us']:.0f} ({row['diffusers']}) | {row['ratio']:.2f} |"
        for name, row in part["solvers"].items()
    ]
    head = "| a step, without the network | mezzotint, µs | diffusers, µs | ratio |\n|---|---:|---|---:|"
    table = f"On a tensor of 1 × 4 × 64 × 64.\n\n{head}\n" + "\n".join(lines)
    more = [make(part[name]) for name, make in (("model", _share), ("noise", _noise)) if name in part]
    return "\n\n".join(["### Overhead", table, *more, _where(part)])


def _share(part: Part) -> str:
    solvers = part["solvers"]
    ranked = sorted(solvers, key=lambda name: float(solvers[name]["us"]))
    few, many = (
        f"{solvers[name]['us']:.0f} µs, {solvers[name]['share']:.2%} ({name})" for name in (ranked[0], ranked[-1])
    )
    high = [name for name in ranked if solvers[name]["share"] >= SHARE]
    verdict = f"{len(ranked) - len(high)} of {len(ranked)} are below {SHARE:.0%}" + (
        f"; not {', '.join(high)}." if high else "."
    )
    return (
        f"One evaluation of the model {part['model']} (weights `{part['weights_sha256'][:16]}`), one picture of "
        f"{_shape(part)} with its prompt alone, takes {part['evaluation_us'] / 1000:.1f} ms in {part['dtype']}. "
        f"Beside that, a step of a deterministic solver without the network costs from {few} to {many}; {verdict}"
    )


def _noise(part: Part) -> str:
    return (
        f"Drawing noise is not counted above. For {_shape(part)}, or as many numbers in another shape, normals take "
        f"{part['normal_us']:.0f} µs a step, and an increment of the Brownian path {part['brownian_us']:.0f} µs."
    )


def _shape(part: Part) -> str:
    return " × ".join(map(str, part["shape"]))


def _where(part: Part) -> str:
    here = part["machine"]
    return f"Measured on {here['processor']}, {here['threads']} threads, torch {here['torch']}."
