"""A recipe survives its PNG file, and no file of a stranger does harm or is believed blindly."""

import io
import json
import os
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from mezzotint.errors import InvalidFile, OutOfSpace
from mezzotint.provenance.chunks import SIGNATURE
from mezzotint.provenance.infotext import infotext_of
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.provenance.png import png_bytes, write_png
from mezzotint.provenance.read import read_metadata, read_picture
from tests.provenance.recipes import noise_image, recipe_of

# ---- our own files


def test_recipe_and_pixels_come_back_from_the_file(tmp_path: Path) -> None:
    image = noise_image()
    recipe = recipe_of(image, ignored=("the token 'zzz'",), style="ä 🍎")
    write_png(tmp_path / "a.png", image, recipe)
    metadata = read_metadata(tmp_path / "a.png")
    assert metadata.recipe == recipe
    assert (metadata.format, metadata.size, metadata.source, dict(metadata.found)) == ("PNG", (24, 16), "mezzotint", {})
    assert json.loads(json.dumps(metadata.to_json_dict()))["recipe"] == recipe.to_json_dict()
    assert pixel_sha256(read_picture(tmp_path / "a.png")) == recipe.pixels_sha256 == pixel_sha256(image)


def test_clear_pixels_keep_their_bytes(tmp_path: Path) -> None:
    image = Image.new("RGBA", (3, 3), (200, 100, 50, 0))
    write_png(tmp_path / "a.png", image, recipe_of(image))
    assert read_picture(tmp_path / "a.png").getpixel((1, 1)) == (200, 100, 50, 0)


