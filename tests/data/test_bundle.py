"""Data sets in one file: what comes out is what went in, or one sentence."""

import json
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from mezzotint.data import bundle
from mezzotint.data.manifest import Record, write_manifest
from mezzotint.data.pixels import Bytes, premultiply
from mezzotint.data.scenes.typefaces import Family
from mezzotint.data.sources import IconSource
from mezzotint.errors import InvalidFile, OutOfSpace

FONT = b"not really a font"
FAMILY = Family("roman", 700, "serif", "OFL-1.1", "Somebody", sha256(FONT).hexdigest())


def built(folder: Path, count: int, size: int = 16, seed: int = 0) -> Bytes:
    """A data set of noise, premultiplied, in a folder."""
    folder.mkdir(parents=True)
    straight = np.random.default_rng(seed).integers(0, 256, (count, size, size, 4), dtype=np.uint8)
    straight[: count // 2, : size // 2] = 0
    pictures = np.stack([premultiply(picture) for picture in straight])
    np.save(folder / "pictures-16.npy", pictures)
    records = [
        Record(f"r{i}", (f"picture {i}", "ä"), None, "train", "c", sha256(pictures[i].tobytes()).hexdigest())
        for i in range(count)
    ]
    write_manifest(folder / "manifest.jsonl", records)
    (folder / "summary.json").write_text(json.dumps({"size": size}))
    (folder / "ATTRIBUTION.md").write_text("by nobody\n")
    return pictures


@pytest.fixture
def fonts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bundle, "FAMILIES", (FAMILY,))
    package = tmp_path / "fonts" / FAMILY.package
    (package / "files").mkdir(parents=True)
    (package / FAMILY.file).write_bytes(FONT)
    (package / "package.json").write_text('{"license": "OFL-1.1"}')
    (package / "files" / "unused.woff").write_bytes(b"x" * 1000)
    return tmp_path / "fonts"


def places(root: Path) -> Mapping[str, Path]:
    return {"icons": root / "icons", "avatars": root / "avatars"}


def test_what_comes_out_is_what_went_in(tmp_path: Path, fonts: Path) -> None:
    sets = places(tmp_path / "here")
    pictures = {"icons": built(sets["icons"], 1030), "avatars": built(sets["avatars"], 3, seed=1)}
    told: list[tuple[int, int]] = []
    bundle.write_bundle(tmp_path / "all.zip", sets, fonts, lambda done, total: told.append((done, total)))
    assert told[-1] == (1033, 1033)
    there = places(tmp_path / "there")
    names = bundle.read_bundle(tmp_path / "all.zip", there, tmp_path / "there" / "fonts")
    assert names == ["icons", "avatars", "fonts"]
    for name, expected in pictures.items():
        loaded = IconSource(there[name], name).load(16)
        assert np.array_equal(loaded.pictures, expected)
        assert loaded.digest == IconSource(sets[name], name).load(16).digest
        for document in bundle.DOCUMENTS:
            assert (there[name] / document).read_bytes() == (sets[name] / document).read_bytes()
        assert (there[name] / "pictures-16.npy").read_bytes() == (sets[name] / "pictures-16.npy").read_bytes()
    laid = [
        p.relative_to(tmp_path / "there" / "fonts") for p in (tmp_path / "there" / "fonts").rglob("*") if p.is_file()
    ]
    assert {str(p) for p in laid} == {f"@fontsource/roman/{FAMILY.file}", "@fontsource/roman/package.json"}


def rewritten(path: Path, changes: Mapping[str, bytes | None]) -> Path:
    """The bundle with some entries changed, or left out (None)."""
    other = path.with_name("other.zip")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(other, "w") as target:
        for entry in source.namelist():
            content = changes.get(entry, source.read(entry))
            if content is not None:
                target.writestr(entry, content)
        for entry in changes.keys() - set(source.namelist()):
            target.writestr(entry, changes[entry] or b"")
    return other


def test_what_is_damaged_is_one_sentence_and_nothing_is_replaced(tmp_path: Path, fonts: Path) -> None:
    sets = places(tmp_path / "here")
    pictures = built(sets["icons"], 5)
    whole = tmp_path / "all.zip"
    bundle.write_bundle(whole, {"icons": sets["icons"]}, fonts)
    there = places(tmp_path / "there")
    before = built(there["icons"], 2, seed=9)
    strip = "icons/pictures/000000.webp"
    changed = bundle._webp(pictures[::-1])
    modules = tmp_path / "there" / "fonts"
    for changes, words in (
        ({strip: changed}, "The picture r0 is not the one that was bundled"),
        ({strip: None}, "is no bundle of data sets, or is damaged"),
        ({strip: b"nothing"}, "damaged"),
        ({"bundle.json": b"[]"}, "damaged"),
        ({"bundle.json": b'{"version": 9, "sets": [], "fonts": false}'}, "another version"),
        ({"bundle.json": b'{"version": 1, "sets": ["evil"], "fonts": false}'}, "another version"),
    ):
        with pytest.raises(InvalidFile, match=words):
            bundle.read_bundle(rewritten(whole, changes), there, modules)
        assert np.array_equal(np.load(there["icons"] / "pictures-16.npy"), before)
        assert not modules.exists()
    with pytest.raises(InvalidFile, match="is not the pinned one"):
        bundle.read_bundle(rewritten(whole, {f"fonts/@fontsource/roman/{FAMILY.file}": b"other"}), there, modules)
    assert not modules.exists()
    bundle.read_bundle(rewritten(whole, {"fonts/../../evil": b"x", "fonts/more/index.js": b"x"}), there, modules)
    assert not (tmp_path / "evil").exists()  # what nobody asked for stays where it is
    assert not (modules / "more").exists()
    (tmp_path / "text.zip").write_text("no zip file")
    for name in ("text.zip", "nowhere.zip"):
        with pytest.raises(InvalidFile, match=name):
            bundle.read_bundle(tmp_path / name, there, modules)


def test_any_damaged_byte_is_one_sentence_and_nothing_is_replaced(tmp_path: Path) -> None:
    sets = places(tmp_path / "here")
    built(sets["icons"], 5)
    whole = tmp_path / "all.zip"
    bundle.write_bundle(whole, {"icons": sets["icons"]}, None)
    data, there = whole.read_bytes(), places(tmp_path / "there")
    before, refused = built(there["icons"], 2, seed=9), 0
    for place in range(30, len(data), len(data) // 60):
        broken = bytearray(data)
        broken[place] ^= 0x55
        whole.write_bytes(bytes(broken))
        try:
            bundle.read_bundle(whole, there, tmp_path / "fonts")
        except InvalidFile:
            refused += 1
            assert np.array_equal(np.load(there["icons"] / "pictures-16.npy"), before)
        else:  # a byte that nothing depends on, such as a date
            built_again = np.load(there["icons"] / "pictures-16.npy")
            assert np.array_equal(built_again, np.load(sets["icons"] / "pictures-16.npy"))
            np.save(there["icons"] / "pictures-16.npy", before)
    assert refused > 40
    with pytest.raises(InvalidFile, match="is no bundle"):
        bundle.read_bundle(tmp_path, there, tmp_path / "fonts")


def test_what_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    built(tmp_path / "icons", 2)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutOfSpace, match="cannot be written"):
        bundle.write_bundle(tmp_path / "file" / "all.zip", {"icons": tmp_path / "icons"}, None)
    with pytest.raises(InvalidFile, match="There is no data set"):
        bundle.write_bundle(tmp_path / "all.zip", {"icons": tmp_path / "none"}, None)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "icons"]
