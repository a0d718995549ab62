"""The environment names what computes, and nothing that names the machine or its owner."""

import getpass
import importlib.metadata
import platform
import socket
from pathlib import Path

import pytest
import torch

from mezzotint.provenance.environment import describe_environment, processor_name


def test_the_facts_are_those_of_this_process() -> None:
    facts = describe_environment("cpu")
    assert facts.torch == torch.__version__
    assert facts.threads == torch.get_num_threads()
    assert facts.mezzotint == importlib.metadata.version("mezzotint")


def test_the_processor_has_its_instruction_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "TEST9")
    assert processor_name().endswith(" (TEST9)")


@pytest.mark.skipif(platform.system() != "Linux", reason="reads Linux' own words")
def test_the_processor_is_what_the_system_calls_it() -> None:
    text = Path("/proc/cpuinfo").read_text()
    names = [line.partition(":")[2] for line in text.splitlines() if line.startswith("model name")]
    expected = " ".join(names[0].split()) if names else platform.machine()
    assert processor_name().rpartition(" (")[0] == expected


def test_no_host_no_user_no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: pytest.fail("the host's name was asked for"))
    monkeypatch.setattr(platform, "node", lambda: pytest.fail("the host's name was asked for"))
    monkeypatch.setattr(getpass, "getuser", lambda: pytest.fail("the user's name was asked for"))
    facts = describe_environment("cpu").to_json_dict()
    assert "/" not in facts["torch"] + facts["mezzotint"]
    assert not any(str(Path.home()) in str(value) or str(Path.cwd()) in str(value) for value in facts.values())


def test_odd_names_become_one_printable_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mezzotint.provenance.environment._cpu_name", lambda: " A\tCPU \n  @ 3\x00GHz" + "!" * 300)
    name = processor_name()
    assert name.startswith("A CPU @ 3 GHz!!!")
    assert name.isprintable()
    assert len(name) < 200
