"""Whether instruments look at pictures of the size that a model draws."""

from typing import TYPE_CHECKING

from mezzotint.errors import InvalidOption
from mezzotint.evaluation.detector import Detector
from mezzotint.evaluation.encoder import Encoder

if TYPE_CHECKING:
    from mezzotint.model import Model

__all__ = ["check_sides"]


def check_sides(model: "Model", detector: Detector | None, encoder: Encoder | None) -> None:
    """Raises `InvalidOption` if one of the instruments looks at pictures of another size."""
    sides = {
        "detector": None if detector is None else detector.network.config.size,
        "encoder": None if encoder is None else encoder.size,
    }
    for name, side in sides.items():
        if side is not None and model.size != (side, side):
            width, height = model.size
            raise InvalidOption(
                f"The model {model.name} draws {width}x{height} pixels and the {name} looks at {side}x{side}; "
                "its pictures cannot be measured with it."
            )
