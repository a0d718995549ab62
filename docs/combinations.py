"""Which edits go together: each with each, and with every kind of solver, guidance method and way of batching.

    python -m docs.combinations      draw every pair with tiny networks of random weights; writes combinations.json

`python -m docs.numbers` makes the tables of combinations.md of it. A pair goes together if it is drawn and both of its
parts have a say in the pixels: those are not the pixels of one part alone.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
import numpy as np
from PIL import Image

from docs.combination_tables import FOUND
from mezzotint.diffusion.guidance import GUIDANCES
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.errors import InvalidOption
from mezzotint.pipeline import Pipeline
from mezzotint.recipe import Recipe
from mezzotint.request import Request
from mezzotint.tasks import PICTURES, ROWS, TASKS, TOLD, source_size
from tests.pipeline.test_guidance import ON
from tests.support import SMALL, model_folder

__all__ = ["EDITS", "Pairs", "Sample", "outcomes"]

SIDE = 16
MOST = 2
"""Steps of 1/255 by which pictures that share network calls may differ from those that do not."""
BASE: Mapping[str, Any] = MappingProxyType({"prompt": "a cat", "steps": 4, "seed": 5, "guidance": 3.0})


@dataclass(frozen=True)
class Sample:
    """An edit as it is asked for. task: its name in `TASKS`; empty for what is none of them."""

    name: str
    task: str
    options: Mapping[str, Any]


def picture(seed: int, side: int = SIDE) -> Image.Image:
    """Noise with all sorts of alpha."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 4), dtype=np.uint8), "RGBA")


