"""Who may import whom: the table of the design. An edge that is not in it fails here, also inside a function."""

import importlib.metadata
import json
import subprocess
import sys
from collections import defaultdict

import pytest

from tests.contracts.source import PACKAGE, Import, Source, imports, parse, sources

BY_ALL = {"checked", "edit_options", "errors", "foreign", "options", "recipe", "request", "spec", "values"}
LOWER = {"diffusion", "nn", "families", "codecs", "conditioning"}
ALLOWED: dict[str, set[str]] = {
    "checked": set(),
    "edit_options": set(),
    "errors": set(),
    "foreign": set(),
    "options": set(),
    "recipe": set(),
    "request": set(),
    "spec": set(),
    "values": set(),
    "diffusion": set(),
    "nn": set(),
    # the network reads the plain value that a conditioner makes; it knows no conditioner
    "families": {"diffusion", "nn", "conditioning.conditioning"},
    "codecs": {"diffusion", "nn"},
    "conditioning": {"diffusion", "nn"},
    "adapters": LOWER,
    "editing": LOWER,
    "checkpoints": {"families", "codecs", "conditioning", "adapters"},
    "provenance": set(),
    "data": {"provenance.upright"},  # pictures are read upright everywhere
    "parallel": set(),
    # the prompt language is pure text: what a request's prompts are is decided by it
    "guiding": {"diffusion", "conditioning.prompt"},
    "prompting": {"diffusion", "conditioning", "guiding"},
    "choices": {"diffusion"},
    "tasks": {"diffusion", "codecs", "conditioning.prompt", "editing", "provenance"},
    "passes": {"editing"},
    "idle": {"tasks"},
    "preview": {"diffusion"},
    "upscaled": {"editing", "model", "passes", "preview", "provenance"},
    "model": {"diffusion", "codecs", "conditioning", "choices"},
    # letters have no drawing style; chaos is of guidance and of the usual style
    "usual": {"model", "conditioning.letters", "guiding"},
    "compiled": {"nn"},
    "threads": set(),
    "pipeline": {
        *("diffusion", "codecs", "conditioning", "adapters", "editing"),
        *("choices", "guiding", "model", "passes", "preview", "prompting", "tasks", "upscaled", "usual", "provenance"),
        "idle",
    },
    # load puts a pipeline together, so it may also name the parts that a pipeline is made of
    "load": {"pipeline", "model", "compiled", "choices", "checkpoints", "families", "house", *LOWER, "adapters"},
    "load_instruments": {"load", "checkpoints", "families", "conditioning"},
    "training": {"diffusion", "families", "codecs", "conditioning", "adapters", "checkpoints", "data", "parallel"},
    # it measures with an encoder of our own, which load puts together; looking inside a network is a probe's business
    "evaluation": {
        *("pipeline", "model", "data", "load", "load_instruments", "upscaled"),
        *("families.twin_encoder", "families.icon_detector", "conditioning.text", "diffusion.probe", "codecs.images"),
        "provenance.environment",
        "editing.regional",
        "diffusion.noise",  # what a network sees of the boxes of a layout
        "conditioning.letters",  # the letters that can be written and read
        "conditioning.prompt",  # captions are no prompts: they are escaped; a prompt's words are looked for
    },
    # a run says how many letters its network reads, which only their reader knows
    "runs": {"training", "data", "families", "conditioning.letters"},
    "house": set(),
}
EVERYTHING = {*ALLOWED, "interfaces"}
ALLOWED["interfaces"] = EVERYTHING
ALLOWED["__main__"] = {"interfaces"}
"""Layer -> layers (or single modules) that it may import, besides itself and `BY_ALL`."""
LATE = {"pipeline": {"load"}}
"""Edges that are allowed inside a function only: `Pipeline.load` is the door through which people come in."""
VERSION = "mezzotint.__version__"

CORE = {"torch", "numpy", "PIL", "safetensors", "tokenizers", "click", "tqdm"}
"""What every installation has. Anything else is imported inside the one function that needs it."""
FILES_AND_PROCESSES = {"asyncio", "io", "json", "os", "pathlib", "shutil", "socket", "subprocess", "tempfile", "urllib"}


def layer(name: str) -> str:
    """The second part of a dotted name: mezzotint.diffusion.noise is in diffusion; the package itself is ""."""
    return [*name.split("."), ""][1]


def forbidden_edges(source: Source) -> list[Import]:
    """Imports of our own modules that the table does not have."""
    own = layer(source.name)
    if source.name == "mezzotint":
        return [edge for edge in imports(source) if layer_of(edge) not in BY_ALL and edge.top]
    return [edge for edge in imports(source) if not allowed(own, edge)]


def layer_of(edge: Import) -> str:
    return layer(edge.target) if edge.target.split(".")[0] == "mezzotint" else next(iter(BY_ALL))


def allowed(own: str, edge: Import) -> bool:
    if edge.target.split(".")[0] != "mezzotint" or edge.target == VERSION:
        return True
    inner = edge.target.removeprefix("mezzotint").removeprefix(".")
    if not (PACKAGE / layer(edge.target)).is_dir() and not (PACKAGE / f"{layer(edge.target)}.py").is_file():
        return own == "interfaces"  # a public name from the package's front door
    names = {own} | BY_ALL | ALLOWED[own] | (set() if edge.top else LATE.get(own, set()))
    return any(inner == name or inner.startswith(f"{name}.") for name in names)


