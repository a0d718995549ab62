"""Drawn pictures beside real ones: a perfect drawer, a copier, one that ignores captions; losses as in training."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from mezzotint import Pipeline
from mezzotint.conditioning.letters import KINDS
from mezzotint.data.manifest import Record
from mezzotint.data.sources import FolderSource, PictureSet
from mezzotint.evaluation.bank import Bank
from mezzotint.evaluation.realism import Asked, asked_of, drawn, realism
from mezzotint.load import load_text
from mezzotint.request import Request
from mezzotint.runs import tiny
from mezzotint.training.features import embed_captions
from mezzotint.training.validation import Validation, heldout_losses
from tests.support import SMALL, model_folder, picture_folder

SIDE = 4
COUNT = 400


def made() -> PictureSet:
    """Pictures of one colour each, whose caption says it; those of even number train, and concepts differ."""
    rng = np.random.Generator(np.random.Philox(3))
    shades = rng.integers(0, 256, (COUNT, 3), dtype=np.uint8)
    values = np.full((COUNT, SIDE, SIDE, 4), 255, dtype=np.uint8)
    values[..., :3] = shades[:, None, None]
    records = [
        Record(
            f"p{i}", (",".join(map(str, shade)), "x"), "flat" if i % 3 else None, "heldout" if i % 2 else "train",
            f"c{i}", "",
        )
        for i, shade in enumerate(shades.tolist())
    ]  # fmt: skip
    return PictureSet(values, records, "d")


class Colours:
    """An encoder whose features are a picture's colour, and the colour that a caption says."""

    def images(self, images: Sequence[Image.Image]) -> torch.Tensor:
        return self._scaled([image.getpixel((0, 0))[:3] for image in images])  # type: ignore[index]

    def pictures(self, pictures: torch.Tensor) -> torch.Tensor:
        return self._scaled(((pictures[:, :3, 0, 0, 0] + 1) * 127.5).round().tolist())

    def prompts(self, prompts: Sequence[str]) -> torch.Tensor:
        return self._scaled([[int(part) for part in text.split(",")] for text in prompts])

    def _scaled(self, shades: Sequence[Any]) -> torch.Tensor:
        values = torch.tensor([list(shade) for shade in shades], dtype=torch.float32) / 127.5 - 1
        return values / values.norm(dim=1, keepdim=True)


PICTURES, ENCODER = made(), Colours()
ASKED = asked_of(PICTURES, 100, ("flat",))


def flat(caption: str) -> Image.Image:
    return Image.new("RGBA", (SIDE, SIDE), (*map(int, caption.split(",")), 255))  # type: ignore[arg-type]


def measured(images: Sequence[Image.Image]) -> Any:
    encoder: Any = ENCODER
    return realism(Bank(encoder, PICTURES), images, ASKED)


def test_a_perfect_drawer_is_at_no_distance_and_repeats_nothing() -> None:
    found = measured([flat(one.caption) for one in ASKED])
    assert found.drawn.frechet == pytest.approx(0, abs=1e-6)
    assert found.drawn.coverage.precision == found.drawn.coverage.recall == found.drawn.coverage.coverage == 1
    assert found.alignment == found.alignment_real == pytest.approx(1)
    assert abs(found.alignment_shuffled) < 0.3
    assert found.memorisation.rate < 0.2
    assert found.real.frechet > 1e-4  # other pictures of the same distribution are not the same pictures
    plain = found.to_json_dict()
    assert len(plain["memorisation"]["pairs"]) == 16
    assert plain["drawn"]["frechet"] == found.drawn.frechet


def test_a_copier_is_found_and_one_who_ignores_captions_too() -> None:
    train = PICTURES.split("train")[:100]
    copies = measured([flat(PICTURES.records[int(row)].captions[0]) for row in train])
    assert copies.memorisation.rate == 1
    assert copies.memorisation.held_out_rate < 0.2
    assert copies.memorisation.pairs[0].distance == pytest.approx(0, abs=1e-6)
    assert abs(copies.alignment) < 0.3
    grey = measured([flat("200,10,10")] * 100)
    assert grey.drawn.frechet > 10 * copies.drawn.frechet
    assert grey.drawn.coverage.recall == 0


def test_every_caption_is_drawn_in_its_style_with_a_seed_of_its_own() -> None:
    assert len({one.row for one in ASKED}) == 100
    assert all(PICTURES.records[one.row].split == "heldout" for one in ASKED)
    assert {one.style for one in ASKED} == {"flat", None}
    assert {one.style for one in asked_of(PICTURES, 100, ())} == {None}
    asked = list[Request]()

    def generate(request: Request) -> SimpleNamespace:
        asked.append(request)
        return SimpleNamespace(images=[flat(request.prompt)])

    pipe: Any = SimpleNamespace(generate=generate)
    images = list(drawn(pipe, ASKED[:5], Request(prompt="", steps=3, seed=7)))
    assert [image.getpixel((0, 0)) for image in images] == [flat(one.caption).getpixel((0, 0)) for one in ASKED[:5]]
    assert [(r.seed, r.steps, r.style) for r in asked] == [(7 + i, 3, ASKED[i].style or "none") for i in range(5)]
    assert isinstance(ASKED[0], Asked)


def test_the_loss_of_a_packed_model_is_that_of_training(tmp_path: Path) -> None:
    config = replace(SMALL, letters=KINDS, word_length=8)
    pipe = Pipeline.load(str(model_folder(tmp_path / "m", config)), device="cpu", dtype="float32")
    data = FolderSource(picture_folder(tmp_path / "p")).load(SMALL.size)
    named = [replace(record, captions=(f'a "square" that is {record.captions[0]}',)) for record in data.records]
    data = replace(data, records=named)  # a caption of an icon quotes a name, which is not what is to be written
    text, digest = load_text(32)
    captions = sorted({caption for record in data.records for caption in record.captions})
    features = embed_captions(text, ["", *captions], tmp_path / "captions", digest)
    run = replace(tiny(), network=config, validation=6)
    network = pipe.model.denoiser.network
    assert isinstance(network, nn.Module)
    wanted = Validation(run, data, features)(network)
    found = heldout_losses(network, pipe.model.conditioner, data, 6)
    assert found.keys() == wanted.keys()
    for level, value in wanted.items():
        assert found[level] == pytest.approx(value, rel=1e-4), level
    half = Pipeline.load(str(tmp_path / "m"), device="cpu", dtype="bfloat16").model  # as on a GPU
    assert isinstance(half.denoiser.network, nn.Module)
    again = heldout_losses(half.denoiser.network, half.conditioner, data, 6)
    assert again["mean"] == pytest.approx(found["mean"], rel=0.05)
    assert half.denoiser.network.patch_out.weight.dtype == torch.bfloat16  # the model itself is as it was
