"""Write requirements.lock and requirements-torch.lock: every package with its version and the hashes of its files.

Run it as `make lock`. It needs `uv` on the PATH. Releases younger than a week are left out, so that a stolen
publishing account is likely to be noticed before we install from it.
"""

import re
import subprocess
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


def resolve() -> list[str]:
    """One block of lines per package, as uv writes them: the requirement and its hashes."""
    command = [
        "uv", "pip", "compile", "pyproject.toml", "-", "--all-extras", "--universal", "--python-version", "3.11",
        "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links",
        "--exclude-newer", COOL_DOWN, "--quiet",
    ]  # fmt: skip
    done = subprocess.run(command, input=BUILD_TOOLS, capture_output=True, text=True, check=True, cwd=ROOT)
    return re.findall(r"^[a-zA-Z].*\n(?:[ \t].*\n)*", done.stdout, re.MULTILINE)


def main() -> None:
    blocks = resolve()
    torch = [block for block in blocks if GPU.match(block)]
    rest = [block for block in blocks if not GPU.match(block)]
    assert torch, "torch is in the lock"
    assert all("--hash=sha256:" in block for block in blocks), "every package has a hash"
    (ROOT / "requirements.lock").write_text(HEADER + "".join(rest))
    (ROOT / "requirements-torch.lock").write_text(TORCH_HEADER + "".join(torch))
    print(f"locked {len(rest)} packages, and {len(torch)} for torch")


if __name__ == "__main__":
    main()
