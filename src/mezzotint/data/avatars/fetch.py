"""Fetching the pinned avatar packages with npm, and checking what they are and what they say of their licence."""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from mezzotint.data.avatars.table import AvatarStyle
from mezzotint.data.icons.fetch import cache_root, install
from mezzotint.errors import InvalidFile

__all__ = ["fetch_avatars", "fingerprint", "locate", "verify"]

_LICENCES = {
    "CC0-1.0": "License: CC0 1.0 (https://creativecommons.org/publicdomain/zero/1.0/)",
    "CC-BY-4.0": "License: CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)",
}
"""What a package's LICENSE says of its drawings, under "Design", for each licence that is allowed here."""


def fetch_avatars(styles: Sequence[AvatarStyle], folder: Path | None = None) -> Path:
    """Install the pinned packages with npm, unless they are there; return their `node_modules`.

    Raises MissingDependency if there is no npm or it fails, OutOfSpace if the folder cannot be written, InvalidFile if
    what came is not what is pinned.
    """
    folder = folder or cache_root() / "avatars"
    modules = folder / "node_modules"
    try:
        verify(modules, styles)
    except InvalidFile:
        install(folder, "avatars", {style.package: style.version for style in styles})
        verify(modules, styles)
    return modules


def locate(packages: Path, styles: Sequence[AvatarStyle]) -> Path:
    """The folder that holds the packages: the given one or its `node_modules`. Raises InvalidFile if it has none."""
    for candidate in (packages, packages / "node_modules"):
        if any((candidate / style.package).is_dir() for style in styles):
            return candidate
    raise InvalidFile(
        f"The folder {packages} has none of the avatar packages; give the node_modules folder of an npm install."
    )


def fingerprint(folder: Path, parts: Sequence[str]) -> str:
    """SHA-256 over the files of a package that are read: its licence, its frame and its parts, each with its name.

    Raises InvalidFile if one is missing.
    """
    total = sha256()
    for name in ("LICENSE", "lib/index.js", *(f"lib/components/{part}.js" for part in sorted(parts))):
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise InvalidFile(f"The file {folder / name} cannot be read; fetch the avatar packages again.") from error
        total.update(f"{name}\0{len(content)}\0".encode() + content)
    return total.hexdigest()


def verify(modules: Path, styles: Sequence[AvatarStyle]) -> None:
    """Check every package's version, files and licence against the table.

    Raises InvalidFile with the first difference.
    """
    for style in styles:
        folder = modules / style.package
        try:
            version = json.loads((folder / "package.json").read_text("utf-8")).get("version")
            design = (folder / "LICENSE").read_text("utf-8").partition("# Design")[2].partition("# Code")[0]
        except (OSError, ValueError, AttributeError) as error:
            raise InvalidFile(
                f"The avatar package {style.package} in {modules} cannot be read; run mezzotint data build avatars."
            ) from error
        if _LICENCES[style.licence] not in design:
            raise InvalidFile(
                f"The package {style.package} does not say that its drawings are under {style.licence}; "
                "it is not used until someone has looked."
            )
        if version != style.version or fingerprint(folder, style.parts) != style.sha256:
            raise InvalidFile(
                f"The package {style.package} in {modules} is not the pinned one, {style.version}; fetch it again."
            )
