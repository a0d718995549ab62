"""What SECURITY.md promises and syntax can show: no code runs from a file, no shell, no unnamed use of a network."""

import ast
from collections.abc import Iterator

import pytest

from tests.contracts.source import PACKAGE, Source, calls, imports, parse, references, sources

RUNS_CODE = {"pickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "code"}
CALLS = {"eval", "exec", "compile", "os.system", "os.popen", "torch.load", "torch.hub.load", "yaml.load"}
NETWORK = {
    "socket",
    "ssl",
    "http",
    "urllib",
    "ftplib",
    "smtplib",
    "requests",
    "httpx",
    "httpx2",
    "aiohttp",
    "huggingface_hub",
}
MAY_USE_NETWORK: dict[str, str] = {}
"""Module -> why. `data build` fetches packages through npm, which is a process of its own."""


def offences(source: Source) -> Iterator[str]:
    for edge in imports(source):
        head = edge.target.split(".")[0]
        if head in RUNS_CODE:
            yield f"{source.where(edge.line)} imports {edge.target}, which runs code from data"
        if head in NETWORK and edge.target.split(".")[:2] != ["urllib", "parse"] and source.name not in MAY_USE_NETWORK:
            yield f"{source.where(edge.line)} imports {edge.target}, which reaches the network"
    for target, line in references(source):
        if target in CALLS:
            yield f"{source.where(line)} uses {target}"
    for call in calls(source):
        for switch in ("shell", "allow_pickle", "trust_remote_code"):
            value = call.keyword(switch)
            if value is not None and not (isinstance(value, ast.Constant) and value.value is False):
                yield f"{source.where(call.node.lineno)} {call.target} with {switch}"


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
def test_nothing_read_is_run_and_nothing_unnamed_reaches_the_network(source: Source) -> None:
    found = list(offences(source))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "code",
    [
        "import pickle", "def f():\n  from pickle import loads", "import torch as t\nt.load('x', weights_only=True)",
        "from torch import load\nload('x')", "eval('1')", "g = exec", "import os\nos.system('ls')",
        "import subprocess\nsubprocess.run('ls', shell=True)", "import numpy as np\nnp.load('x', allow_pickle=True)",
        "import urllib.request", "from http.client import HTTPSConnection", "import requests",
    ],
)  # fmt: skip
def test_the_contract_can_fail(code: str) -> None:
    assert list(offences(parse(code, PACKAGE / "x.py")))


def test_the_contract_lets_plain_code_pass() -> None:
    code = """
import re, torch
from urllib.parse import quote
re.compile("x")
torch.compile(model)
model.eval()
np.load(f, allow_pickle=False)
load(1)
"""
    assert not list(offences(parse(code, PACKAGE / "x.py")))
