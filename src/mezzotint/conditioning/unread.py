"""The conditioner of a model that reads no prompts."""

from mezzotint.conditioning.bert import BertConfig, BertEncoder
from mezzotint.conditioning.minilm import make_tokenizer
from mezzotint.conditioning.text import TextConditioner

__all__ = ["reads_nothing"]


def reads_nothing() -> TextConditioner:
    """A conditioner that knows no word and no style, so that every word of a prompt is named as ignored."""
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    config = BertConfig(vocabulary=len(vocabulary), width=1, layers=0, heads=1, hidden=1, positions=32)
    return TextConditioner(make_tokenizer(vocabulary), BertEncoder(config), (), config.positions)
