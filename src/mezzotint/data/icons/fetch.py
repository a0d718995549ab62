"""Fetching the pinned packages with npm into the user's cache folder, and checking what they say of themselves."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mezzotint.data.icons.table import SETS, IconSet, requirements
from mezzotint.errors import InvalidFile, MissingDependency, OutOfSpace

__all__ = ["cache_root", "fetch", "install", "locate", "verify"]


def cache_root() -> Path:
    """Mezzotint's folder in the user's cache: `$XDG_CACHE_HOME` or `~/.cache`, then `mezzotint`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "mezzotint"


def fetch(folder: Path | None = None) -> Path:
    """Install the pinned packages with npm, without running their scripts; return their `node_modules`.

    Raises MissingDependency if there is no npm or it fails, OutOfSpace if the folder cannot be written.
    """
    folder = folder or cache_root() / "npm"
    modules = folder / "node_modules"
    if modules.is_dir() and not _differences(modules, SETS):
        return modules
    return install(folder, "icons", requirements())


def install(folder: Path, name: str, packages: Mapping[str, str]) -> Path:
    """Install packages (name -> version) with npm into a folder, without running their scripts; return `node_modules`.

    name: what they are, for the package file and for errors. Raises MissingDependency if there is no npm or it fails,
    OutOfSpace if the folder cannot be written.
    """
    wanted = {"name": f"mezzotint-{name}", "version": "1.0.0", "private": True, "dependencies": dict(packages)}
    what = name.removesuffix("s")
    npm = shutil.which("npm")
    if npm is None:
        raise MissingDependency(
            f"Fetching the {what} packages needs npm, which is not installed; install Node.js, or give a folder with "
            "them."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(json.dumps(wanted, indent=2), "utf-8")
    except OSError as error:
        raise OutOfSpace(
            f"The folder {folder} cannot be written ({error.strerror}); free space or choose another."
        ) from error
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise MissingDependency(f"npm could not fetch the {what} packages ({last}); check the network and try again.")
    return folder / "node_modules"


def locate(packages: Path, sets: Sequence[IconSet] = SETS) -> Path:
    """The folder that holds the packages: the given one or its `node_modules`. Raises InvalidFile if it has none."""
    for candidate in (packages, packages / "node_modules"):
        if any((candidate / icons.package).is_dir() for icons in sets):
            return candidate
    raise InvalidFile(
        f"The folder {packages} has none of the icon packages; give the node_modules folder of an npm install."
    )


def _stated(path: Path, package: str) -> dict[str, Any]:
    try:
        stated = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidFile(f"The package {package} has no readable {path.name}; fetch the packages again.") from error
    return stated if isinstance(stated, dict) else {}


def _differences(modules: Path, sets: Sequence[IconSet]) -> list[str]:
    def version(package: str) -> str:
        path = modules / package / "package.json"
        return str(_stated(path, package).get("version")) if path.is_file() else ""

    return [f"{name} {pinned}" for name, pinned in requirements(sets).items() if version(name) != pinned]


def verify(modules: Path, sets: Sequence[IconSet] = SETS) -> None:
    """Check every package's version and licence against the table. Raises InvalidFile with the first difference."""
    if wrong := _differences(modules, sets):
        raise InvalidFile(
            f"The packages in {modules} are not the pinned ones: {', '.join(wrong[:3])} wanted; fetch them again."
        )
    for icons in sets:
        folder = modules / icons.package
        if icons.kind == "render":
            licence = _stated(folder / "package.json", icons.package).get("license")
        else:
            said = _stated(folder / "info.json", icons.package).get("license")
            licence = said.get("spdx") if isinstance(said, dict) else said
        if licence != icons.licence:
            raise InvalidFile(
                f"The package {icons.package} says its licence is {licence}, but the table says {icons.licence}; "
                "it is not used until someone has looked."
            )
