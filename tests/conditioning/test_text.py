"""The text encoder against PyTorch's own transformer layer, and the house encoder's sense of words."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mezzotint.conditioning.bert import BertConfig, BertEncoder
from mezzotint.conditioning.text import TextConditioner
from mezzotint.errors import InvalidOption
from mezzotint.load import load_text


@pytest.fixture(scope="module")
def text() -> TextConditioner:
    conditioner, _ = load_text(12)
    return TextConditioner(conditioner.tokenizer, conditioner.encoder, ("flat", "noto"), 12)


def test_the_encoder_is_a_post_norm_transformer() -> None:
    """The same weights in `nn.TransformerEncoderLayer`, which PyTorch's authors wrote."""
    config = BertConfig(vocabulary=50, width=16, layers=2, heads=4, hidden=24, positions=9)
    encoder = BertEncoder(config)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in encoder.parameters():
            p.copy_(torch.randn(p.shape, generator=generator) * 0.4)
    ids = torch.randint(0, 50, (3, 7), generator=generator)
    mask = torch.tensor([[i < n for i in range(7)] for n in (7, 4, 2)])
    x = encoder.norm(encoder.words[ids] + encoder.positions[:7])
    for ours in encoder.layers:
        layer = nn.TransformerEncoderLayer(16, 4, 24, 0.0, "gelu", layer_norm_eps=1e-12, batch_first=True).train()
        with torch.no_grad():
            layer.self_attn.in_proj_weight.copy_(ours.qkv.weight)
            layer.self_attn.in_proj_bias.copy_(ours.qkv.bias)
            for theirs, own in (
                (layer.self_attn.out_proj, ours.out),
                (layer.linear1, ours.up),
                (layer.linear2, ours.down),
                (layer.norm1, ours.norm_attention),
                (layer.norm2, ours.norm_feedforward),
            ):
                theirs.weight.copy_(own.weight)
                theirs.bias.copy_(own.bias)
        x = layer(x, src_key_padding_mask=~mask)
    torch.testing.assert_close(encoder(ids, mask)[mask], x[mask], rtol=1e-4, atol=1e-5)


def mean(text: TextConditioner, prompt: str) -> torch.Tensor:
    cond = text([prompt])
    return F.normalize(cond.tokens[0, 1:-1].mean(0), dim=0)


@pytest.mark.parametrize(
    ("word", "near", "far"),
    [
        ("puppy", "dog", "car"),
        ("automobile", "car", "apple"),
        ("violin", "guitar", "fish"),
        ("crimson", "red", "house"),
    ],
)
def test_words_lie_near_their_like(text: TextConditioner, word: str, near: str, far: str) -> None:
    """Pruning and eight bits have not cost the encoder its sense."""
    a, b, c = (mean(text, w) for w in (word, near, far))
    assert float(a @ b) > float(a @ c) + 0.15


def test_word_pieces_are_those_of_bert(text: TextConditioner) -> None:
    assert text.report("A Red apple!").used == ("a", "red", "apple", "!")
    assert text.report("unaffordable").used[0] == "una" or text.report("unaffordable").used[0].startswith("un")


def test_what_finds_no_room_or_no_piece_is_named(text: TextConditioner) -> None:
    report = text.report("one two three four five six seven eight nine ten eleven twelve")
    assert report.used == ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    assert report.ignored == ("eleven", "twelve")
    assert text.report("a snowman ☃").ignored == ("☃",)
    long, short = text(["one two three four five six seven eight nine ten eleven"]), text(["apple"])
    assert long.mask.sum() == 12
    assert short.mask.sum() == 3


def test_a_prompt_has_its_embedding_whatever_its_batch_mates(text: TextConditioner) -> None:
    together = text(["a red apple", "two blue cats beside a house"], [None, "noto"])
    alone = text(["a red apple"])
    torch.testing.assert_close(together.tokens[:1, :5], alone.tokens, rtol=1e-4, atol=1e-5)
    assert not together.tokens[0, 5:].any()
    assert together.style.tolist() == [0, 2]


def test_an_unknown_style_is_refused_with_the_nearest(text: TextConditioner) -> None:
    with pytest.raises(InvalidOption, match="did you mean noto"):
        text(["apple"], ["nto"])


def test_an_empty_prompt_has_only_its_boundaries(text: TextConditioner) -> None:
    assert text([""]).mask.tolist() == [[True, True]]
