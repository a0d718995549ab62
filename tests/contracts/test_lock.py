"""The lock files hold what pyproject.toml asks for, each package with hashes."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.contracts.source import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
GROUPS = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
WANTED = [Requirement(text) for group in GROUPS for text in group]
APART = ("ocr", "openvino", "published")
FILES = ("requirements.lock", "requirements-torch.lock", *(f"requirements-{extra}.lock" for extra in APART))


def blocks(name: str) -> list[str]:
    """One text per package: its requirement and its hashes."""
    lines = (ROOT / name).read_text().splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("#"))
    return re.split(r"\n(?=\S)", text.rstrip("\n"))


LOCKED = {
    (canonicalize_name(one.name), next(iter(one.specifier)).version)
    for name in FILES
    for one in (Requirement(block.split("\\\n")[0]) for block in blocks(name))
}


@pytest.mark.parametrize("name", [*FILES, "requirements-parity.lock"])
def test_every_package_is_pinned_and_hashed(name: str) -> None:
    for block in blocks(name):
        first, *hashes = block.split(" \\\n")
        assert re.fullmatch(r"[a-z0-9.-]+==[^ *]+( ; .*)?", first), first
        assert hashes, first
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}", line) for line in hashes), first


@pytest.mark.parametrize("wanted", WANTED, ids=str)
def test_what_the_project_asks_for_is_locked_in_an_allowed_version(wanted: Requirement) -> None:
    if wanted.name == PROJECT["name"]:  # an extra that includes another one
        return
    versions = [version for name, version in LOCKED if name == canonicalize_name(wanted.name)]
    assert versions, f"{wanted.name} is not locked; run make lock"
    assert all(version in wanted.specifier for version in versions), f"run make lock: {wanted} has {versions}"


def test_extras_that_no_test_needs_stand_apart() -> None:
    packages, torch, ocr, openvino, published = ({block.split("==")[0] for block in blocks(name)} for name in FILES)
    assert "rapidocr" in ocr
    assert "openvino" in openvino
    assert "transformers" in published
    assert not (ocr | openvino | published) & (packages | torch)


def test_torch_and_its_gpu_libraries_stand_apart() -> None:
    apart = {block.split("==")[0] for block in blocks(FILES[1])}
    assert "torch" in apart
    assert not apart & {block.split("==")[0] for block in blocks(FILES[0])}
    assert not [block for block in blocks(FILES[0]) if block.startswith(("nvidia", "cuda", "torch", "triton"))]
