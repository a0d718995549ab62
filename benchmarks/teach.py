"""A word taught from two folders that a user might have: one manner (faces of one set) and many (robots of many sets).

    python -m benchmarks.teach          both, with `mezzotint teach` as it is; some ten minutes on one core

The faces are the first 14 of the avatars of the style big-smile, the robots all held-out icons of the concept robot;
the house model was trained on neither. Writes benchmarks/teach.json, and of the faces docs/images/taught.png (some of
the pictures above the sheet from before and after), which should be looked at.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.report import house_weights, write
from mezzotint.data.avatars import default_folder as avatars
from mezzotint.data.icons import default_folder as icons
from mezzotint.data.pixels import straight
from mezzotint.data.sources import IconSource, PictureSet

FACES, SIDE = 14, 64
SHOWN = Path(__file__).parent.parent / "docs" / "images" / "taught.png"
ABOVE = 7
"""How many of the taught pictures are shown above the sheet."""


def picture(pictures: PictureSet, row: int) -> Image.Image:
    """A picture of a set, with straight alpha."""
    pixels = np.asarray(pictures.pictures[row])
    return Image.fromarray(np.concatenate([straight(pixels), pixels[..., 3:]], axis=-1), "RGBA")


def faces() -> list[Image.Image]:
    """Pictures in one manner."""
    found = IconSource(avatars(), "avatars").load(SIDE)
    rows = [row for row, record in enumerate(found.records) if record.style == "big-smile"][:FACES]
    return [picture(found, row) for row in rows]


def robots() -> list[Image.Image]:
    """Pictures of one thing in many manners."""
    found = IconSource(icons()).load(SIDE)
    return [picture(found, row) for row in found.split("heldout") if found.records[row].concept == "robot"]


def taught(pictures: Iterable[Image.Image], place: Path) -> dict[str, Any]:
    """What `mezzotint teach` says of pictures; its files are zorp.safetensors and so on in a new folder."""
    folder = place / "zorps"
    folder.mkdir(parents=True)
    for number, one in enumerate(pictures):
        one.save(folder / f"{number:02d}.png")
    begun = time.perf_counter()
    command = [sys.executable, "-m", "mezzotint", "teach", str(folder), "--word", "zorp"]
    subprocess.run([*command, "--out", str(place / "zorp.safetensors")], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - begun
    return summary(json.loads((place / "zorp-losses.json").read_text()), seconds)


def summary(told: dict[str, Any], seconds: float) -> dict[str, Any]:
    """What is kept of the losses that `teach` wrote."""
    return {
        "pictures": len(told["pictures_sha256"]),
        "held out": told["held_out"],
        "updates": told["losses"][-1]["step"],
        "best at": told["steps"],
        "held-out loss": told["loss"],
        "loss of other pictures": told["loss_of_other_pictures"],
        "ended": told["ended"],
        "seconds": round(seconds),
    }


def shown(pictures: list[Image.Image], sheet: Image.Image) -> Image.Image:
    """Some of the pictures above the sheet."""
    side = sheet.width // ABOVE
    canvas = Image.new("RGB", (sheet.width, sheet.height + side), "white")
    for number, one in enumerate(pictures[:ABOVE]):
        large = one.resize((side - 8, side - 8), Image.Resampling.NEAREST)
        canvas.paste(large, (number * side + 4, 4), large)
    canvas.paste(sheet, (0, side))
    return canvas


def main() -> None:
    """Both folders."""
    with tempfile.TemporaryDirectory() as name:
        one, many = Path(name) / "one", Path(name) / "many"
        figures = {"one manner": taught(faces(), one), "many manners": taught(robots(), many)}
        with Image.open(one / "zorp-sheet.png") as sheet:
            shown(faces(), sheet.convert("RGB")).quantize(128).save(SHOWN, optimize=True)
    write("teach", {**house_weights(), **figures})


if __name__ == "__main__":
    main()
