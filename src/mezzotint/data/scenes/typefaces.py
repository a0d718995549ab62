"""The font families of lettering: pinned packages, their licences and authors, and which are held out of training.

All are under Apache-2.0 or OFL-1.1. They come as npm packages of the Fontsource project, like the icon sets; each font
file is checked against its SHA-256.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from mezzotint.data.icons.fetch import cache_root, install
from mezzotint.errors import InvalidFile

__all__ = ["FAMILIES", "Family", "attribution", "fetch_fonts", "font_files"]

_VERSION = "5.3.0"


@dataclass(frozen=True, slots=True)
class Family:
    """One family: its package's short name, the weight used, what captions call it, licence, author, SHA-256.

    capitals: has no small letters of its own. held_out: never in training scenes.
    """

    name: str
    weight: int
    look: str
    licence: str
    author: str
    sha256: str
    capitals: bool = False
    held_out: bool = False

    @property
    def package(self) -> str:
        """The npm package."""
        return f"@fontsource/{self.name}"

    @property
    def file(self) -> str:
        """The font file within the package."""
        return f"files/{self.name}-latin-{self.weight}-normal.woff"


_OFL, _APACHE = "OFL-1.1", "Apache-2.0"
# fmt: off
FAMILIES: tuple[Family, ...] = (
    Family("roboto", 700, "sans serif", _OFL, "The Roboto Project Authors",
           "19e78b1c5f2c683c28800f84dd6d453ddb67987b0079060a4cbe50c7bdded148"),
    Family("merriweather", 700, "serif", _OFL, "The Merriweather Project Authors",
           "fc0faa60ded2ce579b56e069b13802e5f2c08047e60cc5d1b7b5b1038e9775af"),
    Family("roboto-slab", 700, "slab serif", _APACHE, "Google Inc.",
           "f9af152b7ce8f7291f9ea7f1806009b207bc3a4af8ca3e0ec9b24cf6c90e1b01"),
    Family("nunito", 800, "rounded", _OFL, "The Nunito Project Authors",
           "0ca02785f0bf8aaabada9adc9b4e2bb4952e1c641fea02d12f34608ca89fe904"),
    Family("oswald", 600, "narrow", _OFL, "The Oswald Project Authors",
           "bf5a78b16ecac9a1de5318a663f215ea98e332a223e11e59252c3e8f699adc33"),
    Family("bangers", 400, "comic", _OFL, "The Bangers Project Authors",
           "3e4e64a81b2f0ecb19f94b548694743138db04403b6da4456ae85c87585fecf2", capitals=True),
    Family("permanent-marker", 400, "handwritten", _APACHE, "Font Diner",
           "ab8ac2bb72d48e089e37d8eefbacdfe2d74ccd48ae786d952fce9874837d2b2b", capitals=True),
    Family("jetbrains-mono", 700, "monospaced", _OFL, "The JetBrains Mono Project Authors",
           "5e7319f25a5ef89d2c01c323029ef0bedefad204108e601455ff6f8ae12ca3ff"),
    Family("saira-stencil-one", 400, "stencil", _OFL, "The Saira Stencil Project Authors",
           "a9dac1468207c3951c8dbf344bf79f4337a589df78effdcbec365016c4b26ef0"),
    Family("press-start-2p", 400, "pixel", _OFL, "The Press Start 2P Project Authors",
           "5639ed14ba3e96401f71dcf399e6e64bbcfa4110250d61ba6a9fcb969c9cc74f"),
    Family("fredoka", 600, "rounded", _OFL, "The Fredoka Project Authors",
           "ca6f7ba0a393960b2a3036754726529ddd19b8a20be3faeb8cfabad3882b888a", held_out=True),
    Family("zilla-slab", 700, "slab serif", _OFL, "The Mozilla Foundation",
           "d88f22598a1248c4fe5f960432c58ff242a4b7fcddc08bae07c18b5a3ea5b231", held_out=True),
)
# fmt: on


def font_files(modules: Path, families: Sequence[Family] = FAMILIES) -> list[Path]:
    """The font file of each family in a `node_modules` folder.

    Raises InvalidFile if one is missing, is not the pinned file, or its package states another licence.
    """
    found = []
    for family in families:
        path = modules / family.package / family.file
        try:
            content = path.read_bytes()
            stated = json.loads((modules / family.package / "package.json").read_text("utf-8")).get("license")
        except (OSError, ValueError, AttributeError) as error:
            raise InvalidFile(
                f"The font package {family.package} in {modules} cannot be read; run mezzotint data build fonts."
            ) from error
        if sha256(content).hexdigest() != family.sha256:
            raise InvalidFile(f"The font {path} is not the pinned one; run mezzotint data build fonts.")
        if stated != family.licence:
            raise InvalidFile(
                f"The package {family.package} says its licence is {stated}, but the table says {family.licence}; "
                "it is not used until someone has looked."
            )
        found.append(path)
    return found


def fetch_fonts(folder: Path | None = None) -> Path:
    """Install the pinned font packages with npm, unless they are there; return their `node_modules`.

    Raises MissingDependency if there is no npm or it fails, OutOfSpace if the folder cannot be written, InvalidFile if
    what came is not what is pinned.
    """
    folder = folder or cache_root() / "fonts"
    modules = folder / "node_modules"
    try:
        font_files(modules)
    except InvalidFile:
        install(folder, "fonts", {family.package: _VERSION for family in FAMILIES})
        font_files(modules)
        (folder / "ATTRIBUTION.md").write_text(attribution(), "utf-8")
    return modules


def attribution() -> str:
    """A Markdown table of the families with their kind, licence and authors."""
    rows = [
        f"| {f.name} {f.weight} | {f.look}{', held out' if f.held_out else ''} | {f.author} | {f.licence} "
        f"| {f.package} {_VERSION} |"
        for f in FAMILIES
    ]
    return "\n".join(["| family and weight | kind | authors | licence | package |", "|---|---|---|---|---|", *rows, ""])
