"""What a packed model takes over from the one that it stands beside."""

import json
from pathlib import Path

from mezzotint.interfaces.cli.pack import usual_style
from tests.support import model_folder


def test_a_model_beside_another_has_its_usual_style(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m")
    assert usual_style(str(folder)) == ({}, ())
    said = json.loads((folder / "model.json").read_text())
    said["defaults"]["style"] = "noto"
    (folder / "model.json").write_text(json.dumps(said))
    assert usual_style(str(folder)) == ({"style": "noto"}, ())
    (folder / "model.json").write_text(json.dumps({**said, "open": ["person", "face"]}))
    assert usual_style(str(folder)) == ({"style": "noto"}, ("person", "face"))
    assert usual_style("house") == ({"style": "fluent-flat"}, ("person",))
