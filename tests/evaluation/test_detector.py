"""A detector is packed, loaded, and says in words what its network says in numbers."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from mezzotint.codecs.images import from_image, to_signed
from mezzotint.conditioning.letters import ALPHABET
from mezzotint.data.scenes import Scenes
from mezzotint.errors import InvalidCheckpoint, InvalidOption
from mezzotint.evaluation.detector import Detector, load_detector
from mezzotint.families.icon_detector import decoded, looked, read
from mezzotint.load import HOUSE, load_model
from mezzotint.training.export import draws
from mezzotint.training.trainer import Trainer
from tests.data.scenes.toy import fonts, pictures
from tests.detectors import packed_detector, trained_detector


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    return trained_detector(tmp_path_factory.mktemp("detector"))


@pytest.fixture(scope="module")
def folder(trained: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert not draws(trained.folder)
    return packed_detector(trained, tmp_path_factory.mktemp("packed") / "d")


@pytest.fixture(scope="module")
def detector(folder: Path) -> Detector:
    return load_detector(folder)


def test_a_packed_detector_is_the_average_of_its_run_and_carries_no_text(
    trained: Trainer, folder: Path, detector: Detector
) -> None:
    for name, value in detector.network.named_parameters():
        assert torch.equal(value, trained.averages[0].state()[name])
    assert not (folder / "text").exists()
    assert "A detector of 0.0 million parameters" in (folder / "README.md").read_text()
    assert detector.things == tuple(trained.facts["things"])
    with pytest.raises(InvalidCheckpoint, match="measures and cannot draw"):
        load_model(str(folder))
    with pytest.raises(InvalidCheckpoint, match="holds no detector"):
        load_detector(HOUSE)


def test_sights_are_the_networks_own_in_words(trained: Trainer, detector: Detector) -> None:
    seen = trained.batches.at(0).pictures
    sights = detector.pictures(seen, least=0.0001)
    with torch.inference_mode():
        found = decoded(detector.network, looked(detector.network, seen), least=0.0001)
    assert sum(len(sight.things) for sight in sights) > 3
    for sight, what in zip(sights, found, strict=True):
        assert [s.thing for s in sight.things] == [detector.things[s.kind] for s in what.things]
        assert [s.box for s in sight.things] == [s.box for s in what.things]
        assert sight.text == read(what.letters, ALPHABET)
    assert detector.pictures(seen[:0]) == []


def test_images_are_read_as_a_pipeline_has_them(detector: Detector) -> None:
    scene = Scenes(pictures(), fonts()).at(3)
    straight = Image.fromarray(scene.picture, "RGBA")  # solid forms: premultiplied and straight are the same
    signed = to_signed(torch.from_numpy(scene.picture)[None])
    torch.testing.assert_close(from_image(straight)[None], signed, rtol=0, atol=1e-6)
    read_directly = detector.pictures(from_image(straight)[None], least=0.0001)
    assert detector.images([straight], least=0.0001) == read_directly
    assert read_directly[0].things
    with pytest.raises(InvalidOption, match="looks at 64x64"):
        detector.images([Image.new("RGBA", (32, 64))])
    with pytest.raises(InvalidOption, match="cannot be looked at"):
        detector.pictures(torch.zeros(1, 3, 1, 64, 64))
