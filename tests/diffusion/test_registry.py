"""The registry of solvers: distinct update maps, and what it costs to add one."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import mezzotint
from mezzotint.diffusion import SOLVERS, Bound, GaussianMixture, Solver, VPCosine, from_times, sample
from mezzotint.diffusion.solvers import describe
from mezzotint.diffusion.solvers.ancestral import EulerAncestral
from mezzotint.diffusion.solvers.ddim import DDIM
from tests.support import model_folder

from .paths import Bridge


def end(solver: Solver[Any]) -> Tensor:
    """Where a mixture in two dimensions ends after seven unequal steps on one path of noise."""
    means = torch.tensor([[-1.0, 0.4], [0.6, -0.3], [0.1, 0.9]], dtype=torch.float64)
    exact = GaussianMixture(VPCosine(), means, torch.tensor([0.05, 0.1, 0.02]), torch.tensor([0.4, 0.4, 0.2]))
    start = torch.linspace(-2, 2, 16, dtype=torch.float64).reshape(8, 2).sin() * 1.5
    grid = from_times([0.95, 0.8, 0.7, 0.55, 0.4, 0.33, 0.2, 0.1])
    *_, last = sample(Bound(exact, {}), start, grid, solver, Bridge(3))
    return last.x


ENDS = {name: end(record.make()) for name, record in SOLVERS.items()}
DISTINCT = [name for name, record in SOLVERS.items() if record.same_as is None]


def test_the_names_are_of_different_maps() -> None:
    """Any two names that do not say otherwise end apart, by far more than rounding; there are more than 26 of them."""
    assert len(DISTINCT) >= 26
    for a, b in combinations(DISTINCT, 2):
        assert float((ENDS[a] - ENDS[b]).abs().max()) > 1e-6, f"{a} and {b} are one map"


@pytest.mark.parametrize("name", [name for name, record in SOLVERS.items() if record.same_as])
def test_names_that_say_they_are_the_same_are(name: str) -> None:
    other, _, option = str(SOLVERS[name].same_as).partition(" with ")
    key, _, value = option.partition("=")
    solver = SOLVERS[other].make({key: float(value)} if key else {})
    torch.testing.assert_close(ENDS[name], end(solver), rtol=1e-12, atol=1e-12)


def test_what_coincides_with_another_is_said_in_the_docstring() -> None:
    """Euler a in sigma/alpha is DDIM of the same eta."""
    for eta in (0.4, 1.0):
        torch.testing.assert_close(end(EulerAncestral(eta, "ratio")), end(DDIM(eta)), rtol=1e-12, atol=1e-12)


def test_the_list_is_plain_data() -> None:
    found = json.loads(json.dumps(describe()))
    assert [line["name"] for line in found] == sorted(SOLVERS)
    line = next(line for line in found if line["name"] == "dpmpp-3m")
    assert (line["formula_order"], line["end_to_end_order"], line["evaluations_per_step"]) == (3, 2, 1)
    assert all(line["source"] for line in found)
    names = [name for line in found for name in (line["name"], *line["aliases"])]
    assert len(names) == len(set(names))


FILE = '''
from dataclasses import dataclass
from typing import ClassVar
from mezzotint.diffusion.solvers.base import Order, SolverRecord

@dataclass(frozen=True)
class Backwards:
    """x_s = alpha_s x_0."""
    coordinate: ClassVar[str] = "ratio"
    stochastic: ClassVar[bool] = False
    order: ClassVar[Order | None] = None
    ramp: ClassVar[None] = None

    def init(self, x): return None

    def step(self, denoise, x, t, s, state, noise):
        return denoise.schedule(s).alpha * denoise(x, t).x0, None

RECORDS = (SolverRecord("backwards", Backwards, 1, "nobody"),)
'''


DRAW = """
import sys
from mezzotint import Pipeline

result = Pipeline.load(sys.argv[1]).generate("a cat", solver="Backwards", steps=3, guidance=1)
print(result.recipes[0].request.solver, result.recipes[0].evaluations)
"""


@pytest.fixture
def added(tmp_path: Path) -> Callable[..., str]:
    """Runs Python with a copy of the package that has one more file of solvers and one more line."""
    home = tmp_path / "with-one-more"
    kept_out = shutil.ignore_patterns("__pycache__", "*.safetensors", "*.md")
    shutil.copytree(Path(mezzotint.__file__).parent, home / "mezzotint", ignore=kept_out)
    folder = home / "mezzotint" / "diffusion" / "solvers"
    (folder / "backwards.py").write_text(FILE)
    index = folder / "__init__.py"
    source = index.read_text()
    line = source.replace('    "heun",\n', '    "heun",\n    "backwards",\n')
    assert line.count("\n") == source.count("\n") + 1
    index.write_text(line)

    def run(*arguments: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(home), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_a_solver_is_one_file_and_one_line(added: Callable[..., str], tmp_path: Path) -> None:
    listed = {line["name"]: line for line in json.loads(added("-m", "mezzotint", "solvers", "--format", "json"))}
    assert listed.keys() == {*SOLVERS, "backwards"}
    assert (listed["backwards"]["evaluations_per_step"], listed["backwards"]["source"]) == (1, "nobody")
    assert added("-c", DRAW, str(model_folder(tmp_path / "random"))).split() == ["backwards", "3"]
