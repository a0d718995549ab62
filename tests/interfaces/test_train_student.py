"""`mezzotint train student`: trained, sampled, packed, drawn with; and what asks for guidance of another kind."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import Result
from PIL import Image
from safetensors.torch import load_file

from mezzotint import Pipeline
from mezzotint.conditioning.prompt import escaped
from mezzotint.diffusion import Bound, PhiloxNoise, from_times, pure_noise, sample
from mezzotint.diffusion.solvers.consistency import TCD
from mezzotint.errors import InvalidOption
from mezzotint.interfaces import inputs_seen, samples
from mezzotint.provenance.read import read_metadata
from mezzotint.training import export as exporting
from tests.interfaces.conftest import Run, parsed, sentence
from tests.support import SMALL, model_folder


@pytest.fixture
def small(pictures: Path) -> tuple[str, ...]:
    """Arguments of a run of 4 steps on a folder of squares."""
    settings: dict[str, object] = {
        "student.method": "consistency",
        "student.guidance": "[1.0,6.0]",
        "optim.muon": "true",
    }
    settings |= {"data.source": "folder", "data.path": pictures, "data.scenes": 0, "data.avatars": 0}
    settings |= {"data.hands": 0, "steps": 4, "batch": 4, "validation": 4, "validate_every": 2, "sample_every": 4}
    settings |= {"compiled": "false", "precision": "fp32", "optim.muon_lr": 0.02, "optim.adam_lr": 0.02}
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    return ("train", "student", "--threads", "1", *words)


@pytest.fixture(autouse=True)
def _small_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "COLUMNS", 2)
    monkeypatch.setattr(samples, "ROWS", 1)


@pytest.fixture
def packed(run: Run, small: tuple[str, ...], model: Path) -> Pipeline:
    """The student in the folder "s"."""
    assert run(*small, "--warm-start", model, "--out", "r").exit_code == 0
    assert run("pack", "r", "--out", "s", "--storage", "fp32").exit_code == 0
    return Pipeline.load("s", device="cpu", dtype="float32")


def test_from_a_teacher_to_a_picture(
    run: Run, small: tuple[str, ...], model: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    sheet = samples.sample_sheet
    monkeypatch.setattr(samples, "sample_sheet", lambda *given: shown.append(given) or sheet(*given))
    assert run(*small, "--warm-start", model, "--out", "whole").exit_code == 0
    assert run(*small, "--warm-start", model, "--out", "r", "--stop-after", 1).exit_code == 0
    assert "Finished at step 4 of 4" in run("train", "student", "--threads", 1, "--out", "r", "--resume").stdout
    for name in ("network", "method", "ema-0.050"):
        one, other = (
            load_file(here / f"{place}/checkpoints/step-00000004/{name}.safetensors") for place in ("whole", "r")
        )
        assert all(torch.equal(one[key], other[key]) for key in one)
    measured = [json.loads(line) for line in (here / "r/metrics.jsonl").read_text().splitlines()][-1]["validation"]
    assert list(measured) == ["1", "2", "4", "mean", "teacher at 4"]

    assert run("pack", "r", "--out", "s", "--storage", "fp32").exit_code == 0
    described = json.loads((here / "s/model.json").read_text())
    assert (described["taught"], described["evaluations"]) == ([1.0, 6.0], [1, 2, 4])
    card = (here / "s/README.md").read_text()
    assert "in 1, 2 or 4 evaluations. It learned its guidance: `distilled_guidance`, from 1 to 6" in card
    assert f"- 2 evaluations: {measured['2']:.3f}" in card

    pipe = Pipeline.load("s", device="cpu", dtype="float32")
    images, prompts, _ = shown[-1]
    again = pipe.generate(escaped(prompts[1]), seed=1).images[0]
    assert again.tobytes() == images[1].tobytes(), "samples in training are what the model draws afterwards"
    assert run("imagine", "a red square", "--model", "s", "--seed", 5, "--out", "a.png").exit_code == 0
    recipe = read_metadata(Path("a.png")).recipe
    assert recipe is not None
    assert (recipe.evaluations, recipe.request.steps, recipe.request.distilled_guidance) == (4, 4, 4.0)
    assert recipe.ignored == ()
    assert "identical" in run("reproduce", "a.png", "--model", "s").stdout


def test_it_is_packed_as_what_it_differs_in_from_its_teacher(
    run: Run, small: tuple[str, ...], model: Path, packed: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = ("pack", "r", "--storage", "fp32", "--beside")
    done = run(*pack, model, "--rank", 1000, "--out", "d")
    assert "lack 0.0% of the difference" in done.stdout
    drawn = Pipeline.load("d", device="cpu", dtype="float32").generate("a red square", seed=5).images[0]
    assert drawn.tobytes() == packed.generate("a red square", seed=5).images[0].tobytes()
    (facts,) = parsed(run("models", "d", "--format", "json"))["models"]
    told = facts["beside"]
    assert (Path("d") / told["model"]).resolve() == model.resolve()
    assert (told["rank"], facts["text_encoder_sha256"]) == (1000, packed.model.text_encoder_sha256)
    assert f"differ in from those of {told['model']}, with the digest `{told['weights_sha256']}`" in (
        Path("d/README.md").read_text()
    )
    assert "of rank 16 lack" in run(*pack, model, "--out", "e").stdout
    assert run(*small, "--warm-start", model, "--from-student", "d", "--out", "r2").exit_code == 0
    assert run("pack", "r2", "--out", "s2").exit_code == 0
    digest = json.loads(Path("d/model.json").read_text())["files"]["network.safetensors"]
    told = json.loads(Path("s2/model.json").read_text())["training"]["from_student"]
    assert told == {"weights": digest, "pictures": 16, "difference": True}
    said = (
        f"It began with what the student `{digest}` differed in from its own teacher after 16 picture views of its own."
    )
    assert said in Path("s2/README.md").read_text()
    refused = sentence(run(*small, "--from-student", "d", "--out", "r3"))
    assert "nothing says who its teacher is; give --warm-start too, or leave out --from-student" in refused
    refused = sentence(run("train", "student", "--resume", "--from-student", "d", "--out", "r2"))
    assert "has weights already; leave out --resume or --from-student" in refused
    for other in ("encoder", "tiny"):  # before any data is looked for
        refused = sentence(run("train", other, "--warm-start", model, "--from-student", "d", "--out", "r3"))
        assert f"The run {other} trains no student; leave out --from-student." in refused
    asked: list[tuple[list[int], float]] = []
    hear = inputs_seen.inputs_seen
    scales, generate = set[float](), Pipeline.generate

    def noted(self: Pipeline, *given: Any, **options: Any) -> Any:
        scales.add(round(options["distilled_guidance"], 3))
        return generate(self, *given, **options)

    def heard(model: Any, counts: list[int], told: Any) -> dict[str, torch.Tensor]:
        asked.append((counts, model.taught))
        return hear(model, counts[:1], told)

    monkeypatch.setattr(Pipeline, "generate", noted)
    monkeypatch.setattr(inputs_seen, "inputs_seen", heard)
    assert run(*pack, model, "--rank", 2, "--out", "f").exit_code == 0
    monkeypatch.setattr(inputs_seen, "inputs_seen", lambda *_: {})
    assert run(*pack, model, "--rank", 2, "--out", "g").exit_code == 0
    assert asked == [([1, 2, 4], (1.0, 6.0))]
    assert sorted(scales) == [round(6 ** (k / 4), 3) for k in range(5)], "over all that it was taught"
    lacking = [parsed(run("models", name, "--format", "json"))["models"][0]["beside"]["lacking"] for name in "fg"]
    assert lacking[0] != lacking[1], "what was heard decides what is kept"
    grid = run(*pack, model, "--rank", 2, "--defaults", "grid=[1,0.5,0]", "--defaults", "steps=2", "--out", "h")
    assert grid.exit_code == 0, grid.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rank", 4), "rank is 4, and it is of --beside"),
        (("--beside", "house", "--rank", 0), "rank is 0; it must be a whole number from 1"),
        (("--beside", "house", "--rank", 2.5), "rank is '2.5'; it must be a whole number from 1"),
        (("--beside", "hous"), "no model called 'hous'"),
        (("--beside", "house"), "house is another network, such as "),
        (("--beside", "upscaler"), "Only a model that reads prompts can be told from another one that does"),
    ],
)
def test_what_it_cannot_be_told_from_is_refused(
    run: Run, small: tuple[str, ...], model: Path, packed: Pipeline, here: Path, words: tuple[object, ...], said: str
) -> None:
    assert said in sentence(run("pack", "r", "--out", "e", *words))
    assert not (here / "e").exists()


def test_it_cannot_be_told_from_a_model_that_reads_by_another_text_encoder(
    run: Run, small: tuple[str, ...], model: Path, packed: Pipeline, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "file_digest", lambda path: "0" * 64)
    assert "reads prompts by another text encoder" in sentence(run("pack", "r", "--out", "e", "--beside", model))
    assert not (here / "e").exists()


def test_what_it_draws_is_the_network_told_its_guidance_and_where_each_jump_ends(packed: Pipeline) -> None:
    """By hand: the leaf, the jumps 1 → ½ → 0, and the guidance in the conditioning."""
    model = packed.model
    cond = model.prepare(["a red square"], [None], distilled_guidance=2.5)
    assert cond.distilled_guidance.tolist() == [2.5]
    noise = PhiloxNoise([5])
    start = pure_noise(model.denoiser.schedule, (1, 4, 1, 32, 32), noise)
    with torch.inference_mode():
        denoise = Bound(model.denoiser, {"cond": cond})
        *_, last = sample(denoise, start, from_times([1.0, 0.5, 0.0]), TCD(gamma=0.0, tell=True), noise)
    drawn = list(packed.stream("a red square", seed=5, steps=2, distilled_guidance=2.5))
    assert torch.equal(drawn[-1].step.x, last.x)
    recipe = drawn[-1].recipe
    assert recipe is not None
    assert recipe.evaluations == 2
    others = [{"distilled_guidance": 1}, {"solver": "tcd:gamma=0"}, {"solver": "lcm:tell=true"}]
    base = drawn[-1].image
    assert base is not None
    for changes in others:
        other = packed.generate("a red square", **{"seed": 5, "steps": 2, "distilled_guidance": 2.5, **changes})  # type: ignore[arg-type]
        assert other.images[0].tobytes() != base.tobytes(), changes


def test_guidance_of_another_kind_is_refused_by_name_or_named(packed: Pipeline, run: Run, model: Path) -> None:
    what = "but the model s learned its guidance, and takes it as distilled_guidance, from 1 to 6"
    for options, words in (
        ({"guidance": 4}, f"guidance is 4, {what}; give distilled_guidance 4 instead."),
        ({"guidance": 0.0}, f"guidance is 0, {what}; give distilled_guidance 1 instead."),
        ({"distilled_guidance": 9}, f"distilled_guidance is 9.0, {what}."),
        ({"guidance_methods": ["apg"]}, f"guidance_methods is apg, {what}; leave out all methods, and further prompts"),
        ({"guidance_methods": ["pag:scale=2"]}, "guidance_methods is pag:scale=2, but the model s"),
        ({"also": [["a hat", 1.0]]}, "guidance_methods is composable, but the model s"),
    ):
        with pytest.raises(InvalidOption) as caught:
            packed.generate("a red square", **options)
        assert str(caught.value).startswith(words), options
        assert str(caught.value).count(". ") == 0
    assert "give --distilled-guidance 6 instead" in sentence(run("imagine", "a cat", "--model", "s", "--guidance", 9))
    assert "the model random did not learn it; give guidance in its place" in sentence(
        run("imagine", "a cat", "--model", model, "--distilled-guidance", 3)
    )
    for verb in (("teach", "p", "--word", "zorp", "--model", "s"), ("fit-grid", "s", "--steps", 4)):
        assert "The model s is a student" in sentence(run(*verb))
    assert "--distilled-guidance is 0.0; it must be a number above 0" in sentence(
        run("imagine", "a cat", "--model", "s", "--distilled-guidance", 0)
    )
    named = packed.generate(
        "a cat", negative="blue", guidance_interval=(0.0, 0.5), weak_model="s", solver="lcm", guidance=1
    ).recipes[0]
    assert [item.partition(":")[0] for item in named.ignored] == [
        "negative",
        "guidance_interval",
        "weak_model",
        "solver",
    ]
    assert named.ignored[-1].startswith("solver: lcm does not tell this network to which time it jumps")
    means = packed.generate("a cat", solver="dpmpp-2m", steps=3).recipes[0]
    assert [item[:32] for item in means.ignored] == ["solver: dpmpp-2m does not tell th"[:32]]
    assert named.evaluations == 4


def test_a_student_is_measured_as_it_draws(run: Run, here: Path) -> None:
    """As many pixels as the shipped detector looks at."""
    folder = model_folder(here / "s", replace(SMALL, size=64, patch=16, flow_map=True, distilled_guidance=True))
    described = json.loads((folder / "model.json").read_text())
    defaults = {**described["defaults"], "guidance": 1.0, "distilled_guidance": 4.0, "solver": "lcm:tell=true"}
    (folder / "model.json").write_text(json.dumps({**described, "taught": [1.0, 6.0], "defaults": defaults}))
    few = ("--prompts", 2, "--seeds", 1, "--steps", 2, "--reader", "none", "--out", "e", "--format", "json")
    settings = parsed(run("eval", "s", *few, "--distilled-guidance", 3))["settings"]
    assert (settings["steps"], settings["guidance"], settings["distilled_guidance"]) == (2, 1.0, 3.0)
    assert settings["solver"] == "lcm:tell=true"
    assert "give --distilled-guidance 2 instead" in parsed_error(run("eval", "s", *few, "--guidance", 2))


def parsed_error(result: Result) -> str:
    assert result.exit_code == 2
    return str(json.loads(result.stderr or result.stdout)["message"])


def test_the_other_methods_pack_for_their_own_evaluations(run: Run, small: tuple[str, ...], model: Path) -> None:
    halves = ("student.progressive.first=4", "student.progressive.last=2", "student.progressive.updates=2")
    for method, more, expected in (
        ("progressive", halves, ([2], "tcd:gamma=0,tell=true")),
        ("distribution-matching", ("student.distribution_matching.critic_updates=1",), ([4], "lcm:tell=true")),
        ("trajectory", ("student.trajectory.steps=4",), ([1, 2, 4], "tcd:gamma=0,tell=true")),
    ):
        asked = [word for text in ("batch=8", f"student.method={method}", *more) for word in ("--set", text)]
        assert run(*small, *asked, "--warm-start", model, "--out", method).exit_code == 0
        assert run("pack", method, "--out", f"{method}-model", "--storage", "fp32").exit_code == 0
        described = json.loads(Path(f"{method}-model/model.json").read_text())
        assert (described["evaluations"], described["defaults"]["solver"]) == expected
        drawn = run("imagine", "a cat", "--model", f"{method}-model", "--out", f"{method}.png", "--format", "json")
        assert parsed(drawn)["pictures"][0]["evaluations"] == expected[0][-1]
        assert Image.open(f"{method}.png").size == (32, 32)
    card = Path("trajectory-model/README.md").read_text()
    assert "- 32 jumps: 4 updates of 8 jumps," in card
    assert "between states of 4 drawings of its teacher" in card


def test_a_student_needs_a_teacher_and_has_its_network(run: Run, small: tuple[str, ...], model: Path) -> None:
    for words, message in (
        ((), "The run student trains the student of a model; say which, such as --warm-start house"),
        (("--warm-start", model, "--set", "network.width=48"), "A student has the network of its teacher"),
        (("--warm-start", model, "--set", "objective.target=v"), "has the objective.target of its teacher"),
        (("--warm-start", model, "--set", "student.progressive.last=2"), "but student.method is consistency"),
    ):
        assert message in sentence(run(*small, *words, "--out", "r"))
    assert run(*small, "--warm-start", model, "--out", "r", "--stop-after", 1).exit_code == 0
    assert "a student has guidance 1" in sentence(run("pack", "r", "--out", "s", "--defaults", "guidance=4"))
    assert run("pack", "r", "--out", "s", "--defaults", "distilled_guidance=2").exit_code == 0
    assert "s is a student itself" in sentence(run(*small, "--warm-start", "s", "--out", "q"))
    assert Pipeline.load("s").resolve(Pipeline.load("s").model.defaults).distilled_guidance == 2
