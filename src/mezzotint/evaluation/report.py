"""An evaluation as one page of HTML that needs nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

import numpy as np
from PIL import Image

from mezzotint.data.pixels import straight
from mezzotint.data.sources import PictureSet
from mezzotint.evaluation import html
from mezzotint.evaluation.bootstrap import Interval
from mezzotint.evaluation.html import figure, row, table
from mezzotint.evaluation.iconeval.gallery import Judged
from mezzotint.evaluation.iconeval.prompts import TASKS
from mezzotint.evaluation.realism import Elsewhere
from mezzotint.evaluation.suite import Evaluation, IconPart

__all__ = ["report"]

SHOWN = 4
"""Prompts of each task whose pictures are on the page."""
PAIRS = 12


def report(found: Evaluation, gains: Mapping[str, Interval], other: str | None, pictures: PictureSet | None) -> str:
    """The page. gains: over the model `other`, if there is one; pictures: for the training pictures of close pairs."""
    parts = [f"<h1>Evaluation of {escape(found.model)}</h1>", f"<p>{_settings(found)}</p>"]
    if found.left_out:
        parts.append(f"<p>Not measured: {escape('; '.join(found.left_out))}.</p>")
    if found.iconeval is not None:
        parts += [
            "<h2>IconEval: does a picture show what its prompt asks for?</h2>",
            "<p>Shares of right pictures with their 95 % intervals over prompts. Ceiling: how often the detector finds "
            "real composites right that are, of such as the prompts ask for; at large: of all sorts, with nine things, "
            "long words and sceneries too. Floor: how often it finds them right by other facts. Shuffled: this model’s "
            "pictures against other prompts of the task. A task with a ceiling under 97 % cannot be measured with this "
            "detector.</p>",
            table(*_scores(found.iconeval)),
            *_second_reader(found.iconeval),
            *_counted_fingers(found.iconeval),
        ]
    if gains and other is not None:
        lines = [
            (name, _share(gain.mean), f"{_share(gain.low)} to {_share(gain.high)}") for name, gain in gains.items()
        ]
        parts += [f"<h2>Better than {escape(other)} by</h2>", table(("task", "difference", "from", "to"), lines)]
    if found.losses is not None:
        parts += ["<h2>Held-out loss by noise level</h2>", table(*_losses(found.losses))]
    if found.realism is not None:
        parts += _realism(found, pictures)
    if found.published:
        parts += _published(found.published)
    if found.iconeval is not None:
        parts += _pictures(found.iconeval.judged)
    return html.page(f"Evaluation of {found.model}", parts)


def _settings(found: Evaluation) -> str:
    said = [f"{name.replace('_', ' ')} {value}" for name, value in found.settings.items()]
    digests = [f"{name} {digest[:12]}" for name, digest in found.instruments.items()]
    return escape(", ".join([f"weights {found.weights_sha256[:12]}", *said, *digests]))


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _scores(part: IconPart) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    names = list(part.baselines)
    head = (
        "task",
        "score",
        "from",
        "to",
        "ceiling",
        "at large",
        "floor",
        "shuffled",
        "known phrasing",
        "other",
        *names,
    )
    lines: list[Sequence[str]] = []
    whole = part.scores.overall
    if whole is not None:
        means = [None if (b := part.baselines[name].overall) is None else b.mean for name in names]
        lines.append(("overall", *map(_share, whole), *[""] * 6, *map(_share, means)))
    for task, one in part.scores.tasks.items():
        trust = (None,) * 3 if one.trust is None else (one.trust.ceiling, one.trust.at_large, one.trust.floor)
        mark = "" if one.trust is None or one.trust.measurable else " (not measurable)"
        numbers = (one.score, one.low, one.high, *trust, one.shuffled, one.known, one.unknown)
        theirs = [part.baselines[name].tasks[task].score for name in names]
        lines.append((task + mark, *(_share(value) for value in (*numbers, *theirs))))
    return head, lines


def _second_reader(part: IconPart) -> Iterator[str]:
    spelling = part.scores.tasks.get("spelling")
    if spelling is None or spelling.reading is None:
        return
    one = spelling.reading
    others = [
        f"; {name} {_share(theirs.score)}"
        for name, scores in part.baselines.items()
        if (theirs := scores.tasks["spelling"].reading) is not None
    ]
    ceiling = one.witness.ceiling
    trust = "" if ceiling is None else f" Of real composites it reads {_share(ceiling)} right."
    yield (
        f"<p>Spelling, read by {escape(one.witness.name)} {escape(one.witness.version)}, a program that is not ours: "
        f"{_share(one.score)} ({_share(one.low)} to {_share(one.high)}), {_share(one.ignoring_case)} where capital and "
        f"small letters are the same{''.join(others)}; character error rate {one.errors:.3f}.{trust}</p>"
    )


def _counted_fingers(part: IconPart) -> Iterator[str]:
    hands = part.scores.tasks.get("hands")
    if hands is None or hands.hands is None:
        return
    check = hands.hands
    yield (
        "<p>Fingers are counted by geometry, not by the detector. Counted right, by the true count: of held-out hands "
        f"that we drew (the ceiling) {_by_count(check.ours)}; of emoji that others drew "
        f"{_by_count(check.emoji) or 'none here'}.</p>"
    )


def _by_count(counts: Mapping[int, tuple[int, int]]) -> str:
    return ", ".join(f"{right} of {of} with {count}" for count, (right, of) in counts.items())


def _losses(losses: Mapping[str, float]) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    return (
        [f"t = {level}" if level != "mean" else level for level in losses],
        [[f"{value:.4f}" for value in losses.values()]],
    )


def _realism(found: Evaluation, pictures: PictureSet | None) -> Iterator[str]:
    real = found.realism
    assert real is not None
    lines = [
        (
            name,
            f"{one.frechet:.4f}",
            f"{one.kernel.value:.5f} ± {one.kernel.error:.5f}",
            *(f"{value:.3f}" for value in (one.coverage.precision, one.coverage.recall)),
            *(f"{value:.3f}" for value in (one.coverage.density, one.coverage.coverage)),
        )
        for name, one in (("drawn", real.drawn), ("training pictures", real.real))
    ]
    yield "<h2>Beside real pictures</h2>"
    yield (
        f"<p>{real.pictures} pictures of held-out captions, in the features of our own encoder, against the held-out "
        "pictures with these captions; below, as many training pictures against the same.</p>"
    )
    yield table(("", "Fréchet", "kernel", "precision", "recall", "density", "coverage"), lines)
    yield (
        f"<p>Alignment with the captions: {real.alignment:.3f}; of the real pictures {real.alignment_real:.3f}; "
        f"with each other’s captions {real.alignment_shuffled:.3f}.</p>"
    )
    memory = real.memorisation
    yield (
        f"<p>Nearer to a training picture than all but 5 % of held-out pictures are: {_share(memory.rate)} of the "
        f"drawn pictures, {_share(memory.held_out_rate)} of other held-out ones. The closest pairs, drawn and "
        "training:</p>"
    )
    if pictures is not None:
        train = pictures.split("train")
        for pair in memory.pairs[:PAIRS]:
            record = pictures.records[int(train[pair.train])]
            near = _of_set(pictures, int(train[pair.train]))
            said = escape(", ".join(filter(None, (record.name, record.set, record.licence))))
            yield row(
                (
                    figure(found.images["drawn"][pair.sample], escape(found.images["asked"][pair.sample].caption)),
                    figure(near, f"{said}: distance {pair.distance:.3f}"),
                )
            )


def _published(networks: Mapping[str, Elsewhere]) -> Iterator[str]:
    yield "<h2>In the features of published networks</h2>"
    yield (
        "<p>The same pictures; each laid on white and scaled to the network’s whole square, so that these distances "
        "are not those that papers state for photographs.</p>"
    )
    lines = [
        (
            f"{escape(name)}, {what}",
            f"{one.frechet:.4f}",
            f"{one.kernel.value:.5f} ± {one.kernel.error:.5f}",
            *(f"{value:.3f}" for value in (one.coverage.precision, one.coverage.recall)),
            "–" if aligned is None else f"{aligned:.3f}",
        )
        for name, network in networks.items()
        for what, one, aligned in (
            ("drawn", network.drawn, network.alignment),
            ("training pictures", network.real, network.alignment_real),
        )
    ]
    yield table(("", "Fréchet", "kernel", "precision", "recall", "alignment"), lines)


def _of_set(pictures: PictureSet, index: int) -> Image.Image:
    picture = pictures.pictures[index]
    return Image.fromarray(np.concatenate([straight(picture), picture[..., 3:]], axis=-1), "RGBA")


def _pictures(judged: Sequence[Judged]) -> Iterator[str]:
    """The first prompts of every task, with all their pictures, framed by their verdict."""
    for task in TASKS:
        mine = [one for one in judged if one.prompt.task == task]
        numbers = list(dict.fromkeys(one.number for one in mine))[:SHOWN]
        if numbers:
            yield f"<h2>{escape(task)}</h2>"
        for number in numbers:
            some = [one for one in mine if one.number == number]
            yield f"<p>{escape(some[0].prompt.text)}</p>"
            yield row(
                figure(
                    one.image,
                    "right" if one.verdict.right else escape("; ".join(one.verdict.faults)),
                    "right" if one.verdict.right else "wrong",
                    f"{one.prompt.text}, seed {one.seed}",
                )
                for one in some
            )
