"""Networks that others published: what they see, and that ours ask them as their own package does."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from mezzotint.errors import InvalidCheckpoint, InvalidOption
from mezzotint.evaluation.published import load_clip, load_published, on_white

MEAN, DEVIATION = (0.5, 0.4, 0.3), (0.25, 0.5, 0.2)


def some(count: int = 5) -> list[np.ndarray]:
    """Premultiplied pictures of noise."""
    rng = np.random.default_rng(3)
    alpha = rng.integers(0, 256, (count, 64, 64, 1))
    colour = rng.random((count, 64, 64, 3)) * alpha
    return list(np.concatenate([colour, alpha], axis=-1).astype(np.uint8))


def described(folder: Path, side: int, **config: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if config:
        (folder / "config.json").write_text(json.dumps(config))
    size = {"crop_size": {"height": side, "width": side}, "size": {"shortest_edge": side + 9}}
    (folder / "preprocessor_config.json").write_text(json.dumps({**size, "image_mean": MEAN, "image_std": DEVIATION}))
    return folder


def pixels(side: int) -> torch.Tensor:
    """What a network of that square is to see of `some()`."""
    values = np.stack([np.asarray(on_white(picture, side)) for picture in some()])
    unit = torch.from_numpy(values).permute(0, 3, 1, 2).float() / 255
    return (unit - torch.tensor(MEAN)[:, None, None]) / torch.tensor(DEVIATION)[:, None, None]


def test_a_picture_lies_on_white() -> None:
    picture = np.zeros((4, 4, 4), dtype=np.uint8)
    picture[:, 2:] = (128, 0, 0, 128)  # red, half covering
    picture[0, 0] = (10, 20, 30, 255)
    seen = np.asarray(on_white(picture, 4))
    assert seen[1, 0].tolist() == [255, 255, 255]
    assert seen[1, 3].tolist() == [255, 127, 127]
    assert seen[0, 0].tolist() == [10, 20, 30]
    assert on_white(picture, 9).size == (9, 9)


def test_what_is_no_such_network_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="no published network called 'vgg'; it must be one of clip, dinov2"):
        load_published("vgg", tmp_path)
    with pytest.raises(InvalidOption, match="There is no folder"):
        load_published("dinov2", tmp_path / "nowhere")
    with pytest.raises(InvalidCheckpoint, match="does not hold a published network"):
        load_published("dinov2", tmp_path)
    folder = described(tmp_path / "clip", 32, model_type="clip")
    with pytest.raises(InvalidCheckpoint, match="a network of the kind clip, not the weights of dinov2"):
        load_published("dinov2", folder)
    with pytest.raises(InvalidCheckpoint, match=r"holds no model\.safetensors"):
        load_published("clip", folder)
    for broken in ("[]", '{"size": "large"}', '{"size": 32, "image_mean": [0, 0], "image_std": [1, 1, 1]}'):
        (folder / "preprocessor_config.json").write_text(broken)
        with pytest.raises(InvalidCheckpoint, match="does not hold a published network"):
            load_published("clip", folder)


def test_dinov2_gives_its_class_token(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 28, "patch_size": 14}
    network = transformers.Dinov2Model(transformers.Dinov2Config(**sizes)).eval()
    network.save_pretrained(tmp_path)
    ours = load_published("dinov2", described(tmp_path, 28))
    with torch.no_grad():
        expected = network(pixel_values=pixels(28)).pooler_output
    torch.testing.assert_close(ours.pictures(some()), expected)
    assert (ours.width, ours.prompts, tuple(ours.pictures([]).shape)) == (32, None, (0, 32))
    weights = load_file(tmp_path / "model.safetensors")
    weights.pop("layernorm.weight")
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(InvalidCheckpoint, match=r"lack layernorm\.weight and 0 others"):
        load_published("dinov2", tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(InvalidCheckpoint, match="cannot be read"):
        load_published("dinov2", tmp_path)


def tiny_clip(folder: Path) -> Any:
    """A CLIP of few numbers with six words, saved as publishers do; the network itself is returned."""
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    torch.manual_seed(0)
    both = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    text = {**both, "vocab_size": 6, "max_position_embeddings": 6, "bos_token_id": 4, "eos_token_id": 5}
    vision = {**both, "image_size": 32, "patch_size": 8}
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)
    network = transformers.CLIPModel(config).eval()
    network.save_pretrained(folder)
    words = Tokenizer(models.WordLevel({"a": 0, "cat": 1, "dog": 2, "?": 3, "<s>": 4, "</s>": 5}, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 4), ("</s>", 5)])
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    ).save_pretrained(folder)
    described(folder, 32)
    return network


def test_clip_gives_projected_features_of_length_one(tmp_path: Path) -> None:
    network = tiny_clip(tmp_path)
    ours = load_published("clip", tmp_path)
    assert ours.prompts is not None
    read = ours.prompts(["a cat", "dog dog dog dog dog dog"])  # the second is too long
    ids, mask = torch.tensor([[4, 0, 1, 5, 5, 5], [4, 2, 2, 2, 2, 5]]), torch.tensor([[1, 1, 1, 1, 0, 0], [1] * 6])
    with torch.no_grad():
        seen = network.get_image_features(pixel_values=pixels(32)).pooler_output
        said = network.get_text_features(input_ids=ids, attention_mask=mask).pooler_output
    torch.testing.assert_close(ours.pictures(some()), torch.nn.functional.normalize(seen, dim=-1))
    torch.testing.assert_close(read, torch.nn.functional.normalize(said, dim=-1))
    torch.testing.assert_close(read.norm(dim=1), torch.ones(2))


def test_a_clip_ranks_pictures_of_any_size(tmp_path: Path) -> None:
    network = tiny_clip(tmp_path)
    clip = load_clip(tmp_path)
    image = Image.new("RGBA", (90, 30), (200, 30, 60, 255))
    seen = np.full((32, 32, 3), 255, np.uint8)  # white above and below
    seen[11:21] = (200, 30, 60)
    unit = torch.from_numpy(seen).permute(2, 0, 1)[None].float() / 255
    expected = (unit - torch.tensor(MEAN)[:, None, None]) / torch.tensor(DEVIATION)[:, None, None]
    with torch.no_grad():
        feature = torch.nn.functional.normalize(network.get_image_features(pixel_values=expected).pooler_output, dim=-1)
    assert float((clip.images([image]) * feature).sum()) > 0.99  # the edges are between two rows
    assert tuple(clip.prompts(["a cat", "a dog"]).shape) == (2, 24)
    reader = clip.published.reader_sha256
    words = json.loads((tmp_path / "tokenizer.json").read_text())
    words["model"]["vocab"] |= {"cat": 2, "dog": 1}
    (tmp_path / "tokenizer.json").write_text(json.dumps(words))
    other = load_clip(tmp_path)
    assert other.weights_sha256 == clip.weights_sha256
    assert other.published.reader_sha256 != reader
