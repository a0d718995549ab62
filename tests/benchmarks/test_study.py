"""The study trains what it says that it trains."""

import json
from pathlib import Path

import pytest

from benchmarks import study
from mezzotint.families.pixel_dit import PixelDiT
from mezzotint.runs import house
from mezzotint.training.settings import with_setting


@pytest.mark.parametrize("name", study.VARIANTS)
def test_every_variant_is_another_run_that_can_be_built(name: str) -> None:
    run = house()
    for setting in study.VARIANTS[name]:
        run = with_setting(run, setting)
    assert (run == house()) == (name == "as it is")
    PixelDiT(run.network)


def test_files_of_variants_do_not_collide(tmp_path: Path) -> None:
    assert len({study.place(tmp_path, name) for name in study.VARIANTS}) == len(study.VARIANTS)


def test_what_was_trained_is_gathered_in_the_order_of_the_table(tmp_path: Path) -> None:
    for name in ("Adam alone", "no detailer"):
        study.place(tmp_path, name).write_text(json.dumps({"updates": 3}))
    assert list(study.gathered(tmp_path)["variants"]) == ["no detailer", "Adam alone"]
    with pytest.raises(SystemExit, match="holds no variant"):
        study.gathered(tmp_path / "none")


def test_a_variant_that_is_there_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study.place(tmp_path, "10 blocks").write_text("{}")
    monkeypatch.setattr(study, "trained", lambda name, how: {"name": name, "updates": how.updates, "on": how.device})
    study.main(["10 blocks", "6 blocks", "--rows", str(tmp_path), "--updates", "2"])
    assert study.place(tmp_path, "10 blocks").read_text() == "{}"
    assert json.loads(study.place(tmp_path, "6 blocks").read_text()) == {"name": "6 blocks", "updates": 2, "on": "cpu"}


@pytest.mark.parametrize(
    ("given", "told"), [(["11 blocks", "--rows", "x"], "no variant '11 blocks'"), (["6 blocks"], "--rows is missing")]
)
def test_what_cannot_be_trained_is_refused(given: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        study.main(given)
    assert told in capsys.readouterr().err
