"""The text encoder against PyTorch's own transformer layer, and the house encoder's sense of words."""

import time
from collections import Counter
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mezzotint.conditioning.bert import BertConfig, BertEncoder
from mezzotint.conditioning.prompt import parse, readings
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


NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def test_what_the_vocabulary_lacks_is_named_and_nothing_else_is_lost(text: TextConditioner) -> None:
    report = text.report(" ".join(NUMBERS))
    assert (report.used, report.ignored) == (NUMBERS, ())
    assert text.report("a snowman ☃ and 一").ignored == ("☃", "一")


def test_a_long_prompt_is_read_as_several_sentences(text: TextConditioner) -> None:
    """Twelve places a sentence, two of which frame it: ten words in the first, two in the second."""
    long = text([" ".join(NUMBERS), "apple"])
    parts = [text([" ".join(NUMBERS[:10])]), text([" ".join(NUMBERS[10:])])]
    assert long.mask.sum(1).tolist() == [12 + 4, 3]
    torch.testing.assert_close(long.tokens[:1], torch.cat([one.tokens for one in parts], 1), rtol=1e-4, atol=1e-5)
    assert not long.tokens[1, 3:].any()
    torch.testing.assert_close(long.tokens[1:, :3], text(["apple"]).tokens, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("prompt", "sentences"),
    [
        ("1 2 3 4 5 6 7 8 9 , 1", ["1 2 3 4 5 6 7 8 9 ,", "1"]),
        ("1 2 3 4 5 6 7 , 9 1 2", ["1 2 3 4 5 6 7 ,", "9 1 2"]),
        ("1 2 3 4 5 , 7 8 9 1 2", ["1 2 3 4 5 , 7 8 9 1", "2"]),
        ("1 2 3 4 5 6 7 8 9 unaffordable", ["1 2 3 4 5 6 7 8 9", "una ##ff ##ord ##able"]),
        ("a" * 60, None),
    ],
    ids=["after a comma", "after one near the end", "not one far from it", "before a word", "a word too long"],
)
def test_sentences_end_after_a_comma_near_their_end_and_never_inside_a_word(
    text: TextConditioner, prompt: str, sentences: list[str] | None
) -> None:
    pieces = text.read(prompt)
    assert [piece.text for piece in pieces] == text.tokenizer.encode(prompt).tokens[1:-1]
    windows = {piece.window for piece in pieces}
    found = [" ".join(piece.text for piece in pieces if piece.window == window) for window in sorted(windows)]
    if sentences is not None:
        assert found == sentences
    assert max(len(one.split()) for one in found) <= 10


def test_every_piece_has_its_place_among_the_tokens(text: TextConditioner) -> None:
    prompt = "one two three four five six seven eight nine unaffordable, twelve"
    words, cond = text.encoder.words, text([prompt])
    ids = text.tokenizer.get_vocab()
    for piece in text.read(prompt):
        assert prompt[piece.begin : piece.end] == piece.text.removeprefix("##")
        # its own embedding is nearest to the token at its place, among those of all pieces there
        near = F.cosine_similarity(cond.tokens[0, piece.place][None], words[[ids[p.text] for p in text.read(prompt)]])
        assert text.read(prompt)[int(near.argmax())].text == piece.text


def test_a_prompt_beyond_all_measure_is_refused(text: TextConditioner) -> None:
    with pytest.raises(InvalidOption, match="has 2049 word pieces; at most 2048 are read"):
        text(["a " * 2049])


@pytest.mark.parametrize("prompt", ["a " * 50_000, "a, " * 30_000], ids=["words", "chunks"])
def test_a_prompt_out_of_all_proportion_is_refused_at_once(text: TextConditioner, prompt: str) -> None:
    begin = time.process_time()
    with pytest.raises(InvalidOption, match="0000 word pieces; at most 2048 are read"):
        text.report(prompt)
    assert time.process_time() - begin < 3  # .3 on an idle core; half a minute if its pieces are made first


