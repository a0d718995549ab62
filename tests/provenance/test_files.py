"""Files are whole or absent, whatever goes wrong while they are written."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mezzotint.errors import OutOfSpace
from mezzotint.provenance.files import write_atomically


def test_writes_and_overwrites_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_atomically(path, b"old")
    write_atomically(str(path), b"new bytes")
    assert path.read_bytes() == b"new bytes"
    assert os.listdir(tmp_path) == ["a.png"]


def test_a_picture_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_atomically(tmp_path / "ours", b"")
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_name_of_the_greatest_length_works(tmp_path: Path) -> None:
    write_atomically(tmp_path / ("x" * 255), b"1")
    assert (tmp_path / ("x" * 255)).read_bytes() == b"1"


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, r"^There is no space left to write .*a\.png; nothing was written, so free some space"),
        (errno.EDQUOT, r"no space left"),
        (errno.EACCES, r"^The folder .* cannot be written; choose another one for a\.png\.$"),
        (errno.EROFS, r"cannot be written; choose another one"),
        (errno.EIO, r"a\.png cannot be written \(.+\); choose another name or folder\.$"),
    ],
)
def test_a_failure_leaves_the_old_file_and_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int, words: str
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        assert len(os.listdir(tmp_path)) == 2, "the bytes are staged in the same folder"
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OutOfSpace, match=words):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.png"]


def test_an_interruption_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a.png", b"new")
    assert os.listdir(tmp_path) == []


LIMITED = """
import resource, signal, sys
from mezzotint.errors import OutOfSpace
from mezzotint.provenance.files import write_atomically
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomically(sys.argv[1], bytes(5000))
except OutOfSpace as error:
    print("refused:", error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_a_real_limit_in_the_middle_of_a_write(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "a.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("refused: There is no space left to write")
    assert os.listdir(tmp_path) == []


def test_a_missing_folder_a_folder_and_a_file_as_folder(tmp_path: Path) -> None:
    with pytest.raises(OutOfSpace, match=r"^The folder .*none does not exist; create it or choose"):
        write_atomically(tmp_path / "none" / "a.png", b"")
    with pytest.raises(OutOfSpace, match=r"is a folder; give the name of a file\.$"):
        write_atomically(tmp_path, b"")
    (tmp_path / "file").write_bytes(b"1")
    with pytest.raises(OutOfSpace, match=r"does not exist"):
        write_atomically(tmp_path / "file" / "a.png", b"")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutOfSpace, match="cannot be written"):
            write_atomically(tmp_path / "a.png", b"")
    finally:
        tmp_path.chmod(0o700)
