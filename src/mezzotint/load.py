"""Composing a model from a name or a folder; this module and `load_instruments` alone know families, checkpoints and
house."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast

import torch

from mezzotint.adapters import LoRA, shared_copy
from mezzotint.checkpoints.grids import foreign
from mezzotint.checkpoints.kinds import weights_in
from mezzotint.checkpoints.loras import read_lora
from mezzotint.checkpoints.model_folder import DESCRIPTION, ENCODER, TEXT, ModelFolder, read_model_folder
from mezzotint.checkpoints.quantise import dequantise
from mezzotint.checkpoints.tensors import file_digest, load_tensors
from mezzotint.choices import Fitted
from mezzotint.codecs.pixel import PixelCodec
from mezzotint.compiled import CompiledBlocks, compiler
from mezzotint.conditioning.letters import LetterReader
from mezzotint.conditioning.minilm import load_conditioner
from mezzotint.conditioning.text import TextConditioner
from mezzotint.conditioning.unread import reads_nothing
from mezzotint.diffusion.denoiser import NetworkDenoiser
from mezzotint.diffusion.process import known_target, schedule_of
from mezzotint.errors import InvalidCheckpoint, InvalidOption, nearest
from mezzotint.families.icon_detector import FAMILY as DETECTOR_FAMILY
from mezzotint.families.pixel_dit import PixelDiT, PixelDiTConfig
from mezzotint.families.pixel_gan import FAMILY as GAN_FAMILY
from mezzotint.families.pixel_gan import PixelGAN, PixelGANConfig
from mezzotint.families.pixel_upscaler import FAMILY as UPSCALER_FAMILY
from mezzotint.families.pixel_upscaler import PixelUpscaler, PixelUpscalerConfig
from mezzotint.families.twin_encoder import FAMILY as ENCODER_FAMILY
from mezzotint.model import Model
from mezzotint.nn import filled
from mezzotint.request import Request
from mezzotint.values import texts

Network = TypeVar("Network", bound=torch.nn.Module)

DRAWING_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {"steps": 24, "guidance": 4.0, "guidance_interval": [0.0, 1.0], "solver": "dpmpp-2m", "grid": "uniform"}
)
"""How a model draws unless its description says otherwise."""

UPSCALING_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {"steps": 3, "guidance": 1.0, "guidance_interval": [0.0, 1.0], "solver": "dpmpp-2m", "grid": "shifted:shift=0.3"}
)
"""The same of a model that enlarges: the picture is known but for what the small one lacks, which is decided where t is
small."""

GAN_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {"steps": 1, "guidance": 1.0, "guidance_interval": [0.0, 1.0], "solver": "ddim", "grid": "uniform"}
)
"""The same of a generator, which draws in one evaluation: nothing else is possible."""

HOUSE = Path(__file__).parent / "house"

QUICK = Path(__file__).parent / "quick"
"""The student of the house model, as what it differs in from it, if it is shipped."""

UPSCALER = Path(__file__).parent / "upscaler"
"""The network that enlarges pictures, as a packed folder, if it is shipped."""

FAMILIES: Mapping[str, Callable[[Mapping[str, Any]], torch.nn.Module]] = MappingProxyType(
    {
        "pixel_dit": lambda sizes: PixelDiT(PixelDiTConfig(**sizes)),
        GAN_FAMILY: lambda sizes: PixelGAN(PixelGANConfig(**sizes)),
        UPSCALER_FAMILY: lambda sizes: PixelUpscaler(PixelUpscalerConfig(**sizes)),
    }
)
"""Network families that draw, by name, each as a function from sizes to a network without weights."""

NOT_COMPILED = "The network was not compiled, because there is no C++ compiler: install g++, or leave out --compile."

INSTRUMENTS = Path(__file__).parent / "instruments"
"""What measures pictures, as packed folders: an encoder and two detectors, as far as they are shipped."""


def model_folders() -> dict[str, Path]:
    """The models that can be drawn with by name."""
    folders = {"house": HOUSE, "quick": QUICK, "upscaler": UPSCALER}
    return {name: folder for name, folder in folders.items() if (folder / DESCRIPTION).is_file()}


def find_model(name: str) -> Path:
    """The folder of a model, from its name or its path. Raises `InvalidOption` with the nearest names."""
    known = model_folders()
    if name in known:
        return known[name]
    path = Path(name)
    if path.is_dir():
        return path
    if path.is_file():
        raise InvalidOption(_no_folder(path))
    near = nearest(name, known)
    hint = (
        f"did you mean {near[0]}?"
        if near
        else f"give one of {', '.join(known) or 'none installed'}, or a model's folder."
    )
    raise InvalidOption(f"There is no model called {name!r}; {hint}")


def _no_folder(path: Path) -> str:
    """What there is to say of a file that was given as a model."""
    if (path.parent / DESCRIPTION).is_file():
        return f"{path} is a file of a model, and a model is given as its folder: give {path.parent}."
    return (
        f"{path} is {weights_in(path) or 'a file'}, and a model is a folder with a {DESCRIPTION}, as mezzotint pack "
        "writes it; give such a folder, or a LoRA with --lora."
    )


def lora_folder() -> Path:
    """Where the user's LoRAs are: `$XDG_DATA_HOME/mezzotint/loras`, else `~/.local/share/mezzotint/loras`."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "mezzotint" / "loras"


