"""A made-up avatar package in the form of the real ones: a head, hair, glasses, a mouth, drawn by us as plain boxes."""

import json
from dataclasses import replace
from pathlib import Path

from mezzotint.data.avatars import AvatarStyle, Choice, Option
from mezzotint.data.avatars.fetch import fingerprint

HEAD = """/**
 * Do not change this file manually! This file was generated.
 *
 */
import { escape } from '@dicebear/core';
"""
INDEX = (
    HEAD
    + """import { getComponents } from './utils/getComponents.js';
export const create = ({ prng, options }) => {
    return {
        attributes: {
            viewBox: '0 0 32 32',
            fill: 'none',
        },
        body: `<rect x="6" y="8" width="20" height="20" fill="${escape.xml(`${colors.skin}`)}"/>HOLES`,
        extra: () => ({}),
    };
};
"""
)
BOX = '<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>'
HAIR = "${escape.xml(`${colors.hair}`)}"
PARTS = {
    "hair": {"crop": BOX.format(6, 4, 20, 4, HAIR), "mane": BOX.format(2, 4, 28, 4, HAIR)},
    "glasses": {"round": BOX.format(8, 12, 16, 4, "#0000ff"), "dark": BOX.format(8, 12, 16, 4, "#000000")},
    "mouth": {"wide": BOX.format(10, 22, 12, 2, "#ff0000"), "small": BOX.format(14, 22, 4, 2, "#ff0000")},
    "eyes": {"open": BOX.format(9, 13, 2, 2, "#00ff00"), "wink": BOX.format(9, 14, 2, 1, "#00ff00")},
}
LICENCE = """Licences
# Design
Source: boxes
License: CC0 1.0 (https://creativecommons.org/publicdomain/zero/1.0/)
# Code
MIT License
"""
STYLE = AvatarStyle(
    name="boxy",
    package="@toy/boxy",
    version="1.0.0",
    licence="CC0-1.0",
    author="Ann",
    url="https://example.org/boxy",
    sha256="",
    view_box="0 0 32 32",
    inks={"skin": "skin", "hair": "hair"},
    says={"skin": "{skin} skin"},
    medium="boxy portrait",
    choices=(
        Choice(
            (
                Option({"hair": "crop"}, {"hair": "short {hair} hair"}),
                Option({"hair": "mane"}, {"hair": "a {hair} mane"}),
            )
        ),
        Choice(
            (
                Option({"glasses": "round"}, {"eyewear": "blue glasses"}),
                Option({"glasses": "dark"}, {"eyewear": "sunglasses"}, covers=frozenset({"eyes"})),
            ),
            60,
        ),
        Choice(
            (
                Option({"mouth": "wide", "eyes": "open"}, {}, "smiling", frozenset({"mouth"})),
                Option({"mouth": "small", "eyes": "wink"}, {}, "winking", frozenset({"eyes"})),
            )
        ),
    ),
)


def hole(part: str, first: str, second: str) -> str:
    """The expression with which a drawing calls for a part."""
    return (
        f"${{({second} = ({first} = components.{part}) === null || {first} === void 0 ? void 0 : "
        f"{first}.value(components, colors)) !== null && {second} !== void 0 ? {second} : ''}}"
    )


def part_file(part: str, variants: dict[str, str]) -> str:
    """The file of one part."""
    lines = "".join(f"    {name}: (components, colors) => `{drawing}`,\n" for name, drawing in variants.items())
    return f"{HEAD}export const {part} = {{\n{lines}}};\n"


def make(root: Path) -> tuple[Path, AvatarStyle]:
    """Write the package below a folder; the folder, and the style with its fingerprint."""
    folder = root / STYLE.package
    (folder / "lib" / "components").mkdir(parents=True)
    holes = "".join(hole(part, "_a", "_b") for part in ("mouth", "eyes", "glasses", "hair"))
    (folder / "package.json").write_text(json.dumps({"version": STYLE.version, "license": "MIT"}), "utf-8")
    (folder / "LICENSE").write_text(LICENCE, "utf-8")
    (folder / "lib" / "index.js").write_text(INDEX.replace("HOLES", holes), "utf-8")
    for part, variants in PARTS.items():
        (folder / "lib" / "components" / f"{part}.js").write_text(part_file(part, variants), "utf-8")
    return root, replace(STYLE, sha256=fingerprint(folder, STYLE.parts))
