"""The guides say what is true: their code runs, their commands exist, their links lead somewhere."""

import itertools
import json
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import click
import pytest
from torch import nn

from docs.figures import FIGURES
from docs.figures.__main__ import main as figures
from docs.numbers import BLOCKS, SUMMARY, filled
from docs.numbers import main as numbers
from mezzotint.conditioning.letters import ALPHABET
from mezzotint.conditioning.prompt import FLAGS
from mezzotint.data.icons import SETS
from mezzotint.data.icons.split import HELD_OUT_PART
from mezzotint.data.scenes import COLOURS
from mezzotint.data.scenes.nouns import nouns
from mezzotint.families.icon_detector import IconDetector
from mezzotint.families.pixel_dit import PixelDiT
from mezzotint.families.pixel_gan import PixelGAN
from mezzotint.families.pixel_upscaler import PixelUpscaler
from mezzotint.families.twin_encoder import TwinEncoder
from mezzotint.interfaces.cli.main import cli
from mezzotint.load import HOUSE
from mezzotint.runs import RUNS
from mezzotint.training.config import DetectorRun, EncoderRun, GanRun, UpscalerRun, override
from tests.docs.blocks import DOCS, ROOT, Command, anchors, blocks, commands, in_order, links, name, prose
from tests.docs.execute import call, options, parse, run_python

OPTION = re.compile(r"(?<![\w/-])--[a-z][a-z-]*")
FOREIGN = {"--help", "--version", "--require-hashes", "--no-deps", "--extra-index-url", "--index-url"}
"""Options of other programs, or of all of ours."""
FLAGS_OF_PROMPTS = {f"--{name}" for flag in FLAGS.values() for name in (flag.name, *flag.aliases)}
MODULES = {"docs.figures": figures, "docs.numbers": numbers}
RUNNABLE = [path for path in DOCS if any(block.run for block in blocks(path.read_text("utf-8")))]


def shown(path: Path) -> list[Command]:
    """Every command that a document shows."""
    found = blocks(path.read_text("utf-8"))
    return [command for block in found if block.language in ("console", "sh") for command in commands(block)]


@pytest.mark.parametrize("path", RUNNABLE, ids=name)
def test_what_is_marked_to_run_runs_and_gives_what_is_shown(path: Path, place: Path) -> None:
    module, problems = ModuleType("guide"), []
    for block in blocks(path.read_text("utf-8")):
        if block.run and block.language == "python":
            problems += run_python(block.text, module, path, block.line)
        elif block.run and block.language == "console":
            problems += [problem for command in commands(block) if (problem := run(command))]
    assert not problems, "\n".join(problems)


def run(command: Command) -> str | None:
    """Run one command; what is wrong with it, if anything."""
    assert command.words[0] == "mezzotint", f"line {command.line}: only mezzotint is run"
    words, wanted = [*command.words[1:]], 0
    if (code := re.fullmatch(r"exit code (\d+)", command.shown[-1] if command.shown else "")) is not None:
        wanted = int(code[1])
    outcome = call(words)
    if outcome.code != wanted:
        return f"line {command.line}: exit code {outcome.code}, not {wanted}:\n{outcome.output}"
    missing = in_order(command.shown[:-1] if code else command.shown, outcome.output)
    return None if missing is None else f"line {command.line}: no line like {missing!r} in:\n{outcome.output}"


@pytest.mark.parametrize("path", DOCS, ids=name)
def test_every_command_parses(path: Path) -> None:
    for command in shown(path):
        program, *words = command.words
        if program == "mezzotint":
            parse(words)
            check_settings(words)
        elif program == "python":
            assert words[0] == "-m", command
            if words[1] in MODULES:
                parse(words[2:], MODULES[words[1]], words[1])
            else:
                module = ROOT.joinpath(*words[1].split("."))
                assert words[1] == "pip" or module.with_suffix(".py").is_file(), f"{name(path)}:{command.line}: {words}"
        elif program == "make":
            targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
            assert words[0] in targets, f"{name(path)}:{command.line}: make has no {words[0]}"
        else:
            assert program in ("git", "cd", "pip"), f"{name(path)}:{command.line}: unknown program {program}"


def check_settings(words: list[str]) -> None:
    """The settings of a training command exist and have values of the right type."""
    if words[:1] == ["train"]:
        settings = [value for flag, value in itertools.pairwise(words) if flag == "--set"]
        override(RUNS[words[1]](), settings)


@pytest.mark.parametrize("path", DOCS, ids=name)
def test_every_option_that_is_named_exists(path: Path) -> None:
    known = options(cli) | options(figures) | options(numbers) | FOREIGN
    known |= FLAGS_OF_PROMPTS if name(path) == "docs/prompts.md" else set()
    unknown = set(OPTION.findall(path.read_text("utf-8"))) - known
    assert not unknown, f"{name(path)} names {sorted(unknown)}"


@pytest.mark.parametrize(
    ("guide", "verb"),
    [
        ("drawing", "imagine"),
        ("drawing", "reproduce"),
        ("prompts", "prompt"),
        ("exploring", "describe"),
        ("editing", "edit"),
        ("editing", "vary"),
        ("editing", "blend"),
        ("upscaling", "upscale"),
        ("drawing", "fit-grid"),
        ("training", "train"),
        ("training", "pack"),
        ("performance", "export"),
        ("teaching", "teach"),
    ],
)
def test_a_guide_names_every_option_of_its_verbs(guide: str, verb: str) -> None:
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    text = (ROOT / "docs" / f"{guide}.md").read_text("utf-8")
    missing = {option for option in options(command) - FOREIGN if f"`{option}`" not in text}
    assert not missing, f"mezzotint {verb} has {sorted(missing)}"