def lora_files() -> dict[str, Path]:
    """The LoRAs that can be drawn with by name."""
    return {path.stem: path for path in sorted(lora_folder().glob("*.safetensors"))}


def find_lora(name: str) -> Path:
    """The file of a LoRA, from its name or its path. Raises `InvalidOption` with the nearest names."""
    known = lora_files()
    path = known.get(name) or Path(name)
    if path.is_file():
        return path
    near = nearest(name, known)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known) or 'none'}; or give a file."
    raise InvalidOption(f"There is no LoRA called {name!r} in {lora_folder()}; {hint}")


def adapting(model: Model) -> Callable[[Sequence[str]], Model]:
    """A function from names or files of LoRAs to the model with these in its network; the last few are remembered
    until a file changes."""

    @lru_cache(maxsize=4)
    def of(files: tuple[tuple[Path, int, int], ...]) -> Model:
        return with_loras(model, [path for path, _, _ in files])

    def named(name: str) -> tuple[Path, int, int]:
        path = find_lora(name).resolve()
        found = path.stat()
        return path, found.st_mtime_ns, found.st_size

    return lambda names: of(tuple(named(name) for name in names))


def with_loras(model: Model, files: Sequence[Path]) -> Model:
    """A model with LoRAs injected into a network of its own, which shares all tensors with the model's.

    Raises `InvalidCheckpoint` for one that was made for another model, and `InvalidOption` for two of one name.
    """
    loras = [read_lora(path) for path in files]
    network = shared_copy(_module(model))
    for column, lora in enumerate(loras):
        facts = lora.facts
        if facts.base_weights_sha256 != model.weights_sha256:
            raise InvalidCheckpoint(
                f"The LoRA {lora.name} was made for the model {facts.base} with weights "
                f"{facts.base_weights_sha256[:10]}, and {model.name} has weights {model.weights_sha256[:10]}; draw "
                "with that model, or teach the word again."
            )
        if lora.name in (other.name for other in loras[:column]):
            raise InvalidOption(f"Two of the LoRAs are called {lora.name}; rename the file of one.")
        LoRA(lora.factors, facts.alpha, column=column).inject(network)
    leaf = replace(model.denoiser, network=network)
    return replace(model, denoiser=leaf, loras=tuple((lora.name, lora.sha256) for lora in loras))


def _module(model: Model) -> torch.nn.Module:
    network = model.denoiser.network
    assert isinstance(network, torch.nn.Module), "only networks of torch are adapted"
    return network


