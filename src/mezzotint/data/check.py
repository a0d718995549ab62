"""Checking data before training: broken, tiny, duplicate, captionless pictures, and captions that are too long."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from mezzotint.data.folder import Entry, captioned_files, open_picture
from mezzotint.data.manifest import Record
from mezzotint.data.sources import IconSource
from mezzotint.errors import InvalidFile

__all__ = ["LONGEST_CAPTION", "SMALLEST_SIDE", "Finding", "Report", "check"]

SMALLEST_SIDE = 32  # pixels; a smaller picture has little to teach
LONGEST_CAPTION = 60  # words; text encoders cut off what is longer
_DRAWN = 0.01  # the least part of the canvas that is not transparent


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. kind: "broken", "tiny", "duplicate", "captionless", "long", "altered", "split" or "alpha"."""

    kind: str
    where: str
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What `check` found. Errors make training impossible or wrong; warnings make it worse."""

    path: str
    form: str
    pictures: int
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.errors

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self) | {"ok": self.ok}


_ERRORS = frozenset({"broken", "captionless", "altered", "split", "alpha"})


def check(path: Path, progress: Callable[[int, int], None] | None = None) -> Report:
    """Check a folder made by `icons.build` (it has a `manifest.jsonl`) or a folder of captioned pictures.

    progress: called with (done, all). Raises InvalidFile if the folder is missing, has no pictures, or its manifest or
    metadata cannot be read at all; what is wrong with single pictures is in the report.
    """
    path = Path(path)
    built = (path / "manifest.jsonl").is_file()
    count, findings = _built(path, progress) if built else _folder(path, progress)
    return Report(
        str(path),
        "built" if built else "folder",
        count,
        tuple(finding for finding in findings if finding.kind in _ERRORS),
        tuple(finding for finding in findings if finding.kind not in _ERRORS),
    )


def _folder(path: Path, progress: Callable[[int, int], None] | None) -> tuple[int, list[Finding]]:
    entries = captioned_files(path)
    if not entries:
        raise InvalidFile(f"The folder {path} has no pictures; PNG, JPEG and WEBP files are read.")
    findings: list[Finding] = []
    first: dict[str, str] = {}
    for done, entry in enumerate(entries, 1):
        findings += _captions(entry.name, entry.captions)
        findings += _file(entry, first)
        if progress is not None:
            progress(done, len(entries))
    return len(entries), findings


def _file(entry: Entry, first: dict[str, str]) -> list[Finding]:
    """What is wrong with one picture; duplicates are found by their pixels, whatever the file format."""
    try:
        with open_picture(entry.path) as image:
            size, code = image.size, sha256(image.convert("RGBA").tobytes()).hexdigest()
    except InvalidFile as error:
        return [Finding("broken", entry.name, str(error))]
    findings = []
    if min(size) < SMALLEST_SIDE:
        message = f"{size[0]} x {size[1]} pixels, but at least {SMALLEST_SIDE} a side are of use."
        findings.append(Finding("tiny", entry.name, message))
    other = first.setdefault(f"{size}:{code}", entry.name)
    if other != entry.name:
        findings.append(Finding("duplicate", entry.name, f"has the same pixels as {other}."))
    return findings


def _captions(where: str, captions: Sequence[str]) -> list[Finding]:
    if not captions or not all(caption.strip() for caption in captions):
        return [Finding("captionless", where, "has no caption.")]
    longest = max(len(caption.split()) for caption in captions)
    if longest > LONGEST_CAPTION:
        return [Finding("long", where, f"has a caption of {longest} words, but {LONGEST_CAPTION} are read at most.")]
    return []


def _built(path: Path, progress: Callable[[int, int], None] | None) -> tuple[int, list[Finding]]:
    files = sorted(path.glob("pictures-*.npy"))
    sizes = [int(file.stem.removeprefix("pictures-")) for file in files if file.stem[9:].isdigit()]
    if not sizes:
        raise InvalidFile(f"The folder {path} has a manifest, but no pictures; build the data again.")
    data = IconSource(path).load(sizes[0])
    findings: list[Finding] = []
    splits: dict[str, str] = {}
    first: dict[str, str] = {}
    for row, record in enumerate(data.records):
        findings += _captions(record.id, record.captions)
        findings += _row(np.asarray(data.pictures[row]), record, first)
        if splits.setdefault(record.concept, record.split) != record.split:
            message = f"the concept {record.concept!r} is in training and held out."
            findings.append(Finding("split", record.id, message))
        if progress is not None:
            progress(row + 1, len(data))
    return len(data), findings


def _row(picture: np.ndarray[Any, np.dtype[np.uint8]], record: Record, first: dict[str, str]) -> list[Finding]:
    findings = []
    code = sha256(picture.tobytes()).hexdigest()
    if code != record.sha256:
        findings.append(Finding("altered", record.id, "its bytes are not those that the manifest names."))
    if (picture[..., :3] > picture[..., 3:]).any():
        findings.append(Finding("alpha", record.id, "its colours exceed its alpha, so they are not premultiplied."))
    if (picture[..., 3] > 32).mean() < _DRAWN:
        findings.append(Finding("tiny", record.id, "less than a hundredth of the canvas is drawn on."))
    other = first.setdefault(code, record.id)
    if other != record.id:
        findings.append(Finding("duplicate", record.id, f"has the same pixels as {other}."))
    return findings
