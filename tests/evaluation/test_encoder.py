"""A packed encoder: loaded as it was stored, deterministic, and each feature of its picture or prompt alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mezzotint.checkpoints.model_folder import write_model_folder
from mezzotint.checkpoints.quantise import dequantise, quantise
from mezzotint.conditioning.letters import KINDS
from mezzotint.data.pixels import premultiply
from mezzotint.errors import InvalidCheckpoint, InvalidOption
from mezzotint.evaluation.encoder import Encoder, load_encoder
from mezzotint.families.twin_encoder import FAMILY, TwinEncoder, TwinEncoderConfig
from mezzotint.load import HOUSE, load_model
from tests.support import model_folder

CONFIG = TwinEncoderConfig(size=32, width=32, depth=2, heads=2, hidden=48, features=24, letters=KINDS, word_length=8)
PROMPTS = (
    "a red apple",
    'a sign that says "STOP"',
    'a sign that says "SPOT"',
    "two cats in front of a blue sky with clouds",
)


def weights() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    found = {}
    for name, parameter in TwinEncoder(CONFIG).named_parameters():
        scale = parameter.shape[-1] ** -0.5 if parameter.ndim > 1 else 0.3
        found[name] = torch.randn(parameter.shape, generator=generator) * scale + (parameter.ndim == 1)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    description = {
        "name": "random",
        "family": FAMILY,
        "network": {field: getattr(CONFIG, field) for field in CONFIG.__dataclass_fields__},
        "size": [32, 32],
        "styles": [],
        "text_length": 32,
        "defaults": {},
    }
    root = tmp_path_factory.mktemp("encoders") / "random"
    write_model_folder(root, weights(), HOUSE / "text", description, "int8", {})
    return root


@pytest.fixture(scope="module")
def encoder(folder: Path) -> Encoder:
    return load_encoder(folder, device="cpu")


PICTURES = torch.rand((70, 4, 1, 32, 32), generator=torch.Generator().manual_seed(2)) * 2 - 1


def test_weights_are_those_that_were_stored(folder: Path, encoder: Encoder) -> None:
    expected = dequantise(quantise(weights()))
    for name, parameter in encoder.network.named_parameters():
        assert torch.equal(parameter, expected[name]), name
    again = load_encoder(str(folder), device="cpu")
    assert again.weights_sha256 == encoder.weights_sha256
    assert torch.equal(again.pictures(PICTURES[:3]), encoder.pictures(PICTURES[:3]))


def test_features_do_not_depend_on_what_else_is_asked(encoder: Encoder) -> None:
    pictures, prompts = encoder.pictures(PICTURES), encoder.prompts(PROMPTS)
    assert torch.equal(encoder.pictures(PICTURES), pictures)
    assert torch.equal(encoder.prompts(PROMPTS), prompts)
    assert pictures.shape == (70, encoder.width)
    for i in (0, 63, 64, 69):  # on both sides of a chunk's end
        torch.testing.assert_close(encoder.pictures(PICTURES[i : i + 1])[0], pictures[i], rtol=1e-5, atol=1e-5)
    for i, prompt in enumerate(PROMPTS):
        torch.testing.assert_close(encoder.prompts([prompt])[0], prompts[i], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(pictures.norm(dim=1), torch.ones(70))
    assert encoder.pictures(PICTURES[:0]).shape == encoder.prompts([]).shape == (0, 24)


def test_quoted_words_are_read_letter_by_letter(encoder: Encoder) -> None:
    """With the tokens of both prompts made equal, only their letters are left to tell them apart."""
    stop, spot = encoder.text(PROMPTS[1:2]), encoder.text(PROMPTS[2:3])
    same = replace(spot, tokens=stop.tokens, mask=stop.mask)
    with torch.inference_mode():
        one, other = encoder.network.text(stop), encoder.network.text(same)
    assert float((one - other).abs().max()) > 1e-3


def test_alignment_is_the_cosine_of_each_picture_with_its_own_prompt(encoder: Encoder) -> None:
    found = encoder.alignment(PICTURES[:4], PROMPTS)
    cosines = torch.nn.functional.cosine_similarity(
        encoder.pictures(PICTURES[:4])[:, None], encoder.prompts(PROMPTS)[None], dim=-1
    )
    torch.testing.assert_close(found, cosines.diagonal())
    with pytest.raises(InvalidOption, match="4 pictures and 3 prompts"):
        encoder.alignment(PICTURES[:4], PROMPTS[:3])
    with pytest.raises(InvalidOption, match=r"\(4, 1, 32, 32\)"):
        encoder.pictures(PICTURES[:2, :3])


def test_an_image_is_the_picture_that_a_pipeline_had(encoder: Encoder) -> None:
    """Straight alpha becomes premultiplied; a larger image is scaled down to the size that the encoder reads."""
    rng = np.random.Generator(np.random.Philox(key=3))
    straight = rng.integers(0, 256, (32, 32, 4), dtype=np.uint8)
    values = torch.from_numpy(premultiply(straight)).permute(2, 0, 1)[None, :, None].float() / 127.5 - 1
    image = Image.fromarray(straight, "RGBA")
    torch.testing.assert_close(encoder.images([image]), encoder.pictures(values))
    flat = Image.new("RGBA", (32, 32), (200, 30, 60, 255))
    large = flat.resize((96, 96))
    torch.testing.assert_close(encoder.images([large, flat]), encoder.images([flat, flat]))


def test_what_is_no_encoder_and_what_is_no_model_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidCheckpoint, match="holds no encoder"):
        load_encoder(model_folder(tmp_path / "model"))
    with pytest.raises(InvalidOption, match="There is no folder"):
        load_encoder(tmp_path / "nothing")
    with pytest.raises(InvalidCheckpoint, match="measures and cannot draw"):
        load_model(str(folder))
