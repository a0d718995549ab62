"""Building the house data set: select, render, measure, caption, divide, write."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

from mezzotint.data.icons.caption import caption
from mezzotint.data.icons.emoji import EmojiNames
from mezzotint.data.icons.fetch import cache_root, fetch, locate, verify
from mezzotint.data.icons.job import Job
from mezzotint.data.icons.nouns import names_held_out
from mezzotint.data.icons.render import require_resvg
from mezzotint.data.icons.selection import chosen
from mezzotint.data.icons.split import held_out_concepts
from mezzotint.data.icons.table import NAMES_PACKAGE, SETS, IconSet
from mezzotint.data.icons.work import Drawn, draw
from mezzotint.data.manifest import Record, attribution, digest, write_manifest
from mezzotint.data.staging import PictureWriter, staged_folder
from mezzotint.errors import InvalidFile, InvalidOption, MezzotintError

__all__ = ["BUILDER_VERSION", "Summary", "build", "default_folder", "summarise"]

BUILDER_VERSION = 1
_SMALLEST, _LARGEST = 16, 1024  # pixels
_CODE_POINT_TABLES = ("noto", "twemoji", "fluent-emoji-flat")  # the sets that ship one


@dataclass(frozen=True, slots=True)
class Summary:
    """What a build made.

    Counts of pictures by set, split, style and licence; of concepts by split; of what was dropped, and why; and the
    digest of the content (see `manifest.digest`).
    """

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
    out: Path,
    *,
    size: int = 64,
    packages: Path | None = None,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
    sets: Sequence[IconSet] = SETS,
) -> Summary:
    """Build the data set into the folder `out`, which is replaced only when all of it is written.

    size: side of the pictures in pixels, 16 to 1024; packages: folder of fetched packages (None: fetch them with npm);
    workers: processes, started by spawn, so a script that calls this needs the `__main__` guard; progress: called with
    (done, all). The content does not depend on `workers`.
    Raises InvalidOption, InvalidFile (wrong packages or licences), MissingDependency (npm, resvg_py), OutOfSpace.
    """
    if not _SMALLEST <= size <= _LARGEST:
        raise InvalidOption(f"size is {size}, but it must lie between {_SMALLEST} and {_LARGEST} pixels.")
    if workers < 1:
        raise InvalidOption(f"workers is {workers}, but it must be at least 1.")
    require_resvg()
    modules = locate(packages, sets) if packages is not None else fetch()
    verify(modules, sets)
    tables = [modules / "@iconify-json" / name / "chars.json" for name in _CODE_POINT_TABLES]
    names = EmojiNames.read(modules / NAMES_PACKAGE[0], tables)
    jobs = [job for icons in sets for job in chosen(icons, modules, names)]
    with staged_folder(Path(out)) as folder:
        records, dropped = _pictures(folder / f"pictures-{size}.npy", jobs, size, workers, progress, sets)
        summary = summarise(records, size, dropped, BUILDER_VERSION)
        _texts(folder, records, summary, sets)
    return summary


def _rendered(jobs: Sequence[Job], size: int, workers: int) -> Iterator[Drawn | None]:
    tasks = [(job, size) for job in jobs]
    if workers == 1:
        yield from map(draw, tasks)
        return
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield from pool.map(draw, tasks, chunksize=64)
    except BrokenProcessPool as error:
        raise MezzotintError(
            "A rendering process ended too early, which happens when memory runs out; try again with workers 1."
        ) from error


def _pictures(
    path: Path,
    jobs: Sequence[Job],
    size: int,
    workers: int,
    progress: Callable[[int, int], None] | None,
    sets: Sequence[IconSet],
) -> tuple[list[Record], dict[str, int]]:
    """Render all into the `.npy` file, without the empty and the exactly equal ones; caption the rest."""
    table = {icons.name: icons for icons in sets}
    held = held_out_concepts(jobs)
    records: list[Record] = []
    seen: set[str] = set()
    dropped = {"empty": 0, "duplicate": 0}
    with PictureWriter(path, size) as writer:
        for done, (job, drawn) in enumerate(zip(jobs, _rendered(jobs, size, workers), strict=True), 1):
            code = sha256(drawn.picture.tobytes()).hexdigest() if drawn is not None else ""
            if drawn is None:
                dropped["empty"] += 1
            elif code in seen:
                dropped["duplicate"] += 1
            else:
                seen.add(code)
                writer.append(drawn.picture)
                records.append(_record(job, drawn, code, table[job.set], job.title.concept in held))
            if progress is not None:
                progress(done, len(jobs))
    if not records:
        raise InvalidFile("The icon packages have no drawing that can be used; fetch the packages again.")
    return records, dropped


def _record(job: Job, drawn: Drawn, code: str, icons: IconSet, held: bool) -> Record:
    keywords = tuple(word for word in job.title.keywords if held or not names_held_out(word))
    facts = drawn.facts
    return Record(
        id=job.identity,
        captions=caption(job, facts, icons, keywords),
        style=icons.style,
        split="heldout" if held else "train",
        concept=job.title.concept,
        sha256=code,
        set=icons.name,
        name=job.title.name,
        keywords=keywords,
        colours=facts.colours,
        shares=facts.shares,
        shading=facts.shading,
        outlined=facts.outlined,
        hue=job.hue,
        licence=icons.licence,
        author=icons.author,
        package=icons.package,
        version=icons.version,
        hex=job.title.hexcode,
    )


def _count(values: Sequence[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def summarise(records: Sequence[Record], size: int, dropped: dict[str, int], version: int) -> Summary:
    """The summary of these records, made by this version of a builder."""
    return Summary(
        pictures=len(records),
        size=size,
        digest=digest(records),
        builder_version=version,
        sets=_count([r.set for r in records]),
        splits=_count([r.split for r in records]),
        styles=_count([r.style or "" for r in records]),
        licences=_count([r.licence for r in records]),
        concepts=_count(list({r.concept: r.split for r in records}.values())),
        dropped=dropped,
    )


def _texts(folder: Path, records: Sequence[Record], summary: Summary, sets: Sequence[IconSet]) -> None:
    write_manifest(folder / "manifest.jsonl", records)
    rows = [(s.name, f"{s.package} {s.version}", s.author, s.licence, s.url, summary.sets.get(s.name, 0)) for s in sets]
    (folder / "ATTRIBUTION.md").write_text(attribution(rows), "utf-8")
    (folder / "summary.json").write_text(json.dumps(asdict(summary), indent=2) + "\n", "utf-8")