def test_every_layer_of_the_source_is_in_the_table() -> None:
    found = {layer(source.name) for source in sources()} - {""}
    assert found <= ALLOWED.keys(), f"give {found - ALLOWED.keys()} a row in ALLOWED"


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
def test_imports_are_edges_of_the_table(source: Source) -> None:
    found = [f"{source.where(edge.line)} imports {edge.target}" for edge in forbidden_edges(source)]
    assert not found, "\n".join(found)


def test_the_contract_can_fail() -> None:
    def edges(path: str, text: str) -> list[str]:
        return [edge.target for edge in forbidden_edges(parse(text, PACKAGE / path))]

    assert edges("diffusion/x.py", "import mezzotint.nn") == ["mezzotint.nn"]
    assert edges("diffusion/x.py", "def f():\n  from ..provenance import png") == ["mezzotint.provenance.png"]
    assert edges("diffusion/solvers/x.py", "from ..noise import Noise\nfrom mezzotint.errors import nearest") == []
    assert edges("diffusion/x.py", "from mezzotint import nn as n") == ["mezzotint.nn"]
    assert edges("nn/x.py", "from importlib import import_module\nimport_module('mezzotint.data.x')") == [
        "mezzotint.data.x"
    ]
    assert edges("families/a/x.py", "from mezzotint.conditioning.conditioning import Conditioning") == []
    assert edges("families/a/x.py", "from mezzotint.conditioning.text import Text") == [
        "mezzotint.conditioning.text.Text"
    ]
    assert edges("training/x.py", "from mezzotint.pipeline import Pipeline") == ["mezzotint.pipeline.Pipeline"]
    assert edges("training/x.py", "from mezzotint import Pipeline") == ["mezzotint.Pipeline"]
    assert edges("training/x.py", "from mezzotint import __version__") == []
    assert edges("pipeline.py", "def f():\n  from mezzotint.load import load_model") == []
    assert edges("pipeline.py", "from mezzotint.load import load_model") == ["mezzotint.load.load_model"]
    assert edges("pipeline.py", "from mezzotint.interfaces.cli import main") == ["mezzotint.interfaces.cli.main"]
    assert edges("__init__.py", "from mezzotint.pipeline import Pipeline") == ["mezzotint.pipeline.Pipeline"]
    assert edges("__init__.py", "def f():\n  from mezzotint.pipeline import Pipeline") == []
    assert edges("interfaces/cli/x.py", "from mezzotint import Pipeline\nimport mezzotint.runs") == []


def third_party(source: Source) -> list[Import]:
    ours = {"mezzotint", *sys.stdlib_module_names}
    return [edge for edge in imports(source) if edge.target.split(".")[0] not in ours]


def test_only_core_packages_are_imported_when_a_module_is() -> None:
    found = [
        f"{source.where(edge.line)} imports {edge.target} at its top; import it in the function that needs it"
        for source in sources()
        for edge in third_party(source)
        if edge.top and edge.target.split(".")[0] not in CORE
    ]
    assert not found, "\n".join(found)


def test_an_optional_package_is_imported_in_one_file() -> None:
    files: dict[str, set[str]] = defaultdict(set)
    for source in sources():
        for edge in third_party(source):
            files[edge.target.split(".")[0]].add(source.name)
    spread = {package: sorted(names) for package, names in files.items() if package not in CORE and len(names) > 1}
    assert not spread


def test_core_is_what_the_package_requires() -> None:
    required = importlib.metadata.requires("mezzotint") or []
    plain = {item.split(">")[0].split("<")[0].split("=")[0].strip().lower() for item in required if "extra" not in item}
    assert plain == {"pillow" if name == "PIL" else name for name in CORE}


def test_the_maths_knows_torch_numpy_and_no_files() -> None:
    found = [
        f"{source.where(edge.line)} imports {edge.target}"
        for source in sources()
        if layer(source.name) in ("diffusion", "nn")
        for edge in imports(source)
        if (head := edge.target.split(".")[0]) in FILES_AND_PROCESSES or head in CORE - {"torch", "numpy"}
    ]
    assert not found, "\n".join(found)


LIGHT = "import json, sys; import {module}; print(json.dumps([m for m in sys.modules if '.' not in m]))"


@pytest.mark.parametrize(
    "module",
    [
        *("mezzotint", "mezzotint.errors", "mezzotint.foreign", "mezzotint.request", "mezzotint.spec"),
        "mezzotint.interfaces.cli.main",
    ],
)
def test_importing_this_is_quick(module: str) -> None:
    """No torch, NumPy or Pillow: they take a second, and `mezzotint --help` needs none of them."""
    command = [sys.executable, "-c", LIGHT.format(module=module)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    loaded = set(json.loads(done.stdout))
    assert not loaded & (CORE - {"click", "tqdm"}), f"importing {module} loads {loaded & CORE}"


def test_loading_a_model_does_not_import_the_compiler() -> None:
    """It takes a second, and a picture less; arithmetic on the device "meta" imports it (`nn.filled`)."""
    code = "import sys; from mezzotint import Pipeline; Pipeline.load('house', device='cpu'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert "torch" in done.stdout.split()
    assert {"torch._dynamo", "torch._inductor", "sympy"}.isdisjoint(done.stdout.split())
