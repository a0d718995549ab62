"""What storing the weights in fewer bits costs: held-out loss and bytes, for a run's newest averaged weights.

python -m benchmarks.storage RUN_FOLDER
"""

import sys
import tempfile
from pathlib import Path

import torch

from benchmarks.report import write
from mezzotint.checkpoints.model_folder import stored
from mezzotint.checkpoints.quantise import dequantise
from mezzotint.checkpoints.tensors import save_tensors
from mezzotint.data.heldout import densest_caption
from mezzotint.families.pixel_dit import PixelDiT
from mezzotint.load import load_text
from mezzotint.training import state
from mezzotint.training.config import RunConfig, from_dict
from mezzotint.training.features import embed_captions
from mezzotint.training.prepare import cache_folder, load_pictures
from mezzotint.training.validation import Validation


def main() -> None:
    newest = state.newest(Path(sys.argv[1]) / "checkpoints")
    assert newest is not None, "the run has no checkpoint"
    snapshot = state.load(newest)
    run: RunConfig = from_dict(RunConfig, snapshot.facts["run"])
    pictures = load_pictures(run.data, run.network.size)
    conditioner, digest = load_text(run.conditions.text_length)
    held_out = [pictures.records[int(row)] for row in pictures.split("heldout")]
    captions = ["", *(densest_caption(record.captions) for record in held_out)]
    features = embed_captions(conditioner, captions, cache_folder() / "captions", digest)
    validation = Validation(run, pictures, features)
    network = PixelDiT(run.network)
    figures: dict[str, object] = {"step": snapshot.facts["step"], "pictures": snapshot.facts["pictures"]}
    for storage in ("fp32", "bf16", "int8"):
        weights = stored(snapshot.tensors[f"ema-{run.ema[0]:.3f}"], storage)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "w.safetensors"
            save_tensors(path, weights)
            size = path.stat().st_size
        network.load_state_dict(dequantise(weights))
        with torch.inference_mode():
            loss = validation(network.eval())
        figures[storage] = {"megabytes": size / 1e6, "held_out_loss": loss["mean"], "by_level": loss}
    write("storage", figures)


if __name__ == "__main__":
    main()
