"""Ways to train: each turns a batch into losses."""

from mezzotint.training.methods.contrast import Contrast
from mezzotint.training.methods.detect import Detect
from mezzotint.training.methods.learned_weight import LearnedWeight
from mezzotint.training.methods.pretrain import Method, Pretrain

__all__ = ["Contrast", "Detect", "LearnedWeight", "Method", "Pretrain"]