@pytest.mark.parametrize("orientation", range(10))
def test_a_picture_is_turned_as_its_exif_says(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    noise_image().save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        expected = ImageOps.exif_transpose(image).convert("RGBA")
    found = read_picture(tmp_path / "a.png", upright=True)
    assert (found.size, found.tobytes(), found.info) == (expected.size, expected.tobytes(), {})
    assert read_picture(tmp_path / "a.png").tobytes() == noise_image().tobytes()


def test_a_profile_of_colours_is_not_written() -> None:
    image = noise_image()
    image.info["icc_profile"] = b"a camera's"
    assert b"iCCP" not in png_bytes(image, recipe_of(image))
    assert image.info


any_prompt = st.text(st.characters(codec="utf-8") | st.sampled_from('\0\n",:\\'), max_size=80)


@given(any_prompt, any_prompt)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_prompt_comes_back_from_the_file(tmp_path: Path, prompt: str, negative: str) -> None:
    image = noise_image()
    recipe = recipe_of(image, prompt=prompt, negative=negative)
    write_png(tmp_path / "a.png", image, recipe)
    assert read_metadata(tmp_path / "a.png").recipe == recipe
    # and an independent reader sees valid text: Pillow, whose strings the original program would get
    with Image.open(tmp_path / "a.png") as seen:
        assert isinstance(seen, Image.Image)
        text: dict[str, str] = seen.text  # type: ignore[attr-defined]
        assert json.loads(text["mezzotint"]) == recipe.to_json_dict()
        assert text["parameters"] == infotext_of(recipe)


@pytest.mark.parametrize("filler", ["x", "\0", "🍎", '"\\'])
def test_the_longest_prompts_come_back(tmp_path: Path, filler: str) -> None:
    image = noise_image()
    prompt = (filler * 100_000)[:100_000]
    recipe = recipe_of(image, prompt=prompt, negative=prompt[::-1])
    write_png(tmp_path / "a.png", image, recipe)
    assert read_metadata(tmp_path / "a.png").recipe == recipe
    assert pixel_sha256(read_picture(tmp_path / "a.png")) == recipe.pixels_sha256


def chunks_of(data: bytes) -> list[tuple[bytes, bytes]]:
    """A second, plain reader of PNG chunks, which checks every checksum."""
    assert data[:8] == SIGNATURE
    found, here = [], 8
    while here < len(data):
        length, kind = struct.unpack(">I4s", data[here : here + 8])
        body = data[here + 8 : here + 8 + length]
        assert struct.unpack(">I", data[here + 8 + length : here + 12 + length])[0] == zlib.crc32(kind + body)
        found.append((kind, body))
        here += 12 + length
    return found


def test_the_chunks_are_of_the_stated_kinds_and_before_the_pixels() -> None:
    image = noise_image()
    found = chunks_of(png_bytes(image, recipe_of(image, prompt="grün")))
    kinds = [kind for kind, _ in found]
    assert kinds == [b"IHDR", b"iTXt", b"tEXt", b"IDAT", b"IEND"]
    assert found[0][1][8:10] == b"\x08\x06"  # 8 bits, RGBA
    assert found[1][1].startswith(b"mezzotint\0\0\0\0\0{")  # uncompressed UTF-8
    assert "grün".encode() in found[1][1]
    assert found[2][1].startswith("parameters\0grün\n".encode("latin-1"))
    emoji = chunks_of(png_bytes(image, recipe_of(image, prompt="🍎")))
    assert emoji[2][0] == b"iTXt"
    assert emoji[2][1].startswith("parameters\0\0\0\0\0🍎\n".encode())


def test_the_same_picture_gives_the_same_file() -> None:
    image = noise_image()
    assert png_bytes(image, recipe_of(image)) == png_bytes(image, recipe_of(image))


def test_a_recipe_of_other_pixels_is_our_own_mistake(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="other pixels"):
        write_png(tmp_path / "a.png", noise_image(1), recipe_of(noise_image(0)))
    assert os.listdir(tmp_path) == []


def test_a_file_that_cannot_be_written_is_an_error_of_the_user(tmp_path: Path) -> None:
    image = noise_image()
    with pytest.raises(OutOfSpace, match=r"The folder .*none does not exist"):
        write_png(tmp_path / "none" / "a.png", image, recipe_of(image))


# ---- other programs' files

INFOTEXT = """a cat: red, and "so"
Negative prompt: blurry
Steps: 20, Sampler: Euler a, Schedule type: Karras, CFG scale: 7, Seed: 42, Size: 512x768, Model: x, Clip skip: 2"""
FOUND = {
    "prompt": 'a cat: red, and "so"', "negative": "blurry", "steps": "20", "solver": "Euler a", "grid": "Karras",
    "guidance": "7", "seed": "42", "size": "512x768", "model": "x", "Clip skip": "2",
}  # fmt: skip


def save(path: Path, texts: dict[str, str], compress: bool = False) -> Path:
    info = PngInfo()
    for keyword, text in texts.items():
        info.add_text(keyword, text, zip=compress)
    noise_image().save(path, "PNG", pnginfo=info)
    return path


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("extra", ["", " 🍎"])
def test_an_a1111_png_is_reported_under_our_names(tmp_path: Path, compress: bool, extra: str) -> None:
    metadata = read_metadata(save(tmp_path / "a.png", {"parameters": extra + INFOTEXT}, compress))
    assert (metadata.source, metadata.recipe) == ("a1111", None)
    assert metadata.found == {**FOUND, "prompt": (extra + FOUND["prompt"]).strip()}


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize("comment", [
    b"UNICODE\0" + INFOTEXT.encode("utf-16-be"), b"UNICODE\0" + INFOTEXT.encode("utf-16-le"),
    b"ASCII\0\0\0" + INFOTEXT.encode(), b"\0" * 8 + INFOTEXT.encode(),
])  # fmt: skip
def test_an_a1111_jpeg_or_webp_is_reported(tmp_path: Path, kind: str, comment: bytes) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = comment
    noise_image().convert("RGB").save(tmp_path / "a.png", kind, exif=exif)  # the suffix lies
    metadata = read_metadata(tmp_path / "a.png")
    assert (metadata.format, metadata.size, metadata.source) == (kind, (24, 16), "a1111")
    assert metadata.found == FOUND


GRAPH = {
    "3": {
        "class_type": "KSampler",
        "inputs": {"seed": 5, "steps": 20, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1,
                   "model": ["10", 0], "positive": ["9", 0], "negative": ["9", 1], "latent_image": ["5", 0]},
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": ["8", 0], "clip": ["4", 1]}},
    "8": {"class_type": "Text", "inputs": {"text": "blurry"}},
    "9": {"class_type": "ControlNetApplyAdvanced",
          "inputs": {"strength": 1.0, "positive": ["6", 0], "negative": ["7", 0]}},
    "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "l", "model": ["4", 0], "clip": ["4", 1]}},
}  # fmt: skip


def test_a_comfyui_png_is_reported_under_our_names(tmp_path: Path) -> None:
    metadata = read_metadata(save(tmp_path / "a.png", {"prompt": json.dumps(GRAPH), "workflow": "{}"}))
    assert metadata.source == "comfyui"
    assert metadata.found == {
        "prompt": "a cat", "negative": "blurry", "seed": "5", "steps": "20", "guidance": "8.0", "solver": "euler",
        "grid": "normal", "strength": "1", "model": "v1-5.safetensors", "size": "512x512", "loras": "l",
        "nodes": "ControlNetApplyAdvanced",
    }  # fmt: skip


LOOP = json.dumps({"1": {"inputs": {"seed": 1, "steps": 2, "positive": ["2", 0]}}, "2": {"inputs": {"a": ["2", 0]}}})


@pytest.mark.parametrize(
    ("graph", "found"),
    [("not json", {}), ("[]", {}), ("{}", {}), ('{"1": 2}', {}), ('{"1": {"inputs": {"seed": 1}}}', {}),
     ("[" * 100_000, {}), (LOOP, {"seed": "1", "steps": "2", "no_prompt": "could be read from the graph"})],
)  # fmt: skip
def test_a_strange_graph_is_no_graph(tmp_path: Path, graph: str, found: dict[str, str]) -> None:
    metadata = read_metadata(save(tmp_path / "a.png", {"prompt": graph}))
    assert metadata.found == found
    assert metadata.source == ("comfyui" if found else None)


def test_a_picture_that_says_nothing(tmp_path: Path) -> None:
    for name, kind in (("a", "PNG"), ("b", "JPEG"), ("c", "WEBP")):
        noise_image().convert("RGB").save(tmp_path / name, kind)
        metadata = read_metadata(tmp_path / name)
        assert (metadata.format, metadata.source, metadata.recipe, dict(metadata.found)) == (kind, None, None, {})
        assert read_picture(tmp_path / name).mode == "RGBA"


def test_other_text_in_a_picture_is_not_taken_for_settings(tmp_path: Path) -> None:
    metadata = read_metadata(save(tmp_path / "a.png", {"parameters": "three: words", "Comment": INFOTEXT}))
    assert metadata.source is None


# ---- broken and hostile files


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*texts: bytes, width: int = 2, height: int = 2, end: bool = True) -> bytes:
    """A PNG with ready-made chunks between its header and its pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + bytes(8)) * 2))
    return SIGNATURE + header + b"".join(texts) + pixels + (chunk(b"IEND", b"") if end else b"")


def recipe_chunk(edit: Callable[[dict[str, Any]], object] | None = None) -> bytes:
    data = recipe_of(Image.new("RGBA", (2, 2))).to_json_dict()
    if edit:
        edit(data)
    return chunk(b"iTXt", b"mezzotint\0\0\0\0\0" + json.dumps(data).encode())


def test_the_hand_made_file_is_right(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(recipe_chunk()))
    assert read_metadata(tmp_path / "a.png").recipe == recipe_of(Image.new("RGBA", (2, 2)))
    assert read_picture(tmp_path / "a.png").getpixel((0, 0)) == (0, 0, 0, 0)


ITXT = b"mezzotint\0\0\0\0\0"
BOMB = zlib.compress(b"a" * 200_000_000, 9)
BAD_PNG: list[tuple[bytes, str]] = [
    (png(recipe_chunk()[:-4] + b"oops"), r"is damaged: the checksum of its iTXt chunk is wrong\.$"),
    (png(recipe_chunk())[:300], r"is cut off\.$"),
    (png(recipe_chunk(), end=False), r"is cut off\.$"),
    (SIGNATURE, r"is cut off\.$"),
    (SIGNATURE + chunk(b"tEXt", b"a\0b"), r"has no header\.$"),
    (SIGNATURE + chunk(b"IHDR", b"123"), r"has a broken header\.$"),
    (png(recipe_chunk(), recipe_chunk()), r"has 2 recipes, so none of them can be trusted\.$"),
    (png(chunk(b"iTXt", ITXT + b"{")), r"has a recipe that is not JSON\.$"),
    (png(chunk(b"iTXt", ITXT + b"[" * 200_000)), r"has a recipe that is not JSON\.$"),
    (png(chunk(b"iTXt", ITXT + b"1" * 5000)), r"has a recipe that is not JSON\.$"),
    (png(chunk(b"iTXt", ITXT + b"NaN")), r"has a recipe that is not JSON\.$"),
    (png(chunk(b"iTXt", ITXT + b"null")), r"has a recipe that cannot be used: a recipe must be a JSON object"),
    (png(recipe_chunk(lambda d: d.update(recipe_version=99))), r"cannot be used: recipe_version is 99.*newer one\.$"),
    (png(recipe_chunk(lambda d: d["request"].update(prompt="\ud800"))), r"cannot be used: prompt is not valid Unicode"),
    (png(recipe_chunk(lambda d: d["request"].update(seed=-1))), r"cannot be used: seed is -1; it must be"),
    (png(chunk(b"iTXt", ITXT + b"\xff\xfe")), r"has an iTXt chunk that is not UTF-8\.$"),
    (png(chunk(b"iTXt", b"mezzotint")), r"has a broken text chunk: it has no keyword\.$"),
    (png(chunk(b"iTXt", b"mezzotint\0\2\0\0\0{}")), r"has a broken iTXt chunk\.$"),
    (png(chunk(b"zTXt", b"parameters\0\1x")), r"has a text chunk with an unknown compression\.$"),
    (png(chunk(b"zTXt", b"parameters\0\0notzlib")), r"has a compressed text chunk that is damaged\.$"),
    (png(chunk(b"zTXt", b"parameters\0\0" + zlib.compress(bytes(999))[:-6])), r"compressed text chunk that is cut off"),
    (png(chunk(b"zTXt", b"parameters\0\0" + BOMB)), r"has more than 8 MiB of text\.$"),
    (png(chunk(b"iTXt", b"mezzotint\0\1\0\0\0" + BOMB)), r"has more than 8 MiB of text\.$"),
    (png(*[chunk(b"tEXt", b"a\0" + b"b" * 2**20)] * 9), r"has more than 8 MiB of text\.$"),
    (png(chunk(b"tEXt", b"a\0" + b"b" * 2**23)), r"has a text chunk of more than 8 MiB\.$"),
    (png(struct.pack(">I", 2**31 - 1) + b"tEXt"), r"is cut off\.$"),
    (png(width=50_000, height=50_000), r"is 50000x50000 pixels large, and at most 67108864 pixels are read\.$"),
    (png(width=0), r"is 0x2 pixels large, so there is nothing to see\.$"),
]


@pytest.mark.parametrize(("data", "words"), BAD_PNG)
def test_a_broken_or_hostile_png_is_refused_in_one_sentence_quickly_and_small(
    tmp_path: Path, data: bytes, words: str
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(data)
    tracemalloc.start()
    start = time.perf_counter()
    try:
        with pytest.raises(InvalidFile, match=words) as caught:
            read_metadata(path)
        assert time.perf_counter() - start < 2
        assert tracemalloc.get_traced_memory()[1] < 40 * 2**20
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (png(width=50_000, height=50_000), r"50000x50000 pixels large"),
        (png(chunk(b"zTXt", b"parameters\0\0" + BOMB)), r"more than 8 MiB of text"),
        (png().replace(chunk(b"IEND", b""), b""), r"is cut off"),
        (SIGNATURE + png()[8:33] + chunk(b"IDAT", b"garbage") + chunk(b"IEND", b""), r"is a damaged PNG picture"),
        (b"\xff\xd8\xff\xe0 no more", r"is a damaged JPEG picture"),
        (b"RIFF\x10\0\0\0WEBPVP8 zzzz", r"is a damaged WEBP picture"),
        (b"GIF89a" + bytes(20), r"is not a PNG, JPEG or WebP picture\.$"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", r"is not a PNG, JPEG or WebP picture"),
        (b"SIMPLE  =                    T", r"is not a PNG, JPEG or WebP picture"),
        (b"8BPS\0\1", r"is not a PNG, JPEG or WebP picture"),
        (b"\x80\x04\x95", r"is not a PNG, JPEG or WebP picture"),
        (b"", r"is not a PNG, JPEG or WebP picture"),
    ],
)
def test_pixels_of_broken_hostile_and_foreign_files_are_refused(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(InvalidFile, match=words):
        read_picture(tmp_path / "a.png")
    if not data.startswith(SIGNATURE):
        with pytest.raises(InvalidFile, match=words):
            read_metadata(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_a_cut_off_picture_is_refused(tmp_path: Path, kind: str) -> None:
    stream = io.BytesIO()
    noise_image(width=200, height=200).convert("RGB").save(stream, kind)
    (tmp_path / "a").write_bytes(stream.getvalue()[: len(stream.getvalue()) // 2])
    with pytest.raises(InvalidFile, match=r"is cut off|is a damaged"):
        read_picture(tmp_path / "a")


def test_a_large_jpeg_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (16, 16)).save(stream, "JPEG")
    data = stream.getvalue()
    at = data.index(b"\xff\xc0") + 5  # height and width in the frame header
    (tmp_path / "a.jpg").write_bytes(data[:at] + struct.pack(">HH", 9000, 9000) + data[at + 4 :])
    for read in (read_picture, read_metadata):
        with pytest.raises(InvalidFile, match=r"is 9000x9000 pixels large"):
            read(tmp_path / "a.jpg")


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"^There is no file .*none\.png\.$"):
        read_metadata(tmp_path / "none.png")
    with pytest.raises(InvalidFile, match=r"is a folder, not a picture\.$"):
        read_picture(tmp_path)
    with pytest.raises(InvalidFile, match=r"cannot be read|There is no file"):
        read_metadata("a\0b")


@given(st.integers(0, 2000), st.integers(0, 255))
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_wrong_byte_never_gives_another_recipe(tmp_path: Path, place: int, byte: int) -> None:
    image = noise_image(width=8, height=8)
    recipe = recipe_of(image)
    data = bytearray(png_bytes(image, recipe))
    data[place % len(data)] = byte
    (tmp_path / "a.png").write_bytes(data)
    try:
        metadata = read_metadata(tmp_path / "a.png")
    except InvalidFile:
        return
    assert metadata.recipe in (recipe, None)  # None: the byte hit the chunk's type, so it is some other chunk
