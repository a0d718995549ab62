"""The pictures that a drawing refers to: read from files, fitted into what is drawn."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mezzotint.errors import AnotherPicture, InvalidOption
from mezzotint.request import Request

if TYPE_CHECKING:
    from PIL.Image import Image

    from mezzotint.pipeline import Pipeline

__all__ = ["NAMES", "WEIGHTS", "References", "recorded_references", "with_references"]

NAMES = ("style_ref", "image_ref", "structure_ref")
"""The options that are files of reference pictures."""
WEIGHTS = ("style_weight", "image_weight", "structure_weight", "structure")
"""The options that say how they count."""


class References:
    """The reference pictures of a call: read from the files that its options and its prompts name, each once."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._pictures: dict[str, Image] = {}  # by their digests

    def digests(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options, with digests in the place of files, which are read, upright as their EXIF says; digests of what
        was read before stay. Regions whose place is a file become `region_masks`. Raises InvalidFile, InvalidOption."""
        found = dict(options)
        found |= {name: self._digest(str(options[name])) for name in NAMES if options.get(name) is not None}
        regions = options.get("region") or ()
        if masks := [one for one in regions if isinstance(one, list) and isinstance(one[0], str)]:
            found["region"] = [one for one in regions if one not in masks]
            found["region_masks"] = [[self._digest(file), text] for file, text in masks]
        return found

    def _digest(self, file: str) -> str:
        if file in self._pictures:
            return file
        if file not in self._files:
            from mezzotint.interfaces.sources import read_sources
            from mezzotint.provenance.pixels import pixel_sha256

            picture, _ = read_sources(Path(file), None)
            self._files[file] = pixel_sha256(picture)
            self._pictures[self._files[file]] = picture
        return self._files[file]

    def fitted(self, pipe: "Pipeline", request: Request) -> dict[str, Any]:
        """The pictures of a request that names them as they were read, as it needs them: of the size that the model
        draws at once, a structure of that of the whole picture, scaled to fit on a transparent canvas; the masks of
        regions as they are. Raises InvalidOption where that is no square."""
        named = ((name, getattr(request, name)) for name in NAMES)
        found = _fitted({name: self._pictures[digest] for name, digest in named if digest is not None}, pipe, request)
        masks = [(self._pictures[digest], text) for digest, text in request.region_masks]
        return {**found, "region_masks": masks} if masks else dict(found)

    def named(self, pipe: "Pipeline", request: Request) -> tuple[Request, dict[str, Any]]:
        """The request with the digests of the pictures as it needs them, and these."""
        pictures = self.fitted(pipe, request)
        return replace(request, **_digests(pictures)), pictures

    @staticmethod
    def key(request: Request) -> tuple[object, ...]:
        """The digests of a request's reference pictures: requests that have them in common have the pictures too."""
        return tuple(getattr(request, name) for name in (*NAMES, "region_masks"))


def _read(files: "Mapping[str, Path | None]") -> "dict[str, Image]":
    from mezzotint.interfaces.sources import read_sources

    given = ((name, files.get(name)) for name in NAMES)
    return {name: read_sources(Path(file), None)[0] for name, file in given if file is not None}


def _fitted(pictures: "Mapping[str, Image]", pipe: "Pipeline", request: Request) -> "dict[str, Image]":
    from mezzotint.interfaces.sources import fitted, on_transparent

    drawn = pipe.resolve(request).size if pictures else None
    sizes = dict.fromkeys(NAMES, pipe.model.size) | {"structure_ref": drawn or pipe.model.size}
    squares = {name for name in pictures if sizes[name][0] == sizes[name][1]}
    return {
        name: fitted((one, None), sizes[name])[0] if name in squares else on_transparent(one, sizes[name])
        for name, one in pictures.items()
    }


def _digests(pictures: "Mapping[str, Image]") -> dict[str, Any]:
    from mezzotint.provenance.pixels import pixel_sha256

    return {name: pixel_sha256(picture) for name, picture in pictures.items() if name in NAMES}


def recorded_references(request: Request, files: Mapping[str, Path | None], pipe: "Pipeline") -> "dict[str, Image]":
    """The reference pictures of a recipe's request, from files. Raises InvalidOption for what is missing, or is another
    picture."""
    for name in NAMES:
        digest, file, option = getattr(request, name), files.get(name), f"--{name.replace('_', '-')}"
        if digest is None and file is not None:
            raise InvalidOption(f"The recipe has no {name}; leave out {option}.")
        if digest is not None and file is None:
            raise InvalidOption(f"The picture was made with the {name} {digest[:10]}; give its file with {option}.")
    pictures = _fitted(_read(files), pipe, replace(request, device="auto", dtype="auto"))
    for name, digest in _digests(pictures).items():
        if digest != getattr(request, name):
            option = f"--{name.replace('_', '-')}"
            raise AnotherPicture(f"{files[name]} is not the {name} that the recipe names; give that one with {option}.")
    return pictures


def with_references(request: Request, options: Mapping[str, Any], pipe: "Pipeline") -> Request:
    """A recipe's request that is drawn after further pictures too, whose files are among options; all count as these
    say. Raises InvalidFile, InvalidOption."""
    further = {name: options[name] for name in NAMES if getattr(request, name) is None}
    given = {name: options[name] for name in WEIGHTS if options[name] is not None}
    pictures = _fitted(_read(further), pipe, replace(request, device="auto", dtype="auto"))
    return replace(request, **_digests(pictures), **given)
