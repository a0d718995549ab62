"""The whole builder on made-up packages, with known answers."""

import errno
import json
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from mezzotint.data import staging
from mezzotint.data.icons import Summary, build, default_folder
from mezzotint.data.icons.fetch import fetch
from mezzotint.data.icons.nouns import names_held_out
from mezzotint.data.icons.tint import choose_hue
from mezzotint.data.manifest import Record, digest, read_manifest
from mezzotint.data.sources import IconSource
from mezzotint.errors import InvalidFile, InvalidOption, MissingDependency, OutOfSpace
from tests.data import packages

Built = tuple[Path, Summary]


def records(built: Built) -> dict[str, Record]:
    return {record.id: record for record in read_manifest(built[0] / "manifest.jsonl")}


def test_only_the_wanted_drawings_are_there(built: Built) -> None:
    ids = set(records(built))
    tones = {name for name in ids if "waving-hand" in name}
    assert ids - tones == {
        "toy:red-apple", "toy:green-apple", "toy:cat-face", "toy:guitar", "toy:person-with-crown", "toy:automobile",
        "ui:house", "ui:shopping-cart-2-flat", "ui:save-file", "ui:labtop", "solid:1f34e",
    }  # fmt: skip
    assert built[1].dropped == {"empty": 1, "duplicate": 1}


def test_names_keywords_and_facts_are_said(built: Built) -> None:
    green = records(built)["toy:green-apple"]
    assert green.captions[:3] == ("green apple", "a green apple", "an apple")
    assert "green apple, fruit, food" in green.captions
    assert "a green apple, toy style" in green.captions
    assert "a green apple, all green" in green.captions
    assert green.captions[-1] == "a flat toy emoji of a green apple, fruit, all green"
    assert (green.colours, green.shading, green.outlined, green.hex) == (("green",), "flat", False, "1F34F")
    assert (green.licence, green.author, green.package, green.version) == ("MIT", "Ann", "@iconify-json/toy", "1.0.0")


def test_rare_keywords_and_slang_are_left_out(built: Built) -> None:
    said = " ".join(word for record in records(built).values() for word in record.keywords)
    assert "rare" not in said
    assert "lol" not in said


def test_file_names_are_cleaned(built: Built) -> None:
    found = records(built)
    assert found["ui:shopping-cart-2-flat"].name == "shopping cart"
    assert found["ui:labtop"].captions[0] == "laptop"
    assert found["ui:save-file"].captions[1] == "save file icon"


def test_recoloured_icons_have_the_colour_that_is_said(built: Built) -> None:
    for name in ("ui:house", "ui:labtop", "ui:save-file"):
        record = records(built)[name]
        assert record.hue == choose_hue(name)
        assert record.colours == (record.hue,)
        assert any(f"{record.hue} {record.name}" in caption for caption in record.captions)


def test_the_third_dimension_is_known_from_the_set(built: Built) -> None:
    apple = records(built)["solid:1f34e"]
    assert apple.shading == "3d"
    assert "3d render of a red apple" in apple.captions


def test_all_drawings_of_a_thing_share_the_concept(built: Built) -> None:
    found = records(built)
    assert {found[name].concept for name in ("toy:green-apple", "solid:1f34e")} == {"apple"}
    assert found["ui:house"].concept == "house"


def test_held_out_nouns_are_held_out_and_unsaid(built: Built) -> None:
    found = records(built).values()
    held = {record.id for record in found if record.split == "heldout"}
    assert {"toy:guitar", "toy:person-with-crown"} <= held
    for record in found:
        if record.split == "train":
            assert not any(names_held_out(text) for text in (*record.captions, *record.keywords, record.name))
    assert any("key" in record.keywords for record in found if record.split == "heldout")
    train = {record.concept for record in found if record.split == "train"}
    assert not train & {record.concept for record in found if record.split == "heldout"}


def test_pictures_are_premultiplied_and_hashed(built: Built) -> None:
    data = IconSource(built[0]).load(32)
    assert (data.pictures[..., :3] <= data.pictures[..., 3:]).all()
    assert ((data.pictures[..., 3] > 0) & (data.pictures[..., 3] < 255)).any()
    for picture, record in zip(data.pictures, data.records, strict=True):
        assert sha256(picture.tobytes()).hexdigest() == record.sha256


def test_a_drawing_that_touches_the_border_is_inset(built: Built) -> None:
    data = IconSource(built[0]).load(32)
    row = [record.id for record in data.records].index("toy:automobile")
    alpha = data.pictures[row][..., 3]
    assert alpha[0].max() == alpha[:, -1].max() == 0
    assert alpha[16, 2] > 0


