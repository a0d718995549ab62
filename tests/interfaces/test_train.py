"""`mezzotint train` and `mezzotint pack`, on a folder of coloured squares."""

import json
import math
import shutil
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from mezzotint.errors import OutOfSpace
from mezzotint.interfaces import stopping
from mezzotint.interfaces.stopping import StopSignals, locked
from mezzotint.load import load_model
from mezzotint.training import state
from mezzotint.training.validation import Validation
from tests.interfaces.conftest import SMALL_NETWORK, Run, parsed, sentence

FILES = ("network", "optimizer", "ema-0.050", "ema-0.100")


def tensors(checkpoint: Path) -> dict[str, torch.Tensor]:
    found = {}
    for name in FILES:
        found |= {f"{name}/{key}": value for key, value in load_file(checkpoint / f"{name}.safetensors").items()}
    return found


def assert_equal(one: Path, other: Path) -> None:
    first, second = tensors(one), tensors(other)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def metrics(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_sixty_steps_equal_twenty_and_twenty_five_and_fifteen(run: Run, tiny: tuple[str, ...], here: Path) -> None:
    sixty = (*tiny, "--set", "steps=60")
    parsed(run(*sixty, "--out", "whole", "--format", "json"))
    first = parsed(run(*sixty, "--out", "parts", "--stop-after", 20, "--format", "json"))
    assert (first["step"], first["finished"], first["stopped_by_signal"]) == (20, False, False)
    resume = ("train", "tiny", "--threads", 1, "--out", "parts", "--resume")
    second = run(*resume, "--stop-after", 45)
    assert second.exit_code == 0
    assert "Saved at step 45 of 60 in parts." in second.stdout
    assert "go on:   mezzotint train tiny --resume --out parts" in second.stdout
    third = parsed(run(*resume, "--format", "json"))
    assert (third["step"], third["finished"]) == (60, True)
    assert_equal(here / "whole/checkpoints/step-00000060", here / "parts/checkpoints/step-00000060")
    whole, parts = metrics(here / "whole"), metrics(here / "parts")
    assert [line["step"] for line in parts] == list(range(1, 61))
    for name in ("loss", "gradient_norm", "lr_factor", "pictures"):
        assert [line[name] for line in parts] == [line[name] for line in whole]
    again = run(*resume)
    assert again.exit_code == 0
    assert "Finished at step 60 of 60" in again.stdout
    assert len(metrics(here / "parts")) == 60


def test_a_finished_run_leaves_metrics_and_a_sheet(run: Run, tiny: tuple[str, ...], here: Path) -> None:
    result = run(*tiny, "--out", "r")
    assert result.exit_code == 0
    lines = metrics(here / "r")
    assert [line["pictures"] for line in lines] == [4 * step for step in range(1, 13)]
    assert [line["step"] for line in lines if "validation" in line] == [6, 12]
    assert all(isinstance(line["time"], float) and line["seconds"] > 0 for line in lines)  # type: ignore[operator]
    assert lines[-1]["lr_factor"] == pytest.approx(1 / 3)  # decay is a quarter of 12 steps
    assert "step 6 of 12" in result.stdout
    sheet = Image.open(here / "r" / "samples" / "step-00000012.png")
    assert sheet.width == 8 * (64 + 4) + 4
    assert f"samples: {Path('r/samples/step-00000012.png')}" in result.stdout
    assert "a model: mezzotint pack r --out tiny-model" in result.stdout


def test_sheets_come_at_their_steps_and_change_nothing(run: Run, tiny: tuple[str, ...], here: Path) -> None:
    run(*tiny, "--out", "plain")
    run(*tiny, "--set", "sample_every=4", "--out", "often")
    names = [path.name for path in sorted((here / "often" / "samples").iterdir())]
    assert names == ["step-00000004.png", "step-00000008.png", "step-00000012.png"]
    assert_equal(here / "plain/checkpoints/step-00000012", here / "often/checkpoints/step-00000012")


def test_lines_after_the_checkpoint_are_dropped_on_resume(run: Run, tiny: tuple[str, ...], here: Path) -> None:
    run(*tiny, "--out", "r", "--stop-after", 5)
    with (here / "r" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 6, "loss": 9.0}\n{"step": 7, "lo')
    assert run("train", "tiny", "--resume", "--out", "r").exit_code == 0
    assert [line["step"] for line in metrics(here / "r")] == list(range(1, 13))


def test_numbers_that_are_not_finite_are_null(run: Run, tiny: tuple[str, ...], here: Path) -> None:
    def validated(*_: object) -> dict[str, float]:
        return {"0.5": math.inf, "mean": math.nan}

    def refused(name: str) -> float:
        raise AssertionError(f"{name} is not JSON")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Validation, "__call__", validated)
        said = parsed(run(*tiny, "--out", "r", "--format", "json"))
    assert said["validation"] is None
    lines = [json.loads(line, parse_constant=refused) for line in (here / "r/metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["validation"] == {"0.5": None, "mean": None}
    assert math.isfinite(lines[-1]["loss"])
    assert run("pack", "r", "--out", "m").exit_code == 0
    assert "nan" in (here / "m/README.md").read_text(), "the card tells it"


def test_a_run_is_never_overwritten(run: Run, tiny: tuple[str, ...], here: Path) -> None:
    run(*tiny, "--out", "r", "--stop-after", 5)
    assert "holds a run already, up to step-00000005" in sentence(run(*tiny, "--out", "r"))
    for file in (here / "r/checkpoints/step-00000005").glob("*.safetensors"):
        file.write_bytes(b"half")
    assert "holds a run already" in sentence(run(*tiny, "--out", "r")), "also if its checkpoint is damaged"
    said = sentence(run("train", "tiny", "--resume", "--out", "r"))
    assert "holds no complete checkpoint to resume from (r/checkpoints/step-00000005 is damaged: " in said
    assert "or in this one once r/checkpoints is removed." in said
    assert "(r/checkpoints/step-00000005 is damaged: " in sentence(run("pack", "r", "--out", "m"))
    shutil.rmtree("r/checkpoints")
    assert run(*tiny, "--out", "r", "--stop-after", 1).exit_code == 0, "the way out works"


def test_a_damaged_newest_checkpoint_is_told_of(run: Run, tiny: tuple[str, ...], here: Path) -> None:
    run(*tiny, "--out", "r", "--stop-after", 10)
    (here / "r/checkpoints/step-00000010/network.safetensors").write_bytes(b"half")
    packed, resumed = run("pack", "r", "--out", "m"), run("train", "tiny", "--threads", 1, "--resume", "--out", "r")
    for result in (packed, resumed):
        assert result.exit_code == 0
        assert (
            "r/checkpoints/step-00000010 is damaged: network.safetensors is missing or only a part of what was "
            "written; it is passed over, and step-00000005 is used.\n"
        ) in result.stderr
    assert metrics(here / "r")[-1]["step"] == 12


def test_resuming_needs_the_same_run(run: Run, tiny: tuple[str, ...], here: Path) -> None:
    assert "holds no complete checkpoint" in sentence(run("train", "tiny", "--resume", "--out", "none"))
    assert not (here / "none").exists()
    run(*tiny, "--out", "r", "--stop-after", 5)
    assert "holds the run tiny, not icons" in sentence(run("train", "icons", "--resume", "--out", "r"))
    resume = ("train", "tiny", "--resume", "--out", "r")
    assert "(batch was 4, is 8)" in sentence(run(*resume, "--set", "batch=8"))
    assert run(*resume, "--set", "batch=4").exit_code == 0


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["train", "tinny"], "There is no run called 'tinny'; did you mean tiny"),
        (["train", "tiny", "--set", "stepz=3"], "did you mean steps"),
        (["train", "tiny", "--set", "steps"], "has no value"),
        (["train", "tiny", "--set", "steps=x"], "does not fit"),
        (["train", "tiny", "--set", "steps=0"], "steps is 0"),
        (["train", "tiny", "--set", "network.depht=2"], "did you mean network.depth"),
        (["train", "tiny", "--stop-after", "0"], "stop-after is 0"),
        (["train", "tiny", "--stop-after", "soon"], "stop-after is 'soon'"),
        (["train", "tiny", "--dtype", "float16"], "There is no dtype for training called 'float16'"),
        (["train", "tiny", "--device", "nowhere"], "device 'nowhere' is not available"),
        (["train", "tiny", "--threads", "-2"], "threads is -2"),
        (["train", "tiny", "--resume", "--warm-start", "house"], "leave out --resume or --warm-start"),
        (["train", "tiny", "--set", "data.source=folder"], "needs data.path"),
        (["train", "tiny", "--set", "data.source=folder", "--set", "data.path=nowhere"], "nowhere"),
    ],
)
def test_bad_values_are_one_sentence(run: Run, args: list[str], words: str) -> None:
    assert words in sentence(run(*args, "--out", "r"))


