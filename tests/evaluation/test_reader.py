"""What a program is given to read, how its lines become a word, and that the real one reads words by Pillow's font."""

from collections.abc import Sequence
from importlib.util import find_spec

import pytest
from PIL import Image, ImageDraw, ImageFont

from mezzotint.errors import MissingDependency
from mezzotint.evaluation import reader
from mezzotint.evaluation.reader import Line, Reader, load_reader

WHITE, DARK = (255, 255, 255), (48, 48, 52)


def says(*lines: tuple[str, tuple[float, float, float, float]]) -> str:
    """What is read where a program finds these lines."""
    found = [Line(text, box) for text, box in lines]
    return Reader("fake", "1", lambda image: found).read([Image.new("RGBA", (8, 8))])[0]


def test_a_picture_is_read_on_white_and_only_if_that_is_blank_on_dark() -> None:
    given: list[Image.Image] = []

    def lines(image: Image.Image) -> Sequence[Line]:
        given.append(image)
        low, high = image.convert("L").getextrema()
        assert isinstance(low, int)
        assert isinstance(high, int)
        return [Line("I", (0, 0, 1, 1))] if high - low > 30 else []  # a letter is another shade than the ground

    def picture(ink: tuple[int, int, int, int]) -> Image.Image:
        image = Image.new("RGBA", (64, 64))
        image.paste(ink, (24, 24, 40, 40))
        return image

    images = [picture((0, 0, 0, 255)), picture((255, 255, 255, 255)), picture((0, 0, 0, 0))]
    assert Reader("fake", "1", lines).read(images) == ["I", "I", ""]
    assert [(image.mode, image.size) for image in given] == [("RGB", (256, 256))] * 5
    assert [image.getpixel((0, 0)) for image in given] == [WHITE, WHITE, DARK, WHITE, DARK]
    Reader("fake", "1", lines).read([picture((200, 0, 0, 51))])
    # a fifth of the ink and four fifths of the ground
    assert given[-1].getpixel((128, 128)) == pytest.approx((244, 204, 204), abs=1)


def test_lines_are_joined_from_the_top_and_from_the_left_whatever_their_order() -> None:
    right, left = ("OP", (40, 10, 70, 32)), ("ST", (5, 12, 35, 30))
    assert says(right, left) == says(left, right) == "STOP"
    below, above = ("sign", (0, 50, 40, 70)), ("Stop", (60, 8, 90, 28))
    assert says(below, above) == says(above, below) == "Stopsign"
    # leaning: the right part begins higher, and is still in the row of the left one
    assert says(("B", (50, 0, 70, 20)), ("A", (0, 8, 20, 28)), ("C", (0, 60, 20, 80))) == "ABC"


def test_only_what_can_be_asked_for_is_kept() -> None:
    assert says((" go \t", (0, 0, 9, 9)), ("-1ST!", (0, 20, 9, 29))) == "go1ST!"
    assert says(("ＯＫ？", (0, 0, 9, 9))) == "OK?"
    assert says(("停。é", (0, 0, 9, 9))) == ""


def test_who_lacks_the_packages_is_told_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def only_rapidocr(name: str) -> object:
        return None if name == "onnxruntime" else object()

    monkeypatch.setattr(reader, "find_spec", only_rapidocr)
    assert not reader.installed()
    with pytest.raises(MissingDependency, match=r"mezzotint\[ocr\]"):
        load_reader()


@pytest.mark.skipif(find_spec("rapidocr") is None, reason="needs the extra ocr")
def test_the_real_program_reads_words_on_nothing_and_on_signs() -> None:
    def written(word: str, ink: str, ground: str | None = None) -> Image.Image:
        image = Image.new("RGBA", (64, 64))
        draw = ImageDraw.Draw(image)
        if ground is not None:
            draw.rectangle((1, 14, 62, 50), fill=ground)
        draw.text((32, 32), word, fill=ink, anchor="mm", font=ImageFont.load_default(20))
        return image

    asked = [
        *(written(word, "black") for word in ("STOP", "egg", "Cake7")),
        *(written(word, "white") for word in ("STOP", "egg")),
        *(written(word, "yellow", "darkred") for word in ("STOP", "egg")),
        Image.new("RGBA", (64, 64)),
    ]
    who = load_reader()
    assert who.read(asked) == ["STOP", "egg", "Cake7", "STOP", "egg", "STOP", "egg", ""]
    assert (who.name, who.version.split(".")[0]) == ("rapidocr", "3")
