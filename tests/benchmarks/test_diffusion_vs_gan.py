"""The comparison measures what it says, spends equally, and its page has no numbers before it was run."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import diffusion_vs_gan
from benchmarks.report import machine, ran_on
from benchmarks.variety import collapsed, evenness, over_seeds, variety
from docs.gan_table import NOTHING, gan_tables
from mezzotint import Pipeline
from mezzotint.data.icons import SETS
from mezzotint.evaluation.realism import Asked
from mezzotint.families.pixel_dit import PixelDiT
from mezzotint.families.pixel_gan import PixelCritic, PixelGAN
from mezzotint.request import Request
from mezzotint.runs import RUNS
from mezzotint.training.budget import flops_per_update
from mezzotint.training.config import GanRun, RunConfig
from tests.support import model_folder
from tests.training.test_budget import DIT, TINY

REAL = {"coverage": 0.9, "variety": 0.5}


def test_variety_is_the_mean_distance_within_a_prompt() -> None:
    """Three orthonormal pictures are √2 apart, and equal ones 0; how far prompts are apart does not matter."""
    apart = torch.eye(3)[None]
    assert variety(apart) == pytest.approx(2**0.5)
    assert variety(torch.cat([apart, torch.ones(1, 3, 3)])) == pytest.approx(2**0.5 / 2)
    assert variety(torch.arange(5.0)[:, None, None].expand(5, 4, 2)) == 0


def test_evenness_is_one_on_a_straight_way_and_all_steps_in_one_jump() -> None:
    line = torch.linspace(0, 1, 9)[:, None] * torch.tensor([3.0, 4.0])
    jump = torch.zeros(9, 2)
    jump[4:] = 1.0
    assert evenness(line[None]) == pytest.approx(1)
    assert evenness(jump[None]) == pytest.approx(8)
    assert evenness(torch.stack([line, jump])) == pytest.approx(4.5)
    assert evenness(torch.ones(1, 9, 2)) == 1


@pytest.mark.parametrize(
    ("found", "ended", "why"),
    [
        ({"coverage": 0.5, "variety": 0.3}, None, None),
        ({"coverage": 0.08, "variety": 0.3}, None, "coverage 0.080, real pictures 0.900"),
        ({"coverage": 0.5, "variety": 0.04}, None, "variety 0.040, real pictures 0.500"),
        ({}, "The critic's loss", "The critic's loss"),
    ],
)
def test_a_run_is_collapsed_as_the_page_says(
    found: dict[str, float | None], ended: str | None, why: str | None
) -> None:
    assert collapsed(found, REAL, ended) == why


def test_seeds_are_summed_up_by_mean_and_ends() -> None:
    rows = [{"a": 1.0, "b": None}, {"a": 4.0, "b": 2.0}, {}]
    assert over_seeds(rows) == {
        "a": {"mean": 2.5, "min": 1.0, "max": 4.0},
        "b": {"mean": 2.0, "min": 2.0, "max": 2.0},
    }


def test_both_arms_are_planned_within_one_update_of_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    arms = {
        "diffusion": lambda: RunConfig(name="d", network=DIT, steps=1, batch=3),
        "gan": lambda: GanRun(name="g", network=TINY, steps=1, batch=2),
    }
    monkeypatch.setattr(diffusion_vs_gan, "ARMS", arms)
    for arm in arms:
        run = diffusion_vs_gan.planned(arm, 2, 1e-6)
        assert run.seed == 2
        cost = flops_per_update(run)
        assert run.steps * cost <= 1e9 < (run.steps + 1) * cost


def test_the_arms_learn_from_the_same_pictures_and_captions() -> None:
    gan, other = RUNS["gan"](), RUNS["icons"]()
    assert isinstance(gan, GanRun)
    assert isinstance(other, RunConfig)
    assert (gan.data, gan.conditions) == (other.data, other.conditions)
    assert (gan.network.text_width, gan.network.text_depth) == (other.network.text_width, other.network.text_depth)
    assert {"diffusion": RUNS["icons"], "gan": RUNS["gan"]} == diffusion_vs_gan.ARMS


class Colours:
    """An encoder of the mean colour, whose prompts all look like the first feature."""

    def images(self, images: list[object]) -> torch.Tensor:
        return torch.stack([torch.tensor(image.resize((1, 1)).getpixel((0, 0))) / 255 for image in images])  # type: ignore[attr-defined]

    def prompts(self, prompts: list[str]) -> torch.Tensor:
        return torch.tensor([[1.0, 0.0, 0.0, 0.0]]).expand(len(prompts), 4)


def test_ways_begin_and_end_at_the_pictures_of_their_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, few in (("PICTURES", 3), ("POINTS", 3), ("TIMED", 1)):
        monkeypatch.setattr(diffusion_vs_gan, name, few)
    pipe = Pipeline.load(str(model_folder(tmp_path / "m")))
    request, asked = Request(prompt="", steps=1, guidance=1.0), [Asked(0, "a cat", None), Asked(1, "a dog", "flat")]
    found = diffusion_vs_gan.between(pipe, Colours(), asked, request)  # type: ignore[arg-type]
    ends = [
        Colours().images([pipe.generate(replace(diffusion_vs_gan.wish(one, request), seed=seed)).images[0]])[0, 0]
        for one in asked
        for seed in (3, 9)
    ]
    assert found["alignment_at_ends"] == pytest.approx(float(torch.stack(ends).mean()))
    assert 1 <= found["evenness"] <= 2
    assert diffusion_vs_gan.timed(pipe, request)["evaluations"] == 1
    features = diffusion_vs_gan.many(pipe, Colours(), asked, request)  # type: ignore[arg-type]
    assert features.shape == (2, 3, 4)
    third = pipe.generate(replace(diffusion_vs_gan.wish(asked[1], request), seed=2)).images
    torch.testing.assert_close(features[1, 2], Colours().images(third)[0])  # type: ignore[arg-type]


def test_the_page_tells_how_large_the_networks_are() -> None:
    gan, other = RUNS["gan"](), RUNS["icons"]()
    assert isinstance(gan, GanRun)
    assert isinstance(other, RunConfig)
    with torch.device("meta"):
        sizes = replace(gan.network, styles=len(SETS))
        networks = PixelDiT(replace(other.network, styles=len(SETS))), PixelGAN(sizes), PixelCritic(sizes)
    drawn, made, judged = (sum(p.numel() for p in network.parameters()) / 1e6 for network in networks)
    text = (Path(__file__).parents[2] / "docs" / "diffusion-vs-gan.md").read_text("utf-8")
    assert f"| {drawn:.1f} million | {made:.1f} million |" in text
    assert f"a critic of {judged:.1f} million" in text


def test_before_the_run_the_page_says_so_and_has_no_numbers(tmp_path: Path) -> None:
    assert gan_tables(tmp_path / "missing.json") == NOTHING
    assert not re.search(r"\d", NOTHING)


def test_the_tables_have_what_was_measured(tmp_path: Path) -> None:
    rows = [{"seed": 0, "collapsed": None, "recall": 0.25}, {"seed": 1, "collapsed": "variety 0.010", "recall": 0.75}]
    run = {"arm": "gan", "seed": 0, "parameters": 7.3e6, "updates": 1186, "views": 37952, "seconds": 5400.0}
    content = {
        "machine": {"processor": "a CPU", "threads": 2, "torch": "2"},
        "on": "an H200",
        "training": [{**run, "on": "an H100", "gflop_per_picture": 26.3, "pflop": 0.9996}],
        "real": {"recall": 0.875},
        "drawn": {"gan": rows},
        "summary": {"gan": diffusion_vs_gan.summary(rows)},
    }
    path = tmp_path / "found.json"
    path.write_text(json.dumps(content))
    text = gan_tables(path)
    assert "| gan | 0 | 7.30 M | 1,186 | 37,952 | 26.3 | 1.000 | 1.50 |" in text
    assert "| recall, ↑ | 0.500 (0.250 to 0.750) | 0.875 |" in text
    assert "| collapsed runs | 1 of 2 |  |" in text
    assert "- gan, seed 1: variety 0.010" in text
    assert "Measured on: an H200, 2 threads, torch 2; trained on: an H100." in text
    assert ran_on("cpu") == machine()["processor"]