@pytest.mark.parametrize("path", DOCS, ids=name)
def test_every_link_leads_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    for link in links(text):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        target, _, anchor = link.partition("#")
        file = (path.parent / target).resolve() if target else path
        assert file.exists() or not_drawn_yet(file), f"{name(path)} links to {link}, which is not there"
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file.read_text("utf-8")), f"{name(path)} links to {link}: no such heading"


def not_drawn_yet(file: Path) -> bool:
    """Figures come with the house model: until it is there, one that can be drawn may be missing."""
    return not (HOUSE / "model.json").is_file() and file.parent.name == "images" and file.stem in FIGURES


def test_every_figure_is_shown_and_every_picture_is_accounted_for() -> None:
    linked = {Path(link).name for path in DOCS for link in links(path.read_text("utf-8"))}
    assert {f"{figure}.png" for figure in FIGURES} <= linked
    images = {path.name for path in (ROOT / "docs" / "images").glob("*.png")}
    others = {"source-apple.png", "taught.png"}  # which hold what is not ours
    assert images <= {f"{figure}.png" for figure in FIGURES} | others
    told = (ROOT / "docs" / "images" / "README.md").read_text("utf-8")
    assert all(f"`{name}`" in told for name in others)


@pytest.mark.parametrize("path", DOCS, ids=name)
def test_numbers_are_those_that_were_measured(path: Path) -> None:
    text = path.read_text("utf-8")
    assert filled(text) == text, f"{name(path)} is out of date; run python -m docs.numbers"


def test_every_block_of_numbers_is_somewhere() -> None:
    texts = "".join(path.read_text("utf-8") for path in DOCS)
    for block in BLOCKS:
        assert len(re.findall(rf"<!-- begin {block}:", texts)) == 1, block


def test_the_guide_describes_the_model_that_is_shipped() -> None:
    shipped = HOUSE / "model.json"
    run = json.loads(shipped.read_text())["training"]["run"] if shipped.is_file() else RUNS["icons"]().as_dict()
    network = run["network"]
    side, rounds = network["size"] // network["patch"], {8: "eight", 9: "nine", 10: "ten", 12: "twelve"}
    text = " ".join((ROOT / "docs" / "how-diffusion-works.md").read_text("utf-8").split())
    for phrase in (
        f"into {side} × {side} patches of {network['patch']} × {network['patch']} pixels",
        f"Each patch becomes a list of {network['width']} numbers",
        f"In {rounds[network['depth']]} rounds",
        f"in batches of {run['batch']:,} pictures",
        f"{network['size']} × {network['size']} × 4 = {network['size'] ** 2 * 4:,} numbers",
        f"At most {run['conditions']['text_length'] - 2} pieces of a prompt",
        f"Each piece becomes {network['text_width']} numbers",
    ):
        assert phrase in text, phrase


def test_counts_in_the_text_are_those_of_the_data_set() -> None:
    summary = json.loads(SUMMARY.read_text("utf-8"))
    readme, guide, data = (
        " ".join((ROOT / page).read_text("utf-8").split())
        for page in ("README.md", "docs/how-diffusion-works.md", "docs/data.md")
    )
    assert f"in {len(summary['styles'])} drawing styles" in readme
    assert f"{len(SETS)} icon and emoji sets" in readme
    assert f"about {summary['splits']['train'] / 1000:.0f} thousand icons and emoji" in guide
    assert f"About {HELD_OUT_PART:.0%} of the concepts".replace("%", " %") in data


def test_the_runs_of_the_guide_are_the_runs_there_are() -> None:
    text = (ROOT / "docs" / "training.md").read_text("utf-8")
    for label, make in RUNS.items():
        run = make()
        if isinstance(run, EncoderRun):
            network: nn.Module = TwinEncoder(run.network)
        elif isinstance(run, DetectorRun):
            sizes = replace(run.network, things=len(nouns()), colours=len(COLOURS), letters=len(ALPHABET))
            network = IconDetector(sizes)
        elif isinstance(run, GanRun):
            network = PixelGAN(replace(run.network, styles=len(SETS)))
        elif isinstance(run, UpscalerRun):
            network = PixelUpscaler(run.network)
        else:
            network = PixelDiT(replace(run.network, styles=len(SETS)))
        parameters = sum(p.numel() for p in network.parameters()) / 1e6
        training = f"{run.steps:,} updates of {run.batch:,} pictures"
        row = rf"\| `{label}` \| {parameters:.1f} M parameters[^|]* \| {training}[^|]* \|"
        assert re.search(row, text), (label, parameters, training)


def test_the_words_of_the_project_are_used() -> None:
    foreign = re.compile(r"\b(cfg scale|timesteps?|sampler|sampling steps|denoising strength)\b", re.I)
    for path in DOCS:
        found = foreign.search(re.sub(r"`[^`\n]*`", "", prose(path.read_text("utf-8"))))
        assert found is None, f"{name(path)} says {found[0]!r}"
