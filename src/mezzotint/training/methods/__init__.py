"""Ways to train: each turns a batch into losses."""

from mezzotint.training.methods.pretrain import Method, Pretrain

__all__ = ["Method", "Pretrain"]
