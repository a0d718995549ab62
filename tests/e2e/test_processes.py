"""The program as its users run it: fresh processes, signals, closed pipes, folders that cannot be written."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from tests.interfaces.conftest import SMALL_NETWORK
from tests.support import model_folder, picture_folder

DROP_BOUNDING, OVERRIDE = 24, 1
"""prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE): what lets root write into read-only folders."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder(tmp_path_factory.mktemp("models") / "random")


class Program:
    """`mezzotint` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(folder / "cache")}

    def start(self, *args: object, before: Callable[[], None] | None = None) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "mezzotint", *map(str, args)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, **pipes, text=True, cwd=self.folder, env=self.environment, preexec_fn=before)  # type: ignore[call-overload,no-any-return]

    def run(self, *args: object, before: Callable[[], None] | None = None) -> tuple[int, str, str]:
        with self.start(*args, before=before) as process:
            out, err = process.communicate(timeout=120)
            return process.returncode, out, err


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def wait_for(what: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Until something is there; fails if the process ends first."""
    end = time.monotonic() + 90
    while not what():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def test_two_processes_draw_the_same_and_a_third_reproduces_it(program: Program, model: Path) -> None:
    hashes = []
    for name in ("a.png", "b.png"):
        args = ("imagine", "a red apple", "--seed", 7, "--out", name, "--model", model, "--format", "json")
        code, out, err = program.run(*args)
        assert (code, err) == (0, "")
        found = json.loads(out)
        assert found["ignored"] == []
        hashes.append(found["pictures"][0]["pixels_sha256"])
    assert hashes[0] == hashes[1]
    code, out, err = program.run("reproduce", "a.png", "--model", model)
    assert (code, out, err) == (0, "a.png: identical: every pixel is equal.\n", "")


def test_the_third_of_four_reproduces_alone(program: Program, model: Path) -> None:
    code, out, _ = program.run("imagine", "a cat", "--n", 4, "--seed", 7, "--out", "d", "--model", model)
    assert code == 0
    assert len(out.splitlines()) == 4
    code, out, _ = program.run("reproduce", "d/a-cat-9.png", "--model", model, "--format", "json")
    assert code == 0
    found = json.loads(out)
    assert (found["status"], found["recipe"]["request"]["seed"]) == ("identical", 9)


def test_help_and_refusals_need_no_torch(program: Program) -> None:
    start = "import sys; from mezzotint.interfaces.cli.main import main"
    code = f"{start}\ntry: main()\nfinally: print('torch' in sys.modules)"
    for args in (["--help"], ["imagine", "--help"], ["imagine", "x", "--steps", "0"], ["imagin"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *args], capture_output=True, text=True, check=False, env=program.environment
        )
        assert done.stdout.splitlines()[-1] == "False", args


def read_only_for_root() -> None:
    """Run in the child: root without the right to ignore permissions."""
    ctypes.CDLL(None).prctl(DROP_BOUNDING, OVERRIDE, 0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
def test_a_read_only_folder_is_one_sentence(program: Program, model: Path) -> None:
    shut = program.folder / "shut"
    shut.mkdir(mode=0o555)
    for out in ("shut/a.png", "shut/deep"):
        args = ("imagine", "x", "--model", model, "--out", out)
        code, text, err = program.run(*args, before=read_only_for_root)
        assert (code, text) == (2, "")
        assert len(err.splitlines()) == 1
        assert "shut" in err
    code, _, err = program.run("train", "tiny", "--out", "shut/run", before=read_only_for_root)
    assert (code, len(err.splitlines())) == (2, 1)
    assert list(shut.iterdir()) == []


def test_ctrl_c_keeps_whole_pictures(program: Program, model: Path) -> None:
    args = ("imagine", "x", "--n", 1000, "--steps", 50, "--seed", 0, "--out", "d", "--model", model)
    with program.start(*args) as process:
        wait_for(lambda: len(list(program.folder.glob("d/*.png"))) >= 2, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    files = list((program.folder / "d").iterdir())
    assert process.returncode == 130
    assert err == f"mezzotint: interrupted; {len(files)} of 1000 pictures are finished.\n"
    assert len(out.splitlines()) == len(files)
    for file in files:
        Image.open(file).load()


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of Unix")
def test_the_bar_is_for_terminals_only_and_leaves_stdout_alone(program: Program, model: Path) -> None:
    import fcntl
    import pty
    import struct
    import termios

    leader, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    command = [sys.executable, "-m", "mezzotint", "imagine", "x", "--seed", "1", "--model", str(model)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=terminal, cwd=program.folder, env=program.environment, check=True
    )
    os.close(terminal)
    shown = os.read(leader, 100_000).decode()
    os.close(leader)
    assert "drawing: 100%" in shown
    assert "4/4" in shown
    assert done.stdout.decode().splitlines()[0].startswith(str(Path("mezzotint-out/x-1.png")))
    assert b"drawing" not in done.stdout


def test_a_reader_that_leaves_is_no_error(program: Program, model: Path) -> None:
    with program.start("imagine", "x", "--n", 1000, "--steps", 1, "--out", "d", "--model", model) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        process.wait(timeout=90)
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_a_stopped_training_saves_exits_with_75_and_ends_as_if_never_stopped(program: Program) -> None:
    picture_folder(program.folder / "pictures")
    settings = [
        *(*SMALL_NETWORK, "--set", "data.source=folder", "--set", "data.path=pictures", "--set", "steps=150"),
        *("--set", "batch=2", "--set", "validation=4", "--set", "checkpoint_every=1000", "--set", "sample_every=1000"),
    ]
    metrics = program.folder / "r" / "metrics.jsonl"
    for number, wanted in ((signal.SIGTERM, 20), (signal.SIGINT, 60)):
        how = ["--resume"] if metrics.exists() else settings
        with program.start("train", "tiny", *how, "--out", "r") as process:
            wait_for(lambda at=wanted: metrics.exists() and metrics.read_text().count("\n") >= at, process)  # type: ignore[misc]
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (75, "")
        assert "Stopped and saved at step" in out
        assert "mezzotint train tiny --resume --out r" in out
    assert program.run("train", "tiny", "--resume", "--out", "r")[0] == 0
    assert program.run("train", "tiny", *settings, "--out", "whole")[0] == 0
    for name in ("network", "optimizer", "ema-0.050"):
        one, other = (
            load_file(program.folder / run / "checkpoints" / "step-00000150" / f"{name}.safetensors")
            for run in ("r", "whole")
        )
        assert all(torch.equal(one[key], other[key]) for key in one | other)
    assert metrics.read_text().count("\n") == 150
