"""SVG documents: rendered by resvg, and compared with shapes that are known in closed form."""

from xml.etree import ElementTree

import numpy as np
import pytest

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.vector.document import ROOM, vectorise
from mezzotint.interfaces.vector.measure import rendered
from tests.interfaces.vector.shapes import Inside, as_image, box, disk, painted, psnr

Shapes = tuple[tuple[Inside, tuple[int, int, int, float]], ...]
FACE: Shapes = (
    (disk(24, 20, 17.4), (0, 0, 0, 1.0)),  # an outline
    (disk(24, 20, 14.2), (255, 204, 51, 1.0)),
    (disk(19, 16, 2.6), (0, 0, 0, 1.0)),
    (disk(29, 16, 2.6), (0, 0, 0, 1.0)),
    (box(17.5, 25.2, 30.5, 28.4), (200, 30, 40, 1.0)),
)
SIZE = (50, 40)
GENERATOR = np.random.Generator(np.random.Philox(3))


def noise(side: int) -> np.ndarray:
    """Many colours, as a photograph has: noise with a 1/f spectrum."""
    line = np.fft.fftfreq(side)
    frequency = np.hypot(line, line[:, None])
    frequency[0, 0] = 1
    planes = [np.fft.ifft2(np.fft.fft2(GENERATOR.standard_normal((side, side))) / frequency).real for _ in range(3)]
    values = np.clip(128 + 50 * (np.stack(planes, -1) / np.std(planes)), 0, 255)
    return np.concatenate([values, np.full((side, side, 1), 255.0)], -1)


def test_a_drawing_is_its_picture_also_in_another_size() -> None:
    made = vectorise(as_image(painted(SIZE, *FACE)))
    assert (made.colours, made.level, made.warnings) == (3, 0, ())
    assert made.psnr is not None
    assert made.psnr > 30
    assert made.psnr == pytest.approx(psnr(rendered(made.drawing, SIZE), painted(SIZE, *FACE)), abs=0.1)
    assert psnr(rendered(made.drawing, SIZE, 200), painted(SIZE, *FACE, times=4)) > 24  # it has no more than 50 pixels


def test_edges_have_the_colour_of_the_shape_and_no_fringe() -> None:
    """Where the black outline ends, nothing of the yellow below it, of black ground or white ground may show."""
    for colour in ((255, 255, 255), (0, 0, 0), (40, 120, 220)):
        made = vectorise(as_image(painted((32, 32), (disk(16, 16, 11.3), (*colour, 1.0)))))
        page = rendered(made.drawing, (32, 32), 256).astype(float)
        soft = (page[..., 3] > 16) & (page[..., 3] < 250)
        straight = page[soft][:, :3] * 255 / page[soft][:, 3:]
        assert np.abs(straight - colour).max() < 255 * 2 / 16
    page = rendered(vectorise(as_image(painted(SIZE, *FACE))).drawing, SIZE, 400).astype(float)
    edge = (page[..., 3] > 16) & (page[..., 3] < 250)
    assert edge.sum() > 400
    assert (page[edge][:, :3].max(-1) / page[edge][:, 3]).max() < 0.1


def test_nothing_shines_through_a_thin_outline() -> None:
    """What is below an outline goes on under it, but not to its outer edge, where half of it would be seen."""
    thin: Shapes = ((disk(20, 20, 16.3), (0, 0, 0, 1.0)), (disk(20, 20, 14.8), (255, 230, 120, 1.0)))
    page = rendered(vectorise(as_image(painted((40, 40), *thin))).drawing, (40, 40), 400).astype(float)
    down, across = np.mgrid[:400, :400] + 0.5 - 200
    outside = (np.hypot(across, down) > 155) & (page[..., 3] > 16)
    assert (page[outside][:, :3].max(-1) / page[outside][:, 3]).max() < 0.1
    assert page[np.hypot(across, down) < 150][:, 3].min() > 250, "and no seam along its inner edge"


def test_touching_areas_leave_no_seam() -> None:
    halves: Shapes = ((box(4, 4, 20, 36), (220, 30, 40, 1.0)), (box(20, 4, 36, 36), (30, 60, 200, 1.0)))
    page = rendered(vectorise(as_image(painted((40, 40), *halves))).drawing, (40, 40), 333)
    assert page[50:280, 50:280, 3].min() == 255


def test_what_is_clear_stays_clear() -> None:
    shapes: Shapes = ((disk(20, 20, 15.4), (30, 160, 60, 1.0)),)
    values = painted((40, 40), *shapes) * (1 - painted((40, 40), (disk(20, 20, 6.2), (0, 0, 0, 1.0)))[..., 3:] / 255)
    page = rendered(vectorise(as_image(values)).drawing, (40, 40), 320)
    assert page[..., 3][130:190, 130:190].max() == 0
    assert page[160, 60].tolist() == [30, 160, 60, 255]


def test_the_document_is_of_paths_and_nothing_else() -> None:
    made = vectorise(as_image(painted(SIZE, *FACE)))
    root = ElementTree.fromstring(made.text)
    assert dict(root.attrib) == {"width": "50", "height": "40", "viewBox": "0 0 50 40"}
    assert {node.tag for node in root} == {"{http://www.w3.org/2000/svg}path"}
    assert {name for node in root for name in node.attrib} == {"fill", "d"}
    assert len(root) == made.paths == 3
    assert made.bytes == len(made.text.encode()) < 3000


def test_the_number_of_colours_is_what_was_asked_for() -> None:
    picture = as_image(painted(SIZE, *FACE))
    assert vectorise(picture, 2).colours == 2
    assert vectorise(picture, 1).colours == 1
    for wrong in (0, 65, "x", True):
        with pytest.raises(InvalidOption, match="a whole number from 1 to 64"):
            vectorise(picture, wrong)  # type: ignore[arg-type]


def test_a_clear_picture_is_an_empty_drawing() -> None:
    made = vectorise(as_image(np.zeros((8, 8, 4))))
    assert (made.colours, made.drawing) == (0, "")


def test_a_photograph_is_warned_of_and_made_plainer_until_it_has_room() -> None:
    picture = as_image(noise(16))
    whole = vectorise(picture)
    assert any("as a photograph has" in sentence for sentence in whole.warnings)
    assert whole.bytes <= ROOM
    small = vectorise(picture, room=2000)
    assert small.bytes <= 2000
    assert small.level > whole.level
    assert any("made plainer, so that it has at most 2000 bytes" in sentence for sentence in small.warnings)
    none = vectorise(picture, room=100)
    assert none.bytes > 100
    assert any(f"has {none.bytes} bytes, and no plainer one" in sentence for sentence in none.warnings)


def test_the_same_picture_is_the_same_drawing() -> None:
    picture = as_image(painted(SIZE, *FACE))
    assert vectorise(picture).text == vectorise(picture).text
