"""Fetching the pinned packages with npm into the user's cache folder, and checking what they say of themselves."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from mezzotint.data.icons.table import SETS, requirements
from mezzotint.errors import InvalidFile, MissingDependency, OutOfSpace

__all__ = ["cache_root", "fetch", "locate", "verify"]


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
    wanted = {"name": "mezzotint-icons", "version": "1.0.0", "private": True, "dependencies": requirements()}
    if modules.is_dir() and not _differences(modules):
        return modules
    npm = shutil.which("npm")
    if npm is None:
        raise MissingDependency(
            "Fetching the icon packages needs npm, which is not installed; install Node.js, or pass a folder with the packages."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(json.dumps(wanted, indent=2), "utf-8")
    except OSError as error:
        raise OutOfSpace(f"The folder {folder} cannot be written ({error.strerror}); free space or choose another.") from error
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise MissingDependency(f"npm could not fetch the icon packages ({last}); check the network and try again.")
    return modules


def locate(packages: Path) -> Path:
    """The folder that holds the packages: the given one or its `node_modules`. Raises InvalidFile if it has none."""
    for candidate in (packages, packages / "node_modules"):
        if any((candidate / s.package).is_dir() for s in SETS):
            return candidate
    raise InvalidFile(f"The folder {packages} has none of the icon packages; give the node_modules folder of an npm install.")


def _version(modules: Path, package: str) -> str | None:
    try:
        return str(json.loads((modules / package / "package.json").read_text("utf-8"))["version"])
    except (OSError, ValueError, KeyError):
        return None


def _differences(modules: Path) -> list[str]:
    return [f"{p} {v}" for p, v in requirements().items() if _version(modules, p) != v]


def verify(modules: Path) -> None:
    """Check versions, licences and authors against the table. Raises InvalidFile with the first difference."""
    missing = _differences(modules)
    if missing:
        raise InvalidFile(f"The packages in {modules} are not the pinned ones: {', '.join(missing[:3])} wanted; fetch them again.")
    for icons in SETS:
        if icons.kind == "photo3d":
            stated = str(json.loads((modules / icons.package / "package.json").read_text("utf-8")).get("license"))
        else:
            try:
                info = json.loads((modules / icons.package / "info.json").read_text("utf-8"))
                stated = str(info["license"]["spdx"])
            except (OSError, ValueError, KeyError) as error:
                raise InvalidFile(f"The package {icons.package} does not state its licence; fetch it again.") from error
        if stated != icons.licence:
            raise InvalidFile(
                f"The package {icons.package} says its licence is {stated}, but {icons.licence} is expected; it is not used."
            )
