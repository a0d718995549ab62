"""The run of a generator that draws in one evaluation: what diffusion is compared with."""

from mezzotint.families.pixel_gan import PixelGANConfig
from mezzotint.training.adversarial import AdversarialConfig
from mezzotint.training.config import GanRun
from mezzotint.training.optim import OptimConfig


def gan() -> GanRun:
    """A modern GAN on the pictures of the run `icons`: 7.4 M parameters of the generator, as many of its critic.

    1 PFLOP of training: what `benchmarks/diffusion_vs_gan.py` gives to it and to `icons`. Learning rate, moments and
    penalties are those of R3GAN (arXiv 2501.05441) for pictures of 64 pixels; that it augments them is left out, since
    none comes often.
    """
    return GanRun(
        name="gan",
        network=PixelGANConfig(),
        steps=1_186,
        batch=32,
        adversarial=AdversarialConfig(penalty=1.0, penalty_end=0.1, anneal=0.5),
        optim=OptimConfig(adam_lr=2e-4, muon=False, betas=(0.0, 0.95), warmup=0.02, decay=0.25, clip=1e6),
        checkpoint_every=200,
        validate_every=200,
        sample_every=500,
    )
