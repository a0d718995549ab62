"""The records of a data set, one a picture, and the files that carry them.

`manifest.jsonl` has one JSON object a line, in the order of the rows of `pictures-N.npy`. Words of the nouns that are
held out of training do not occur in any caption or keyword of a training row; they were removed, not replaced.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from mezzotint.errors import InvalidFile

__all__ = ["Record", "attribution", "digest", "read_manifest", "write_manifest"]


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one picture.

    id: unique within the set; captions: several phrasings, short to dense; style: the word for `--style`, or None;
    split: "train" or "heldout"; concept: what all drawings of the thing share; colours, shading, outlined: measured
    facts; hue: the colour given to a two-tone drawing, or ""; sha256: of the premultiplied RGBA bytes.
    """

    id: str
    captions: tuple[str, ...]
    style: str | None
    split: str
    concept: str
    sha256: str
    set: str = ""
    name: str = ""
    keywords: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    shading: str = ""
    outlined: bool = False
    hue: str = ""
    licence: str = ""
    author: str = ""
    package: str = ""
    version: str = ""
    hex: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: the measured facts under `facts`, the rest as they are."""
        row = asdict(self)
        facts = {key: row.pop(key) for key in ("colours", "shares", "shading", "outlined", "hue")}
        return row | {"facts": facts}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> "Record":
        """Undo `as_dict`. Raises KeyError or TypeError if a required key is missing or of the wrong type."""
        flat: dict[str, Any] = {**row, **row.get("facts", {})}
        known = {f.name for f in fields(cls)}
        for name in ("captions", "keywords", "colours", "shares"):
            flat[name] = tuple(flat.get(name, ()))
        return cls(**{name: value for name, value in flat.items() if name in known})


def digest(records: Iterable[Record]) -> str:
    """SHA-256 over every row's picture hash, split and captions, in order: the content of the whole set."""
    total = hashlib.sha256()
    for record in records:
        total.update("\0".join((record.sha256, record.split, *record.captions, "")).encode())
    return total.hexdigest()


def write_manifest(path: Path, records: Sequence[Record]) -> None:
    """One JSON object a line, UTF-8, keys sorted."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for record in records:
            file.write(json.dumps(record.as_dict(), ensure_ascii=False, sort_keys=True) + "\n")


def read_manifest(path: Path) -> list[Record]:
    """Read what `write_manifest` wrote. Raises InvalidFile with the line number of the first bad line."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile(f"The manifest {path} cannot be read ({error}); build the data again.") from error
    records = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(Record.from_dict(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidFile(f"Line {number} of {path} is not a record ({error}); build the data again.") from error
    return records


def attribution(rows: Iterable[tuple[str, str, str, str, str, int]]) -> str:
    """A Markdown table of (set, package and version, author, licence, address, pictures)."""
    lines = [
        "# Attribution", "",
        "The pictures were rendered from these sets. They were scaled, and two-tone drawings were recoloured.", "",
        "| set | package | author | licence | source | pictures |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [
        f"| {name} | {package} | {author} | {licence} | {url} | {n} |"
        for name, package, author, licence, url, n in rows
    ]
    lines += [
        "", "Names and keywords: Unicode CLDR (Unicode licence), through emojibase-data (MIT, Miles Johnson).",
        "Licences: MIT https://spdx.org/licenses/MIT.html · Apache-2.0 https://www.apache.org/licenses/LICENSE-2.0 · "
        "CC-BY-4.0 https://creativecommons.org/licenses/by/4.0/", "",
    ]  # fmt: skip
    return "\n".join(lines)
