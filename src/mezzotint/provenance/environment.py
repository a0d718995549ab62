"""What drew a picture: versions, threads and processor, without host names or paths."""

import platform
import subprocess
import sys
from pathlib import Path

from mezzotint import __version__
from mezzotint.recipe import Environment

__all__ = ["describe_environment", "processor_name"]


def describe_environment(device: str = "cpu", *, compiled: bool = False) -> Environment:
    """The facts of this process that can move the last bits of a picture drawn on `device` ("cpu", "cuda", …).
    compiled: whether the network is."""
    import PIL
    import torch

    return Environment(
        mezzotint=__version__,
        torch=str(torch.__version__),
        threads=torch.get_num_threads(),
        processor=processor_name(device),
        compiled=compiled,
        pillow=PIL.__version__,
    )


def processor_name(device: str = "cpu") -> str:
    """The name of the GPU, or of the CPU with the instruction set that PyTorch's kernels use, as "… (AVX2)".

    The instruction set is part of it because it decides the order of summation.
    """
    import torch

    if device.startswith("cuda") and torch.cuda.is_available():
        return _one_line(torch.cuda.get_device_name(torch.device(device)))
    return (
        f"{_one_line(_cpu_name() or platform.machine() or 'unknown CPU')} ({torch.backends.cpu.get_cpu_capability()})"
    )


def _cpu_name() -> str:
    """The CPU's marketing name, or "" where the system does not tell."""
    try:
        if sys.platform == "linux":
            lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
            return next((line.partition(":")[2] for line in lines if line.startswith("model name")), "")
        if sys.platform == "darwin":
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, capture_output=True, text=True, timeout=5, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    return platform.processor()


def _one_line(text: str) -> str:
    """`text` with only printable characters and single spaces, at most 160 of them."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:160]