def test_the_lists_of_an_encoding_are_made_once(text: TextConditioner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library makes each list anew whenever it is asked, so that asking for every piece takes quadratic time."""

    class Counted:
        def __init__(self, encoding: object) -> None:
            self.encoding, self.asked = encoding, Counter[str]()

        def __len__(self) -> int:
            return len(self.encoding)  # type: ignore[arg-type]

        def __getattr__(self, name: str) -> object:
            self.asked[name] += 1
            return getattr(self.encoding, name)

    encoding = Counted(text.tokenizer.encode("a cat, " * 200))
    tokenizer = SimpleNamespace(encode=lambda _: encoding, token_to_id=text.tokenizer.token_to_id)
    other = TextConditioner(tokenizer, text.encoder, (), 12)  # type: ignore[arg-type]
    assert len(other.read("a cat, " * 200)) == 600
    assert max(encoding.asked.values()) == 1


def test_training_reads_one_sentence_as_it_always_did(text: TextConditioner) -> None:
    ids, mask = text.pieces([" ".join(NUMBERS), "apple"])
    whole = text.tokenizer.encode(" ".join(NUMBERS)).ids
    assert ids[0].tolist() == [*whole[:11], whole[-1]]
    assert mask.sum(1).tolist() == [12, 3]


def weighted(text: TextConditioner, prompt: str) -> tuple[list[str], list[float]]:
    (part,) = parse(prompt).parts
    (reading,) = readings(part, 1)
    cond = text([reading])
    assert cond.weights is not None
    (own,) = cond.weights.tolist()
    return ["[CLS]", *(piece.text for piece in text.read(reading)), "[SEP]"], [round(weight, 6) for weight in own]


@pytest.mark.parametrize(
    ("prompt", "pieces", "weights"),
    [
        ("a (red:1.5) apple", ["a", "red", "apple"], [1, 1.5, 1]),
        ("(una:2)ffordable", ["una", "##ff", "##ord", "##able"], [2, 1, 1, 1]),
        ("(u:2)naffordable", ["una", "##ff", "##ord", "##able"], [2, 1, 1, 1]),
        ("((red:0.5) hat:3)", ["red", "hat"], [1.5, 3]),
        ("(Élan:2) ☃ (☃:3)", ["el", "##an", "[UNK]", "[UNK]"], [2, 2, 1, 3]),
    ],
)
def test_a_word_piece_has_the_weight_of_the_letter_that_it_begins_with(
    text: TextConditioner, prompt: str, pieces: list[str], weights: list[float]
) -> None:
    assert weighted(text, prompt) == (["[CLS]", *pieces, "[SEP]"], [1, *weights, 1])


def test_chunks_are_read_apart_and_stand_behind_one_another(text: TextConditioner) -> None:
    (reading,) = readings(parse("a red apple BREAK a (blue:2) sky").parts[0], 1)
    both, first, second = text([reading]), text(["a red apple"]), text(["a blue sky"])
    torch.testing.assert_close(both.tokens, torch.cat([first.tokens, second.tokens], 1), rtol=1e-4, atol=1e-5)
    assert both.weights is not None
    assert both.weights.tolist() == [[1] * 5 + [1, 1, 2, 1, 1]]


def test_weights_of_one_are_none_and_words_of_weight_zero_are_gone(text: TextConditioner) -> None:
    plain, none, gone = (
        text([readings(parse(prompt).parts[0], 1)[0]]) for prompt in ("a apple", "a (apple:1)", "a (red:0) apple")
    )
    for cond in (none, gone):
        assert cond.weights is None
        assert torch.equal(cond.tokens, plain.tokens)
        assert torch.equal(cond.tokens, text(["a apple"]).tokens)


def test_weights_survive_joining_padding_choosing(text: TextConditioner) -> None:
    (reading,) = readings(parse("a (red:1.5) apple").parts[0], 1)
    heavy, light = text([reading]), text(["a cat"])
    for joined, rows in ((heavy.cat(light), [0, 1]), (light.cat(heavy), [1, 0])):
        assert joined.weights is not None
        assert joined.weights[rows].tolist() == [[1, 1, 1.5, 1, 1], [1, 1, 1, 1, 1]]
    assert light.cat(light).weights is None
    padded = heavy.padded(8)
    assert padded.weights is not None
    assert padded.weights.tolist() == [[1, 1, 1.5, 1, 1, 1, 1, 1]]
    assert heavy.cat(light)[1:].weights.tolist() == [[1] * 5]  # type: ignore[union-attr]
    assert text([reading, "a cat"]).weights.tolist() == [[1, 1, 1.5, 1, 1], [1] * 5]  # type: ignore[union-attr]


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
