"""What `mezzotint reproduce` says: identical, the same within a stated PSNR, or different, and the cause."""

import math
from dataclasses import dataclass, fields
from typing import Any, Literal

from PIL import Image

from mezzotint.provenance.pixels import pixel_sha256, psnr
from mezzotint.recipe import Recipe

__all__ = ["SAME_PSNR", "Lossy", "Verdict", "compare", "differing_facts"]

SAME_PSNR = 40.0
"""From this PSNR (dB, `pixels.psnr`) on two drawings count as the same picture.

40 dB is a root-mean-square difference of 2.55 of 255 levels. Sums in another order move single pixels by one level,
which is above 48 dB even if every pixel moves; another seed or prompt gives 10 to 20 dB.
"""

EDITED = "the picture in the file is not the one its recipe was written for: its pixels were changed afterwards"
SHARED = "the pictures of a fast batch shared network calls, and this one was redrawn alone"
"""The cause that two equal recipes of `batching` "fast" still have."""
UNNAMED = "nothing that the recipe records differs, so the cause is in what it does not record"


@dataclass(frozen=True)
class Lossy:
    """A file that shows a picture with losses. shown: what such a file shows of the picture drawn again; unchanged:
    whether the file's pixels are those that were written with its recipe."""

    shown: Image.Image
    unchanged: bool


@dataclass(frozen=True)
class Verdict:
    """The outcome of drawing a picture again.

    `identical`: every pixel is equal. `same`: PSNR of at least `SAME_PSNR`. `different`: less, or another size.
    `psnr` is in dB, infinite for pictures that look equal, `None` if there was no picture to measure against or
    it has another size. `causes` names what differs between then and now; it may also be filled when the pictures
    are identical, and then tells what was shown to make no difference.
    """

    status: Literal["identical", "same", "different"]
    psnr: float | None
    causes: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        cause = "; ".join(self.causes)
        if self.status == "identical":
            return "identical: every pixel is equal" + (f", although {cause}" if cause else "") + "."
        if self.psnr is None:
            measured = "there is no picture of this size to measure against"
        elif math.isinf(self.psnr):
            measured = "only what does not show differs, such as colours of clear pixels"
        else:
            measured = f"PSNR {self.psnr:.1f} dB, the same from {SAME_PSNR:g} dB on"
        return f"{self.status} ({measured}): {cause}."

    def to_json_dict(self) -> dict[str, Any]:
        """Plain JSON values; an infinite `psnr` is `null`, as JSON has no infinity."""
        finite = self.psnr is not None and math.isfinite(self.psnr)
        return {
            "status": self.status,
            "psnr": self.psnr if finite else None,
            "same_from_psnr": SAME_PSNR,
            "causes": list(self.causes),
        }


def compare(
    then: Recipe,
    now: Recipe,
    picture_now: Image.Image,
    picture_then: Image.Image | None = None,
    lossy: Lossy | None = None,
) -> Verdict:
    """Judge a redrawn picture against the file it was redrawn from.

    `then` is the file's recipe, `now` the recipe of the redrawn `picture_now`, `picture_then` the file's pixels
    (`None` if only the recipe was kept: its hash is compared then), `lossy` what else there is to know if the file
    shows the picture with losses. The pixels decide the status; the recipes and `then.pixels_sha256` give the causes.
    """
    hash_now = pixel_sha256(picture_now)
    kept = picture_then is None or (lossy is not None and lossy.unchanged)
    hash_then = then.pixels_sha256 if kept or picture_then is None else pixel_sha256(picture_then)
    facts = differing_facts(then, now)
    if hash_now == hash_then:
        return Verdict("identical", math.inf, facts)
    if hash_then != then.pixels_sha256:
        # then == now says that the edit is the only cause; the facts are innocent
        facts = (EDITED,) if hash_now == then.pixels_sha256 else (EDITED, *facts)
    causes = facts or (UNNAMED,)
    if picture_then is None:
        return Verdict("different", None, causes)
    if picture_then.size != picture_now.size:
        clause = _clause("size", picture_then.size, picture_now.size)
        return Verdict("different", None, (clause, *(cause for cause in causes if cause not in (clause, UNNAMED))))
    measured = psnr(picture_then, picture_now if lossy is None else lossy.shown)
    return Verdict("same" if measured >= SAME_PSNR else "different", measured, causes)


def differing_facts(then: Recipe, now: Recipe) -> tuple[str, ...]:
    """One clause for each recorded fact in which two recipes differ, those that decide the picture first."""
    pairs: list[tuple[str, object, object]] = [
        (item.name, getattr(then.request, item.name), getattr(now.request, item.name)) for item in fields(then.request)
    ]
    pairs += [
        ("weights digest", then.weights_sha256, now.weights_sha256),
        ("weak model's weights digest", then.weak_weights_sha256, now.weak_weights_sha256),
        ("upscaler's weights digest", then.upscaler_weights_sha256, now.upscaler_weights_sha256),
        ("digest of the LoRAs", then.lora_sha256, now.lora_sha256),
        ("text encoder digest", then.text_encoder_sha256, now.text_encoder_sha256),
        ("schedule", then.schedule, now.schedule),
        ("codec", then.codec, now.codec),
        ("noise version", then.noise_version, now.noise_version),
        ("mezzotint version", then.environment.mezzotint, now.environment.mezzotint),
        ("torch version", then.environment.torch, now.environment.torch),
        ("Pillow version", then.environment.pillow or now.environment.pillow, now.environment.pillow),
        ("processor", then.environment.processor, now.environment.processor),
        ("number of threads", then.environment.threads, now.environment.threads),
        ("way of running the network", _way(then), _way(now)),
    ]
    shared = (SHARED,) if then.request.batching == now.request.batching == "fast" else ()
    return (*shared, *(_clause(name, old, new) for name, old, new in pairs if old != new))


def _way(recipe: Recipe) -> str:
    return "compiled" if recipe.environment.compiled else "PyTorch's own"


def _clause(name: str, old: object, new: object) -> str:
    return f"the {name} was {_fact(old)} and is now {_fact(new)}"


def _fact(value: object) -> str:
    match value:
        case (int(width), int(height)):
            text = f"{width}x{height}"
        case (float(low), float(high)):
            text = f"{low} to {high}"
        case (str(prompt), float(weight)):
            text = f"{prompt}:{weight:g}"
        case tuple() if value:
            text = ", ".join(_fact(part) for part in value)
        case _:
            text = "none" if value in (None, ()) else str(value)
    if len(text) == 64 and all(c in "0123456789abcdef" for c in text):
        return text[:10]
    return text if len(text) <= 60 else text[:57] + "..."
