"""Ways to train: each turns a batch into losses."""

from mezzotint.training.methods.adversarial import Adversarial
from mezzotint.training.methods.consistency import Consistency
from mezzotint.training.methods.contrast import Contrast
from mezzotint.training.methods.detect import Detect
from mezzotint.training.methods.distribution_matching import DistributionMatching
from mezzotint.training.methods.learned_weight import LearnedWeight
from mezzotint.training.methods.pretrain import Method, Pretrain
from mezzotint.training.methods.progressive import Progressive
from mezzotint.training.methods.trajectory import Trajectory
from mezzotint.training.methods.upscale import Upscale

__all__ = [
    "Adversarial",
    "Consistency",
    "Contrast",
    "Detect",
    "DistributionMatching",
    "LearnedWeight",
    "Method",
    "Pretrain",
    "Progressive",
    "Trajectory",
    "Upscale",
]
