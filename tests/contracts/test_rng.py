"""No hidden randomness: noise comes from our own generator, initial weights from an explicit one, and that is all.

Read as syntax, so that code that no test runs counts too.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.contracts.source import PACKAGE, Source, calls, imports, parse, references, sources

NEEDS_GENERATOR = {
    "torch": {"bernoulli", "binomial", "multinomial", "normal", "poisson", "rand", "randint", "randn", "randperm"},
    "torch.nn.init": {
        "kaiming_normal_", "kaiming_uniform_", "normal_", "orthogonal_", "sparse_", "trunc_normal_", "uniform_",
        "xavier_normal_", "xavier_uniform_",
    },
    "": {
        "bernoulli", "bernoulli_", "cauchy_", "exponential_", "geometric_", "log_normal_", "multinomial", "normal_",
        "random_", "uniform_",
    },
}  # fmt: skip
"""Calls that must be given `generator=`; the third row is of methods of tensors."""
GLOBAL_STATE = {
    "default_generator", "fork_rng", "get_rng_state", "get_rng_state_all", "initial_seed", "manual_seed",
    "manual_seed_all", "rand_like", "randint_like", "randn_like", "seed", "seed_all", "set_rng_state",
    "set_rng_state_all",
}  # fmt: skip
"""Names below `torch` (at any depth) that use, change or read the global generators, and cannot do otherwise."""
DRAWING_LAYERS = {
    "Bilinear", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Embedding",
    "EmbeddingBag", "GRU", "LSTM", "Linear", "MultiheadAttention", "RNN", "RReLU", "Transformer",
    "TransformerDecoderLayer", "TransformerEncoderLayer",
}  # fmt: skip
"""Layers whose constructor draws from the global generator; make them with `torch.nn.utils.skip_init`."""
DROPOUT = {"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "gumbel_softmax"}
NUMPY = {"BitGenerator", "Generator", "Philox"}
"""What of numpy.random may be named: a keyed bit generator and the types."""
ENTROPY = {"secrets", "random", "uuid"}
MAY_USE_ENTROPY = {
    "mezzotint.request": "a seed for who gives none",
    "mezzotint.provenance.files": "names of temporary files",
}


def offences(source: Source) -> Iterator[str]:
    """Each use of hidden randomness as `path:line what`."""
    for call in calls(source):
        base, _, name = call.target.rpartition(".")
        line, where = call.node.lineno, base if base.split(".")[0] == "torch" else ""
        needs = NEEDS_GENERATOR.get("torch" if base == "torch" else where, set())
        if call.target.startswith(".") or where:
            generator = call.keyword("generator")
            if name in needs and (generator is None or _is_none(generator)):
                yield f"{source.where(line)} {call.target} without generator="
        if base == "torch.nn" and (name in DRAWING_LAYERS or "Dropout" in name):
            yield f"{source.where(line)} {call.target} draws from the global generator"
        if call.target == ".seed" or (call.target == "numpy.random.Philox" and call.keyword("key") is None):
            yield f"{source.where(line)} {call.target} takes its seed from the operating system"
        if name == "scaled_dot_product_attention" and call.keyword("dropout_p") is not None:
            yield f"{source.where(line)} {call.target} with dropout"
    for target, line in references(source):
        parts = target.split(".")
        if parts[0] == "torch" and (
            parts[-1] in GLOBAL_STATE or parts[-1] in DROPOUT or parts[:2] == ["torch", "random"]
        ):
            yield f"{source.where(line)} {target} uses the global generator"
        if parts[:2] == ["numpy", "random"] and len(parts) > 2 and parts[2] not in NUMPY:
            yield f"{source.where(line)} {target} is not our generator"
    for edge in imports(source):
        if edge.target.split(".")[0] in ENTROPY and source.name not in MAY_USE_ENTROPY:
            yield f"{source.where(edge.line)} imports {edge.target}"
        if edge.target == "os.urandom":
            yield f"{source.where(edge.line)} imports {edge.target}"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
def test_no_hidden_randomness(source: Source) -> None:
    found = list(offences(source))
    assert not found, "\n".join(found)


HEADER = """
import random, secrets, uuid
import numpy as np
import numpy.random
import torch
import torch as t
from numpy.random import default_rng
from torch import nn, randn
from torch.nn import functional as F
"""
BAD = [
    "torch.manual_seed(0)", "t.manual_seed(0)", "torch.cuda.manual_seed_all(0)", "torch.random.fork_rng()",
    "torch.get_rng_state()", "torch.seed()", "torch.randn(3)", "randn(3)", "t.randn(3, generator=None)",
    "torch.rand(3)", "torch.randperm(3)", "torch.randn_like(x)", "x.normal_()", "x.y.uniform_(0, 1)",
    "f(x).bernoulli_(0.5)", "torch.empty(3).normal_()", "nn.init.normal_(x)", "torch.nn.init.xavier_uniform_(x)",
    "nn.Linear(3, 3)", "torch.nn.Conv2d(3, 3, 3)", "nn.Dropout(0.1)", "F.dropout(x)", "g = F.gumbel_softmax",
    "np.random.seed(0)", "np.random.default_rng(0)", "numpy.random.normal()", "default_rng(0)", "np.random.Philox()",
    "F.scaled_dot_product_attention(q, k, v, dropout_p=0.1)", "torch.Generator().seed()", "torch.default_generator",
]  # fmt: skip
GOOD = [
    "torch.Generator().manual_seed(0)", "torch.randn(3, generator=g)", "x.normal_(0, 1, generator=g)",
    "nn.init.normal_(x, generator=g)", "np.random.Philox(key=3)", "torch.nn.utils.skip_init(nn.Linear, 3, 3)",
    "noise.normal((3,), purpose, 0)", "self.random(3)", "def f(x: np.random.Generator): ...", "torch.zeros(3)",
    "seed = 3", "request.seed", "isinstance(x, nn.Linear)",
]  # fmt: skip


@pytest.mark.parametrize("code", BAD)
def test_the_contract_can_fail(code: str) -> None:
    found = list(offences(parse(HEADER + code, PACKAGE / "request.py")))
    assert any(":10 " in line for line in found)


@pytest.mark.parametrize("code", GOOD)
def test_the_contract_lets_explicit_generators_pass(code: str) -> None:
    assert not any(":10 " in line for line in offences(parse(HEADER + code, PACKAGE / "request.py")))


def test_the_operating_systems_randomness_is_named() -> None:
    assert len(list(offences(parse(HEADER, PACKAGE / "diffusion" / "x.py")))) == 3
    assert MAY_USE_ENTROPY.keys() <= {source.name for source in sources()}


IMPORT_ALL = """
import importlib, random, sys
import numpy as np, torch
before = random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state().numpy().tobytes()
for name in sys.argv[1:]:
    importlib.import_module(name)
assert before == (random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state().numpy().tobytes())
print(len(sys.argv) - 1)
"""


def test_importing_every_module_touches_no_global_generator() -> None:
    names = [source.name for source in sources() if not source.name.endswith("__main__")]
    command = [sys.executable, "-c", IMPORT_ALL, *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == str(len(names))
