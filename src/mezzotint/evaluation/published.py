"""Features of networks that others published, from weights that are given: what papers measure distances in.

Nothing is fetched. A folder is what the publisher's repository holds: `config.json`, `model.safetensors` and
`preprocessor_config.json`, for CLIP also its tokenizer. The networks themselves are those of the package transformers.

Each picture is laid on white and scaled to the network's whole square, so that nothing of an icon is cut off; the
publishers' own preparation of photographs cuts the margin away. So distances are comparable with each other, and not
with those that papers state for photographs.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mezzotint.data.pixels import Bytes, fit
from mezzotint.errors import InvalidCheckpoint, InvalidOption, MissingDependency, unknown_name

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["KINDS", "Clip", "Published", "load_clip", "load_published", "on_white"]

_CHUNK = 32
"""Pictures or prompts in one call of a network."""
WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Published:
    """A network that is ready to measure. All features are float32 on the CPU, one row each.

    width: how many numbers a feature has. pictures: from premultiplied RGBA (H, W, 4) bytes to features (B, width);
    prompts: the same for texts, None for a network that reads none. weights_sha256: of its weights' file.
    side: that of the square that it sees. reader_sha256: of its files that say how texts are read, "" where it reads
    none.
    """

    name: str
    width: int
    weights_sha256: str
    pictures: Callable[[Sequence[Bytes]], Tensor]
    prompts: Callable[[Sequence[str]], Tensor] | None = None
    side: int = 224
    reader_sha256: str = ""


@dataclass(frozen=True)
class Clip:
    """A CLIP that ranks texts for pictures, with the interface of `encoder.Encoder`.

    size: the side that colours are measured on; the network sees the square of its own.
    """

    published: Published
    size: int = 64

    @property
    def weights_sha256(self) -> str:
        """Digest of its weights' file."""
        return self.published.weights_sha256

    def images(self, images: "Sequence[Image]") -> Tensor:
        """Features (B, width) of Pillow images of any size; each is fitted onto a square, and lies on white."""
        return self.published.pictures([fit(image, self.published.side) for image in images])

    def prompts(self, prompts: Sequence[str]) -> Tensor:
        """Features (B, width) of prompts; words beyond the network's length are left out."""
        assert self.published.prompts is not None, "CLIP reads prompts"
        return self.published.prompts(prompts)


def load_clip(folder: Path | str) -> Clip:
    """The CLIP with the weights in a folder. Raises as `load_published` does."""
    return Clip(load_published("clip", folder))


def on_white(picture: Bytes, side: int) -> "Image":
    """A premultiplied picture laid on white and scaled to a square (bicubic), RGB."""
    from PIL import Image

    # a premultiplied colour is at most its alpha, so that this is at most 255
    flat = picture[..., :3] + (255 - picture[..., 3:])
    return Image.fromarray(flat.astype(np.uint8), "RGB").resize((side, side), Image.Resampling.BICUBIC)


def load_published(kind: str, folder: Path | str) -> Published:
    """The network of a kind (`KINDS`) with the weights in a folder.

    Raises `InvalidOption` for an unknown kind or no folder, `InvalidCheckpoint` if the folder holds something else or
    is damaged, `MissingDependency` without transformers.
    """
    if kind not in KINDS:
        raise unknown_name("published network", kind, KINDS)
    path = Path(folder)
    if not path.is_dir():
        raise InvalidOption(f"There is no folder {path}; give the folder with the weights of {kind}.")
    try:
        config = json.loads((path / "config.json").read_text("utf-8"))
        prepared = json.loads((path / "preprocessor_config.json").read_text("utf-8"))
        found = config["model_type"]
        eye = _Eye(_side(prepared), _three(prepared["image_mean"]), _three(prepared["image_std"], above=0.0))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidCheckpoint(
            f"{path} does not hold a published network ({error}); it needs the publisher's files."
        ) from None
    if found != kind or not (path / WEIGHTS).is_file():
        what = f"a network of the kind {found}" if found != kind else f"no {WEIGHTS}"
        raise InvalidCheckpoint(f"{path} holds {what}, not the weights of {kind}; give that folder.")
    return KINDS[kind](path, eye)


@dataclass(frozen=True)
class _Eye:
    """How a network sees: the side of its square, and the mean and deviation by which colours are scaled."""

    side: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def __call__(self, pictures: Sequence[Bytes]) -> Tensor:
        """Pixels (B, 3, side, side)."""
        values = np.stack([np.asarray(on_white(picture, self.side)) for picture in pictures])
        unit = torch.from_numpy(values).permute(0, 3, 1, 2).float() / 255
        mean, deviation = (torch.tensor(v)[:, None, None] for v in (self.mean, self.deviation))
        return (unit - mean) / deviation


