"""Decisions by hash: the same for everyone, on every machine, and independent of order and of other pictures."""

from hashlib import sha256

__all__ = ["fraction"]


def fraction(purpose: str, key: str) -> float:
    """A number in [0, 1), a pure function of its two words and uniform over keys."""
    digest = sha256(f"{purpose}:{key}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56
