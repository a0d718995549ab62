"""What a look at a finished picture found, as a recipe carries it. Plain data; it imports neither torch nor Pillow."""

from dataclasses import dataclass
from typing import Any, Self

from mezzotint.errors import InvalidOption
from mezzotint.values import check_digest, integer, known_keys, real, show, texts

__all__ = ["Checked"]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """asked: what of the prompt was checked, in words; faults: what is wrong, one sentence each; none if it is right.

    tries: how many pictures were drawn, of which this one was kept, and evaluations: network forwards of all of them.
    alignment: the cosine of the picture's features and its prompt's, in [-1, 1], if an encoder looked.
    detector_sha256, encoder_sha256: who looked. before: what was wrong with the picture whose parts were to be redrawn,
    if that was asked for; None if not. Raises `InvalidOption`.
    """

    asked: tuple[str, ...]
    faults: tuple[str, ...]
    tries: int
    evaluations: int | None = None
    alignment: float | None = None
    detector_sha256: str | None = None
    encoder_sha256: str | None = None
    before: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        store = object.__setattr__
        for name in ("asked", "faults"):
            store(self, name, texts(name, getattr(self, name)))
        if self.before is not None:
            store(self, "before", texts("before", self.before))
        store(self, "tries", integer("tries", self.tries, 1))
        if self.evaluations is not None:
            store(self, "evaluations", integer("evaluations", self.evaluations, 0))
        if self.alignment is not None:
            store(self, "alignment", real("alignment", self.alignment, -1.001, 1.001))
        for name in ("detector_sha256", "encoder_sha256"):
            if getattr(self, name) is not None:
                check_digest(name, getattr(self, name))
        if self.faults and not self.asked:
            raise InvalidOption(f"faults are {show(self.faults)}, but nothing was asked; a check says both.")

    @property
    def right(self) -> bool | None:
        """Whether everything that was checked is so; None if nothing could be."""
        return None if not self.asked else not self.faults

    @property
    def line(self) -> str:
        """In words."""
        tries = f"{self.tries} {'picture' if self.tries == 1 else 'pictures'} drawn"
        if self.evaluations is not None:
            tries += f" with {self.evaluations} evaluations"
        if self.alignment is not None:
            tries += f", fit {self.alignment:.3f}"
        if self.before is not None and self.asked:
            tries += f", before: {'; '.join(self.before) or 'right'}"
        if self.right is None:
            return tries if self.detector_sha256 is None else f"nothing in the prompt can be checked, {tries}"
        return f"right, {tries}" if self.right else f"not right, {tries}: {'; '.join(self.faults)}"

    def to_json_dict(self) -> dict[str, Any]:
        """Plain JSON values; `right` is told too."""
        return {
            "right": self.right,
            "asked": list(self.asked),
            "faults": list(self.faults),
            "tries": self.tries,
            "evaluations": self.evaluations,
            "alignment": self.alignment,
            "detector_sha256": self.detector_sha256,
            "encoder_sha256": self.encoder_sha256,
            "before": None if self.before is None else list(self.before),
        }

    @classmethod
    def from_json_dict(cls, data: object) -> Self:
        """The inverse of `to_json_dict`. Raises `InvalidOption`, also if `right` is not what the faults say."""
        if not isinstance(data, dict):
            raise InvalidOption(f"check is {show(data)}; it must be a JSON object.")
        found = cls(**known_keys(cls, "check key", {key: value for key, value in data.items() if key != "right"}))
        if data.get("right", found.right) is not found.right:
            raise InvalidOption(f"check says right is {show(data['right'])}, but its faults are {show(found.faults)}.")
        return found