def test_a_run_that_breaks_says_where_and_keeps_its_checkpoint(run: Run, tiny: tuple[str, ...], here: Path) -> None:
    wild = (*tiny, "--set", "optim.adam_lr=1e30", "--set", "optim.muon_lr=1e30", "--set", "checkpoint_every=1")
    assert "is not finite, for the pictures" in sentence(run(*wild, "--out", "r"))
    kept = state.newest(here / "r" / "checkpoints")
    assert kept is not None
    assert state.read_facts(kept)["step"] == len(metrics(here / "r"))


def test_a_full_disk_is_one_sentence_and_the_earlier_checkpoint_is_whole(
    run: Run, tiny: tuple[str, ...], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = state.save

    def full(folder: Path, snapshot: state.Snapshot, keep: int) -> Path:
        if snapshot.facts["step"] == 10:
            raise OutOfSpace("The disk is full.")
        return save(folder, snapshot, keep)

    with monkeypatch.context() as patch:
        patch.setattr(state, "save", full)
        result = run(*tiny, "--out", "r")
        assert result.exit_code == 2
        assert result.stderr == "mezzotint: The disk is full.\n"
    run(*tiny, "--out", "whole")
    assert run("train", "tiny", "--threads", 1, "--resume", "--out", "r").exit_code == 0
    assert_equal(here / "r/checkpoints/step-00000012", here / "whole/checkpoints/step-00000012")


def test_two_processes_cannot_train_in_one_folder(run: Run, tiny: tuple[str, ...], here: Path) -> None:
    with locked(here / "r"):
        assert "Another process is training in r" in sentence(run(*tiny, "--out", "r"))
    assert run(*tiny, "--out", "r").exit_code == 0


def test_a_refused_run_leaves_no_folder_of_its_own_behind(run: Run, tiny: tuple[str, ...], here: Path) -> None:
    (here / "mine").mkdir()
    for out in ("r", "mine"):
        assert "There is no folder nowhere" in sentence(run(*tiny, "--set", "data.path=nowhere", "--out", out))
    assert not (here / "r").exists()
    assert (here / "mine").is_dir(), "what was there stays"


def test_a_folder_that_cannot_be_made_is_one_sentence(run: Run, tiny: tuple[str, ...], here: Path) -> None:
    (here / "file").write_text("")
    assert "cannot be written" in sentence(run(*tiny, "--out", "file/run"))


@pytest.mark.parametrize(("first", "second"), [("SIGTERM", "SIGTERM"), ("SIGINT", "SIGTERM"), ("SIGINT", "SIGINT")])
def test_a_second_signal_interrupts_at_once(monkeypatch: pytest.MonkeyPatch, first: str, second: str) -> None:
    clock = [10.0]
    monkeypatch.setattr(stopping, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    with StopSignals() as stop:
        signal.raise_signal(getattr(signal, first))
        assert stop.asked
        if first == second == "SIGTERM":
            signal.raise_signal(signal.SIGTERM)  # the same one, to the whole group of processes
        clock[0] += 0.6
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(getattr(signal, second))


def test_signals_ask_once_and_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with StopSignals() as stop:
        assert not stop.asked
        signal.raise_signal(signal.SIGTERM)
        assert stop.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_a_run_becomes_a_model_that_draws(run: Run, tiny: tuple[str, ...], here: Path) -> None:
    run(*tiny, "--out", "r")
    packed = ("pack", "r", "--ema", 0.1, "--storage", "fp32", "--defaults", "steps=3", "--defaults", "solver=euler")
    found = parsed(run(*packed, "--out", "m", "--name", "squares", "--format", "json"))
    assert (found["name"], found["storage"], found["defaults"]["steps"]) == ("squares", "fp32", 3)
    average = load_file(here / "r/checkpoints/step-00000012/ema-0.100.safetensors")
    model = load_model("m")
    for name, parameter in model.denoiser.network.named_parameters():
        assert torch.equal(parameter, average[name])
    assert found["parameters"] == sum(value.numel() for value in average.values())
    drawn = parsed(run("imagine", "a red square", "--model", "m", "--seed", 1, "--format", "json"))
    request = drawn["pictures"][0]["recipe"]["request"]
    assert (request["model"], request["steps"], request["solver"], request["guidance"]) == ("squares", 3, "euler", 4.0)
    small = parsed(run("pack", "r", "--out", "small", "--format", "json"))
    assert (small["name"], small["storage"]) == ("small", "int8")
    assert small["parameters"] == found["parameters"]
    assert small["bytes"] < found["bytes"]


def test_bad_packing_is_one_sentence_and_leaves_nothing(run: Run, tiny: tuple[str, ...], here: Path) -> None:
    run(*tiny, "--out", "r", "--stop-after", 2)
    (here / "taken").mkdir()
    (here / "taken" / "mine.txt").write_text("mine")
    for args, words in [
        (["nowhere", "--out", "m"], "There is no folder nowhere"),
        (["taken", "--out", "m"], "holds no complete checkpoint"),
        (["r", "--out", "taken"], "is not an empty folder"),
        (["r", "--out", "m", "--ema", "0.2"], "keeps no average of width 0.2"),
        (["r", "--out", "m", "--ema", "x"], "ema is 'x'"),
        (["r", "--out", "m", "--defaults", "steps=0"], "steps is 0"),
        (["r", "--out", "m", "--defaults", "stepz=4"], "did you mean steps"),
        (["r", "--out", "m", "--defaults", "steps"], "has no value"),
        (["r", "--out", "m", "--defaults", "seed=4"], "has no default for seed"),
        (["r", "--out", "m", "--defaults", "style=oil"], "style is 'oil', but the run has no drawing styles"),
        (["r", "--out", "m", "--defaults", "style=oil", "--left-open", "an old man"], "it must be one word"),
        (["r", "--out", "m", "--left-open", "person"], "there is none; give --defaults style=NAME too"),
        (["r", "--out", "m", "--name", "a\nb"], "model is"),
        (["r"], "Missing option '--out'"),
    ]:
        assert words in sentence(run("pack", *args))
    assert sorted(path.name for path in here.iterdir()) == ["r", "taken"]
    assert (here / "taken" / "mine.txt").read_text() == "mine"


def test_a_warm_start_takes_the_weights_and_is_recorded(
    run: Run, tiny: tuple[str, ...], here: Path, model: Path
) -> None:
    cold = ("--set", "optim.adam_lr=0.0", "--set", "optim.muon_lr=0.0", "--set", "network.depth=2")
    found = parsed(run(*tiny, *cold, "--out", "r", "--stop-after", 1, "--warm-start", model, "--format", "json"))
    assert found["step"] == 1
    facts = state.read_facts(here / "r/checkpoints/step-00000001")
    given = load_model(str(model))
    assert facts["warm_start"] == given.weights_sha256
    assert facts["earlier"] == []  # the model's folder tells of no training
    weights = load_file(here / "r/checkpoints/step-00000001/network.safetensors")
    for name, parameter in given.denoiser.network.named_parameters():
        expected = parameter[:1] if name == "style" else parameter  # the folder's pictures have no styles
        assert torch.equal(weights[name], expected), name


def test_a_warm_start_tells_of_the_training_behind_its_weights(run: Run, tiny: tuple[str, ...], here: Path) -> None:
    run(*tiny, "--out", "r", "--stop-after", 2)
    run("pack", "r", "--out", "m")
    run(*tiny, "--out", "s", "--stop-after", 1, "--warm-start", "m")
    run(*tiny, "--out", "s", "--stop-after", 3, "--resume")
    run("pack", "s", "--out", "n")
    run(*tiny, "--out", "u", "--stop-after", 1, "--warm-start", "n")
    batch = state.read_facts(here / "r/checkpoints/step-00000002")["run"]["batch"]
    first = {"weights": None, "pictures": 2 * batch}
    second = {"weights": load_model("m").weights_sha256, "pictures": 3 * batch}
    assert state.read_facts(here / "s/checkpoints/step-00000003")["earlier"] == [first]
    assert state.read_facts(here / "u/checkpoints/step-00000001")["earlier"] == [first, second]
    assert f"which had {2 * batch:,} views behind them; {5 * batch:,} in all" in (here / "n/README.md").read_text()


def test_a_warm_start_gives_a_network_that_spells_fresh_letters(
    run: Run, tiny: tuple[str, ...], here: Path, model: Path
) -> None:
    cold = ("--set", "optim.adam_lr=0.0", "--set", "optim.muon_lr=0.0", "--set", "network.depth=2")
    spells = ("--set", "network.letters=63", "--set", "network.word_length=6", "--set", "network.text_depth=2")
    run(*tiny, *cold, *spells, "--out", "r", "--stop-after", 1, "--warm-start", model)
    weights = load_file(here / "r/checkpoints/step-00000001/network.safetensors")
    given = dict(load_model(str(model)).denoiser.network.named_parameters())
    assert {name.split(".")[0] for name in weights.keys() - given.keys()} == {"letters", "letter_places", "text_blocks"}
    assert float(weights["letters"].std()) == pytest.approx(0.02, rel=0.1)
    for name, parameter in given.items():
        assert torch.equal(weights[name], parameter[:1] if name == "style" else parameter), name


def test_a_warm_start_needs_the_same_network(run: Run, tiny: tuple[str, ...], model: Path) -> None:
    assert "do not fit the run tiny" in sentence(run(*tiny, "--out", "r", "--warm-start", model))
    assert "There is no model" in sentence(run(*tiny, "--out", "r", "--warm-start", "hoose"))


def test_the_small_network_is_small() -> None:
    assert "network.width=32" in SMALL_NETWORK


def test_the_sheet_of_the_house_data_is_half_trained_and_half_held_out_nouns() -> None:
    from types import SimpleNamespace

    from mezzotint.data.icons import HELD_OUT, TRAINED
    from mezzotint.interfaces.samples import SCENES, sheet_prompts

    def of(scenes: float) -> list[str]:
        data = SimpleNamespace(source="icons", scenes=scenes)
        return sheet_prompts(SimpleNamespace(run=SimpleNamespace(data=data)))  # type: ignore[arg-type]

    prompts = of(0.0)
    assert len(prompts) == 32
    assert set(prompts[:16]) <= set(TRAINED)
    assert set(prompts[16:]) <= set(HELD_OUT)
    assert of(0.4) == [*prompts[:8], *prompts[16:], *SCENES]