def load_model(
    name: str = "house",
    *,
    device: str = "auto",
    dtype: str = "auto",
    compiled: bool = False,
    said: Callable[[str], None] = lambda sentence: None,
) -> Model:
    """Load a model, ready to draw; compiled, said: see `with_compiled`. Raises `InvalidOption`, `InvalidCheckpoint`."""
    folder = find_model(name)
    where, kind = resolve_device(device), dtype
    model = compose(read_model_folder(folder, find_model), where, resolve_dtype(kind, where))
    return with_compiled(model, said) if compiled else model


def beside(
    model: Model, compiled: bool = False, said: Callable[[str], None] = lambda sentence: None
) -> Callable[[str], Model]:
    """A function from names or folders of further models to these, where and how a model is; one that enlarges is
    never compiled."""
    where, kind = str(model.denoiser.device), str(model.denoiser.dtype).removeprefix("torch.")

    def named(name: str) -> Model:
        other = load_model(name, device=where, dtype=kind)
        return with_compiled(other, said) if compiled and other.enlarges == 1 else other

    return named


def with_compiled(model: Model, said: Callable[[str], None] = lambda sentence: None) -> Model:
    """A model whose network's blocks are compiled, each shape when it is first met; `said` hears a sentence before.

    Without a C++ compiler it is the model as it is, with a warning. Raises `InvalidOption` for a model that is not on
    the CPU or has no such blocks.
    """
    network, where = _module(model), torch.device(model.denoiser.device)
    if where.type != "cpu" or not isinstance(network, PixelDiT):
        raise InvalidOption(
            f"The model {model.name} cannot be compiled on {where}: only a pixel transformer on the CPU can; leave out "
            "--compile."
        )
    if compiler() is None:
        return replace(model, warnings=(*model.warnings, NOT_COMPILED))
    other = shared_copy(network)
    assert isinstance(other, PixelDiT)
    other.compiled = CompiledBlocks(said=said)
    return replace(model, denoiser=replace(model.denoiser, network=other), compiled=True)


def load_text(length: int, folder: Path = HOUSE / TEXT) -> tuple[TextConditioner, str]:
    """A text conditioner without drawing styles, for prompts of up to `length` word pieces, and its weights' sha256."""
    tensors = dequantise(load_tensors(folder / ENCODER)[0])
    return load_conditioner(folder, tensors, (), length), file_digest(folder / ENCODER)


def live_model(
    network: PixelDiT | PixelGAN,
    name: str,
    styles: Sequence[str],
    text: TextConditioner,
    device: torch.device | str = "cpu",
    schedule: str = "rectified_flow",
    target: str = "x0",
    *,
    drawn_with: Mapping[str, Any] = MappingProxyType({}),
    taught: tuple[float, float] | None = None,
) -> Model:
    """A model around a network in training, to draw samples with; its digests are zeros, because its weights move.
    schedule, target: what it is trained on, as a model's description says them; drawn_with: where its defaults are
    others than usual; taught: see `Model`."""
    side = network.config.size
    length = network.config.word_length if isinstance(network, PixelDiT) else 0
    reader = LetterReader(length) if length else None
    usual = DRAWING_DEFAULTS if isinstance(network, PixelDiT) else GAN_DEFAULTS
    process = schedule_of(schedule), known_target(target)
    leaf: NetworkDenoiser[Any] = NetworkDenoiser(network, *process, device, torch.float32)
    return Model(
        name=name,
        denoiser=leaf,
        codec=PixelCodec(network.config.channels),
        conditioner=TextConditioner(text.tokenizer, text.encoder, styles, text.length, reader),
        size=(side, side),
        schedule_name=schedule,
        weights_sha256="0" * 64,
        text_encoder_sha256="0" * 64,
        defaults=Request.from_json_dict({"prompt": "", "model": name, "size": [side, side], **usual, **drawn_with}),
        taught=taught,
    )


