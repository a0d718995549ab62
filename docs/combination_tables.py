"""The tables of docs/combinations.md, from what `python -m docs.combinations` drew."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["FOUND", "combination_tables"]

FOUND = Path(__file__).parent / "combinations.json"
YES = "✓"
Said = Mapping[str, str]
"""What does not go together, by "ONE + OTHER"."""


class Notes:
    """Sentences with letters, in the order in which they are met."""

    def __init__(self) -> None:
        self.letters: dict[str, str] = {}

    def of(self, sentence: str | None) -> str:
        """The mark of a cell: that both go together, or the letter of the sentence that says why not."""
        if not sentence:
            return YES
        number = len(self.letters)
        letter = chr(ord("a") + number % 26) * (1 + number // 26)
        return self.letters.setdefault(sentence, letter)

    def lines(self) -> list[str]:
        """The sentences."""
        return [f"- **{letter}**: {sentence}" for sentence, letter in self.letters.items()]


def combination_tables(path: Path | None = None) -> str:
    """All tables; what was not drawn is left out."""
    path = path or FOUND
    if not path.is_file():
        return "Nothing is drawn yet."
    found = json.loads(path.read_text("utf-8"))
    edits, tables, notes = found["kinds"]["edits"], found["tables"], Notes()
    parts = ["### Edits with edits", *_triangle(edits, tables["edits"], notes)]
    for kind, title in (("solvers", "Solvers"), ("guidances", "Guidance methods")):
        names = found["alike"] if kind == "solvers" else {name: [name] for name in found["kinds"][kind]}
        parts += ["", f"### {title} with edits", *_grouped(names, edits, tables[kind], notes)]
    parts += ["", "### Guidance methods with solvers", "", _all_but(tables["guidances and solvers"], "pairs", notes)]
    shared = {name: sentence for name, sentence in tables["fast batching"].items() if sentence}
    parts += ["", "### Pictures that share network calls", "", _all_but(shared, "edits, solvers and methods", notes)]
    return "\n".join([*parts, "", "### Why not", "", *notes.lines()] if notes.letters else parts)


def _head(columns: Sequence[str]) -> list[str]:
    return ["", "| | " + " | ".join(columns) + " |", "|---|" + ":---:|" * len(columns)]


def _triangle(edits: Sequence[str], said: Said, notes: Notes) -> list[str]:
    lines = _head([str(number) for number in range(1, len(edits))])
    for row, name in enumerate(edits):
        cells = [notes.of(said.get(f"{other} + {name}")) if k < row else "" for k, other in enumerate(edits[:-1])]
        lines.append(f"| {row + 1} {name} | " + " | ".join(cells) + " |")
    return lines


def _grouped(names: Mapping[str, Sequence[str]], edits: Sequence[str], said: Said, notes: Notes) -> list[str]:
    """A line for all that go with the same edits, the largest group first; names: what each one that was drawn stands
    for."""
    groups: dict[tuple[str | None, ...], list[str]] = {}
    for name, stands_for in names.items():
        groups.setdefault(tuple(said.get(f"{name} + {edit}") for edit in edits), []).extend(stands_for)
    lines = _head([str(number) for number in range(1, len(edits) + 1)])
    for outcomes, group in sorted(groups.items(), key=lambda item: -len(item[1])):
        label = ", ".join(f"`{name}`" for name in group)
        lines.append(f"| {label} | " + " | ".join(notes.of(sentence) for sentence in outcomes) + " |")
    return lines


def _all_but(said: Said, what: str, notes: Notes) -> str:
    if not said:
        return f"All {what} go together."
    by_note: dict[str, list[str]] = {}
    for pair, sentence in said.items():
        by_note.setdefault(notes.of(sentence), []).append(pair)
    return (
        f"All {what} but these: "
        + "; ".join(f"{', '.join(pairs)} (**{note}**)" for note, pairs in by_note.items())
        + "."
    )
