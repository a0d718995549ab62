"""Building the avatar set: choose, compose, render, caption, divide, write."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from mezzotint.data.avatars.avatar import Avatar, drawn, plan
from mezzotint.data.avatars.components import Drawings, read_drawings
from mezzotint.data.avatars.fetch import fetch_avatars, locate, verify
from mezzotint.data.avatars.phrases import captions_of
from mezzotint.data.avatars.styles import STYLES
from mezzotint.data.avatars.table import AvatarStyle
from mezzotint.data.colours import measure
from mezzotint.data.icons.builder import Summary, summarise
from mezzotint.data.icons.fetch import cache_root
from mezzotint.data.icons.render import rasterise, require_resvg
from mezzotint.data.manifest import Record, write_manifest
from mezzotint.data.pixels import Bytes
from mezzotint.data.staging import PictureWriter, staged_folder
from mezzotint.errors import InvalidOption

__all__ = ["AVATARS_VERSION", "COUNT", "attribution", "build_avatars", "default_folder"]

AVATARS_VERSION = 1
COUNT = 6_000
_SMALLEST, _LARGEST = 16, 1024  # pixels
_MOST = 1_000_000  # pictures
_TRIES = 4  # numbers looked at for each picture that is wanted; equal pictures are left out


def default_folder() -> Path:
    """Where the avatar set lives: `data/avatars` in Mezzotint's cache folder."""
    return cache_root() / "data" / "avatars"


def build_avatars(
    out: Path,
    *,
    size: int = 64,
    count: int = COUNT,
    seed: int = 0,
    packages: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    styles: Sequence[AvatarStyle] = STYLES,
) -> Summary:
    """Build the set into the folder `out`, which is replaced only when all of it is written.

    size: side of the pictures in pixels, 16 to 1024; count: how many; seed: decides which; packages: folder of fetched
    packages (None: fetch them with npm); progress: called with (done, all). Fewer pictures are made if the styles have
    no more that differ.
    Raises InvalidOption, InvalidFile (wrong packages or licences), MissingDependency (npm, resvg_py), OutOfSpace.
    """
    if not _SMALLEST <= size <= _LARGEST:
        raise InvalidOption(f"size is {size}, but it must lie between {_SMALLEST} and {_LARGEST} pixels.")
    if not 1 <= count <= _MOST:
        raise InvalidOption(f"count is {count}, but it must lie between 1 and {_MOST}.")
    require_resvg()
    if packages is None:
        modules = fetch_avatars(styles)
    else:
        modules = locate(packages, styles)
        verify(modules, styles)
    with_drawings = [(style, read_drawings(modules / style.package, style.parts, style.tweaks)) for style in styles]
    with staged_folder(Path(out)) as folder:
        records, equal = _pictures(folder / f"pictures-{size}.npy", with_drawings, (size, count, seed), progress)
        summary = summarise(records, size, {"duplicate": equal}, AVATARS_VERSION)
        write_manifest(folder / "manifest.jsonl", records)
        (folder / "ATTRIBUTION.md").write_text(attribution(summary.sets, styles), "utf-8")
        (folder / "summary.json").write_text(json.dumps(asdict(summary), indent=2) + "\n", "utf-8")
    return summary


def _pictures(
    path: Path,
    styles: Sequence[tuple[AvatarStyle, Drawings]],
    wanted: tuple[int, int, int],
    progress: Callable[[int, int], None] | None,
) -> tuple[list[Record], int]:
    """Render into the `.npy` file, without exactly equal ones. wanted: size, count, seed."""
    size, count, seed = wanted
    table = {style.name: (style, drawings) for style, drawings in styles}
    records: list[Record] = []
    seen: set[str] = set()
    equal = 0
    with PictureWriter(path, size) as writer:
        for number in range(_TRIES * count):
            avatar = plan(styles, seed, number)
            style, drawings = table[avatar.style]
            picture = rasterise(drawn(avatar, style, drawings), size)
            code = sha256(picture.tobytes()).hexdigest()
            if code in seen:
                equal += 1
                continue
            seen.add(code)
            writer.append(picture)
            records.append(_record(avatar, style, captions_of(avatar, style, seed), picture, code))
            if progress is not None:
                progress(len(records), count)
            if len(records) == count:
                break
    return records, equal


def _record(avatar: Avatar, style: AvatarStyle, captions: tuple[str, ...], picture: Bytes, code: str) -> Record:
    facts = measure(picture)
    # what it shows apart from skin and background: both splits never share it, since hair and things decide the split
    concept = ", ".join(filter(None, (avatar.mood, avatar.subject, *_said(avatar))))
    return Record(
        id=f"{style.name}:{avatar.number}",
        captions=captions,
        style=style.name,
        split="heldout" if avatar.held else "train",
        concept=f"{style.name}: {concept}",
        sha256=code,
        set=style.name,
        name=captions[0],
        colours=facts.colours,
        shares=facts.shares,
        shading=facts.shading,
        outlined=facts.outlined,
        licence=style.licence,
        author=style.author,
        package=style.package,
        version=style.version,
    )


def _said(avatar: Avatar) -> list[str]:
    return [phrase for kind, phrase in sorted(avatar.things.items()) if kind != "skin"]


def attribution(counts: dict[str, int], styles: Sequence[AvatarStyle] = STYLES) -> str:
    """A Markdown table of the styles with their designers, licences and numbers of pictures."""
    lines = [
        "# Attribution of the avatars", "",
        "The pictures were composed from the parts of these drawings, in colours of our own and with a few shapes "
        "changed, and rendered. The drawings come as packages of DiceBear, which adapted them.", "",
        "| style | package | designer | licence | source | pictures |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [
        f"| {s.name} | {s.package} {s.version} | {s.author} | {s.licence} | {s.url} | {counts.get(s.name, 0)} |"
        for s in styles
    ]
    lines += [
        "",
        "Licences: CC-BY-4.0 https://creativecommons.org/licenses/by/4.0/ · "
        "CC0-1.0 https://creativecommons.org/publicdomain/zero/1.0/",
        "",
    ]
    return "\n".join(lines)
