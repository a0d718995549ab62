"""Write requirements.lock, requirements-torch.lock, and one file for each extra that no test needs: every package with
its version and the hashes of its files.

Run it as `make lock`. It needs `uv` on the PATH. Releases younger than a week are left out, so that a stolen
publishing account is likely to be noticed before we install from it.
"""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COOL_DOWN = "7 days"
BUILD_TOOLS = "hatchling>=1.27\neditables\n"
GPU = re.compile(r"(torch|triton|cuda-|nvidia-)")

HEADER = """\
# Everything that `pip install -e .[dev]` needs, except torch, with hashes, for Python >= 3.11 on any platform.
# Made by `make lock`; do not edit. How to install from it: CONTRIBUTING.md, "The lock file".
"""
TORCH_HEADER = """\
# torch and its GPU libraries as the default package index has them, with hashes.
# Other builds of the same version (CPU only, ROCm) have other hashes; CONTRIBUTING.md, "The lock file", says more.
# Made by `make lock`; do not edit.
"""
APART = ("ocr", "openvino", "published")
"""Extras with lock files of their own."""
APART_HEADER = """\
# What the extra `{extra}` needs beyond requirements.lock, with hashes. No test needs it.
# Made by `make lock`; do not edit. How to install from it: CONTRIBUTING.md, "The lock file".
"""


def resolve(*extras: str, within: Sequence[str] = ()) -> list[str]:
    """One block of lines per package, as uv writes them: the requirement and its hashes.

    within: lock files whose versions count where they have the package.
    """
    command = [
        "uv", "pip", "compile", "pyproject.toml", "-", "--universal", "--python-version", "3.11",
        "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links",
        "--exclude-newer", COOL_DOWN, "--quiet",
        *(part for name in extras for part in ("--extra", name)),
        *(part for name in within for part in ("--constraint", name)),
    ]  # fmt: skip
    done = subprocess.run(command, input=BUILD_TOOLS, capture_output=True, text=True, check=True, cwd=ROOT)
    return re.findall(r"^[a-zA-Z].*\n(?:[ \t].*\n)*", done.stdout, re.MULTILINE)


def name_of(block: str) -> str:
    """The package of a block."""
    return block.split("==")[0]


def main() -> None:
    blocks = resolve("dev")
    torch = [block for block in blocks if GPU.match(block)]
    rest = [block for block in blocks if not GPU.match(block)]
    assert torch, "torch is in the lock"
    assert all("--hash=sha256:" in block for block in blocks), "every package has a hash"
    (ROOT / "requirements.lock").write_text(HEADER + "".join(rest))
    (ROOT / "requirements-torch.lock").write_text(TORCH_HEADER + "".join(torch))
    counts = [f"{lock_apart(extra, {name_of(block) for block in blocks})} for {extra}" for extra in APART]
    print(f"locked {len(rest)} packages, {len(torch)} for torch, {', '.join(counts)}")


def lock_apart(extra: str, known: set[str]) -> int:
    """Write an extra's file, without what is `known` from the first two, whose versions it keeps to."""
    blocks = resolve("dev", extra, within=("requirements.lock", "requirements-torch.lock"))
    more = [block for block in blocks if name_of(block) not in known]
    assert more, "the extra needs packages of its own"
    assert all("--hash=sha256:" in block for block in more), "every package has a hash"
    (ROOT / f"requirements-{extra}.lock").write_text(APART_HEADER.format(extra=extra) + "".join(more))
    return len(more)


if __name__ == "__main__":
    main()
