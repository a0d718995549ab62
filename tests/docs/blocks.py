"""Reading the guides: fenced blocks, commands with the output they show, links, headings."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
"""What is checked."""

_FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.M | re.S)
_LINK = re.compile(r"!?\[[^\]\n]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)|(?:src|href)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.M)


def name(path: Path) -> str:
    """A document as messages name it."""
    return path.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, whether it is marked to run, its text, and the line on which that begins."""

    language: str
    run: bool
    text: str
    line: int


@dataclass(frozen=True)
class Command:
    """A line after "$ ", with the lines that the document shows as its output."""

    words: tuple[str, ...]
    shown: tuple[str, ...]
    line: int


def blocks(text: str) -> Iterator[Block]:
    """Every fenced block. The word "run" after the language marks one that is executed."""
    for match in _FENCE.finditer(text):
        language, *marks = match[1].split() or [""]
        assert set(marks) <= {"run"}, f"unknown mark in ```{match[1]}"
        yield Block(language, "run" in marks, match[2], text.count("\n", 0, match.start()) + 2)


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block, or of an sh block, in which every line is one.

    A line that ends in a backslash goes on in the next; # begins a comment.
    """
    lines = block.text.splitlines()
    if block.language == "sh":
        lines = [f"$ {line}" for line in lines]
    index = 0
    while index < len(lines):
        begin = index
        assert lines[index].startswith("$ "), f"line {block.line + index} of a console block belongs to no command"
        text = lines[index][2:]
        while text.endswith("\\"):
            index += 1
            text = text[:-1] + lines[index].strip()
        index += 1
        shown = []
        while index < len(lines) and not lines[index].startswith("$ "):
            shown.append(lines[index])
            index += 1
        yield Command(
            tuple(shlex.split(text, comments=True)), tuple(line for line in shown if line.strip()), block.line + begin
        )


def shows(pattern: str, line: str) -> bool:
    """Whether a line of output is the one shown, in which "..." stands for anything."""
    parts = (re.escape(part) for part in " ".join(pattern.split()).split("..."))
    return re.fullmatch(".*".join(parts), " ".join(line.split())) is not None


def in_order(shown: tuple[str, ...], output: str) -> str | None:
    """The first shown line that the output does not have after the ones before it; None if all are there."""
    rest = iter(output.splitlines())
    for pattern in shown:
        if pattern.strip() != "..." and not any(shows(pattern, line) for line in rest):
            return pattern
    return None


def prose(text: str) -> str:
    """The text without its fenced blocks."""
    return _FENCE.sub("", text)


def links(text: str) -> list[str]:
    """The targets of links and images outside fenced blocks."""
    return [match[1] or match[2] for match in _LINK.finditer(prose(text))]


def anchors(text: str) -> set[str]:
    """The anchors of the headings, as GitHub makes them: lower case, words joined by hyphens, punctuation dropped."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(prose(text)))
    return {heading.replace(" ", "-") for heading in plain}
