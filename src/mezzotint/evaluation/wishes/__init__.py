"""What of a prompt can be checked in its picture, and whether the picture has it."""

from mezzotint.evaluation.wishes.prompt import wish_of
from mezzotint.evaluation.wishes.wish import Wish, fulfilled

__all__ = ["Wish", "fulfilled", "wish_of"]