def _side(prepared: Mapping[str, Any]) -> int:
    size = prepared.get("crop_size") or prepared["size"]
    return int(size if isinstance(size, int) else size.get("height") or size["shortest_edge"])


def _three(values: Any, above: float = -math.inf) -> tuple[float, ...]:
    found = tuple(float(value) for value in values)
    if len(found) != 3 or not all(math.isfinite(value) and value > above for value in found):
        raise ValueError(f"{values!r} is no number for each of three colours")
    return found


def _network(folder: Path) -> Any:
    """The network, in float32. transformers runs none of the folder's code, and looks nowhere else."""
    try:
        from transformers import AutoModel
        from transformers.utils import logging
    except ImportError:
        raise MissingDependency(
            "Published networks need the package transformers; install it with `pip install 'mezzotint[published]'`."
        ) from None
    told = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # one of its own for every file
    try:
        network, loaded = AutoModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )
    except Exception as error:  # whatever it raises, the folder cannot be used
        said = str(error).strip().splitlines()[:1]
        raise InvalidCheckpoint(f"The network in {folder} cannot be read ({''.join(said)}).") from error
    finally:
        if told:
            logging.enable_progress_bar()
    # it would go on with random numbers in their place
    if wanting := sorted(map(str, (*loaded["missing_keys"], *loaded["mismatched_keys"]))):
        raise InvalidCheckpoint(f"The weights in {folder} lack {wanting[0]} and {len(wanting) - 1} others.")
    return network.eval().requires_grad_(False)


def _in_parts(given: Sequence[Any], width: int, ask: Callable[[Sequence[Any]], Tensor]) -> Tensor:
    with torch.inference_mode():
        parts = [ask(given[i : i + _CHUNK]).float() for i in range(0, len(given), _CHUNK)]
    return torch.cat([torch.zeros(0, width), *parts]).clone()


def _dinov2(folder: Path, eye: _Eye) -> Published:
    """The class token after the last norm. Source: Oquab et al. 2023 (DINOv2, arXiv 2304.07193); as the space of
    distances: Stein et al. 2023, "Exposing flaws of generative model evaluation metrics" (arXiv 2306.04675)."""
    network = _network(folder)
    width = int(network.config.hidden_size)

    def pictures(some: Sequence[Bytes]) -> Tensor:
        return _in_parts(some, width, lambda part: network(pixel_values=eye(part)).last_hidden_state[:, 0])

    return Published("dinov2", width, _digest(folder), pictures)


def _clip(folder: Path, eye: _Eye) -> Published:
    """Projected features of pictures and prompts, of length 1. Source: Radford et al. 2021 (CLIP, arXiv 2103.00020); as
    the space of distances: Jayasumana et al. 2024 (CMMD, arXiv 2401.09603); of alignment: Hessel et al. 2021."""
    network = _network(folder)
    width = int(network.config.projection_dim)
    tokenizer = _tokenizer(folder)
    length = int(network.config.text_config.max_position_embeddings)

    def pictures(some: Sequence[Bytes]) -> Tensor:
        def ask(part: Sequence[Bytes]) -> Tensor:
            seen = network.vision_model(pixel_values=eye(part)).pooler_output
            return torch.nn.functional.normalize(network.visual_projection(seen), dim=-1)

        return _in_parts(some, width, ask)

    def prompts(some: Sequence[str]) -> Tensor:
        def ask(part: Sequence[str]) -> Tensor:
            given = tokenizer(list(part), padding=True, truncation=True, max_length=length, return_tensors="pt")
            read = network.text_model(input_ids=given["input_ids"], attention_mask=given["attention_mask"])
            return torch.nn.functional.normalize(network.text_projection(read.pooler_output), dim=-1)

        return _in_parts(some, width, ask)

    return Published("clip", width, _digest(folder), pictures, prompts, eye.side, _reader_digest(folder))


def _reader_digest(folder: Path) -> str:
    """SHA-256 of the descriptions and the tokenizer: the names of their files, and what these hold."""
    files = (path for path in sorted(folder.iterdir()) if path.suffix in (".json", ".txt") and path.is_file())
    digests = "".join(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n" for path in files)
    return hashlib.sha256(digests.encode()).hexdigest()


def _digest(folder: Path) -> str:
    """SHA-256 of the weights' file."""
    with (folder / WEIGHTS).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # as above
        raise InvalidCheckpoint(f"{folder} holds no tokenizer, without which CLIP reads no prompts.") from error


KINDS: Mapping[str, Callable[[Path, _Eye], Published]] = MappingProxyType({"clip": _clip, "dinov2": _dinov2})
"""What each kind is loaded by; a new one is one function and one entry."""