def test_the_folder_is_complete_and_counts_agree(built: Built) -> None:
    out, summary = built
    assert {path.name for path in out.iterdir()} == {
        "pictures-32.npy",
        "manifest.jsonl",
        "ATTRIBUTION.md",
        "summary.json",
    }
    found = read_manifest(out / "manifest.jsonl")
    written = json.loads((out / "summary.json").read_text())
    assert written["digest"] == summary.digest == digest(found)
    assert written["pictures"] == len(found) == sum(summary.sets.values()) == sum(summary.splits.values())
    attribution = (out / "ATTRIBUTION.md").read_text()
    for icons in packages.SETS:
        assert f"| {icons.name} | {icons.package} {icons.version} | {icons.author} | {icons.licence} |" in attribution
        assert f"| {icons.url} | {summary.sets[icons.name]} |" in attribution


def test_content_does_not_depend_on_run_or_workers(built: Built, modules: Path, tmp_path: Path) -> None:
    build(tmp_path / "two", size=32, packages=modules, workers=2, sets=packages.SETS)
    for file in built[0].iterdir():
        assert (tmp_path / "two" / file.name).read_bytes() == file.read_bytes(), file.name


def test_any_size(modules: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    summary = build(
        tmp_path / "out", size=48, packages=modules, workers=1, sets=packages.SETS[1:2],
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert np.load(tmp_path / "out" / "pictures-48.npy").shape == (summary.pictures, 48, 48, 4)
    assert seen[-1][0] == seen[-1][1] == len(seen)


@pytest.mark.parametrize(("options", "said"), [({"size": 8}, "size is 8"), ({"workers": 0}, "workers is 0")])
def test_numbers_out_of_range_are_refused(options: dict[str, int], said: str, modules: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match=said):
        build(tmp_path / "out", packages=modules, sets=packages.SETS, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        (
            "@iconify-json/toy/info.json",
            {"license": {"spdx": "CC-BY-SA-4.0"}},
            "its licence is CC-BY-SA-4.0, but .* MIT",
        ),
        ("@solid/render/package.json", {"version": "3.0.0", "license": "GPL-3.0"}, "its licence is GPL-3.0"),
        ("@iconify-json/ui/package.json", {"version": "2.0.1"}, "ui 2.0.0 wanted"),
    ],
)
def test_a_changed_package_is_refused(file: str, change: object, said: str, modules: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(modules, tmp_path / "node_modules")
    (copy / file).write_text(json.dumps(change))
    with pytest.raises(InvalidFile, match=said):
        build(tmp_path / "out", packages=copy, sets=packages.SETS)
    assert not (tmp_path / "out").exists()


def test_a_folder_without_packages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="none of the icon packages"):
        build(tmp_path / "out", packages=tmp_path)


def test_broken_package_json_is_one_sentence(modules: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(modules, tmp_path / "node_modules")
    (copy / "@iconify-json" / "toy" / "icons.json").write_text("{")
    with pytest.raises(InvalidFile, match=r"icons\.json cannot be read"):
        build(tmp_path / "out", packages=copy, sets=packages.SETS, workers=1)


def test_full_disk_leaves_the_old_data_and_nothing_else(
    built: Built, modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = shutil.copytree(built[0], tmp_path / "icons")
    before = {file.name: file.read_bytes() for file in out.iterdir()}

    def full(writer: staging.PictureWriter, picture: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(staging.PictureWriter, "append", full)
    with pytest.raises(OutOfSpace, match="No space left"):
        build(out, size=32, packages=modules, workers=1, sets=packages.SETS)
    assert [path.name for path in tmp_path.iterdir()] == ["icons"]
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before


def test_a_place_that_cannot_be_written_is_one_sentence(modules: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutOfSpace, match="cannot be written"):
        build(tmp_path / "file" / "icons", size=32, packages=modules, workers=1, sets=packages.SETS)


def test_an_old_data_set_is_replaced(built: Built, modules: Path, tmp_path: Path) -> None:
    out = shutil.copytree(built[0], tmp_path / "icons")
    build(out, size=16, packages=modules, workers=1, sets=packages.SETS)
    assert (out / "pictures-16.npy").exists()
    assert not (out / "pictures-32.npy").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["icons"]


def test_missing_npm_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(MissingDependency, match="npm, which is not installed"):
        build(tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_npm_is_asked_for_the_pinned_versions_without_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "bin" / "npm"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "$@" > arguments\necho "404 no such thing" >&2\nexit 1\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin")
    with pytest.raises(MissingDependency, match="404 no such thing"):
        fetch(tmp_path / "npm")
    asked = json.loads((tmp_path / "npm" / "package.json").read_text())["dependencies"]
    assert asked["@iconify-json/noto"] == "1.2.9"
    assert all(version[0].isdigit() for version in asked.values())
    assert "install --ignore-scripts" in (tmp_path / "npm" / "arguments").read_text()


def test_the_cache_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "mezzotint" / "data" / "icons"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert default_folder() == Path.home() / ".cache" / "mezzotint" / "data" / "icons"
