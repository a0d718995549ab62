"""What a packed model takes over from the one that it stands beside."""

import json
from pathlib import Path

from mezzotint.interfaces.cli.pack import usual_style
from mezzotint.training import state
from tests.support import model_folder


def test_a_model_beside_another_has_its_usual_style(tmp_path: Path) -> None:
    folder, run = model_folder(tmp_path / "m"), tmp_path / "run"
    state.save(run / "checkpoints", state.Snapshot({"step": 1, "styles": ["flat", "noto"]}, {}), keep=1)
    assert usual_style(str(folder), run) == ({}, ())
    said = json.loads((folder / "model.json").read_text())
    said["defaults"]["style"] = "noto"
    (folder / "model.json").write_text(json.dumps(said))
    assert usual_style(str(folder), run) == ({"style": "noto"}, ())
    (folder / "model.json").write_text(json.dumps({**said, "open": ["person", "face"]}))
    assert usual_style(str(folder), run) == ({"style": "noto"}, ("person", "face"))
    assert usual_style("house", run) == ({}, ())  # the run does not know its style
    assert usual_style(str(folder), tmp_path) == ({}, ())