def compose(files: ModelFolder, device: torch.device, dtype: torch.dtype) -> Model:
    """A model from what its folder holds. Raises `InvalidCheckpoint` if the weights are of another network."""
    d = files.description
    if d.get("family") in (ENCODER_FAMILY, DETECTOR_FAMILY):
        raise InvalidCheckpoint(f"{files.root} holds a network that measures and cannot draw; give another model.")
    try:
        family, schedule, target = FAMILIES[d["family"]], schedule_of(d["schedule"]), known_target(d["target"])
        network = network_of(files, family)
        letters = int(d["network"].get("word_length", 0))
        conditioner = (
            load_conditioner(files.text_root, files.encoder, texts("styles", d["styles"]), d["text_length"], letters)
            if files.encoder
            else reads_nothing()
        )
        defaults = replace(Request.from_json_dict({"prompt": "", **d["defaults"]}), model=d["name"])
        size = (int(d["size"][0]), int(d["size"][1]))
        side = cast(Any, network).config.size
        if size != (side, side):
            raise ValueError(f"size is {list(size)}, and its network draws {side} pixels a side")
        taught = (float(d["taught"][0]), float(d["taught"][1])) if "taught" in d else None
        named_open = frozenset(str(word) for word in [*d.get("open", ())])
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise InvalidCheckpoint(
            f"{files.root}/{DESCRIPTION} does not describe a model that can be built ({error})."
        ) from None
    network = network.to(device=device, dtype=dtype).eval().requires_grad_(False)
    leaf: NetworkDenoiser[Any] = NetworkDenoiser(network, schedule, target, device, dtype)
    return Model(
        name=d["name"],
        denoiser=leaf,
        codec=PixelCodec(),
        conditioner=conditioner,
        size=size,
        schedule_name=d["schedule"],
        weights_sha256=files.weights_sha256,
        text_encoder_sha256=files.encoder_sha256 if files.encoder else None,
        defaults=defaults,
        grids=fitted_grids(files),
        warnings=grid_warnings(files),
        enlarges=getattr(network, "enlarges", 1),
        taught=taught,
        open=named_open,
    )


def network_of(files: ModelFolder, family: Callable[[Mapping[str, Any]], Network]) -> Network:
    """A network of a family with the sizes and the weights of a folder. Raises `InvalidCheckpoint`: see `nn.filled`."""
    sizes = files.description["network"]
    weights, said = f"The weights in {files.root}", f"{files.root}/{DESCRIPTION}"
    return filled(lambda: family(sizes), sizes, files.network, weights, said)


def fitted_grids(files: ModelFolder) -> Mapping[tuple[str, int, float], Fitted]:
    """What was fitted to these weights, by solver, steps and guidance."""
    own = (grid for grid in files.grids if grid.weights_sha256 == files.weights_sha256)
    return MappingProxyType({grid.key: Fitted(grid.times, grid.drawn_with, grid.error) for grid in own})


def grid_warnings(files: ModelFolder) -> tuple[str, ...]:
    """What there is to say of grids that were fitted to other weights: they are left out, by name."""
    names = foreign(files.grids, files.weights_sha256)
    if not names:
        return ()
    return (
        f"The model {files.description['name']} has grids that were fitted to other weights ({names}); they are not "
        "used: fit them again with mezzotint fit-grid.",
    )


def resolve_device(name: str) -> torch.device:
    """ "auto" is CUDA where there is one, else the CPU. Raises `InvalidOption` for a device that is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        device = None
    if device is None or device.type == "meta":  # meta tensors hold no values
        raise InvalidOption(f"The device {name!r} is not available here; use auto or cpu.")
    return device


def resolve_dtype(name: str, device: torch.device) -> torch.dtype:
    """ "auto" is bfloat16 on CUDA and float32 on a CPU: a recipe's picture shall be the same on every machine, and of
    those drawn in bfloat16 one in five is that of float32 (`benchmarks/precision.json`)."""
    kinds = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    if name not in kinds:
        raise InvalidOption(f"There is no dtype called {name!r}; it must be auto, {', '.join(sorted(kinds))}.")
    return kinds[name]
