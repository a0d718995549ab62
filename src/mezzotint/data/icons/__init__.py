"""The house data set: colour icons and emoji of permissive licence, rendered and captioned by this builder."""

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mezzotint.data.icons.caption import caption
from mezzotint.data.icons.fetch import cache_root, fetch, locate, verify
from mezzotint.data.icons.names import EmojiNames
from mezzotint.data.icons.nouns import names_held_out
from mezzotint.data.icons.selection import Job, chosen
from mezzotint.data.icons.split import held_out_concepts
from mezzotint.data.icons.table import NAMES_PACKAGE, SETS, IconSet
from mezzotint.data.icons.work import Drawn, draw
from mezzotint.data.manifest import Record, attribution, digest, write_manifest
from mezzotint.errors import InvalidOption, OutOfSpace

__all__ = ["BUILDER_VERSION", "Summary", "build", "default_folder"]

BUILDER_VERSION = 1


@dataclass(frozen=True, slots=True)
class Summary:
    """What a build made: counts by set, split, style and licence, and the digest of the content."""

    pictures: int
    size: int
    digest: str
    builder_version: int
    sets: dict[str, int]
    splits: dict[str, int]
    styles: dict[str, int]
    licences: dict[str, int]
    concepts: dict[str, int]
    dropped: dict[str, int]


def default_folder() -> Path:
    """Where the house data set lives: `data/icons` in Mezzotint's cache folder."""
    return cache_root() / "data" / "icons"


def build(
    out: Path, *, size: int = 64, packages: Path | None = None, workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Build the data set into the folder `out`, which is replaced only when all of it is written.

    size: side of the pictures in pixels; packages: folder of fetched packages (None: fetch them with npm);
    progress: called with (done, all). The content does not depend on `workers`.
    Raises InvalidOption, InvalidFile (wrong packages or licences), MissingDependency, OutOfSpace.
    """
    if not 16 <= size <= 1024:
        raise InvalidOption(f"size is {size}, but it must lie between 16 and 1024 pixels.")
    if workers < 1:
        raise InvalidOption(f"workers is {workers}, but it must be at least 1.")
    modules = locate(packages) if packages is not None else fetch()
    verify(modules)
    tables = [modules / "@iconify-json" / name / "chars.json" for name in ("noto", "twemoji", "fluent-emoji-flat")]
    names = EmojiNames.read(modules / NAMES_PACKAGE[0], tables)
    jobs = [job for icons in SETS for job in chosen(icons, modules, names)]
    pictures, records, dropped = _assemble(jobs, size, workers, progress)
    return _write(Path(out), pictures, records, size, dropped)


def _rendered(jobs: Sequence[Job], size: int, workers: int) -> Iterator[Drawn | None]:
    tasks = [(job, size) for job in jobs]
    if workers == 1:
        yield from map(draw, tasks)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(draw, tasks, chunksize=64)


def _assemble(
    jobs: Sequence[Job], size: int, workers: int, progress: Callable[[int, int], None] | None
) -> tuple[npt.NDArray[np.uint8], list[Record], dict[str, int]]:
    """Render all, drop empty and exactly equal pictures, caption the rest."""
    table = {icons.name: icons for icons in SETS}
    held = held_out_concepts(jobs)
    pictures: list[npt.NDArray[np.uint8]] = []
    records: list[Record] = []
    seen: set[str] = set()
    dropped = {"empty": 0, "duplicate": 0}
    for done, (job, drawn) in enumerate(zip(jobs, _rendered(jobs, size, workers), strict=True), 1):
        if progress is not None:
            progress(done, len(jobs))
        if drawn is None:
            dropped["empty"] += 1
            continue
        code = sha256(drawn.picture.tobytes()).hexdigest()
        if code in seen:
            dropped["duplicate"] += 1
            continue
        seen.add(code)
        pictures.append(drawn.picture)
        records.append(_record(job, drawn, code, table[job.set], job.title.concept in held))
    return np.stack(pictures), records, dropped


def _record(job: Job, drawn: Drawn, code: str, icons: IconSet, held: bool) -> Record:
    keywords = tuple(k for k in job.title.keywords if held or not names_held_out(k))
    facts = drawn.facts
    return Record(
        id=job.identity, captions=caption(job, facts, icons, keywords), style=icons.style, split="heldout" if held else "train",
        concept=job.title.concept, sha256=code, set=icons.name, name=job.title.name, keywords=keywords, colours=facts.colours,
        shares=facts.shares, shading=facts.shading, outlined=facts.outlined, hue=job.hue, licence=icons.licence,
        author=icons.author, package=icons.package, version=icons.version, hex=job.title.hexcode,
    )  # fmt: skip


def _count(values: Sequence[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _write(out: Path, pictures: npt.NDArray[np.uint8], records: list[Record], size: int, dropped: dict[str, int]) -> Summary:
    """Write all files into a folder beside `out`, sync them, and put the folder in its place."""
    by_concept = {r.concept: r.split for r in records}
    summary = Summary(
        len(records), size, digest(records), BUILDER_VERSION, _count([r.set for r in records]), _count([r.split for r in records]),
        _count([r.style or "" for r in records]), _count([r.licence for r in records]), _count(list(by_concept.values())), dropped,
    )  # fmt: skip
    staged: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        np.save(staged / f"pictures-{size}.npy", pictures)
        write_manifest(staged / "manifest.jsonl", records)
        rows = [(s.name, f"{s.package} {s.version}", s.author, s.licence, s.url, summary.sets.get(s.name, 0)) for s in SETS]
        (staged / "ATTRIBUTION.md").write_text(attribution(rows), "utf-8")
        (staged / "summary.json").write_text(json.dumps(asdict(summary), indent=2) + "\n", "utf-8")
        staged.chmod(0o755)
        for file in sorted(staged.iterdir()):
            _sync(file)
        _replace(staged, out)
    except OSError as error:
        raise OutOfSpace(
            f"The data set cannot be written to {out} ({error.strerror or error}); free space or choose another folder."
        ) from error
    finally:
        if staged is not None:
            shutil.rmtree(staged, ignore_errors=True)
    return summary


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _replace(staged: Path, out: Path) -> None:
    """Put the finished folder in place of the old one, which is moved away first and put back if that fails."""
    if not out.exists():
        staged.rename(out)
        return
    old = out.with_name(f".{out.name}-old-{os.getpid()}")
    out.rename(old)
    try:
        staged.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