def mask() -> Image.Image:
    """White on the right, grey in the middle, black on the left."""
    row = np.repeat(np.array([0, 128, 255, 255], dtype=np.uint8), SIDE // 4)
    return Image.fromarray(np.tile(row, (SIDE, 1)), "L")


ON_PICTURE: Mapping[str, Any] = MappingProxyType({"image": picture(0)})
MASKED: Mapping[str, Any] = MappingProxyType({**ON_PICTURE, "mask": mask()})
EDITS = (
    Sample("variation", "vary", {"vary": 0.5}),
    Sample("larger size", "windows", {"size": (24, 16)}),
    Sample("tile", "windows", {"tile": "x"}),
    Sample("region", "regions", {"region": [((0.0, 0.0, 0.5, 1.0), "a hat")]}),
    Sample("region mask", "regions", {"region_masks": [(mask(), "a bus")]}),
    Sample("kept layout", "keep_layout", {"keep_layout": 0.5, "source_prompt": "a fox"}),
    Sample("style reference", "style_ref", {"style_ref": picture(1)}),
    Sample("image reference", "image_ref", {"image_ref": picture(2)}),
    Sample("structure reference", "structure", {"structure_ref": picture(3)}),
    Sample("picture", "picture", {**ON_PICTURE, "strength": 0.7}),
    Sample("mask", "picture", MASKED),
    Sample("soft mask", "picture", {**MASKED, "soft_mask": True}),
    Sample("crop to mask", "crop", {**MASKED, "crop_to_mask": True, "crop_padding": 2}),
    Sample("expansion", "picture", {**ON_PICTURE, "expand": "left=16"}),
    Sample("inversion", "invert", {**ON_PICTURE, "invert": True}),
    Sample("blend of pictures", "invert", {**ON_PICTURE, "blend_images": [picture(4)]}),
    Sample("second pass", "", {"size": (32, 32), "hires": True, "hires_strength": 0.6}),
    Sample("detail", "", {"detail": [((0.0, 0.0, 0.5, 0.75), "a hat")]}),
    Sample("blend of prompts", "", {"blend": [("a dog", 1.0)]}),
    Sample("changing prompt", "", {"prompt": "[a cat:a dog:0.5]"}),
)
"""Every edit of the registry, and what is no edit but is asked for like one. A new edit is a line here."""


def alike() -> dict[str, list[str]]:
    """All solvers, by the first one that is stochastic or not, has an order or none, takes as many predictions a step,
    and remembers earlier ones or not, as they do: what an edit could notice of a solver."""
    found: dict[tuple[object, ...], list[str]] = {}
    for name, record in SOLVERS.items():
        solver = record.make()
        remembers = solver.ramp is not None and solver.ramp.steps > 0
        kind = (solver.stochastic, solver.order is None, record.evaluations, remembers)
        found.setdefault(kind, []).append(name)
    return {names[0]: names for names in found.values()}


SOLVING = tuple(Sample(name, "", {"solver": name}) for name in alike())
GUIDING = tuple(Sample(name, "", ON[name][0]) for name in GUIDANCES)
KINDS: Mapping[str, Sequence[Sample]] = MappingProxyType({"edits": EDITS, "solvers": SOLVING, "guidances": GUIDING})


@dataclass
class Pairs:
    """What tiny networks draw, each request once. A drawing is the pixels and the recipe, or the sentence that refuses
    it."""

    folder: Path
    known: dict[tuple[str, ...], "tuple[bytes, Recipe] | str"] = field(default_factory=dict)

    @cached_property
    def pipe(self) -> Pipeline:
        """The network; beside it is a weak one."""
        config = replace(SMALL, size=SIDE, patch=4)
        model_folder(self.folder / "weak", config, seed=1)
        return Pipeline.load(str(model_folder(self.folder / "m", config)), device="cpu", dtype="float32")

    def options(self, samples: Sequence[Sample]) -> dict[str, Any]:
        """What asks for all of them, with pictures of the size that they need together. Raises InvalidOption."""
        found = dict(BASE)
        for sample in samples:
            found |= sample.options
        if "weak_model" in found:
            found["weak_model"] = str(self.folder / "weak")
        place = {name: _digests(found[name]) for name in (*PICTURES, *ROWS, *TOLD) if name in found}
        resolved = self.pipe.resolve(Request.from_json_dict({**found, **place}))
        whole = (SIDE + 9, SIDE + 5) if "crop_to_mask" in found else source_size(resolved)  # of a crop any size goes
        sizes = {"structure_ref": resolved.size, "image": whole, "mask": whole}
        for name in sizes.keys() & found.keys():
            found[name] = found[name].resize(sizes[name])
        if "blend_images" in found:
            found["blend_images"] = [one.resize(resolved.size) for one in found["blend_images"]]
        if "region_masks" in found:
            found["region_masks"] = [(one.resize(whole), text) for one, text in found["region_masks"]]
        return found

    def drawn(self, *samples: Sample) -> "tuple[bytes, Recipe] | str":
        """One picture."""
        key = tuple(sample.name for sample in samples)
        if key not in self.known:
            try:
                options = self.options(samples)
                done = self.pipe.generate(options.pop("prompt"), **options)
                self.known[key] = done.images[0].tobytes(), done.recipes[0]
            except InvalidOption as error:
                self.known[key] = str(error).replace(str(self.folder), "")
        return self.known[key]

    def outcome(self, one: Sample, other: Sample) -> str:
        """Empty if both go together, else why not."""
        both = self.drawn(one, other)
        alone = [(sample, self.drawn(sample)) for sample in (one, other)]
        if refused := next((said for said in (*(said for _, said in alone), both) if isinstance(said, str)), None):
            return refused
        assert not isinstance(both, str)
        said = set().union(*(found[1].ignored for _, found in alone if not isinstance(found, str)))
        new = [line for line in both[1].ignored if line not in said and not line.startswith("solver: ")]  # of few steps
        if new:
            return "; ".join(new)
        for kept, lost in ((one, other), (other, one)):
            found = self.drawn(kept)
            assert not isinstance(found, str)
            # a solver may draw as the usual one does, and what is asked may be usual
            if lost not in SOLVING and both[0] == found[0] and both[1].request != found[1].request:
                return f"beside {kept.name}, {lost.name} changes nothing"
        return ""

    def shared(self, sample: Sample) -> str:
        """Empty if pictures that share network calls are those that do not, else by how much they differ."""
        try:
            options = {**self.options([sample]), "n": 2}
            prompt = options.pop("prompt")
            exact, fast = (self.pipe.generate(prompt, batching=how, **options).images for how in ("exact", "fast"))
        except InvalidOption as error:
            return str(error)
        pairs = zip(exact, fast, strict=True)
        most = max(int(np.abs(np.asarray(a, dtype=int) - np.asarray(b, dtype=int)).max()) for a, b in pairs)
        return "" if most <= MOST else f"pictures that share calls differ by up to {most} of 255"


def _digests(value: Any) -> Any:
    """Digests, of which no picture is, in the place of pictures."""
    if isinstance(value, Sequence):
        return [_digests(item) if not isinstance(item, str) else item for item in value]
    return "0" * 64


def questions() -> Iterator[tuple[str, Sample, Sample]]:
    """Every pair that is asked about, with the name of its table."""
    yield from (("edits", *pair) for pair in combinations(EDITS, 2))
    for name in ("solvers", "guidances"):
        yield from ((name, one, edit) for one in KINDS[name] for edit in EDITS)
    yield from (("guidances and solvers", one, solver) for one in GUIDING for solver in SOLVING)


def outcomes(pairs: Pairs) -> dict[str, Any]:
    """The names of each kind, and what does not go together in each table, by "ONE + OTHER"."""
    tables: dict[str, dict[str, str]] = {}
    for table, one, other in questions():
        found = tables.setdefault(table, {})
        if said := pairs.outcome(one, other):
            found[f"{one.name} + {other.name}"] = said
    shared = {sample.name: pairs.shared(sample) for kind in KINDS.values() for sample in kind}
    tables["fast batching"] = {name: sentence for name, sentence in shared.items() if sentence}
    return {
        "tasks": list(TASKS),
        "alike": alike(),
        "kinds": {name: [sample.name for sample in kind] for name, kind in KINDS.items()},
        "tables": tables,
    }


@click.command()
def main() -> None:
    """Draw every pair, and write what came out."""
    with tempfile.TemporaryDirectory() as folder:
        found = outcomes(Pairs(Path(folder)))
    FOUND.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8", newline="\n")
    click.echo(f"wrote {FOUND.name}; now run python -m docs.numbers")


if __name__ == "__main__":
    main()
