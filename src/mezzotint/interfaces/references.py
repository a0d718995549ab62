"""The pictures that a drawing refers to: read from files, fitted into what is drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mezzotint.errors import InvalidOption
from mezzotint.request import Request

if TYPE_CHECKING:
    from PIL.Image import Image

    from mezzotint.pipeline import Pipeline

__all__ = ["NAMES", "References", "read_references", "recorded_references"]

NAMES = ("style_ref", "image_ref", "structure_ref")
"""The options that are files of reference pictures."""


@dataclass(frozen=True)
class References:
    """Reference pictures by the names of their options, as they were read."""

    pictures: "Mapping[str, Image]"

    def digests(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options, with digests in the place of files."""
        from mezzotint.provenance.pixels import pixel_sha256

        return {**options, **{name: pixel_sha256(picture) for name, picture in self.pictures.items()}}

    def fitted(self, pipe: "Pipeline", request: Request) -> "dict[str, Image]":
        """The pictures as a request needs them: of the size that the model draws at once, a structure of that of the
        whole picture, scaled to fit on a transparent canvas. Raises InvalidOption where that is no square."""
        from mezzotint.interfaces.sources import fitted

        drawn = pipe.resolve(request).size if self.pictures else None
        sizes = dict.fromkeys(NAMES, pipe.model.size) | {"structure_ref": drawn or pipe.model.size}
        return {name: fitted((picture, None), sizes[name])[0] for name, picture in self.pictures.items()}

    @staticmethod
    def key(request: Request) -> tuple[str | None, ...]:
        """The digests of a request's reference pictures: requests that have them in common have the pictures too."""
        return tuple(getattr(request, name) for name in NAMES)

    def named(self, pipe: "Pipeline", request: Request) -> "tuple[Request, dict[str, Image]]":
        """The request with the digests of the pictures as it needs them, and these."""
        pictures = self.fitted(pipe, request)
        return replace(request, **References(pictures).digests({})), pictures


def read_references(options: Mapping[str, Any]) -> References:
    """The reference pictures whose files are among options, upright as their EXIF says. Raises InvalidFile."""
    from mezzotint.interfaces.sources import read_sources

    files = {name: options[name] for name in NAMES if options.get(name) is not None}
    return References({name: read_sources(Path(file), None)[0] for name, file in files.items()})


def recorded_references(request: Request, files: Mapping[str, Path | None], pipe: "Pipeline") -> "dict[str, Image]":
    """The reference pictures of a recipe's request, from files. Raises InvalidOption for what is missing, or is another
    picture."""
    for name in NAMES:
        digest, file, option = getattr(request, name), files.get(name), f"--{name.replace('_', '-')}"
        if digest is None and file is not None:
            raise InvalidOption(f"The recipe has no {name}; leave out {option}.")
        if digest is not None and file is None:
            raise InvalidOption(f"The picture was made with the {name} {digest[:10]}; give its file with {option}.")
    pictures = read_references(files).fitted(pipe, replace(request, device="auto", dtype="auto"))
    for name, digest in References(pictures).digests({}).items():
        if digest != getattr(request, name):
            option = f"--{name.replace('_', '-')}"
            raise InvalidOption(f"{files[name]} is not the {name} that the recipe names; give that one with {option}.")
    return pictures
