"""A network's blocks as machine code, made once on a machine and kept on disk between processes.

`torch.export` and AOTInductor turn a block into a library for one shape. The weights are inputs of it, so that one
library serves all blocks of a network and every model of the same sizes: what is compiled is a tenth of the whole
network, and a process that finds the library does not import the compiler. Only sums are taken in another order than
by PyTorch's own kernels, and in bfloat16 what lies between two products is not rounded: `PARITY` says how much that is.
"""

import hashlib
import os
import platform
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Self

import torch
from torch import Tensor, nn

from mezzotint.errors import MissingDependency
from mezzotint.nn import Block

__all__ = ["PARITY", "CompiledBlocks", "compiler", "graph_folder"]

PARITY = 2e-5
"""The most by which a block's output may differ from the plain one's in float32, in units of its largest value."""
BUCKET = 16
"""Context tokens are padded to a multiple of this, so that prompts of most lengths share a graph."""

Pair = tuple[Tensor, Tensor]


def graph_folder() -> Path:
    """Where graphs are kept: `$XDG_CACHE_HOME/mezzotint/graphs`, else `~/.cache/mezzotint/graphs`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mezzotint" / "graphs"


def compiler() -> str | None:
    """The C++ compiler that PyTorch would use, `$CXX` if that is set; None where there is none."""
    return shutil.which(os.environ.get("CXX") or {"darwin": "clang++", "win32": "cl"}.get(sys.platform, "g++"))


class _Bare(nn.Module):
    """A block without weights: they are inputs, in the order of `names`."""

    def __init__(self, block: Block, names: tuple[str, ...]) -> None:
        super().__init__()
        self._held = (block,)  # in a tuple, so that its weights do not become constants of the graph
        self._names = names

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, keys: Tensor, values: Tensor, bias: Tensor, *weights: Tensor
    ) -> Tensor:
        given = {"rotary": (cos, sin), "context": (keys, values), "bias": bias}
        y: Tensor = torch.func.functional_call(self._held[0], dict(zip(self._names, weights, strict=True)), (x,), given)
        return y


class CompiledBlocks:
    """Runs blocks by graphs of fixed shapes; a shape that is not on disk is compiled when it is first met.

    One object serves a loaded model, also from several threads at once. `said` hears a sentence before each wait.
    """

    def __init__(self, folder: Path | None = None, said: Callable[[str], None] = lambda sentence: None) -> None:
        self.folder = graph_folder() if folder is None else folder
        self._said = said
        self._graphs: dict[tuple[object, ...], Any] = {}
        self._lock = Lock()

    def __deepcopy__(self, memo: object) -> Self:
        """Itself: copies of a network (for its LoRAs) share the graphs as they share the weights."""
        return self

    def length(self, tokens: int) -> int:
        """For how many context tokens a graph is made that is to read so many."""
        return -(-tokens // BUCKET) * BUCKET

    def __call__(self, block: Block, x: Tensor, rotary: Pair, context: Pair, bias: Tensor) -> Tensor:
        """`block(x, rotary=rotary, context=context, bias=bias)` within `PARITY`, for context tokens of a `length`.

        Raises MissingDependency if the shape is not on disk and cannot be compiled.
        """
        names = weight_names(block)
        inputs = [t.contiguous() for t in (x, *rotary, *context, bias, *(block.get_parameter(n) for n in names))]
        shape = (x.dtype, torch.get_num_threads(), block.attention.heads, *(tuple(t.shape) for t in inputs))
        graph = self._graphs.get(shape)
        if graph is None:
            with self._lock:
                graph = self._graphs.get(shape) or self._graph(block, names, inputs, shape)
                self._graphs[shape] = graph
        y: Tensor = graph.boxed_run(inputs)[0]
        return y

    def _graph(self, block: Block, names: tuple[str, ...], inputs: list[Tensor], shape: tuple[object, ...]) -> Any:
        path = self.folder / f"{key(shape)}.pt2"
        if path.is_file() and (graph := _loaded(path)) is not None:
            return graph
        batch, tokens = inputs[0].shape[:2]
        self._said(f"Compiling the network for {batch} x {tokens} tokens, once on this machine.")
        _compile(_Bare(block, names), tuple(inputs), path)
        graph = _loaded(path)
        assert graph is not None, path
        return graph


def weight_names(block: Block) -> tuple[str, ...]:
    """The names of a block's weights, without those that adapters brought."""
    return tuple(name for name, _ in block.named_parameters() if ".added." not in name)


def key(shape: tuple[object, ...]) -> str:
    """A name for a graph: of all that decides its code, which is the shape, our layers, PyTorch, and the processor."""
    facts = (shape, torch.__version__, torch.backends.cpu.get_cpu_capability(), platform.machine(), _flags(), _layers())
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


@cache
def _layers() -> str:
    """Digest of the source of the layers that are compiled."""
    files = sorted((Path(__file__).parent / "nn").glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


@cache
def _flags() -> str:
    """What the processor can do, as Linux says it: a cache folder may be shared between machines."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        return next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return platform.processor()


def _loaded(path: Path) -> Any | None:
    """What runs a graph; None for a file that is damaged."""
    from torch._C._aoti import AOTIModelPackageLoader  # its wrapper imports the whole compiler: two seconds

    try:
        return AOTIModelPackageLoader(str(path), "model", False, 1, -1)
    except RuntimeError:
        return None


def _compile(module: nn.Module, inputs: tuple[Tensor, ...], path: Path) -> None:
    """Write a graph to `path`, whole or not at all. Raises MissingDependency if that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(dir=path.parent, prefix=".compiling-") as staging,
            warnings.catch_warnings(),  # of PyTorch, about PyTorch
            torch.inference_mode(False),
        ):
            warnings.simplefilter("ignore")
            plain = tuple(torch.empty_like(t).copy_(t) for t in inputs)  # export takes no inference tensors
            with torch.no_grad():
                program = torch.export.export(module, plain)
                made = torch._inductor.aoti_compile_and_package(
                    program,
                    package_path=f"{staging}/graph.pt2",
                    inductor_configs={"compile_threads": 1},  # one file is compiled: a pool of processes has no work
                )
            os.replace(made, path)
    except Exception as error:  # whatever goes wrong in a compiler, of which there are many kinds
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise MissingDependency(
            f"The network could not be compiled into {path.parent} ({reason}); draw without --compile."
        ) from error
